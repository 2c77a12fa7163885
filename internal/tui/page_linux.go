package tui

import tea "charm.land/bubbletea/v2"

// page is one of the screens. The model keeps one of each for a machine, so
// that going away from one and coming back loses nothing, and makes new ones
// for the next machine. It draws header and footer, and it decides what a key
// is before a page sees it:
//
//   - What a scanner types, or somebody pastes, never comes to key: it comes to
//     scanned, or is dropped with a note. See [keyboard].
//   - F1 and ? are help, on every page.
//   - A key that key does not take runs the action that has it. The footer
//     shows the actions; left and right choose one of them and Enter runs the
//     chosen one, at first the first. So every action can be reached without a
//     letter, and a page needs no buttons of its own.
//
// Nothing here may block or take long: what asks [Work] is a tea.Cmd, and its
// answer comes to message.
type page interface {
	// enter is called each time the page comes up.
	enter() tea.Cmd
	// message takes whatever is no key. Every page gets every message,
	// whether it is up or not, so an answer finds the page that asked.
	message(msg tea.Msg) tea.Cmd
	// key takes a key that somebody pressed. It says whether the page had a
	// use for it; without, the key may be an action's.
	key(k tea.KeyPressMsg) (taken bool, cmd tea.Cmd)
	// scanned takes text that was scanned or pasted; ended means that an Enter
	// or Tab came with it. It says whether the page had a use for it. It must
	// not set anything going, whatever the text.
	scanned(text string, ended bool) bool
	// actions are what can be done now, the likeliest first.
	actions() []action
	// typing means that letters go into a field, and so are no actions.
	typing() bool
	// grabs means that every key comes to key at once: no scanner is looked
	// for, and neither help nor an action has a key. It is for a test of the
	// keyboard, which must offer a way out of its own.
	grabs() bool
	// body draws the page into lines of at most width columns. With more than
	// height lines the model shows those around the line numbered focus, and
	// says that there are more.
	body(width, height int) (lines []string, focus int)
	// bare means that the page has the whole window, without header and footer.
	bare() bool
	// help is the key (package lang) of what ? shows, whose paragraphs are
	// numbered from 1 ("screen.help.start" has "screen.help.start.1").
	help() string
}

// blank is a page that does nothing, for pages to begin with.
type blank struct{}

func (blank) enter() tea.Cmd                      { return nil }
func (blank) message(tea.Msg) tea.Cmd             { return nil }
func (blank) key(tea.KeyPressMsg) (bool, tea.Cmd) { return false, nil }
func (blank) scanned(string, bool) bool           { return false }
func (blank) actions() []action                   { return nil }
func (blank) typing() bool                        { return false }
func (blank) grabs() bool                         { return false }
func (blank) body(_, _ int) ([]string, int)       { return nil, 0 }
func (blank) bare() bool                          { return false }
func (blank) help() string                        { return "screen.help.general" }

// action is something that can be done on a page.
type action struct {
	// key runs it, as tea.KeyPressMsg names keys ("p", "tab", "f2", "esc").
	// An empty one is reached with arrows and Enter only.
	key string
	// label says in a word or two what it does, in the technician's language.
	label string
	do    func() tea.Cmd
}

// name is the key as the footer shows it.
func (a action) name(m *Model) string {
	switch a.key {
	case "esc":
		return "Esc"
	case "tab":
		return "Tab"
	case "enter":
		return "Enter"
	case "up":
		return m.look.pick("↑", "Up")
	case "down":
		return m.look.pick("↓", "Down")
	}
	if len(a.key) > 1 && a.key[0] == 'f' {
		return "F" + a.key[1:]
	}
	if len(a.key) == 1 && a.key[0] >= 'a' && a.key[0] <= 'z' {
		return string(a.key[0] - 'a' + 'A')
	}
	return a.key
}
