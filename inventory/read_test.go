package inventory

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// dump writes a dump to a file and gives its name.
func dump(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// laptopText is what dmidecode prints of a laptop, in short.
func laptopText(model, serial string) string {
	return `# dmidecode 3.4
Getting SMBIOS data from sysfs.
SMBIOS 3.0.0 present.

Handle 0x0001, DMI type 1, 27 bytes
System Information
	Manufacturer: Dell Inc.
	Product Name: ` + model + `
	Version: Not Specified
	Serial Number: ` + serial + `
	UUID: 4c4c4544-0043-4b10-8054-c7c04f4e3433

Handle 0x0003, DMI type 3, 22 bytes
Chassis Information
	Manufacturer: Dell Inc.
	Type: Notebook

`
}

// Every report that is kept here is read, and tells something.
func TestReadEverySample(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("testdata", func(name string, d fs.DirEntry, err error) error {
		kind := filepath.Base(filepath.Dir(name))
		if err != nil || d.IsDir() || strings.HasSuffix(name, "README.md") || strings.HasSuffix(name, ".LICENSE") || !slices.Contains([]string{"dmi", "edid", "smartctl"}, kind) {
			return err
		}
		seen++
		m, err := Read(name)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case kind == "edid" && (len(m.Displays) != 1 || m.System.Class != "monitor" && m.System.Class != "other"),
			kind == "smartctl" && (len(m.Drives) != 1 || m.System.Class != "other"):
			t.Errorf("%s: %+v", name, m)
		case len(m.Displays)+len(m.Drives) == 0 && m.System.Model == "" && m.System.Manufacturer == "" && len(m.Notes) == 0:
			t.Errorf("%s: nothing was read and nothing is said about it", name)
		}
		return nil
	})
	if err != nil || seen < 60 {
		t.Errorf("%d samples, %v", seen, err)
	}
}

// What somebody collected of one machine is one machine.
func TestReadPartsOfOneMachine(t *testing.T) {
	m, err := Read(
		filepath.Join("testdata", "edid", "Digital-Samsung-SEC4141-4B1EAC8C661D.txt"),
		dump(t, laptopText("Latitude 5480", "7SYNTH2")),
		filepath.Join("testdata", "smartctl", "ssd-samsung-860-pro.txt"),
		filepath.Join("testdata", "smartctl", "nvme-toshiba-xg6.json"),
		dump(t, laptopText("Latitude 5480", "7SYNTH2")),
	)
	if err != nil {
		t.Fatal(err)
	}
	if m.System.Model != "Latitude 5480" || m.System.Class != "laptop" || m.System.Serial != "7SYNTH2" {
		t.Errorf("system %+v", m.System)
	}
	if len(m.Displays) != 1 || !m.Displays[0].Internal || len(m.Drives) != 2 || m.Drives[0].Bus != BusATA || m.Drives[1].Bus != BusNVMe {
		t.Errorf("displays %+v, drives %+v", m.Displays, m.Drives)
	}

	// One after another in one file, as a script would collect them.
	all := laptopText("Latitude 5480", "7SYNTH2")
	for _, name := range []string{"ssd-samsung-860-pro.txt", "hdd-wd-blue-500g-frozen.txt"} {
		all += string(readFile(t, filepath.Join("testdata", "smartctl", name))) + "\n"
	}
	if m, err = Read(dump(t, all)); err != nil || m.System.Model != "Latitude 5480" || len(m.Drives) != 2 {
		t.Errorf("in one file: %+v, %v", m, err)
	}
}

func TestReadTwoMachinesIsAMistake(t *testing.T) {
	one, other := dump(t, laptopText("Latitude 5480", "7SYNTH2")), dump(t, laptopText("Latitude 7400", "9SYNTH4"))
	_, err := Read(one, other)
	if !errors.Is(err, ErrTwoMachines) || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), other) ||
		!strings.Contains(err.Error(), "Latitude 5480") || !strings.Contains(err.Error(), "9SYNTH4") {
		t.Errorf("got %v", err)
	}
}

func TestReadAMonitor(t *testing.T) {
	m, err := Read(filepath.Join("testdata", "edid", "Digital-Dell-DEL41B3-AE0548D7A5C4.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if s := m.System; s.Class != "monitor" || s.Manufacturer != "Dell" || s.Model != "DELL U2720Q" || s.Serial != "SAMPLE0000" {
		t.Errorf("got %+v", s)
	}
	// A monitor beside a drive is no unit of its own.
	m, err = Read(filepath.Join("testdata", "edid", "Digital-Dell-DEL41B3-AE0548D7A5C4.bin"), filepath.Join("testdata", "smartctl", "ssd-samsung-860-pro.txt"))
	if err != nil || m.System.Class != "other" || m.System.Model != "" {
		t.Errorf("got %+v, %v", m.System, err)
	}
}

// What cannot be read for what it is leaves everything unknown, and one word
// about it names the file.
func TestReadWhatIsNoDump(t *testing.T) {
	packed := func(b []byte) string {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return packed.String()
	}
	for name, content := range map[string]string{
		"empty":                    "",
		"blank":                    " \n\t\r\n",
		"zeros":                    string(make([]byte, 4096)),
		"a letter":                 "Dear Sir or Madam,\n\nthe computers are in the cellar.\n",
		"a picture":                "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01",
		"other JSON":               `{"type":"grade","schema":1,"grade":"A"}`,
		"an inventory of tomorrow": `{"type":"inventory","schema":2,"system":{"model":"X"}}`,
		"a broken inventory":       `{"type":"inventory","schema":1,"system":{"model":"X"`,
		"a twisted inventory":      `{"type":"inventory","schema":1,"system":{"model":["X"]},"drives":7}`,
		"smartctl without a drive": "smartctl 7.3 2022-02-28 r5338 [x86_64-linux] (local build)\n\n/dev/sdz: Unable to detect device type\n",
		"dmidecode without rights": "# dmidecode 3.4\n/sys/firmware/dmi/tables/smbios_entry_point: Permission denied\nScanning /dev/mem for entry point.\n/dev/mem: Permission denied\n",
		"a cut EDID":               "\x00\xff\xff\xff\xff\xff\xff\x00\x10\xac",
		"a damaged archive":        packed(bytes.Repeat([]byte("x"), 1000))[:20],
		"packed nothing":           packed(nil),
		"packed twice":             packed([]byte(packed([]byte(laptopText("Latitude 5480", "7SYNTH2"))))),
		"a bomb":                   packed(make([]byte, maxDump+2)),
	} {
		t.Run(name, func(t *testing.T) {
			file := dump(t, content)
			m, err := Read(file)
			if err != nil {
				t.Fatalf("an error: %v", err)
			}
			notes := m.Notes
			if len(notes) == 0 {
				t.Error("not a word about it")
			}
			if name != "dmidecode without rights" && (len(notes) == 0 || !strings.HasPrefix(notes[0], file+": ")) {
				t.Errorf("the note does not name the file: %q", notes)
			}
			m.Notes = nil
			want := unread()
			if name == "smartctl without a drive" { // it was about one
				if len(m.Drives) != 1 || m.Drives[0].Model != "" {
					t.Errorf("drives %+v", m.Drives)
				}
				m.Drives = want.Drives
			}
			want.System.Raw = m.System.Raw
			if !reflect.DeepEqual(m, want) {
				t.Errorf("got %+v", m)
			}
		})
	}
	if m, err := Read(t.TempDir()); err != nil || len(m.Notes) != 1 {
		t.Errorf("a folder of nothing: %+v, %v", m.Notes, err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Files go through mail, Windows and packers on their way to us.
func TestReadHoweverItWasWrapped(t *testing.T) {
	text := laptopText("Latitude 5480", "7SYNTH2")
	wide := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"as it was": text, "by Windows": strings.ReplaceAll(text, "\n", "\r\n"), "with a mark": "\ufeff" + text, "UTF-16": string(wide), "packed": packed.String(),
	} {
		if m, err := Read(dump(t, content)); err != nil || m.System.Model != "Latitude 5480" || m.System.Serial != "7SYNTH2" {
			t.Errorf("%s: %+v, %v", name, m.System, err)
		}
	}
}

// A saved inventory is the same machine again, and brings nothing with it.
func TestReadASavedInventory(t *testing.T) {
	want, err := Read(dump(t, laptopText("Latitude 5480", "7SYNTH2")), filepath.Join("testdata", "smartctl", "ssd-samsung-860-pro.txt"),
		filepath.Join("testdata", "edid", "Digital-Samsung-SEC4141-4B1EAC8C661D.txt"))
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(struct {
		Type   string `json:"type"`
		Schema int    `json:"schema"`
		Machine
		Health    string `json:"health"`
		Windows11 string `json:"windows11"`
	}{"inventory", 1, want, "ok", "yes"})
	if err != nil {
		t.Fatal(err)
	}
	var laidOut bytes.Buffer
	if err := json.Indent(&laidOut, line, "", "  "); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"alone": string(line) + "\n", "laid out": laidOut.String(), "among others": `{"type":"drive","schema":1}` + "\n" + string(line) + "\n",
	} {
		got, err := Read(dump(t, content))
		if err != nil {
			t.Fatal(err)
		}
		a, errA := json.Marshal(got)
		b, errB := json.Marshal(want)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s:\n got %s\nwant %s", name, a, b)
		}
	}

	long := strings.Repeat("A", 5000)
	m, err := Read(dump(t, `{"type":"inventory","schema":1,"system":{"model":"`+long+`","class":"yacht","raw":null},"cpu":null,
		"memory":{"modules":null},"drives":[{"model":"x\u0000 ","uses":null,"abilities":{"erasers":null,"notes":["`+long+`"]}}],"notes":["`+long+`"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.System.Model) != maxText || m.System.Class != "other" || m.System.Raw == nil || m.CPU == nil || m.Memory.Modules == nil ||
		m.Drives[0].Model != "x" || m.Drives[0].Uses == nil || len(m.Drives[0].Abilities.Notes[0]) != maxText {
		t.Errorf("got %+v", m)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"edid/Digital-HP-HWP304B-47FF9AB87929.bin", "edid/Digital-HP-HWP304B-47FF9AB87929.txt", "smartctl/nvme-toshiba-xg6.json", "smartctl/hdd-hgst-6t-pending.txt"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(laptopText("Latitude 5480", "7SYNTH2")))
	f.Add([]byte(`{"type":"inventory","schema":1,"system":{"model":"X"},"drives":[{"uses":null}]}`))
	f.Add([]byte("\xff\xfes\x00m\x00"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reading{machine: unread()}
		if isTar(b) || r.content("dump", b, true) != nil {
			return
		}
		r.finish()
		out, err := json.Marshal(r.machine)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range []string{`"drives":null`, `"displays":null`, `"cpu":null`, `"modules":null`, `"locks":null`, `"batteries":null`, `"uses":null`} {
			if bytes.Contains(out, []byte(list)) {
				t.Errorf("%s in %s", list, out)
			}
		}
	})
}
