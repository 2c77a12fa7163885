package job

import (
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

// Event is one thing that happened, as text bars, NDJSON and screens render it.
type Event struct {
	Type   string `json:"type"` // started, progress, held, finished, recovered
	Schema int    `json:"schema"`
	ID     string `json:"id"` // of the record
	Path   string `json:"path"`
	Serial string `json:"serial"`

	// Simulated is true when there is no such drive.
	Simulated bool `json:"simulated,omitempty"`

	Progress *ProgressEvent `json:"progress,omitempty"`
	Held     *HeldEvent     `json:"held,omitempty"`
	Finished *FinishedEvent `json:"finished,omitempty"`
	// Record is the file of the started record.
	Record string `json:"record,omitempty"`
}

// ProgressEvent is where a run has got to.
type ProgressEvent struct {
	erase.Snapshot
	// Paused is true while somebody holds the run up.
	Paused bool `json:"paused"`
	// BytesPerSecond is over the last few seconds; 0 when nothing moved.
	BytesPerSecond int64 `json:"bytes_per_second"`
	// ETASeconds until the whole plan is done; -1 when it cannot be told.
	ETASeconds int64 `json:"eta_seconds"`
	// ElapsedSeconds since the run began, by the drive's clock.
	ElapsedSeconds     int64  `json:"elapsed_seconds"`
	StepTitle          string `json:"step_title"`
	TemperatureCelsius *int   `json:"temperature_celsius"`
}

// FinishedEvent is what a run came to.
type FinishedEvent struct {
	Outcome        erase.Outcome     `json:"outcome"`
	Requested      erase.Method      `json:"requested"`
	Accepted       erase.Method      `json:"accepted"`
	Achieved       erase.Method      `json:"achieved"`
	Technique      erase.Technique   `json:"technique"`
	Fulfilled      bool              `json:"fulfilled"`
	Assurance      erase.Assurance   `json:"assurance"`
	Disposition    erase.Disposition `json:"disposition"`
	Mismatches     int64             `json:"mismatches"`
	Exceptions     []erase.Exception `json:"exceptions"`
	ElapsedSeconds float64           `json:"elapsed_seconds"`
	Page           string            `json:"page"`
	Evidence       string            `json:"evidence"`
	SHA256         string            `json:"sha256"`
}

func event(kind string, p certs.Sanitization) Event {
	return Event{Type: kind, Schema: 1, ID: p.ID, Path: p.Drive.Path, Serial: p.Drive.Serial}
}

func startedEvent(p certs.Sanitization, record string) Event {
	e := event("started", p)
	e.Record = record
	return e
}

func finishedEvent(d Done, r erase.Result) Event {
	e := event("finished", d.Record)
	e.Finished = finished(d)
	e.Finished.ElapsedSeconds = r.Elapsed.Seconds()
	return e
}

func recoveredEvent(d Done) Event {
	e := event("recovered", d.Record)
	e.Finished = finished(d)
	return e
}

func finished(d Done) *FinishedEvent {
	p := d.Record
	return &FinishedEvent{
		Outcome: p.Outcome, Requested: p.Requested.Method, Accepted: p.Accepted.Method, Achieved: p.Achieved.Method,
		Technique: p.Achieved.Technique, Fulfilled: p.Fulfilled, Assurance: p.Assurance, Disposition: p.Disposition,
		Mismatches: p.Verification.Mismatches, Exceptions: p.Exceptions,
		Page: d.PagePath, Evidence: d.EvidencePath, SHA256: d.SHA256,
	}
}

func progressEvent(t Task, id string, s erase.Snapshot, rate *rate, now time.Time, paused bool) Event {
	p := &ProgressEvent{Snapshot: s, ETASeconds: -1, Paused: paused}
	if paused {
		rate.skip(now)
	} else {
		p.BytesPerSecond = rate.add(now, s.AllDone)
	}
	switch speed := rate.speed(); {
	case s.Device:
		// Nothing of ours moves, so there is no speed to show.
		p.BytesPerSecond, p.ETASeconds = 0, s.RemainingSeconds
	case speed > 0:
		p.ETASeconds = (s.AllSize - s.AllDone) / speed
	}
	if s.Step >= 1 && s.Step <= len(t.Plan.Steps) {
		p.StepTitle = t.Plan.Steps[s.Step-1].Title
	}
	if t.Temperature != nil {
		if c, ok := t.Temperature(); ok {
			p.TemperatureCelsius = &c
		}
	}
	d := t.Plan.Drive
	return Event{Type: "progress", Schema: 1, ID: id, Path: d.Path, Serial: d.Serial, Progress: p}
}

// rate is a speed over the last few seconds.
type rate struct {
	at   []time.Time
	done []int64
}

// rateWindow is how many looks a speed is taken over.
const rateWindow = 10

func newRate(now time.Time) *rate { return &rate{at: []time.Time{now}, done: []int64{0}} }

// add takes a look and gives the speed in bytes per second.
func (r *rate) add(now time.Time, done int64) int64 {
	r.at, r.done = append(r.at, now), append(r.done, done)
	if n := len(r.at); n > rateWindow {
		r.at, r.done = r.at[n-rateWindow:], r.done[n-rateWindow:]
	}
	return r.speed()
}

// skip leaves out the time since the last look, in which a run was held up.
func (r *rate) skip(now time.Time) {
	held := now.Sub(r.at[len(r.at)-1])
	for i := range r.at {
		r.at[i] = r.at[i].Add(held)
	}
}

// speed is bytes per second between the first look and the last.
func (r *rate) speed() int64 {
	last := len(r.at) - 1
	elapsed := r.at[last].Sub(r.at[0])
	if elapsed <= 0 {
		return 0
	}
	return int64(float64(r.done[last]-r.done[0]) / elapsed.Seconds())
}
