package tui

import tea "charm.land/bubbletea/v2"

// checker is the page of the checks.
type checker interface {
	page
	// findings are the checks that were done or skipped, and all those that
	// there are.
	findings() []Check
	all() []Check
	// left is how many are still to be done.
	left() int
	// looked reports whether the looks were graded or left out on purpose.
	looked() bool
	// looks are the answers to how the machine looks; after then is run.
	looks(then func() tea.Cmd) []option
}

// checks is the page of the checks of the machine in hand.
func (m *Model) checks() checker { return m.pages[atChecks].(checker) }

// fromChecks leaves the checks: for the drives where some are at work, else for
// the drives' plans or the result.
func (m *Model) fromChecks(done bool) tea.Cmd {
	switch {
	case m.drives != nil:
		return m.goTo(atProgress)
	case done:
		return m.toResult()
	}
	return m.goTo(atDrives)
}
