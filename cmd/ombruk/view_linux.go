package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/report"
)

// view renders the events of running jobs: as NDJSON, as bars that are drawn
// over, or as plain lines where the output is no terminal.
type view struct {
	a     *app
	text  *lang.Text
	mu    sync.Mutex
	plans []erase.Plan
	rows  map[string]job.Event // last progress by path
	// bars is the terminal that bars are drawn on; nil for plain lines.
	bars  io.Writer
	drawn int                  // lines now on the terminal
	lines map[string]time.Time // last plain line by path
}

// plainEvery is the time between plain lines of one drive.
const plainEvery = 10 * time.Second

func (a *app) view(plans []erase.Plan) *view {
	v := &view{a: a, plans: plans, rows: map[string]job.Event{}, lines: map[string]time.Time{}}
	var err error
	if v.text, err = a.text(); err != nil {
		// The language was checked when the station was made ready.
		panic(err)
	}
	if f, ok := a.stderr.(*os.File); ok && !a.flags.json && term.IsTerminal(int(f.Fd())) {
		v.bars = f
	}
	return v
}

// show renders an event outside a run.
func (a *app) show(e job.Event) { a.view(nil).event(e) }

// event renders one event; it is called by all jobs at once.
func (v *view) event(e job.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.a.flags.json {
		_ = v.a.emit(e)
		return
	}
	switch e.Type {
	case "progress":
		v.rows[e.Path] = e
		if v.bars != nil {
			v.clear()
			v.draw()
		} else if now := time.Now(); now.Sub(v.lines[e.Path]) >= plainEvery {
			v.lines[e.Path] = now
			fmt.Fprintln(v.a.stderr, v.row(e, 200))
		}
	case "finished", "recovered":
		delete(v.rows, e.Path)
		v.clear()
		v.result(e)
		v.draw()
	}
}

// end leaves the terminal tidy.
func (v *view) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
}

// clear takes the bars off the terminal.
func (v *view) clear() {
	if v.bars != nil && v.drawn > 0 {
		// The cursor may stand behind an echoed ^C.
		fmt.Fprintf(v.bars, "\r\x1b[%dA\x1b[J", v.drawn)
		v.drawn = 0
	}
}

// draw puts the bars of all running drives on the terminal.
func (v *view) draw() {
	if v.bars == nil {
		return
	}
	width, height := 80, 24
	if f, ok := v.bars.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 20 && h > 3 {
			width, height = w, h
		}
	}
	for _, line := range v.lay(width-1, height-1) {
		fmt.Fprintln(v.bars, line)
		v.drawn++
	}
}

// lay gives the bars of all running drives in at most height lines: what has
// scrolled off a terminal cannot be drawn over.
func (v *view) lay(width, height int) []string {
	var two, one []string
	for _, p := range v.plans {
		if e, ok := v.rows[p.Drive.Path]; ok {
			lines := strings.Split(v.row(e, width), "\n")
			two = append(two, lines...)
			name := cut(printable(filepath.Base(e.Path)), 12)
			one = append(one, cut(fmt.Sprintf("%-12s%s", name, lines[1]), width))
		}
	}
	switch {
	case len(two) <= height:
		return two
	case len(one) <= height:
		return one
	}
	return append(one[:height-1], fmt.Sprintf("  and %d more", len(one)-height+1))
}

// note tells a person something without tearing the bars.
func (v *view) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	if v.bars != nil {
		fmt.Fprint(v.bars, "\r\x1b[K")
	}
	v.a.note(format, args...)
	v.draw()
}

// row is a drive's progress: one line of what and one of how far, or both in
// one where there is room.
func (v *view) row(e job.Event, width int) string {
	p := e.Progress
	ppm := int64(0)
	if p.AllSize > 0 {
		ppm = min(p.AllDone*100/p.AllSize, 100) * 10_000
	}
	if p.Device {
		ppm = p.DevicePPM // -1 when the drive does not tell
	}
	const cells = 30
	full := int(max(ppm, 0) * cells / 1_000_000)
	bar := "[" + strings.Repeat("#", full) + strings.Repeat("-", cells-full) + "]"
	percent := "  ?"
	if ppm >= 0 {
		percent = fmt.Sprintf("%3d", ppm/10_000)
	}
	speed, eta, degrees := "-", "-", ""
	if p.Device {
		speed = "by itself for " + clock(p.ElapsedSeconds)
	}
	if p.BytesPerSecond > 0 {
		speed = decimalBytes(p.BytesPerSecond) + "/s"
	}
	if p.ETASeconds >= 0 {
		eta = clock(p.ETASeconds)
	}
	if p.TemperatureCelsius != nil {
		degrees = fmt.Sprintf("  %d C", *p.TemperatureCelsius)
	}
	what := fmt.Sprintf("%s %s  step %d of %d: %s", e.Path, e.Serial, p.Step, p.Steps, p.StepTitle)
	far := fmt.Sprintf("  %s %s %%  %s  ETA %s%s  %d errors", bar, percent, speed, eta, degrees, p.Errors)
	return cut(printable(what), width) + "\n" + cut(far, width)
}

// cut shortens a line to a width.
func cut(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}

// clock is a number of seconds as m:ss or h:mm:ss.
func clock(seconds int64) string {
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// result says what became of a drive: the answer first.
func (v *view) result(e job.Event) {
	f := e.Finished
	w := v.a.stdout
	fmt.Fprintf(w, "%s  %s\n", answer(v.text, f), printable(strings.TrimSpace(e.Path+" "+e.Serial)))
	line := fmt.Sprintf("  outcome %s", f.Outcome)
	if f.Achieved != erase.MethodNone {
		line += fmt.Sprintf(", %s by %s", f.Achieved, f.Technique)
	}
	if f.Requested != f.Achieved {
		line += fmt.Sprintf(" (ordered %s, accepted %s)", f.Requested, f.Accepted)
	}
	if f.Assurance != "" {
		line += ", " + string(f.Assurance)
	}
	fmt.Fprintln(w, line)
	for _, x := range f.Exceptions {
		fmt.Fprintf(w, "  - %s%s\n", printable(x.Text), ranges(x.LBARanges))
	}
	fmt.Fprintf(w, "  drive     %s\n  page      %s\n  evidence  %s\n", f.Disposition, f.Page, f.Evidence)
}

// ranges lists the first few bad ranges.
func ranges(r []erase.BadRange) string {
	if len(r) == 0 {
		return ""
	}
	const shown = 5
	var parts []string
	for _, x := range r[:min(shown, len(r))] {
		if x.Count == 1 {
			parts = append(parts, fmt.Sprint(x.LBA))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", x.LBA, x.LBA+x.Count-1))
		}
	}
	if len(r) > shown {
		parts = append(parts, fmt.Sprintf("and %d more ranges", len(r)-shown))
	}
	return " LBA " + strings.Join(parts, ", ")
}

// answer is the word and sign for a result, the same word as on the page.
func answer(t *lang.Text, f *job.FinishedEvent) string {
	key := report.Answer(certs.Sanitization{Outcome: f.Outcome, Fulfilled: f.Fulfilled, Disposition: f.Disposition})
	return t.Get(key, nil)
}
