package inventory

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// structure builds one SMBIOS structure: fields by offset, then its strings.
func structure(kind byte, length int, fields map[int][]byte, texts ...string) []byte {
	b := make([]byte, length)
	b[0], b[1] = kind, byte(length)
	binary.LittleEndian.PutUint16(b[2:], uint16(kind)<<8)
	for offset, value := range fields {
		copy(b[offset:], value)
	}
	for _, s := range texts {
		b = append(append(b, s...), 0)
	}
	if len(texts) == 0 {
		b = append(b, 0)
	}
	return append(b, 0)
}

func le16(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }
func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

var testUUID = []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

// latitude is the table of a business laptop, as far as it matters here.
func latitude() []byte {
	module := map[int][]byte{
		0x0c: le16(8192), 0x0e: {0x0d}, 0x10: {1, 2, 0x1a}, 0x15: le16(2400), 0x17: {3, 4, 0, 5}, 0x20: le16(2133),
	}
	return joined(
		structure(0, 0x18, map[int][]byte{0x04: {1, 2}, 0x08: {3}}, "Dell Inc.", "1.12.1", "05/15/2020"),
		structure(1, 0x1b, map[int][]byte{0x04: {1, 2, 0, 3}, 0x08: testUUID, 0x18: {6, 4, 5}}, "Dell Inc.", "Latitude 5480", "7SYNTH2", "07A7", "Latitude"),
		structure(2, 0x0f, map[int][]byte{0x04: {1, 2, 3, 4}}, "Dell Inc.", "0R8XH7", "A00", "/7SYNTH2/CN1296300000/"),
		structure(2, 0x0f, map[int][]byte{0x04: {1, 2}}, "Dock Maker", "Second board"),
		structure(3, 0x16, map[int][]byte{0x04: {1, 0x8a, 0, 2, 3}}, "Dell Inc.", "7SYNTH2", " "),
		structure(4, 0x30, map[int][]byte{0x05: {3}, 0x07: {1}, 0x10: {2}, 0x18: {0x41}, 0x23: {2, 2, 4}}, "Intel(R) Corporation", "Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz"),
		structure(4, 0x30, map[int][]byte{0x05: {3}, 0x18: {0x00}}),
		structure(17, 0x28, module, "DIMM A", "BANK 0", "SK Hynix", "2A6B1C3D", "HMA81GS6AFR8N-UH    "),
		structure(17, 0x28, map[int][]byte{0x0c: le16(0), 0x10: {1}, 0x12: {0x02}, 0x17: {2}}, "DIMM B", "NO DIMM"),
		structure(17, 0x28, map[int][]byte{0x0c: le16(16), 0x10: {1}, 0x12: {0x09}}, "SYSTEM ROM"),
		structure(127, 4, nil),
	)
}

func joined(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// entryPoint builds a 64-bit entry point for a table at byte 32.
func entryPoint(major, minor byte, size int) []byte {
	b := make([]byte, 32)
	copy(b, "_SM3_")
	b[6], b[7], b[8], b[9], b[10] = 24, major, minor, 0, 1
	binary.LittleEndian.PutUint32(b[12:], uint32(size))
	binary.LittleEndian.PutUint64(b[16:], 32)
	var sum byte
	for _, c := range b {
		sum += c
	}
	b[5] = -sum
	return b
}

func TestALaptopsTable(t *testing.T) {
	v, err := parseEntryPoint(entryPoint(3, 0, 4096))
	if err != nil || v != (smbiosVersion{3, 0}) {
		t.Fatalf("entry point: %v, %v", v, err)
	}
	tables, err := parseSMBIOS(latitude(), v)
	if err != nil {
		t.Fatal(err)
	}
	m := unread()
	tables.fill(&m)
	got := m.System
	if got.Manufacturer != "Dell" || got.Model != "Latitude 5480" || got.Serial != "7SYNTH2" || got.Class != "laptop" ||
		got.UUID != "33221100-5544-7766-8899-aabbccddeeff" {
		t.Errorf("system %+v", got)
	}
	if got.Raw["board_name"] != "0R8XH7" || got.Raw["chassis_type"] != "10" || got.Raw["product_sku"] != "07A7" || got.Raw["bios_date"] != "05/15/2020" {
		t.Errorf("raw %q", got.Raw)
	}
	wantModules := []MemoryModule{{
		Slot: "DIMM A", SizeBytes: 8 << 30, Type: "DDR4", Form: "SODIMM", SpeedMTs: 2400, Manufacturer: "SK Hynix", PartNumber: "HMA81GS6AFR8N-UH", Serial: "2A6B1C3D",
	}}
	if !reflect.DeepEqual(m.Memory.Modules, wantModules) || m.Memory.TotalBytes != 8<<30 || m.Board.MemorySlots != 2 {
		t.Errorf("memory %+v in %d slots, want %+v in 2", m.Memory, m.Board.MemorySlots, wantModules)
	}
	wantCPU := []CPU{{Model: "Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz", Vendor: "Intel(R) Corporation", Cores: 2, Threads: 4}}
	if !reflect.DeepEqual(m.CPU, wantCPU) {
		t.Errorf("processors %+v, want %+v", m.CPU, wantCPU)
	}
}

// TestDmidecodeAgrees lets the common tool read the same table.
func TestDmidecodeAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("runs dmidecode; left out of short runs")
	}
	if _, err := exec.LookPath("dmidecode"); err != nil {
		t.Fatal("needs dmidecode: apt-get install dmidecode")
	}
	table := latitude()
	file := filepath.Join(t.TempDir(), "dmi.bin")
	if err := os.WriteFile(file, append(entryPoint(3, 0, len(table)), table...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dmidecode", "--from-dump", file).CombinedOutput()
	if err != nil {
		t.Fatalf("dmidecode: %v\n%s", err, out)
	}
	for _, want := range []string{
		"Manufacturer: Dell Inc.", "Product Name: Latitude 5480", "Serial Number: 7SYNTH2", "UUID: 33221100-5544-7766-8899-aabbccddeeff",
		"SKU Number: 07A7", "Type: Notebook", "Size: 8 GB", "Locator: DIMM A", "Type: DDR4", "Speed: 2400 MT/s", "Part Number: HMA81GS6AFR8N-UH",
		"Core Count: 2", "Thread Count: 4", "Version: Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("dmidecode does not say %q\n%s", want, out)
			break
		}
	}
}

func TestMemoryModuleSizes(t *testing.T) {
	for name, test := range map[string]struct {
		fields    map[int][]byte
		wantBytes int64
		wantSpeed int
	}{
		"4 GB":                    {map[int][]byte{0x0c: le16(4096), 0x12: {0x18}, 0x15: le16(1600)}, 4 << 30, 1600},
		"512 kB granularity":      {map[int][]byte{0x0c: le16(0x8200), 0x12: {0x0f}}, 512 << 10, 0},
		"32 GB by extended size":  {map[int][]byte{0x0c: le16(0x7fff), 0x12: {0x1a}, 0x1c: le32(32 << 10)}, 32 << 30, 0},
		"faster than 65 GT/s":     {map[int][]byte{0x0c: le16(16384), 0x12: {0x22}, 0x15: le16(0xffff), 0x54: le32(70000)}, 16 << 30, 70000},
		"populated, size unknown": {map[int][]byte{0x0c: le16(0xffff), 0x12: {0x1a}}, 0, 0},
	} {
		tables, err := parseSMBIOS(structure(17, 0x5c, test.fields), smbiosVersion{3, 3})
		machine := unread()
		tables.fill(&machine)
		if err != nil || len(machine.Memory.Modules) != 1 {
			t.Errorf("%s: %d modules, error %v", name, len(machine.Memory.Modules), err)
			continue
		}
		if m := machine.Memory.Modules[0]; m.SizeBytes != test.wantBytes || m.SpeedMTs != test.wantSpeed {
			t.Errorf("%s: %d bytes at %d MT/s, want %d at %d", name, m.SizeBytes, m.SpeedMTs, test.wantBytes, test.wantSpeed)
		}
	}
}

func TestOldTablesKeepTheUUIDInOrder(t *testing.T) {
	table := structure(1, 0x19, map[int][]byte{0x08: testUUID})
	tables, err := parseSMBIOS(table, smbiosVersion{2, 4})
	if err != nil || tables.raw["product_uuid"] != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("UUID %q, error %v", tables.raw["product_uuid"], err)
	}
}

func TestBrokenTablesGiveWhatCanBeRead(t *testing.T) {
	whole := latitude()
	for name, table := range map[string][]byte{
		"cut within a structure": whole[:70],
		"cut within its strings": whole[:30],
		"length below the head":  append(structure(1, 0x1b, map[int][]byte{0x04: {1}}, "Dell Inc."), 2, 3, 0, 0, 0, 0),
		"nothing but Fs":         {0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		if _, err := parseSMBIOS(table, smbiosVersion{3, 0}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	tables, _ := parseSMBIOS(append(whole[:len(whole)-6:len(whole)-6], 17, 0xff), smbiosVersion{3, 0})
	if tables.raw["product_name"] != "Latitude 5480" {
		t.Errorf("what came before the fault is lost: %q", tables.raw)
	}
	bad := entryPoint(3, 0, 4096)
	bad[7] = 9
	if _, err := parseEntryPoint(bad); err == nil {
		t.Error("entry point with a wrong checksum: no error")
	}
}

func TestPlaceholders(t *testing.T) {
	for _, s := range []string{
		"To Be Filled By O.E.M.", "To be filled by O.E.M. ", "System Serial Number", "Default string", "0123456789", "000000000", "0",
		"Not Specified", "None", "[Empty]", "<BAD INDEX>", "INVALID", "........", "--", "xxxxxxxx", "FFFFFFFF", "0x00000000", "0x", "N/A", "OEM_Define2",
		"System manufacturer", "System Product Name", "Chassis Serial Number", "SerNum0", "\"\"", " ", "NO DIMM", "1234567890",
	} {
		if !isPlaceholder(s) {
			t.Errorf("%q is taken for information", s)
		}
	}
	for _, s := range []string{"7SYNTH2", "PF1ABCDE", "20L5CTO1WW", "HP", "X99", "A00", "MS-7C56", "CZC1234ABC", "5CD0123456", "Z", "1.0", "10"} {
		if isPlaceholder(s) {
			t.Errorf("%q is taken for a placeholder", s)
		}
	}
	for _, u := range []string{"", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "03000200-0400-0500-0006-000700080009"} {
		if !isPlaceholderUUID(u) {
			t.Errorf("UUID %q is taken for an identity", u)
		}
	}
}

func TestWhatKindOfMachine(t *testing.T) {
	for _, test := range []struct {
		name string
		raw  map[string]string
		code int
		want string // class, maker, model, serial
	}{
		{"white box", map[string]string{"sys_vendor": "To Be Filled By O.E.M.", "product_name": "To Be Filled By O.E.M.", "product_serial": "To Be Filled By O.E.M.", "board_vendor": "ASRock", "board_name": "B450M Pro4"}, 3, "desktop ASRock/B450M Pro4/"},
		{"ASUS board", map[string]string{"sys_vendor": "ASUS", "product_name": "All Series", "board_name": "H97-PLUS", "product_serial": "System Serial Number"}, 3, "desktop ASUS/H97-PLUS/"},
		{"ThinkPad", map[string]string{"sys_vendor": "LENOVO", "product_name": "20L5CTO1WW", "product_version": "ThinkPad T480", "product_serial": "PF1SYNTH"}, 10, "laptop Lenovo/ThinkPad T480/PF1SYNTH"},
		{"Lenovo without a name", map[string]string{"sys_vendor": "LENOVO", "product_name": "81X2", "product_version": "1.0"}, 31, "convertible Lenovo/81X2/"},
		{"workstation", map[string]string{"sys_vendor": "HP", "product_name": "HP Z4 G4 Workstation"}, 3, "workstation HP/Z4 G4 Workstation/"},
		{"micro", map[string]string{"sys_vendor": "Dell Inc.", "product_name": "OptiPlex 7070"}, 35, "mini Dell/OptiPlex 7070/"},
		{"all-in-one", nil, 13, "all-in-one //"},
		{"rack server", nil, 23, "server //"},
		{"tablet", nil, 30, "tablet //"},
		{"nothing known", nil, 0, "other //"},
	} {
		s := evidence{raw: test.raw, chassis: test.code}.system()
		if got := s.Class + " " + s.Manufacturer + "/" + s.Model + "/" + s.Serial; got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzSMBIOS(f *testing.F) {
	f.Add(latitude(), entryPoint(3, 0, 4096))
	f.Add([]byte{17, 4, 0, 0, 0, 0}, []byte("_SM_"))
	f.Fuzz(func(t *testing.T, table, entry []byte) {
		v, _ := parseEntryPoint(entry)
		tables, _ := parseSMBIOS(table, v)
		machine := unread()
		tables.fill(&machine)
		for _, m := range machine.Memory.Modules {
			if m.SizeBytes < 0 {
				t.Errorf("module of %d bytes", m.SizeBytes)
			}
		}
	})
}
