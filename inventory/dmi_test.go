package inventory

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var updateGolden = flag.Bool("update-dmi", false, "write testdata/dmi/golden.tsv anew; review it as behaviour")

// dumped puts an entry point in front of a table, as dmidecode --dump-bin does.
func dumped(table []byte) []byte { return append(entryPoint(3, 5, len(table)), table...) }

// oldEntryPoint is a 32-bit entry point for a table at byte 32.
func oldEntryPoint(size int) []byte {
	b := make([]byte, 32)
	copy(b, "_SM_")
	b[5], b[6], b[7] = 31, 2, 8
	copy(b[0x10:], "_DMI_")
	binary.LittleEndian.PutUint16(b[0x16:], uint16(size))
	binary.LittleEndian.PutUint32(b[0x18:], 32)
	binary.LittleEndian.PutUint16(b[0x1c:], 100)
	b[0x1e] = 0x28
	checksum := func(from, to, at int) {
		var sum byte
		for _, c := range b[from:to] {
			sum += c
		}
		b[at] = -sum
	}
	checksum(0x10, 0x1f, 0x15)
	checksum(0, 0x1f, 4)
	return b
}

// printed lets dmidecode print a dump.
func printed(t *testing.T, dump []byte) []byte {
	t.Helper()
	if _, err := exec.LookPath("dmidecode"); err != nil {
		t.Fatal("needs dmidecode: apt-get install dmidecode")
	}
	file := filepath.Join(t.TempDir(), "dmi.bin")
	if err := os.WriteFile(file, dump, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dmidecode", "--from-dump", file).CombinedOutput()
	if err != nil {
		t.Fatalf("dmidecode: %v\n%s", err, out)
	}
	return out
}

func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// withHandle gives a structure its own handle, which memory devices refer to.
func withHandle(handle uint16, s []byte) []byte {
	binary.LittleEndian.PutUint16(s[2:], handle)
	return s
}

// everything is a table with every structure that is read.
func everything() []byte {
	module := func(array uint16, size uint16, kind, form byte, fields map[int][]byte, texts ...string) []byte {
		all := map[int][]byte{0x04: le16(array), 0x0c: le16(size), 0x0e: {form}, 0x10: {1, 2, kind}, 0x15: le16(3200), 0x17: {3, 4, 0, 5}}
		for at, value := range fields {
			all[at] = value
		}
		return structure(17, 0x5c, all, texts...)
	}
	signature := le64(0xbfebfbff000906ea)
	swapped := le64(0x00700f01178bfbff)
	return joined(
		structure(0, 0x18, map[int][]byte{0x04: {1, 2}, 0x08: {3}, 0x12: {0x03, 0x0d}}, "Maker of firmware", "F.42", "06/30/2021"),
		structure(1, 0x1b, map[int][]byte{0x04: {1, 2, 3, 4}, 0x08: testUUID, 0x18: {6, 5, 6}}, "HP", "HP EliteBook 840 G5", " ", "5CGSYNTH", "3WP99EC#ABB", "103C_5336AN HP EliteBook"),
		structure(2, 0x0f, map[int][]byte{0x04: {1, 2, 3, 4, 5}}, "HP", "83B2", "KBC Version 04.53.00", "PSYNTH", "asset"),
		structure(3, 0x16, map[int][]byte{0x04: {1, 0x8a, 0, 2, 3}}, "HP", "5CGSYNTH", "asset"),
		structure(4, 0x30, map[int][]byte{0x04: {3}, 0x05: {3}, 0x06: {0xc6}, 0x07: {1}, 0x08: signature, 0x10: {2}, 0x18: {0x41}, 0x23: {6, 6, 12}}, "Intel(R) Corporation", "Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz", "U3E1"),
		structure(4, 0x30, map[int][]byte{0x04: {3}, 0x05: {3}, 0x06: {0x6b}, 0x07: {1}, 0x08: swapped, 0x10: {2}, 0x18: {0x41}, 0x23: {0xff, 0xff, 0xff}, 0x2a: le16(300), 0x2c: le16(300), 0x2e: le16(600)}, "Advanced Micro Devices, Inc.", "AMD Something", "CPU1"),
		structure(4, 0x30, map[int][]byte{0x04: {1}, 0x05: {3}, 0x18: {0x00}}, "CPU2"),
		structure(8, 9, map[int][]byte{0x04: {0, 0, 1, 0x12, 0x10}}, "USB 1"),
		structure(8, 9, map[int][]byte{0x04: {0, 0, 1, 0xff, 0x1c}}, "HDMI"),
		structure(8, 9, map[int][]byte{0x04: {1, 0x16, 0, 0, 0x20}}, "SATA0"),
		structure(9, 0x11, map[int][]byte{0x04: {1, 0xaa, 0x0d, 3, 4}}, "SLOT1"),
		structure(9, 0x11, map[int][]byte{0x04: {1, 0xb1, 0x0a, 4, 3}}, "SLOT2"),
		structure(9, 0x11, map[int][]byte{0x04: {1, 0x06, 0x05, 3, 3}}, "PCI1"),
		structure(9, 0x11, map[int][]byte{0x04: {1, 0x17, 0x0a, 4, 1}}, "M.2 SSD"),
		structure(10, 8, map[int][]byte{0x04: {0x87, 1, 0x07, 2}}, "HD Audio", "Switched off"),
		structure(11, 5, map[int][]byte{0x04: {3}}, "FBYTE#2U3", "Default string", "www.hp.com"),
		withHandle(0x1600, structure(16, 0x17, map[int][]byte{0x04: {3, 3, 3}, 0x07: le32(0x80000000), 0x0b: le16(0xfffe), 0x0d: le16(4), 0x0f: le64(128 << 30)})),
		withHandle(0x1601, structure(16, 0x17, map[int][]byte{0x04: {3, 5, 3}, 0x07: le32(16384), 0x0b: le16(0xfffe), 0x0d: le16(1)})),
		module(0x1600, 16384, 0x1a, 0x0d, nil, "Bottom-Slot 1(left)", "BANK 0", "Samsung", "12345ABC", "M471A2K43CB1-CTD    "),
		module(0x1600, 0x7fff, 0x1e, 0x0b, map[int][]byte{0x1c: le32(32 << 10)}, "Motherboard", "BANK 1", "SK Hynix", "00000000", "H9HCNNNCPMMLXR-NEE"),
		module(0x1600, 0, 0x02, 0x0d, nil, "Bottom-Slot 2(right)", "BANK 2", "Not Specified", " ", " "),
		module(0x1600, 0x7fff, 0x1f, 0x09, map[int][]byte{0x1c: le32(128 << 10), 0x3c: le64(0)}, "PMEM", "BANK 3", "Intel", "1234", "NMA1XBD128GQS"),
		module(0x1601, 8192, 0x1a, 0x05, nil, "SYSTEM ROM", " ", "x", "x", "x"),
		structure(21, 7, map[int][]byte{0x04: {7, 4, 2}}),
		structure(22, 0x1a, map[int][]byte{0x04: {1, 2, 0, 0, 3, 2}, 0x0a: le16(4999), 0x0c: le16(11550), 0x0e: {4, 0xff}, 0x10: le16(0x2748), 0x12: le16(0), 0x14: {5, 10}}, "Sys. Battery Bay", "SMP", "SS03050XL", "1.0", "LION"),
		structure(24, 5, map[int][]byte{0x04: {0x04 | 0x20 | 0x02}}),
		structure(41, 0x0b, map[int][]byte{0x04: {1, 0x87, 1}}, "Realtek ALC256"),
		structure(43, 0x1f, map[int][]byte{0x04: []byte("IFX\x00"), 0x08: {2, 0}, 0x0a: le32(7 << 16), 0x12: {1}, 0x13: le64(1 << 4)}, "INFINEON"),
		structure(127, 4, nil),
	)
}

func asJSON(t *testing.T, m Machine) string {
	t.Helper()
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// firstDifference is the first line in which two texts differ.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: %q and %q", i, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(a), len(b))
}

// A table that we read and one that we read from what dmidecode prints of it
// are the same machine: dmidecode is the judge of our offsets and words.
func TestDmidecodePrintsWhatWeRead(t *testing.T) {
	if testing.Short() {
		t.Skip("runs dmidecode; left out of short runs")
	}
	for name, table := range map[string][]byte{"everything": everything(), "a business laptop": latitude()} {
		ours, ok := machineFromDMI(dumped(table))
		if !ok {
			t.Fatalf("%s: the dump is not recognised", name)
		}
		text := printed(t, dumped(table))
		theirs, ok := machineFromDMI(text)
		if !ok {
			t.Fatalf("%s: the text is not recognised:\n%s", name, text)
		}
		if got, want := asJSON(t, ours), asJSON(t, theirs); got != want {
			t.Errorf("%s: the table and the text differ at %s; notes %q and %q", name, firstDifference(got, want), ours.Notes, theirs.Notes)
		}
		windows := append([]byte{0, 3, 5, 0}, le32(uint32(len(table)))...)
		for form, dump := range map[string][]byte{
			"without an entry point": table, "as Windows gives it": append(windows, table...),
			"right behind its entry point": append(entryPoint(3, 5, len(table))[:24:24], table...),
			"with a 32-bit entry point":    append(oldEntryPoint(len(table)), table...),
		} {
			m, ok := machineFromDMI(dump)
			if got, want := asJSON(t, m), asJSON(t, ours); !ok || got != want {
				t.Errorf("%s, %s (%v): it differs at %s", name, form, ok, firstDifference(got, want))
			}
		}
		if text := printed(t, append(oldEntryPoint(len(table)), table...)); !bytes.Contains(text, []byte("SMBIOS 2.8 present.")) {
			t.Errorf("%s: dmidecode does not take our old entry point:\n%.200s", name, text)
		}
	}
}

// Every code of every field has the name that dmidecode prints for it, as far
// as dmidecode 3.4 knows it.
func TestDmidecodeKnowsOurWords(t *testing.T) {
	if testing.Short() {
		t.Skip("runs dmidecode; left out of short runs")
	}
	var parts [][]byte
	for code := range 256 {
		c := byte(code)
		for _, s := range [][]byte{
			structure(3, 0x16, map[int][]byte{0x04: {0, c & 0x7f}}),
			structure(8, 9, map[int][]byte{0x04: {0, 0, 1, c, c}}, "port"),
			structure(9, 0x11, map[int][]byte{0x04: {1, c, c % 16, c % 8}}, "slot"),
			structure(17, 0x5c, map[int][]byte{0x04: le16(0xffff), 0x0c: le16(1024), 0x0e: {c}, 0x12: {c}}),
			structure(21, 7, map[int][]byte{0x04: {c}}),
			structure(22, 0x1a, map[int][]byte{0x09: {c}}),
		} {
			parts = append(parts, withHandle(uint16(len(parts)), s))
		}
	}
	ours, err := parseSMBIOS(joined(parts...), smbiosVersion{3, 5})
	if err != nil {
		t.Fatal(err)
	}
	out := printed(t, dumped(joined(parts...)))
	theirs, ok := tablesFromText(out)
	if !ok || len(theirs.slots) != 256 || len(theirs.ports) != 256 || len(theirs.batteries) != 256 || len(ours.slots) != 256 {
		t.Fatalf("recognised %v; %d and %d slots", ok, len(ours.slots), len(theirs.slots))
	}
	for code := range 256 {
		// What dmidecode does not name is out of its reach, not wrong.
		differ := func(what, got, want string) {
			if got != want && want != "" {
				t.Errorf("code %#x: %s %q, dmidecode says %q", code, what, got, want)
			}
		}
		differ("connector", ours.ports[code].connector, theirs.ports[code].connector)
		differ("port", ours.ports[code].kind, theirs.ports[code].kind)
		differ("slot", ours.slots[code].kind, theirs.slots[code].kind)
		differ("usage", ours.slots[code].usage, theirs.slots[code].usage)
		differ("chemistry", ours.batteries[code].chemistry, theirs.batteries[code].chemistry)
	}
	// Nothing that dmidecode prints for these fields is a word we do not have.
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for field, words := range map[string]codeNames{"Form Factor": smbiosForms, "Port Type": smbiosPorts, "External Connector Type": smbiosConnectors} {
			if name == field && value != "None" && value != "Other" && value != "Unknown" && value != "<OUT OF SPEC>" && words.code(value) == 0 {
				t.Errorf("%s: we have no %q", field, value)
			}
		}
	}
}

func TestWhatADumpTells(t *testing.T) {
	m, ok := machineFromDMI(dumped(everything()))
	if !ok {
		t.Fatal("not recognised")
	}
	if s := m.System; s.Manufacturer != "HP" || s.Model != "EliteBook 840 G5" || s.Class != "laptop" || s.SKU != "3WP99EC#ABB" || s.Family != "EliteBook" || s.Raw["product_name"] != "HP EliteBook 840 G5" {
		t.Errorf("system %+v", s)
	}
	if b := m.Board; b.Manufacturer != "HP" || b.MemorySlots != 3 || b.MaxMemoryBytes != 128<<30 || b.SolderedBytes != 32<<30 {
		t.Errorf("board %+v", b)
	}
	if m.Memory.TotalBytes != 48<<30 || len(m.Memory.Modules) != 2 || m.Memory.Modules[0].Form != "SODIMM" || m.Memory.Modules[1].Form != "soldered" || m.Memory.Modules[1].Serial != "" {
		t.Errorf("memory %+v", m.Memory)
	}
	if len(m.CPU) != 2 || m.CPU[0].Family != 6 || m.CPU[0].ModelNumber != 158 || m.CPU[0].Stepping != 10 || m.CPU[1].Family != 22 || m.CPU[1].Cores != 300 {
		t.Errorf("processors %+v", m.CPU)
	}
	if f := m.Firmware; f.TPM != "2.0" || f.UEFI == nil || !*f.UEFI || f.Vendor != "Maker of firmware" || f.Date != "2021-06-30" {
		t.Errorf("firmware %+v", f)
	}
	if len(m.Batteries) != 1 || m.Batteries[0].DesignMilliwattHours != 49990 || m.Batteries[0].Serial != "2748" || m.Batteries[0].Chemistry != "LION" || m.Batteries[0].DesignMillivolts != 11550 {
		t.Errorf("batteries %+v", m.Batteries)
	}
	wantSlots := []Slot{{"SLOT1", "PCI Express x16", "free"}, {"SLOT2", "PCI Express 3 x4", "in use"}, {"PCI1", "PCI", "free"}, {"M.2 SSD", "M.2 Socket 3", "in use"}}
	if fmt.Sprint(m.Slots) != fmt.Sprint(wantSlots) {
		t.Errorf("slots %v, want %v", m.Slots, wantSlots)
	}
	if want := []Port{{"USB 1", "USB"}, {"HDMI", "Video Port"}}; fmt.Sprint(m.Ports) != fmt.Sprint(want) {
		t.Errorf("ports %v, want %v", m.Ports, want)
	}
	if want := "[FBYTE#2U3 www.hp.com] [HD Audio Realtek ALC256] [Touch Pad]"; fmt.Sprint(m.OEMStrings, m.Sound, m.Pointers) != want {
		t.Errorf("%v %v %v, want %s", m.OEMStrings, m.Sound, m.Pointers, want)
	}
	if len(m.Locks) != 2 || m.Locks[0].Code != LockFirmwareStart || m.Locks[0].State != LockClear || m.Locks[1].Code != LockFirmwareSetup || m.Locks[1].State != LockSet {
		t.Errorf("locks %+v", m.Locks)
	}
}

// sample unpacks a dump of testdata.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// line is what matters of a machine, in one line that can be reviewed.
func line(m Machine) string {
	gib := func(n int64) string { return strconv.FormatFloat(float64(n)/(1<<30), 'g', 4, 64) }
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	fields := []string{or(m.System.Manufacturer), or(m.System.Model), m.System.Class}
	cpu := "-"
	if len(m.CPU) > 0 {
		c := m.CPU[0]
		cpu = fmt.Sprintf("%dx %d/%d/%d %dc%dt %s", len(m.CPU), c.Family, c.ModelNumber, c.Stepping, c.Cores, c.Threads, or(c.Model))
	}
	memory := fmt.Sprintf("%s GiB in %d of %d, at most %s, soldered %s", gib(m.Memory.TotalBytes), len(m.Memory.Modules), m.Board.MemorySlots, gib(m.Board.MaxMemoryBytes), gib(m.Board.SolderedBytes))
	if len(m.Memory.Modules) > 0 {
		memory += fmt.Sprintf(", %s %s %d", or(m.Memory.Modules[0].Type), or(m.Memory.Modules[0].Form), m.Memory.Modules[0].SpeedMTs)
	}
	var rest []string
	for _, b := range m.Batteries {
		rest = append(rest, fmt.Sprintf("battery %s %s %d mWh %d mV", or(b.Model), or(b.Chemistry), b.DesignMilliwattHours, b.DesignMillivolts))
	}
	for _, l := range m.Locks {
		if l.State != LockClear {
			rest = append(rest, l.Code+" "+string(l.State))
		}
	}
	firmware := fmt.Sprintf("%s %s, TPM %s, UEFI %v", or(m.Firmware.Version), or(m.Firmware.Date), or(m.Firmware.TPM), m.Firmware.UEFI != nil && *m.Firmware.UEFI)
	fields = append(fields, or(m.System.SKU), or(m.System.Family), cpu, memory, firmware, fmt.Sprintf("%d slots, %d ports", len(m.Slots), len(m.Ports)), or(strings.Join(rest, ", ")), or(strings.Join(m.Notes, "; ")))
	return strings.Join(fields, "\t")
}

// Real machines of every kind, among them broken and empty dumps. The table was
// read through by a person, line by line.
func TestRealMachines(t *testing.T) {
	names, err := filepath.Glob("testdata/dmi/*.txt.gz")
	if err != nil || len(names) < 40 {
		t.Fatalf("%d samples, error %v", len(names), err)
	}
	var b strings.Builder
	for _, name := range names {
		m, ok := machineFromDMI(sample(t, name))
		if !ok {
			t.Errorf("%s: not recognised as a dump", name)
		}
		fmt.Fprintf(&b, "%s\t%s\n", strings.TrimSuffix(filepath.Base(name), ".txt.gz"), line(m))
	}
	const golden = "testdata/dmi/golden.tsv"
	if *updateGolden {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(got), len(lines)) {
		if got[i] != lines[i] {
			t.Errorf("got  %s\nwant %s", got[i], lines[i])
		}
	}
	if len(got) != len(lines) {
		t.Errorf("%d lines, want %d", len(got), len(lines))
	}
}

// A dump is read in a moment: a station reads hundreds in one go.
func BenchmarkDMI(b *testing.B) {
	text, table := sample(b, "testdata/dmi/precision-7920-tower.txt.gz"), dumped(everything())
	b.Run("text", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			machineFromDMI(text)
		}
	})
	b.Run("table", func(b *testing.B) {
		b.SetBytes(int64(len(table)))
		for b.Loop() {
			machineFromDMI(table)
		}
	})
}

// A dump is read however it reached us.
func TestDumpsInAnyState(t *testing.T) {
	whole := sample(t, "testdata/dmi/latitude-5490.txt.gz")
	want, _ := machineFromDMI(whole)
	if want.System.Model != "Latitude 5490" {
		t.Fatalf("the sample is a %q", want.System.Model)
	}
	for name, text := range map[string][]byte{
		"line ends of Windows":       bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")),
		"a byte order mark":          append([]byte("\xef\xbb\xbf"), whole...),
		"tabs made into spaces":      bytes.ReplaceAll(whole, []byte("\t"), []byte("        ")),
		"quoted, four spaces in":     bytes.ReplaceAll(append([]byte("    "), whole...), []byte("\n"), []byte("\n    ")),
		"without its first lines":    whole[bytes.Index(whole, []byte("Handle 0x")):],
		"something written above":    append([]byte("root@host:~# dmidecode\n"), whole...),
		"without handles (-q)":       quiet(whole),
		"bytes that are no text":     bytes.Replace(whole, []byte("Wake-up"), []byte("W\xff\xfe"), 1),
		"as the second of two":       append([]byte("# dmidecode 3.3\nHandle 0x0001, DMI type 0, 24 bytes\nBIOS Information\n\tVendor: x\n\n"), whole...),
		"twice, one after the other": append(bytes.Clone(whole), whole...),
	} {
		m, ok := machineFromDMI(text)
		if !ok {
			t.Errorf("%s: not recognised", name)
			continue
		}
		m.Notes = want.Notes
		if got, want := asJSON(t, m), asJSON(t, want); got != want {
			t.Errorf("%s: it differs at %s", name, firstDifference(got, want))
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "a letter": "Dear technician,\n\nthe machine is broken.\n", "an EDID": "\x00\xff\xff\xff\xff\xff\xff\x00\x4c\x2d",
		"what smartctl prints": "smartctl 7.3 2022-02-28 r5338\n\n=== START OF INFORMATION SECTION ===\nDevice Model:     ST1000\n",
		"zeros":                string(make([]byte, 4096)), "Fs": strings.Repeat("\xff", 4096),
	} {
		if m, ok := machineFromDMI([]byte(text)); ok {
			t.Errorf("%s: taken for a dump of %+v", name, m.System)
		}
	}
	// What the program says where there is nothing is a dump of nothing.
	m, ok := machineFromDMI([]byte("# dmidecode 3.5\nScanning /dev/mem for entry point.\n# No SMBIOS nor DMI entry point found, sorry.\n"))
	if !ok || m.System.Manufacturer != "" || m.System.Class != "other" || len(m.Notes) == 0 {
		t.Errorf("a dump of nothing: %v, %+v, %q", ok, m.System, m.Notes)
	}
	// Wherever it is cut off, what is left is read and nothing is made up.
	for at := 0; at < len(whole); at += 97 {
		m, _ := machineFromDMI(whole[:at])
		if s := m.System; s.Model != "" && s.Model != want.System.Model && !strings.HasPrefix(want.System.Model, s.Model) || m.Memory.TotalBytes > want.Memory.TotalBytes {
			t.Errorf("cut at %d: %+v, %d bytes of memory", at, s, m.Memory.TotalBytes)
		}
	}
}

// quiet is a dump without its handles, as dmidecode -q prints it.
func quiet(text []byte) []byte {
	var all []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("Handle 0x")) && !bytes.HasPrefix(line, []byte("# ")) && !bytes.HasPrefix(line, []byte("SMBIOS")) {
			all = append(all, line...)
		}
	}
	return all
}

// A table with more in it than any machine has is added up whole and shown cut.
func TestTenThousandModules(t *testing.T) {
	const n = 10_000
	var table, text []byte
	text = append(text, "# dmidecode 3.3\n\n"...)
	for i := range n {
		table = append(table, withHandle(uint16(i), structure(17, 0x28, map[int][]byte{0x04: le16(0xffff), 0x0c: le16(1024), 0x0e: {9}, 0x12: {0x1a}, 0x10: {1}}, "DIMM"))...)
		text = fmt.Appendf(text, "Handle 0x%04X, DMI type 17, 40 bytes\nMemory Device\n\tArray Handle: 0xFFFF\n\tSize: 1 GB\n\tForm Factor: DIMM\n\tLocator: DIMM\n\tType: DDR4\n\n", i)
	}
	for name, dump := range map[string][]byte{"table": dumped(table), "text": text} {
		start := time.Now()
		m, ok := machineFromDMI(dump)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		if !ok || m.Memory.TotalBytes != n<<30 || len(m.Memory.Modules) != maxModules || m.Board.MemorySlots != n || !strings.Contains(strings.Join(m.Notes, "\n"), "10000 modules") {
			t.Errorf("%s: %v, %d bytes in %d modules and %d slots, notes %q", name, ok, m.Memory.TotalBytes, len(m.Memory.Modules), m.Board.MemorySlots, m.Notes)
		}
	}
}

// A structure that firmware lists again under the same handle is the same one;
// handles that are not set tell nothing.
func TestAModuleListedTwice(t *testing.T) {
	module := func(handle uint16, serial string) []byte {
		return withHandle(handle, structure(17, 0x28, map[int][]byte{0x04: le16(0x1000), 0x0c: le16(8192), 0x0e: {9}, 0x12: {0x1a}, 0x18: {1}}, serial))
	}
	text := "# dmidecode 3.3\n\n"
	for _, handle := range []string{"0x1100", "0x1101", "0x1100", "0xFFFF", "0xFFFF"} {
		text += "Handle " + handle + ", DMI type 17, 40 bytes\nMemory Device\n\tSize: 8 GB\n\tType: DDR4\n\tSerial Number: --\n\n"
	}
	for name, dump := range map[string][]byte{
		"table": dumped(joined(module(0x1100, "A"), module(0x1101, "A"), module(0x1100, "A"), module(0xffff, "A"), module(0xffff, "A"))),
		"text":  []byte(text),
	} {
		if m, _ := machineFromDMI(dump); m.Memory.TotalBytes != 32<<30 || len(m.Memory.Modules) != 4 {
			t.Errorf("%s: %d bytes in %d modules, want 32 GB in 4", name, m.Memory.TotalBytes, len(m.Memory.Modules))
		}
	}
}

func TestModuleMakers(t *testing.T) {
	for code, want := range map[string]string{
		"80CE": "Samsung", "0x80AD": "SK Hynix", "80AD808980AD": "SK Hynix", "002C04B3802C": "Micron", "00CE00B300CE": "Samsung",
		"859B": "Crucial", "0198": "Kingston", "029E": "Corsair", "04CD": "G.Skill", "7F7F9E0000000000": "Corsair",
		"AD00000000000000": "SK Hynix", "7F98000000000000": "Kingston", "Samsung": "Samsung", "Kingston": "Kingston",
		"0F77": "0F77", "C0DE": "C0DE", "": "", "AB": "AB", "Hynix Semiconducto": "Hynix Semiconducto", "7F7F7F7F7F7F7F7F": "7F7F7F7F7F7F7F7F",
	} {
		if got := moduleMaker(code); got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}

// Sizes that add up to nonsense are no amount.
func TestSizesThatMakeNoSense(t *testing.T) {
	var table []byte
	for i := range 5000 {
		table = append(table, withHandle(uint16(i), structure(17, 0x28, map[int][]byte{0x0c: le16(0x7fff), 0x1c: le32(0x7fffffff), 0x12: {0x1a}}))...)
	}
	m, _ := machineFromDMI(dumped(table))
	if m.Memory.TotalBytes != 0 || !strings.Contains(strings.Join(m.Notes, "\n"), "make no sense") {
		t.Errorf("%d bytes, notes %q", m.Memory.TotalBytes, m.Notes)
	}
}

func FuzzDMI(f *testing.F) {
	f.Add(dumped(latitude()))
	f.Add(everything())
	f.Add(structure(0, 0x18, map[int][]byte{0x04: {1}}, "0X")) // once took a byte of nothing
	f.Add([]byte("# dmidecode 3.3\nSMBIOS 3.0 present.\n\nHandle 0x0001, DMI type 1, 27 bytes\nSystem Information\n\tManufacturer: LENOVO\n\tVersion: ThinkPad\n\nHandle 0x0002, DMI type 17, 40 bytes\nMemory Device\n\tSize: 8 GB\n\tType: DDR4\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := machineFromDMI(b)
		if m.Memory.TotalBytes < 0 || m.Board.MemorySlots < 0 || m.Board.MaxMemoryBytes < 0 || len(m.Memory.Modules) > maxModules || m.System.Class == "" {
			t.Errorf("%+v %+v", m.Memory, m.Board)
		}
		if !ok && (m.System.Manufacturer != "" || len(m.CPU) > 0) {
			t.Errorf("no dump, and yet %+v", m.System)
		}
		for _, c := range m.CPU {
			if c.Family < 0 || c.Cores < 0 || c.Threads < 0 {
				t.Errorf("processor %+v", c)
			}
		}
	})
}
