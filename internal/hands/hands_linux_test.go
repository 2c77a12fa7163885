package hands

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// struck is a struct input_event.
func struck(kind, code uint16, value int32) []byte {
	b := make([]byte, 16)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, code)
	return binary.NativeEndian.AppendUint32(b, uint32(value))
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    []byte
		want Event
		ok   bool
	}{
		{"A goes down", struck(1, 30, 1), Event{Kind: Key, Code: 30, Pressed: true}, true},
		{"A comes up", struck(1, 30, 0), Event{Kind: Key, Code: 30}, true},
		{"A repeats", struck(1, 30, 2), Event{}, false},
		{"the left button", struck(1, 0x110, 1), Event{Kind: Button, Code: 0x110, Pressed: true}, true},
		{"a finger", struck(1, 0x14a, 1), Event{Kind: Button, Code: 0x14a, Pressed: true}, true},
		{"the mouse moves", struck(2, 0, -3), Event{Kind: Move}, true},
		{"the wheel", struck(2, 8, 1), Event{Kind: Move, Code: 8}, true},
		{"a touch panel", struck(3, 53, 700), Event{Kind: Move, Code: 53}, true},
		{"the end of a report", struck(0, 0, 0), Event{}, false},
		{"half of one", struck(1, 30, 1)[:20], Event{}, false},
	} {
		if got, ok := parse(tt.b); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %+v, %v", tt.name, got, ok)
		}
	}
}

// A keyboard that is there, and one that is plugged in and pulled out again.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	keyboard := func(name string) *os.File {
		t.Helper()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if _, err := Watch(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "no keyboard") {
		t.Errorf("an empty folder: %v", err)
	}
	first := keyboard("event0")
	defer func() { _ = first.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	events, err := Watch(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	send := func(f *os.File, b []byte) {
		t.Helper()
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	send(first, append(struck(0, 0, 0), struck(1, 16, 1)...))
	if got, want := <-events, (Event{Device: "event0", Kind: Key, Code: 16, Pressed: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	second := keyboard("event11")
	send(second, struck(1, 17, 1))
	if got, want := <-events, (Event{Device: "event11", Kind: Key, Code: 17, Pressed: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_ = second.Close()
	cancel()
	for range events { // until it is closed
		t.Error("an event after the end")
	}
}

func TestPlugged(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	got, err := Plugged(fstest.MapFS{
		"bus/usb/devices/usb1/product":            file("xHCI Host Controller\n"),
		"bus/usb/devices/1-0:1.0/bInterfaceClass": file("09\n"),
		"bus/usb/devices/1-2/product":             file("USB Optical Mouse\n"),
		"bus/usb/devices/1-2/manufacturer":        file("Logitech\n"),
		"bus/usb/devices/1-2:1.0/bInterfaceClass": file("03\n"),
		"bus/usb/devices/2-1.4/idVendor":          file("0781\n"),
		"bus/usb/devices/2-1.4/idProduct":         file("5581\n"),
	})
	want := []Plug{{"1-2", "Logitech USB Optical Mouse"}, {"2-1.4", "0781:5581"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := Plugged(fstest.MapFS{}); err != nil || got != nil {
		t.Errorf("a machine without USB: got %v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(struck(1, 30, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, ok := parse(b); ok && e.Kind == "" {
			t.Errorf("got %+v", e)
		}
	})
}
