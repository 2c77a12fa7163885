package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/job"
	"github.com/ombruk/ombruk/inventory"
)

// However many drives run, their bars fit the terminal, or drawing them over
// would flood it.
func TestBarsFitTheTerminal(t *testing.T) {
	for _, c := range []struct{ drives, wantLines int }{{1, 2}, {11, 22}, {12, 12}, {23, 23}, {24, 23}, {40, 23}} {
		v := &view{rows: map[string]job.Event{}}
		for i := range c.drives {
			path := fmt.Sprintf("/dev/disk/%02d", i)
			v.plans = append(v.plans, erase.Plan{Drive: inventory.Drive{Path: path}})
			v.rows[path] = job.Event{Path: path, Serial: "S" + strings.Repeat("9", 90), Progress: &job.ProgressEvent{StepTitle: "overwrite"}}
		}
		lines := v.lay(79, 23)
		if len(lines) != c.wantLines {
			t.Errorf("%d drives: %d lines, want %d", c.drives, len(lines), c.wantLines)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 79 {
				t.Errorf("%q is too wide", line)
			}
		}
		if last := lines[len(lines)-1]; c.drives == 40 && last != "  and 18 more" {
			t.Errorf("last line %q", last)
		}
	}
}
