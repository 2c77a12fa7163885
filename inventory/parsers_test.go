package inventory

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMountinfo(t *testing.T) {
	text := "36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n" +
		"nonsense\n" +
		"40 36 0:50 / / rw - btrfs /dev/sda2 rw,subvolid=256\n" +
		"41 36 0:51 / /x rw - tmpfs"
	got := parseMountinfo(text)
	if len(got) != 2 || got[0].number != "98:0" || got[0].point != `/mnt/a b\c` || got[0].kind != "ext3" || got[0].source != "/dev/root" || got[1].source != "/dev/sda2" {
		t.Errorf("mounts %+v", got)
	}
	for path, want := range map[string]string{"/mnt/a b\\c/file": "98:0", "/mnt/a": "0:50", "/": "0:50"} {
		if m, ok := mountHolding(got, path); !ok || m.number != want {
			t.Errorf("%s lies on %q, want %q", path, m.number, want)
		}
	}
}

func TestSwaps(t *testing.T) {
	got := parseSwaps("Filename Type Size Used Priority\n/dev/sda3 partition 1 0 -2\n/var/my\\040swap\\040(deleted) file 1 0 -3\n")
	want := []swapArea{{"/dev/sda3", false}, {"/var/my swap", true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"  W62ABCDE\x00\x00 ": "W62ABCDE",
		"A\xffB":              "A\ufffdB",
		"\x1b[2J":             "\x1b[2J",
		"":                    "",
	} {
		if got := cleaned(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got, cut := clean(strings.Repeat("é", 300)); !cut || utf8.RuneCountInString(got) != 256 {
		t.Errorf("300 letters become %d, cut %v", utf8.RuneCountInString(got), cut)
	}
}

func TestNaturalOrder(t *testing.T) {
	got := []string{"nvme10n1", "sdaa", "sdb", "nvme2n1", "sda", "nvme2n10", "nvme2n9"}
	slices.SortFunc(got, compareNatural)
	want := []string{"nvme2n1", "nvme2n9", "nvme2n10", "nvme10n1", "sda", "sdb", "sdaa"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMakerIsTheModelsOwnWord(t *testing.T) {
	for model, want := range map[string]string{
		"ST1000LM035-1RK172": "Seagate", "CT500MX500SSD1": "Crucial", "SAMSUNG MZVLB512HBJQ-000L7": "Samsung", "WDC WD10SPZX-24Z10": "Western Digital",
		"TOSHIBA MQ04ABF100": "TOSHIBA", "STORE": "", "ST": "", "External": "",
	} {
		if got := makerOf(model); !strings.EqualFold(got, want) {
			t.Errorf("%q: %q, want %q", model, got, want)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add("36 35 98:0 / /mnt\\040x rw - ext3 /dev/root rw\n", "/dev/sda\\0 partition\n", "7f0-7f1 r-xp 0 fd:00 1 /x")
	f.Fuzz(func(t *testing.T, mounts, swaps, mapping string) {
		mountHolding(parseMountinfo(mounts), "/a/b")
		parseSwaps(swaps)
		if id, path, ok := parseMapping(mapping); ok && (id.device == "" || path == "") {
			t.Errorf("mapping %q of %v", path, id)
		}
	})
}

func FuzzVPD(f *testing.F) {
	f.Add([]byte{0, 0x80, 0, 4, 'A', 'B', 'C', 'D'})
	f.Add([]byte{0, 0x83, 0, 12, 1, 3, 0, 8, 0x50, 0, 0xc5, 0, 1, 2, 3, 4})
	f.Add([]byte{0, 0x83, 0xff, 0xff, 1, 3, 0, 0xff})
	f.Add([]byte{0, 0xb1, 0, 2, 0, 1})
	f.Fuzz(func(t *testing.T, page []byte) {
		parseVPD80(page)
		parseVPD89(page)
		parseVPDB1(page)
		parseInquiry(page)
		if v, _ := parseVPD83(page); v.wwn != "" && wwnFrom(v.wwn) == "" && strings.Trim(v.wwn[4:], "0") != "" {
			t.Errorf("name %q is not one", v.wwn)
		}
	})
}

func FuzzIdentify(f *testing.F) {
	f.Add(make([]byte, 512))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, ok := parseIdentify(b)
		if ok != (len(b) >= 512) {
			t.Errorf("%d bytes: ok %v", len(b), ok)
		}
		if text := cleaned(id.model); !utf8.ValidString(text) || utf8.RuneCountInString(text) > 40 {
			t.Errorf("model %q", text)
		}
	})
}

func FuzzCID(f *testing.F) {
	f.Add("150100424a54443452093a1b2c3d8b00", false)
	f.Add("035344534c333247801122334400f100\n", true)
	f.Fuzz(func(t *testing.T, text string, isSD bool) {
		if c, ok := parseCID(text, isSD); ok && len(c.serial) != 10 {
			t.Errorf("serial %q", c.serial)
		}
	})
}

func FuzzCleanText(f *testing.F) {
	f.Add("\x00 a\xff", "sda10")
	f.Add(strings.Repeat("a", maxText-1)+"\tb", "") // cut behind a tab
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := cleaned(a); !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxText || cleaned(got) != got {
			t.Errorf("%q becomes %q", a, got)
		}
		isPlaceholder(a)
		if compareNatural(a, b) > 0 && compareNatural(b, a) > 0 {
			t.Errorf("%q and %q are each after the other", a, b)
		}
	})
}
