package inventory

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxDump is the most that is read of one file, packed or unpacked. The
	// longest dumps are those of servers with hundreds of drives, and what is
	// read of one takes a few times its size.
	maxDump = 16 << 20
	// maxInventory is the longest inventory in JSON.
	maxInventory = 8 << 20
	// maxDrives is the most drives one machine is given by dumps.
	maxDrives = 1024
)

// ErrTwoMachines is the error for dumps that are not of one machine.
var ErrTwoMachines = errors.New("these are of two machines")

// Read reads dumps that somebody made of one machine. A name is a file, a
// folder, or "-" for standard input, and what is in it is told from its
// content: a captured tree (a folder with sys in it, or what [Source.Capture]
// wrote; on Linux), what dmidecode or smartctl printed or wrote, an EDID in
// binary, in hex or as edid-decode puts it, or the JSON line of an inventory.
//
// Several are parts of one machine; two that describe different machines give
// an error that wraps [ErrTwoMachines]. What is empty, broken or nothing of
// these is no error but leaves everything unknown, and Notes says so. An error
// is what could not be read at all.
func Read(names ...string) (Machine, error) {
	r := reading{machine: unread()}
	for _, name := range names {
		if err := r.read(name); err != nil {
			return r.machine, err
		}
	}
	r.finish()
	return r.machine, nil
}

// reading is one machine while it is read out of dumps.
type reading struct {
	machine Machine
	// of is the name of the dump that the system was read from.
	of string
}

func (r *reading) note(name, format string, args ...any) {
	r.machine.Notes = append(r.machine.Notes, cleaned(name)+": "+fmt.Sprintf(format, args...))
}

func (r *reading) read(name string) error {
	fail := func(err error) error {
		// The name stands in errors of the file system already.
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("read %s: %w", name, err)
	}
	var source io.Reader = os.Stdin
	if name == "-" {
		name = "standard input"
	} else {
		info, err := os.Stat(name)
		if err != nil {
			return fail(err)
		}
		if info.IsDir() {
			return r.tree(name, name)
		}
		f, err := os.Open(name)
		if err != nil {
			return fail(err)
		}
		defer f.Close()
		source = f
	}
	b, err := io.ReadAll(io.LimitReader(source, maxDump+1))
	if err != nil {
		return fail(err)
	}
	return r.content(name, b, true)
}

// content takes what stands in a file.
func (r *reading) content(name string, b []byte, mayBePacked bool) error {
	switch {
	case len(b) > maxDump:
		r.note(name, "it is longer than %d MiB and was not read", maxDump>>20)
		return nil
	case len(bytes.Trim(b, " \t\r\n\x00\ufeff")) == 0:
		r.note(name, "it is empty")
		return nil
	case isTar(b):
		return r.archive(name, bytes.NewReader(b))
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}) && mayBePacked:
		unpacked, err := unpack(b)
		if err != nil {
			r.note(name, "it cannot be unpacked: %v", err)
		}
		if len(unpacked) == 0 && err != nil {
			return nil
		}
		return r.content(name, unpacked, false)
	case isEDID(b):
		return r.displays(name, b)
	}
	if !isText(b) {
		if m, ok := machineFromDMI(b); ok {
			return r.whole(name, m)
		}
	}
	b = toUTF8(b)
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '{' && len(trimmed) <= maxInventory {
		if m, ok := readInventory(trimmed); ok {
			return r.whole(name, m)
		}
	}
	return r.text(name, b)
}

// isTar reports whether b is a tar archive (POSIX.1-2017, pax, the magic of
// ustar).
func isTar(b []byte) bool { return len(b) > 512 && string(b[257:262]) == "ustar" }

// unpack unpacks gzip as far as it can; what it gives with an error is cut off.
func unpack(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxDump+1))
}

// isText reports whether b has no NUL where text would have none.
func isText(b []byte) bool { return bytes.IndexByte(toUTF8(b[:min(len(b), 4096)]), 0) < 0 }

// toUTF8 takes off a byte order mark and turns UTF-16, in which Windows writes
// what a program printed, into UTF-8.
func toUTF8(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(b, []byte("\ufeff"))
	}
	out := make([]byte, 0, len(b)/2*3) // the most there can be
	for at := 2; at+2 <= len(b); at += 2 {
		r := rune(order.Uint16(b[at:]))
		if utf16.IsSurrogate(r) && at+4 <= len(b) {
			if both := utf16.DecodeRune(r, rune(order.Uint16(b[at+2:]))); both != utf8.RuneError {
				r, at = both, at+2
			}
		}
		out = utf8.AppendRune(out, r) // half of a pair becomes U+FFFD
	}
	return out
}

// reportStart begins what smartctl says of one drive.
var reportStart = regexp.MustCompile(`(?m)^smartctl [0-9]`)

// text takes a text, which may have several reports one after another.
func (r *reading) text(name string, b []byte) error {
	found := false
	if m, ok := machineFromDMI(b); ok {
		found = true
		if err := r.whole(name, m); err != nil {
			return err
		}
	}
	rest, at := b, reportStart.FindAllIndex(b, maxDrives)
	for i := range max(len(at), 1) {
		part := b
		if len(at) > 0 {
			end := len(b)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			part, rest = b[at[i][0]:end], b[:at[0][0]]
		}
		d, err := ReadSmartctl(part)
		switch {
		case err == nil:
			found = true
			r.drive(name, d)
			if d.Model == "" && d.CapacityBytes == 0 {
				r.note(name, "the report by smartctl tells nothing of the drive")
			}
		case len(at) > 0:
			found = true
			r.note(name, "the report by smartctl is of no drive")
		}
	}
	if all, err := readEDIDs(rest); err == nil {
		found = true
		r.add(all)
	}
	if !found {
		r.note(name, "it is no dump that is known: captured machine, dmidecode, smartctl, EDID or inventory")
	}
	return nil
}

// displays takes an EDID in binary.
func (r *reading) displays(name string, b []byte) error {
	all, err := readEDIDs(b)
	if err != nil {
		r.note(name, "%v", err)
	}
	r.add(all)
	return nil
}

// add takes displays. One that the machine has already is not taken again.
func (r *reading) add(all []Display) {
	for _, d := range all {
		known := false
		for _, old := range r.machine.Displays {
			known = known || d.Serial != "" && old.PNPID == d.PNPID && old.ProductCode == d.ProductCode && old.Serial == d.Serial
		}
		if !known && len(r.machine.Displays) < maxDisplays {
			r.machine.Displays = append(r.machine.Displays, d)
		}
	}
}

// drive takes a drive. One that the machine has already is completed by what
// it answered.
func (r *reading) drive(name string, d Drive) {
	for i, old := range r.machine.Drives {
		if d.Serial != "" && old.Serial == d.Serial && old.Model == d.Model {
			if old.Abilities == nil {
				r.machine.Drives[i].Abilities = d.Abilities
			}
			return
		}
	}
	if len(r.machine.Drives) == maxDrives {
		r.note(name, "a machine with more than %d drives is not believed", maxDrives)
		return
	}
	r.machine.Drives = append(r.machine.Drives, d)
}

// whole takes a dump of a whole machine. A second one may only tell more of
// the first.
func (r *reading) whole(name string, m Machine) error {
	have := &r.machine
	drives, screens := have.Drives, have.Displays
	switch {
	case r.of == "":
		m.Notes = append(have.Notes, m.Notes...)
		*have = m
	case !sameMachine(have.System, m.System):
		return fmt.Errorf("read %s and %s: %w: %s and %s", r.of, name, ErrTwoMachines, systemName(have.System), systemName(m.System))
	default:
		drives, screens = m.Drives, m.Displays
		complete(have, m)
	}
	if r.of == "" {
		r.of = name
	}
	r.add(screens)
	for _, d := range drives {
		r.drive(name, d)
	}
	return nil
}

// sameMachine reports whether nothing that both tell differs.
func sameMachine(a, b System) bool {
	for _, pair := range [][2]string{{a.Manufacturer, b.Manufacturer}, {a.Model, b.Model}, {a.Serial, b.Serial}, {a.UUID, b.UUID}} {
		if pair[0] != "" && pair[1] != "" && !strings.EqualFold(pair[0], pair[1]) {
			return false
		}
	}
	return true
}

// systemName is a system in an error message.
func systemName(s System) string {
	text := strings.TrimSpace(s.Manufacturer + " " + s.Model)
	if text == "" {
		text = "a machine without a name"
	}
	if s.Serial != "" {
		text += " (" + s.Serial + ")"
	}
	return text
}

// complete puts into m what only the other tells.
func complete(m *Machine, other Machine) {
	if m.System.Manufacturer == "" && m.System.Model == "" {
		m.System = other.System
	}
	if m.Board == (Board{}) {
		m.Board = other.Board
	}
	if len(m.Memory.Modules) == 0 && other.Memory.TotalBytes > 0 {
		m.Memory = other.Memory
	}
	if m.Firmware == (Firmware{SecureBoot: "unknown"}) {
		m.Firmware = other.Firmware
	}
	drives, displays, notes := m.Drives, m.Displays, append(m.Notes, other.Notes...)
	fillLists(reflect.ValueOf(m).Elem(), reflect.ValueOf(other))
	m.Drives, m.Displays, m.Notes = drives, displays, notes
}

// fillLists takes the lists of other where those of m are empty.
func fillLists(m, other reflect.Value) {
	for i := range m.NumField() {
		switch f := m.Field(i); {
		case f.Kind() == reflect.Slice && f.Len() == 0:
			f.Set(other.Field(i))
		case m.Type().Field(i).Anonymous:
			fillLists(f, other.Field(i))
		}
	}
}

// finish makes a machine of what no dump of a whole one was among: a monitor
// is a unit of its own.
func (r *reading) finish() {
	m := &r.machine
	if r.of != "" || len(m.Displays) == 0 || len(m.Drives) > 0 {
		return
	}
	if d := m.Displays[0]; len(m.Displays) == 1 && !d.Internal {
		m.System.Class = "monitor"
		m.System.Manufacturer, m.System.Model, m.System.Serial = d.Manufacturer, d.Model, d.Serial
	}
}
