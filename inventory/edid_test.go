package inventory

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// monitors are the kept EDIDs in binary.
func monitors(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "edid", "*.bin"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d EDIDs, %v", len(files), err)
	}
	return files
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func oneEDID(t *testing.T, b []byte) Display {
	t.Helper()
	all, err := readEDIDs(b)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d displays, %v", len(all), err)
	}
	return all[0]
}

// edid-decode, which we did not write, sees the same monitor in the same bytes.
func TestEDIDAgainstEdidDecode(t *testing.T) {
	if _, err := exec.LookPath("edid-decode"); err != nil {
		t.Fatal("edid-decode is needed to judge this test; Debian has it as edid-decode")
	}
	for _, file := range monitors(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d := oneEDID(t, readFile(t, file))
			// It ends with a failure when a monitor does not conform.
			out, _ := exec.Command("edid-decode", "--native-resolution", "--preferred-timings", file).Output()
			find := func(pattern string) []string {
				if m := regexp.MustCompile(pattern).FindSubmatch(out); m != nil {
					var all []string
					for _, s := range m[1:] {
						all = append(all, string(s))
					}
					return all
				}
				return make([]string, 4)
			}
			is := func(what string, got any, want string) {
				if fmt.Sprint(got) != want && !(want == "" && reflect.ValueOf(got).IsZero()) {
					t.Errorf("%s: got %v, edid-decode has %q", what, got, want)
				}
			}
			is("PNP id", d.PNPID, find(`Manufacturer: (\w+)`)[0])
			is("product code", d.ProductCode, find(`    Model: (\d+)`)[0])
			is("week", d.Week, find(`Made in: week (\d+)`)[0])
			is("year", d.Year, find(`Made in: (?:week \d+ of )?(\d{4})`)[0])
			if name := strings.TrimSpace(find(`Display Product Name: '(.*?)'`)[0]); name != "" {
				is("name", d.Model, name)
			}
			if serial := find(`Display Product Serial Number: '(.*?)'`)[0]; serial != "" {
				is("serial", d.Serial, serial)
			}
			native := find(`DTD +1: +(\d+)x(\d+)`)
			if larger := find(`Display native pixel format: (\d+)x(\d+)`); larger[0] != "" {
				native = larger
			}
			is("width in pixels", d.WidthPixels, native[0])
			is("height in pixels", d.HeightPixels, native[1])
			// The base block has whole centimetres.
			size := find(`Maximum image size: (\d+) cm x (\d+) cm`)
			for i, mm := range []int{d.WidthMillimetres, d.HeightMillimetres} {
				cm, _ := strconv.Atoi(size[i])
				if d.DiagonalInches == 0 {
					if len(d.Notes) == 0 {
						t.Errorf("no size and no word about it; edid-decode has %v cm", size)
					}
				} else if math.Abs(float64(mm-10*cm)) >= 10 {
					t.Errorf("size: got %d mm, edid-decode has %d cm", mm, cm)
				}
			}
		})
	}
}

// However an EDID was put on paper, it is the same display.
func TestEDIDForms(t *testing.T) {
	for _, file := range monitors(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			binary := readFile(t, file)
			want := oneEDID(t, binary)
			plain := hex.EncodeToString(binary)
			lines := func(width int, indent string) string {
				var s strings.Builder
				for i := 0; i < len(plain); i += width {
					fmt.Fprintf(&s, "%s%s\n", indent, plain[i:min(i+width, len(plain))])
				}
				return s.String()
			}
			decoded, _ := exec.Command("edid-decode", file).Output()
			for form, text := range map[string]string{
				"edid-decode":  string(decoded),
				"xxd -p":       lines(60, ""),
				"one line":     plain,
				"xrandr":       "DP-1 connected 1x1+0+0\n\tEDID: \n" + lines(32, "\t\t") + "\tBroadcast RGB: Automatic \n",
				"hexdump -C":   hex.Dump(binary),
				"C":            "unsigned char edid[] = {\n" + regexp.MustCompile("..").ReplaceAllString(lines(32, ""), "0x$0, ") + "};\n",
				"windows line": strings.ReplaceAll(lines(60, ""), "\n", "\r\n"),
			} {
				got := oneEDID(t, []byte(text))
				if got.Connector != "" {
					got.Connector, got.Internal = "", want.Internal
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s:\n got %+v\nwant %+v", form, got, want)
				}
			}
			if out, err := exec.Command("xxd", file).Output(); err == nil {
				if got := oneEDID(t, out); !reflect.DeepEqual(got, want) {
					t.Errorf("xxd:\n got %+v\nwant %+v", got, want)
				}
			}
			// In words, most serials are hidden.
			got := oneEDID(t, readFile(t, strings.TrimSuffix(file, ".bin")+".txt"))
			if got.Serial == "" {
				want.Serial = ""
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("in words:\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

// anEDID is one base block of a monitor, to be changed by tests.
func anEDID(change func(b []byte)) []byte {
	b := make([]byte, edidBlock)
	copy(b, edidHeader)
	copy(b[8:], []byte{0x10, 0xac, 0x34, 0x12, 0, 0, 0, 0, 20, 30, 1, 4, 0xa5, 53, 30})
	copy(b[0x36:], []byte{0x02, 0x3a, 0x80, 0x18, 0x71, 0x38, 0x2d, 0x40, 0x58, 0x2c, 0x45, 0x00, 0x13, 0x2b, 0x21, 0, 0, 0x1e})
	copy(b[0x48:], "\x00\x00\x00\xfc\x00P2419H\n      ")
	copy(b[0x5a:], "\x00\x00\x00\xff\x00CN-0ABC12\n   ")
	change(b)
	b[127] = -sum(b[:127])
	return b
}

func sum(b []byte) (n byte) {
	for _, c := range b {
		n += c
	}
	return n
}

func TestEDIDOddities(t *testing.T) {
	text := func(at int, kind byte, s string) func([]byte) {
		return func(b []byte) {
			copy(b[at:], append([]byte{0, 0, 0, kind, 0}, (s + "\n            ")[:13]...))
		}
	}
	for _, tt := range []struct {
		name   string
		change func(b []byte)
		want   func(d *Display)
	}{
		{"nothing odd", func([]byte) {}, func(*Display) {}},
		{"a projector", func(b []byte) { b[0x15], b[0x16] = 0, 0 }, func(d *Display) {
			d.WidthMillimetres, d.HeightMillimetres, d.DiagonalInches = 0, 0, 0
			d.Notes = []string{"EDID: it tells no size, as a projector does"}
		}},
		{"an aspect ratio alone", func(b []byte) { b[0x15], b[0x16] = 0x4f, 0 }, func(d *Display) {
			d.WidthMillimetres, d.HeightMillimetres, d.DiagonalInches = 0, 0, 0
			d.Notes = []string{"EDID: it tells no size, as a projector does"}
		}},
		{"sixteen to nine", func(b []byte) { b[0x15], b[0x16] = 16, 9 }, func(d *Display) {
			d.WidthMillimetres, d.HeightMillimetres, d.DiagonalInches = 0, 0, 0
			d.Notes = []string{"EDID: its size of 160 x 90 mm is an aspect ratio and not a size"}
		}},
		{"a year of the model", func(b []byte) { b[0x10] = 0xff }, func(d *Display) { d.Week = 0 }},
		{"no date", func(b []byte) { b[0x10], b[0x11] = 0, 0 }, func(d *Display) { d.Week, d.Year = 0, 0 }},
		{"a week that is none", func(b []byte) { b[0x10] = 77 }, func(d *Display) {
			d.Week, d.Notes = 0, []string{"EDID: week 77 is none"}
		}},
		{"an interlaced picture", func(b []byte) { b[0x36+17] |= 0x80; b[0x36+5], b[0x36+7] = 0x1c, 0x20 }, func(*Display) {}},
		{"no timing", func(b []byte) { b[0x36], b[0x37] = 0, 0 }, func(d *Display) {
			d.WidthPixels, d.HeightPixels, d.WidthMillimetres, d.HeightMillimetres, d.DiagonalInches = 0, 0, 530, 300, 24
		}},
		{"no name", text(0x48, 0xfc, ""), func(d *Display) { d.Model = "0x1234" }},
		{"a panel's number", func(b []byte) { text(0x48, 0xfe, "B140HAN04.0")(b); text(0x6c, 0xfe, "AUO")(b) }, func(d *Display) { d.Model, d.Internal = "B140HAN04.0", true }},
		{"a name of noise", text(0x48, 0xfc, "\x1b[31mP\xff9"), func(d *Display) { d.Model = "[31mP9" }},
		{"a serial number that is none", text(0x5a, 0xff, "0000000000000"), func(d *Display) { d.Serial = "" }},
		{"a serial number in the base block", func(b []byte) {
			text(0x5a, 0x10, "")(b)
			copy(b[0x0c:], []byte{0x78, 0x56, 0x34, 0x12})
		}, func(d *Display) { d.Serial = "305419896" }},
		{"a maker nobody registered", func(b []byte) { b[8], b[9] = 0x47, 0x58 }, func(d *Display) { d.PNPID, d.Manufacturer = "QZX", "QZX" }},
		{"letters that are none", func(b []byte) { b[8], b[9] = 0xff, 0xff }, func(d *Display) { d.PNPID, d.Manufacturer = "", "" }},
		{"an extension that is not there", func(b []byte) { b[0x7e] = 3 }, func(d *Display) {
			d.Notes = []string{"EDID: 3 of 3 extension blocks are missing"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := Display{
				Manufacturer: "Dell", Model: "P2419H", Serial: "CN-0ABC12", PNPID: "DEL", ProductCode: 0x1234,
				DiagonalInches: 24, WidthMillimetres: 531, HeightMillimetres: 299, WidthPixels: 1920, HeightPixels: 1080, Year: 2020, Week: 20,
			}
			tt.want(&want)
			if got := oneEDID(t, anEDID(tt.change)); !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

// A bad contact is no reason to know nothing, but one to say so.
func TestDamagedEDID(t *testing.T) {
	b := anEDID(func([]byte) {})
	b[0x60] ^= 0x20
	d := oneEDID(t, b)
	if want := []string{"EDID: the checksum of block 0 is wrong"}; d.Model != "P2419H" || !reflect.DeepEqual(d.Notes, want) {
		t.Errorf("got %+v", d)
	}
	text, _ := exec.Command("edid-decode", func() string {
		name := filepath.Join(t.TempDir(), "edid")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}()).Output()
	_, words, _ := bytes.Cut(text, []byte("----------------"))
	if got := oneEDID(t, words); !reflect.DeepEqual(got.Notes, d.Notes) {
		t.Errorf("in words: got %q, want %q", got.Notes, d.Notes)
	}
	b[1] = 0
	if d := oneEDID(t, b); d.Model != "P2419H" || len(d.Notes) != 2 {
		t.Errorf("with a damaged header: got %+v", d)
	}
	for _, b := range [][]byte{nil, b[:100], make([]byte, 128), []byte("00ffffffffffff00"), []byte("Manufacturer: DEL\n")} {
		if all, err := readEDIDs(b); err == nil {
			t.Errorf("%q: got %+v", b, all)
		}
	}
}

// DisplayID has room for what is too wide for the base block.
func TestDisplayIDExtension(t *testing.T) {
	extension := func(version byte, blocks ...byte) []byte {
		b := make([]byte, edidBlock)
		copy(b, append([]byte{0x70, version, byte(len(blocks)), 0, 0}, blocks...))
		b[5+len(blocks)] = -sum(b[1 : 5+len(blocks)])
		b[127] = -sum(b[:127])
		return b
	}
	base := anEDID(func(b []byte) { b[0x7e] = 1 })
	for _, tt := range []struct {
		name   string
		block  []byte
		mm, px size
	}{
		{"1.3 in tenths", extension(0x13, 0x01, 0, 12, 0xcd, 0x2e, 0x2a, 0x0d, 0x00, 0x14, 0xa0, 0x05, 0, 0, 0, 0), size{1198, 337}, size{5120, 1440}},
		{"2.0 in tenths", extension(0x20, 0x21, 0, 12, 0xcd, 0x2e, 0x2a, 0x0d, 0x00, 0x14, 0xa0, 0x05, 0, 0, 0, 0), size{1198, 337}, size{5120, 1440}},
		{"2.0 in millimetres", extension(0x20, 0x21, 0x80, 12, 0xae, 0x04, 0x51, 0x01, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), size{1198, 337}, size{1920, 1080}},
		{"a preferred timing", extension(0x13, 0x03, 0, 20, 0, 0, 0, 0x80, 0xff, 0x13, 0, 0, 0, 0, 0, 0, 0x9f, 0x05, 0, 0, 0, 0, 0, 0), size{531, 299}, size{5120, 1440}},
		{"a block that does not fit", extension(0x13, 0x01, 0, 200), size{531, 299}, size{1920, 1080}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := oneEDID(t, append(bytes.Clone(base), tt.block...))
			if mm, px := (size{d.WidthMillimetres, d.HeightMillimetres}), (size{d.WidthPixels, d.HeightPixels}); mm != tt.mm || px != tt.px {
				t.Errorf("got %v mm, %v pixels, want %v, %v", mm, px, tt.mm, tt.px)
			}
		})
	}
}

// What xrandr prints tells where each screen hangs.
func TestXrandrNamesConnectors(t *testing.T) {
	section := func(head string, b []byte) string {
		return head + "\n\tEDID: \n\t\t" + hex.EncodeToString(b) + "\n\tnon-desktop: 0 \n"
	}
	all, err := readEDIDs([]byte("Screen 0: minimum 320 x 200, current 1920 x 1080\n" +
		section("eDP-1 connected primary 1920x1080+0+0 (normal left) 309mm x 174mm", anEDID(func(b []byte) { b[8], b[9] = 0x06, 0xaf })) +
		"DP-1 disconnected (normal left)\n" +
		section("HDMI-1 connected 1920x1080+0+0", anEDID(func([]byte) {}))))
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if d := all[0]; d.Connector != "eDP-1" || !d.Internal || d.PNPID != "AUO" {
		t.Errorf("the panel: %+v", d)
	}
	if d := all[1]; d.Connector != "HDMI-1" || d.Internal || d.PNPID != "DEL" {
		t.Errorf("the monitor: %+v", d)
	}
}

// Reports of linux-hardware.org have the EDID as it was read, and then again as
// edid-decode repeats it: that is one monitor, also one without a serial number.
// Two outputs of edid-decode are two monitors.
func TestCopyByEdidDecode(t *testing.T) {
	bare := anEDID(func(b []byte) { copy(b[0x5a:], make([]byte, 18)) })
	decoded := "edid-decode (hex):\n\n" + hex.EncodeToString(bare) + "\n\n----------------\n\nBlock 0, Base EDID:\n"
	for text, want := range map[string]int{
		"EDID (hex):\n" + hex.EncodeToString(bare) + "\n\n" + decoded: 1,
		decoded + decoded + decoded:                                   3,
	} {
		if all, err := readEDIDs([]byte(text)); err != nil || len(all) != want {
			t.Errorf("%d displays (%v), want %d in\n%s", len(all), err, want, text)
		}
	}
}

// Before 2020, edid-decode had other words.
func TestOldEdidDecode(t *testing.T) {
	got := oneEDID(t, []byte(`Extracted contents:
header:          00 ff ff ff ff ff ff 00
EDID version: 1.3
Manufacturer: SAM Model 585 Serial Number 1297625650
Made in week 47 of 2009
Digital display
Maximum image size: 51 cm x 29 cm
Detailed mode: Clock 156.750 MHz, 510 mm x 287 mm
               2048 2096 2128 2208 hborder 0
               1152 1155 1160 1185 vborder 0
               +hsync -vsync
Monitor name: SyncMaster
Serial number: H9XS901234
Checksum: 0xbc (valid)
`))
	want := Display{
		Manufacturer: "Samsung", Model: "SyncMaster", Serial: "H9XS901234", PNPID: "SAM", ProductCode: 0x585,
		DiagonalInches: 23, WidthMillimetres: 510, HeightMillimetres: 287, WidthPixels: 2048, HeightPixels: 1152, Year: 2009, Week: 47,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestNamesOfMakers(t *testing.T) {
	for id, want := range map[string]string{
		"GSM": "LG", "SAM": "Samsung", "DEL": "Dell", "HWP": "HP", "HPN": "HP", "LEN": "Lenovo", "ACR": "Acer", "PHL": "Philips", "BNQ": "BenQ",
		"AOC": "AOC", "FUS": "Fujitsu", "NEC": "NEC", "ENC": "EIZO", "IVM": "iiyama", "VSC": "ViewSonic", "APP": "Apple", "AUO": "AU Optronics",
		"LGD": "LG Display", "CMN": "Innolux", "SHP": "Sharp", "IVO": "InfoVision",
		"AVO": "Avocent Corporation", "QZX": "QZX", "": "",
	} {
		if got := pnpMaker(id); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
}

func FuzzEDID(f *testing.F) {
	for _, file := range []string{"Digital-Dell-DELA107-9431486E1613", "Digital-HP-HWP304B-47FF9AB87929"} {
		for _, ext := range []string{".bin", ".txt"} {
			b, err := os.ReadFile(filepath.Join("testdata", "edid", file+ext))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
			if ext == ".bin" {
				f.Add([]byte(hex.EncodeToString(b)))
				f.Add([]byte(hex.Dump(b)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readEDIDs(b)
		if (err == nil) != (len(all) > 0) || len(all) > maxDisplays {
			t.Fatalf("%d displays, %v", len(all), err)
		}
		for _, d := range all {
			if d.DiagonalInches < 0 || d.WidthPixels < 0 || d.HeightPixels < 0 || d.Week < 0 || d.Week > 54 ||
				d.DiagonalInches == 0 != (d.WidthMillimetres == 0) || d.DiagonalInches == 0 != (d.HeightMillimetres == 0) {
				t.Errorf("%+v", d)
			}
			if len(d.Model) > 1024 || len(d.Serial) > 1024 || len(d.Notes) > 20 {
				t.Errorf("too much: %+v", d)
			}
		}
	})
}
