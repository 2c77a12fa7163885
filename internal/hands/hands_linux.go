// Package hands sees what hands do to a machine: keys that are struck, pointers
// that are moved, things that are plugged in. It is for checking these parts; it
// takes nothing away from whoever else reads them.
package hands

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Kind is what an event is about.
type Kind string

// The kinds of event.
const (
	Key    Kind = "key"    // of a keyboard
	Button Kind = "button" // of a pointer, or a touch
	Move   Kind = "move"   // of a pointer, or its wheel
)

// Event is one thing that somebody did.
type Event struct {
	Device string // node's name (event3)
	Kind   Kind
	// Code is Linux's (linux/input-event-codes.h); for a movement the axis.
	Code uint16
	// Pressed is false when a key or button was let go.
	Pressed bool
}

// ErrNone is the cause where there is nothing to read.
var ErrNone = errors.New("no keyboard or pointer can be read")

// The event types of linux/input-event-codes.h.
const (
	evKey = 1
	evRel = 2
	evAbs = 3
	// firstButton and lastButton are what pointers and touch panels have among
	// the keys (BTN_MISC to BTN_GEAR_UP).
	firstButton, lastButton = 0x100, 0x15f
)

// eventBytes is struct input_event of a 64-bit kernel: two times, type, code,
// value.
const eventBytes = 24

// parse reads one struct input_event; false for what is of no interest.
func parse(b []byte) (Event, bool) {
	if len(b) != eventBytes {
		return Event{}, false
	}
	kind, code, value := binary.NativeEndian.Uint16(b[16:]), binary.NativeEndian.Uint16(b[18:]), int32(binary.NativeEndian.Uint32(b[20:]))
	switch {
	case kind == evKey && (value < 0 || value > 1):
		return Event{}, false // it repeats
	case kind == evKey && code >= firstButton && code <= lastButton:
		return Event{Kind: Button, Code: code, Pressed: value == 1}, true
	case kind == evKey:
		return Event{Kind: Key, Code: code, Pressed: value == 1}, true
	case kind == evRel, kind == evAbs:
		return Event{Kind: Move, Code: code}, true
	}
	return Event{}, false
}

// lookEvery is the time between two looks for devices that came.
const lookEvery = time.Second

// Watch gives what is done to every device in dir (/dev/input), also to those
// that come later, until ctx ends; then the channel is closed. Where nobody
// takes the events they wait in the kernel, which drops the oldest.
func Watch(ctx context.Context, dir string) (<-chan Event, error) {
	w := &watch{dir: dir, out: make(chan Event), open: map[string]*os.File{}}
	if err := w.look(ctx); err != nil {
		return nil, fmt.Errorf("read keyboards and pointers: %w", err)
	}
	go func() {
		timer := time.NewTicker(lookEvery)
		defer timer.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-timer.C:
				_ = w.look(ctx) // what came can be opened later, or never
			}
		}
		w.mu.Lock()
		for _, f := range w.open {
			_ = f.Close() // ends its reader
		}
		w.mu.Unlock()
		w.readers.Wait()
		close(w.out)
	}()
	return w.out, nil
}

type watch struct {
	dir     string
	out     chan Event
	readers sync.WaitGroup
	mu      sync.Mutex
	open    map[string]*os.File
}

// look opens what is not open yet. Without any device it is an error.
func (w *watch) look(ctx context.Context) error {
	names, err := filepath.Glob(filepath.Join(w.dir, "event*"))
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	err = ErrNone
	for _, name := range names {
		if w.open[name] != nil {
			continue
		}
		f, openErr := os.Open(name)
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		w.open[name] = f
		w.readers.Go(func() { w.read(ctx, name, f) })
	}
	if len(w.open) > 0 {
		return nil
	}
	return err
}

// read passes the events of one device on until it goes away.
func (w *watch) read(ctx context.Context, name string, f *os.File) {
	defer func() {
		_ = f.Close()
		w.mu.Lock()
		delete(w.open, name)
		w.mu.Unlock()
	}()
	b := make([]byte, eventBytes)
	for {
		if _, err := io.ReadFull(f, b); err != nil {
			return
		}
		e, ok := parse(b)
		if !ok {
			continue
		}
		e.Device = filepath.Base(name)
		select {
		case w.out <- e:
		case <-ctx.Done():
			return
		}
	}
}

// Plug is one thing on a USB port.
type Plug struct {
	Port string // as the kernel counts them: 1-2, behind a hub 1-2.3
	Name string // as it calls itself; it is untrusted text
}

// usbPort is what devices on ports are called, unlike their interfaces and the
// controllers themselves.
var usbPort = regexp.MustCompile(`^[0-9]+-[0-9]+(\.[0-9]+)*$`)

// Plugged lists what is on the USB ports, by port. sys is what lies in /sys.
func Plugged(sys fs.FS) ([]Plug, error) {
	const dir = "bus/usb/devices"
	entries, err := fs.ReadDir(sys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the USB ports: %w", err)
	}
	var out []Plug
	for _, e := range entries {
		if !usbPort.MatchString(e.Name()) {
			continue
		}
		out = append(out, Plug{Port: e.Name(), Name: usbName(sys, dir+"/"+e.Name())})
	}
	return out, nil
}

// usbName is what a device calls itself, else its numbers.
func usbName(sys fs.FS, dir string) string {
	text := func(file string) string {
		b, err := fs.ReadFile(sys, dir+"/"+file)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	if name := strings.TrimSpace(text("manufacturer") + " " + text("product")); name != "" {
		return name
	}
	return strings.Trim(text("idVendor")+":"+text("idProduct"), ":")
}
