package boot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/stick"
)

// storage is one on a fixture machine that mounts nothing, and what it did.
func (m *machine) storage(started string) (*Storage, *[]string) {
	done := &[]string{}
	s := NewStorage(started, m.t.Logf)
	s.root = m.root
	s.mount = func(node, target string, readOnly bool) error {
		*done = append(*done, fmt.Sprintf("mount %s %s", node, target[strings.LastIndex(target, "/")+1:]))
		if readOnly {
			(*done)[len(*done)-1] += " ro"
		}
		return nil
	}
	s.unmount = func(target string) error { return nil }
	return s, done
}

// plan gives a person's view of a state.
func view(s State) string {
	text := "none"
	if s.Data != nil {
		text = s.Data.Medium.Path
	}
	if s.Second != nil {
		text += " copy " + s.Second.Medium.Path
	}
	for _, reason := range []error{ErrLooking, ErrNoStick, ErrSeveral, ErrRemoved, ErrSwapped, ErrNotMounted} {
		if errors.Is(s.Trouble, reason) {
			text += ": " + reason.Error()
		}
	}
	for _, c := range s.Candidates {
		text += " ?" + c.Path
	}
	return text
}

func TestTheStickOfTheRecords(t *testing.T) {
	const other = "99999999-2222-3333-4444-555555555555"
	for _, tt := range []struct {
		name    string
		started string
		story   func(m *machine, s *Storage)
		want    string
	}{
		{"drivers are still loading", "", func(*machine, *Storage) {}, "none: still looking for the stick"},
		{"a network boot without any stick", "", func(_ *machine, s *Storage) { s.Settled() }, "none: no stick with a data partition"},
		{"a network boot, one stick", "", func(m *machine, s *Storage) { m.plug("sda", "A", stickGUID, stick.DataName); s.Settled() }, "/dev/sda"},
		{"a network boot, and a drive of the machine that was a stick once is there first", "", func(m *machine, s *Storage) {
			m.plug("nvme0n1", "A", other, stick.DataName)
			s.look()
			m.plug("sda", "B", stickGUID, stick.DataName)
			s.Settled()
		}, "/dev/sda"},
		{"a network boot, and only a drive of the machine that was a stick once", "", func(m *machine, s *Storage) {
			m.plug("nvme0n1", "A", other, stick.DataName)
			s.Settled()
		}, "none: no stick with a data partition"},
		{"a drive of the machine that was a stick once gets no copies", stickGUID, func(m *machine, s *Storage) {
			m.plug("nvme0n1", "A", other, stick.DataName)
			m.plug("sda", "B", stickGUID, stick.DataName)
			s.Settled()
		}, "/dev/sda"},
		{"a network boot, before all drives are there", "", func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.look()
		}, "none: still looking for the stick"},
		{"the stick it was started from, before all drives are there", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.look()
		}, "/dev/sda"},
		{"the stick it was started from among others", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", other, stick.DataName)
			m.plug("sdb", "B", stickGUID, stick.ESPName, stick.DataName)
			s.Settled()
		}, "/dev/sdb copy /dev/sda"},
		{"in capital letters", strings.ToUpper(stickGUID), func(m *machine, s *Storage) { m.plug("sda", "A", stickGUID, stick.DataName); s.Settled() }, "/dev/sda"},
		{"only another stick is there", stickGUID, func(m *machine, s *Storage) { m.plug("sda", "A", other, stick.DataName); s.Settled() },
			"none: no stick with a data partition ?/dev/sda"},
		{"two copies of one stick", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			m.plug("sdb", "B", stickGUID, stick.DataName)
			s.Settled()
		}, "none: several sticks that may be the one to keep records on ?/dev/sda ?/dev/sdb"},
		{"two copies, and a person chose", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			m.plug("sdb", "B", stickGUID, stick.DataName)
			s.Settled()
			s.Choose(s.State().Candidates[1].ID())
			s.look()
		}, "/dev/sdb copy /dev/sda"},
		{"a stick without a data partition", "", func(m *machine, s *Storage) { m.plug("sda", "A", stickGUID, stick.ESPName); s.Settled() },
			"none: no stick with a data partition"},
		{"pulled out", "", func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.Settled()
			m.pull("sda")
			s.look()
		}, "/dev/sda: the stick was removed"},
		{"pulled out and put into another port", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.Settled()
			m.pull("sda")
			s.look()
			m.plug("sdb", "A", stickGUID, stick.DataName)
			s.look()
		}, "/dev/sdb"},
		{"pulled out and put back before anybody looked", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.Settled()
			m.pull("sda")
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.look()
		}, "/dev/sda"},
		{"swapped for another", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.Settled()
			m.pull("sda")
			m.plug("sda", "B", stickGUID, stick.DataName)
			s.look()
		}, "/dev/sda: another stick is there in its place ?/dev/sda"},
		{"swapped, and a person goes on with the other", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.Settled()
			m.pull("sda")
			m.plug("sdb", "B", stickGUID, stick.DataName)
			s.look()
			s.Choose(s.State().Candidates[0].ID())
			s.look()
		}, "/dev/sdb"},
		{"the one of the copies is pulled out", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			m.plug("sdb", "B", other, stick.DataName)
			s.Settled()
			m.pull("sdb")
			s.look()
		}, "/dev/sda"},
		{"the first is pulled out, the copy's stays a copy", stickGUID, func(m *machine, s *Storage) {
			m.plug("sda", "A", stickGUID, stick.DataName)
			m.plug("sdb", "B", other, stick.DataName)
			s.Settled()
			m.pull("sda")
			s.look()
		}, "/dev/sda copy /dev/sdb: the stick was removed"},
		{"a file system that does not mount", "", func(m *machine, s *Storage) {
			s.mount = func(string, string, bool) error { return unix.EINVAL }
			m.plug("sda", "A", stickGUID, stick.DataName)
			s.Settled()
		}, "none: the stick's data partition cannot be used"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			s, _ := m.storage(tt.started)
			s.look()
			tt.story(m, s)
			if got := view(s.State()); got != tt.want {
				t.Errorf("\n got %s\nwant %s\n(%v)", got, tt.want, s.State().Trouble)
			}
		})
	}
}

func TestAStickThatCameBackIsMountedAgain(t *testing.T) {
	m := newMachine(t)
	s, done := m.storage(stickGUID)
	m.plug("sda", "A", stickGUID, stick.DataName)
	s.Settled()
	first := s.State().Data.MediumID
	s.look() // nothing changed: nothing is mounted twice
	m.pull("sda")
	s.look()
	m.plug("sdc", "A", stickGUID, stick.DataName)
	s.look()
	if want := []string{"mount /dev/sda1 data", "mount /dev/sdc1 data"}; !slices.Equal(*done, want) {
		t.Errorf("got %v, want %v", *done, want)
	}
	if got := s.State().Data.MediumID; got != first {
		t.Errorf("it became another medium: %s, then %s", first, got)
	}
}

func TestAWriteProtectedStickIsMountedToBeRead(t *testing.T) {
	m := newMachine(t)
	s, done := m.storage("")
	m.plug("sda", "A", stickGUID, stick.DataName)
	m.put("sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sda/ro", "1\n")
	s.Settled()
	if want := []string{"mount /dev/sda1 data ro"}; !slices.Equal(*done, want) {
		t.Errorf("got %v, want %v", *done, want)
	}
	d := s.State().Data
	d.Path = t.TempDir()
	if err := d.Writable(); !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "switch") {
		t.Errorf("got %v", err)
	}
	d.ReadOnly = false
	if err := d.Writable(); err != nil {
		t.Errorf("a folder that can be written to: %v", err)
	}
}
