package tui

import (
	"sync"
	"time"

	"github.com/ombruk/ombruk/internal/job"
)

// feed collects what the drives report, from any goroutine and however often,
// so that the screens look at it when they have time.
type feed struct {
	mu      sync.Mutex
	news    map[string]news // by drive path
	results []Result
}

// news is the latest of each kind about one drive.
type news struct {
	progress *job.ProgressEvent
	held     *job.HeldEvent
	finished *job.FinishedEvent
}

// emit takes an event.
func (f *feed) emit(e job.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.news == nil {
		f.news = map[string]news{}
	}
	n := f.news[e.Path]
	if e.Progress != nil {
		n.progress = e.Progress
	}
	if e.Held != nil {
		n.held = e.Held
	}
	if e.Finished != nil {
		n.finished = e.Finished
	}
	f.news[e.Path] = n
}

// ended takes the result of a row.
func (f *feed) ended(r Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.results = append(f.results, r)
}

// take gives what came since the last time.
func (f *feed) take() (map[string]news, []Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, r := f.news, f.results
	f.news, f.results = nil, nil
	return n, r
}

// driveState is where the work on one row has got to.
type driveState struct {
	progress job.ProgressEvent
	seen     bool // progress has come
	finished *job.FinishedEvent
	// held is why the record of a drive that has ended waits in memory.
	held   *job.HeldEvent
	result *Result
	paused bool
	// cancelled means that somebody asked for the end of it.
	cancelled bool
	// rates are the speeds of our own writing and reading, one for each rateEvery.
	rates []int64
	rated time.Time
}

const (
	rateEvery = 2 * time.Second
	ratesKept = 60
)

// drain takes what the drives have reported into the picture.
func (m *Model) drain(now time.Time) {
	if m.drives == nil {
		return
	}
	all, results := m.feed.take()
	for id, n := range all {
		d := m.drives[id]
		if d == nil {
			continue
		}
		d.take(n, now)
	}
	for _, r := range results {
		if d := m.drives[r.ID]; d != nil {
			d.result = &r
		}
	}
}

// take brings the state up to date.
func (d *driveState) take(n news, now time.Time) {
	if n.finished != nil {
		d.finished = n.finished
	}
	if n.held != nil {
		d.held = n.held
	}
	if n.progress == nil {
		return
	}
	d.progress, d.seen, d.paused = *n.progress, true, n.progress.Paused
	if !n.progress.Device && !d.paused && now.Sub(d.rated) >= rateEvery {
		d.rated = now
		d.rates = append(d.rates, n.progress.BytesPerSecond)
		if len(d.rates) > ratesKept {
			d.rates = d.rates[len(d.rates)-ratesKept:]
		}
	}
}
