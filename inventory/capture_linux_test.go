package inventory

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// captureOf makes a capture of a source.
func captureOf(t *testing.T, s Source) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Capture(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readBytes reads a dump with these bytes.
func readBytes(t *testing.T, dumps ...[]byte) Machine {
	t.Helper()
	var names []string
	for i, b := range dumps {
		name := filepath.Join(t.TempDir(), "dump"+string(rune('a'+i)))
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	m, err := Read(names...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// personal takes out of a machine what is personal, and gives it.
func personal(m *Machine) (values []string) {
	take := func(s *string) {
		if *s != "" && !isPlaceholder(*s) {
			values = append(values, *s)
			*s = "-"
		}
	}
	take(&m.System.Serial)
	take(&m.System.UUID)
	take(&m.Board.Serial)
	for _, key := range []string{"product_serial", "product_uuid", "board_serial", "board_asset_tag", "chassis_serial", "chassis_asset_tag"} {
		value := m.System.Raw[key]
		if take(&value); value != "" {
			m.System.Raw[key] = value
		}
	}
	for i := range m.Memory.Modules {
		take(&m.Memory.Modules[i].Serial)
	}
	for i := range m.Network {
		n := &m.Network[i]
		if strings.HasPrefix(n.Name, "enx") { // called after its address
			n.Name = "-"
		}
		take(&n.MAC)
	}
	for i := range m.Drives {
		d := &m.Drives[i]
		take(&d.Serial)
		take(&d.WWN)
		d.Uses = nil
	}
	for i := range m.Displays {
		take(&m.Displays[i].Serial)
	}
	for i := range m.Batteries {
		take(&m.Batteries[i].Serial)
	}
	if k := m.Firmware.WindowsKey; k != nil {
		values, k.LastFive = append(values, k.LastFive), "-"
	}
	m.Notes = nil
	return values
}

// sameMachines tells in what two machines differ.
func sameMachines(t *testing.T, got, want Machine) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if a, b := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\n got %+v\nwant %+v", g.Type().Field(i).Name, a, b)
		}
	}
}

// A capture reads back as the machine it was made of, without what is personal.
func TestCaptureReadsBack(t *testing.T) {
	trees, err := filepath.Glob("testdata/trees/*.txtar")
	if err != nil || len(trees) == 0 {
		t.Fatal(trees, err)
	}
	for _, file := range trees {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			s := fixture(t, name)
			want, err := s.Machine(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.capture(t.Context())
			if err != nil || len(c.unknown) > 0 {
				t.Fatalf("%v; of these files nobody has said how to scrub them: %q", err, c.unknown)
			}
			var packed bytes.Buffer
			if err := c.write(&packed); err != nil {
				t.Fatal(err)
			}
			b := packed.Bytes()
			got := readBytes(t, b)
			secrets := personal(&want)
			for _, fake := range personal(&got) {
				for _, secret := range secrets {
					if len(secret) > 4 && strings.Contains(fake, secret) {
						t.Errorf("%q came through as %q", secret, fake)
					}
				}
			}
			sameMachines(t, got, want)
			content, _ := unpack(b)
			for _, secret := range secrets {
				if len(secret) > 5 && bytes.Contains(content, []byte(secret)) {
					t.Errorf("%q stands in the capture", secret)
				}
			}
		})
	}
}

// secretive is a laptop full of what must not leave it.
func secretive(t *testing.T) Source {
	t.Helper()
	s := fixture(t, "laptop-sata")
	table := joined(
		structure(0xdd, 0x20, map[int][]byte{0x04: []byte("MAC 8C1645AABBCC")}, "Owner: Kari Nordmann"),
		structure(11, 5, map[int][]byte{0x04: {2}}, "Dell System", "tag 7SYNTH2 of the county"),
		structure(12, 5, map[int][]byte{0x04: {1}}, "J9: the code is 4417"),
		structure(39, 0x16, map[int][]byte{0x05: {1, 2, 3, 4, 5, 6, 7}}, "Bay 1", "Power Supply", "Delta", "PSUSN00017", "ASSET-PSU-9", "DPS-750AB", "A01"),
		structure(32, 0x0b, nil, "a string that no field has"),
		structure(42, 0x10, map[int][]byte{0x04: []byte("10.1.2.3")}),
		latitude(),
	)
	put(t, s.Root, "sys/firmware/dmi/tables/DMI", table)
	put(t, s.Root, "sys/firmware/dmi/tables/smbios_entry_point", entryPoint(3, 0, len(table))[:24])
	put(t, s.Root, "sys/class/dmi/id/product_serial", []byte("7SYNTH2\n"))
	put(t, s.Root, "sys/class/dmi/id/product_uuid", []byte("33221100-5544-7766-8899-aabbccddeeff\n"))
	put(t, s.Root, "sys/class/dmi/id/chassis_asset_tag", []byte("AKERSHUS-00417\n"))
	put(t, s.Root, "sys/class/drm/card0-eDP-1/edid", readFile(t, filepath.Join("testdata", "edid", "Digital-Dell-DELA107-9431486E1613.bin")))
	put(t, s.Root, "sys/class/drm/card0-DP-1/edid", anEDID(func(b []byte) { copy(b[0x0c:], "9876") }))
	put(t, s.Root, "sys/class/power_supply/BAT0/type", []byte("Battery\n"))
	put(t, s.Root, "sys/class/power_supply/BAT0/serial_number", []byte(" 41213\n"))
	put(t, s.Root, "sys/class/power_supply/BAT0/energy_full", []byte("40000000\n"))
	put(t, s.Root, "sys/class/power_supply/BAT0/energy_full_design", []byte("50000000\n"))
	put(t, s.Root, "sys/class/power_supply/hid-0c:7d:5e:11:22:33-battery/type", []byte("Battery\n"))
	put(t, s.Root, "sys/class/power_supply/hid-0c:7d:5e:11:22:33-battery/scope", []byte("Device\n"))
	key := "BCDFG-HJKMN-PQRTV-WXY23-46789"
	msdm := joined([]byte("MSDM"), le32(36+20+29), make([]byte, 28), le32(1), le32(0), le32(1), le32(0), le32(29), []byte(key))
	msdm[9] = -byteSum(msdm)
	put(t, s.Root, "sys/firmware/acpi/tables/MSDM", msdm)
	put(t, s.Root, "sys/firmware/acpi/tables/WPBT", []byte("WPBT and a program\n"))
	for file, content := range map[string]string{"address": "8c:16:45:aa:bb:cc\n", "addr_assign_type": "0\n", "device/vendor": "0x8086\n"} {
		put(t, s.Root, "sys/class/net/enx8c1645aabbcc/"+file, []byte(content))
	}
	put(t, s.Root, "sys/devices/virtual/net/tun-akershus/address", []byte("\n"))
	if err := os.Symlink("../../devices/virtual/net/tun-akershus", filepath.Join(s.Root, "sys/class/net/tun-akershus")); err != nil {
		t.Fatal(err)
	}
	put(t, s.Root, "sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/vpd_pg89",
		ataPage(identifyData("Samsung SSD 860 EVO 500GB", "S3Z1NB0K417", "RVT01B6Q", [4]uint16{0x5002, 0x538e, 0x40a1, 0xb2c3}, 1)))
	put(t, s.Root, "sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/wwid", []byte("naa.5002538e40a1b2c3\n"))
	put(t, s.Root, "sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/vpd_pg80", []byte("\x00\x80\x00\x14         S3Z1NB0K417"))
	put(t, s.Root, "sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/inquiry",
		append([]byte("\x00\x00\x05\x02\x5b\x00\x00\x02ATA     Samsung SSD 860 3B6Q"), "S3Z1NB0K417"...))
	put(t, s.Root, "proc/bus/input/devices", []byte("I: Bus=0005 Vendor=05ac Product=0265 Version=0001\nN: Name=\"Kari Nordmann sin mus\"\nH: Handlers=mouse0\n\n"+
		"I: Bus=0011 Vendor=0001 Product=0001 Version=ab41\nN: Name=\"AT Translated Set 2 keyboard\"\nU: Uniq=8c:16:45:aa:bb:cc\nH: Handlers=sysrq kbd event0\nB: KEY=402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe\n"))
	put(t, s.Root, "proc/cpuinfo", []byte("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz\nSerial\t\t: 00000000deadbeef\n"))
	put(t, s.Root, "proc/meminfo", []byte("MemTotal:        8000000 kB\nMemFree: 1 kB\n"))
	return s
}

func TestCaptureTellsNothingPersonal(t *testing.T) {
	s := secretive(t)
	want, err := s.Machine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := captureOf(t, s)
	if !bytes.Equal(b, captureOf(t, s)) {
		t.Error("two captures of one machine differ")
	}
	content, err := unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(content)
	for i := 0; i+1 < len(swapped); i += 2 {
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
	}
	values := personal(&want)
	if len(values) < 14 {
		t.Fatalf("the machine has too little to hide: %q", values)
	}
	for _, secret := range append(values, "Kari", "BCDFG-HJKMN", "46789", "8c1645aabbcc", "8C1645", "0c:7d:5e:11:22:33", "10.1.2.3", "deadbeef", "AKERSHUS", "akershus", "county", "4417 ", "is 4417", "PSUSN00017", "ASSET-PSU-9", "no field has", "/dev/mapper", "PARTNAME", "MemFree",
		"\x50\x02\x53\x8e\x40\xa1\xb2\xc3", string(testUUID)) {
		if len(secret) > 4 && (bytes.Contains(content, []byte(secret)) || bytes.Contains(swapped, []byte(secret))) {
			t.Errorf("%q stands in the capture", secret)
		}
	}
	got := readBytes(t, b)
	if got.System.Serial != "SCR0001" || got.System.UUID != scrubbedUUID || got.Firmware.WindowsKey == nil || got.Firmware.WindowsKey.LastFive != "XXXXX" {
		t.Errorf("what was made up: %+v, %+v", got.System, got.Firmware.WindowsKey)
	}
	want.OEMStrings = []string{} // they are the maker's own
	personal(&got)
	sameMachines(t, got, want)

	// Those who read tables and EDIDs for a living still can.
	dir := t.TempDir()
	if err := unpackTree(dir, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "dump")
	if err := os.WriteFile(table, append(append(readFile(t, filepath.Join(dir, "sys/firmware/dmi/tables/smbios_entry_point")), make([]byte, 8)...),
		readFile(t, filepath.Join(dir, "sys/firmware/dmi/tables/DMI"))...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dmidecode", "--from-dump", table).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Serial Number: SCR0001") || !strings.Contains(string(out), "UUID: "+scrubbedUUID) ||
		!strings.Contains(string(out), "Product Name: Latitude 5480") || strings.Contains(string(out), "<BAD INDEX>") {
		t.Errorf("dmidecode: %v\n%s", err, out)
	}
	out, _ = exec.Command("edid-decode", filepath.Join(dir, "sys/class/drm/card0-eDP-1/edid")).CombinedOutput()
	if !strings.Contains(string(out), "Display Product Name: 'Dell U4919DW'") || strings.Contains(string(out), "should be 0x") {
		t.Errorf("edid-decode:\n%s", out)
	}
}

// Whoever made an archive, nothing outside of its folder is written or read.
func TestArchivesStayWhereTheyAre(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	above := filepath.Dir(secret)
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	put := func(h tar.Header, content string) {
		h.Size, h.Mode = int64(len(content)), 0o600
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	put(tar.Header{Name: "../escaped", Typeflag: tar.TypeReg}, "x")
	put(tar.Header{Name: "/sys/class/dmi/id/sys_vendor", Typeflag: tar.TypeReg}, "Dell Inc.\n")
	put(tar.Header{Name: "sys/class/dmi/id/product_name", Linkname: secret, Typeflag: tar.TypeSymlink}, "")
	put(tar.Header{Name: "sys/out", Linkname: above, Typeflag: tar.TypeSymlink}, "")
	put(tar.Header{Name: "sys/out/written", Typeflag: tar.TypeReg}, "x")
	put(tar.Header{Name: "sys/deep/down/up", Linkname: "../..", Typeflag: tar.TypeSymlink}, "")
	put(tar.Header{Name: "sys/sly", Linkname: "deep/down/up/../../../../../../../../.." + secret, Typeflag: tar.TypeSymlink}, "")
	put(tar.Header{Name: "sys/hard", Linkname: secret, Typeflag: tar.TypeLink}, "")
	put(tar.Header{Name: "sys/loop", Linkname: "loop", Typeflag: tar.TypeSymlink}, "")
	put(tar.Header{Name: "sys/dev", Typeflag: tar.TypeBlock}, "")
	put(tar.Header{Name: "sys/class/dmi/id/chassis_type", Typeflag: tar.TypeReg}, "10\n")
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	if err := unpackTree(dir, bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sys/class/dmi/id/product_name", "sys/out", "sys/sly", "sys/hard", "sys/loop", "sys/dev", "../escaped", "sys/out/written"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	if _, err := os.Lstat(filepath.Join(above, "written")); err == nil {
		t.Error("written through a link")
	}
	m := readBytes(t, b.Bytes())
	if m.System.Manufacturer != "Dell" || m.System.Model != "" || m.System.Class != "laptop" {
		t.Errorf("got %+v", m.System)
	}
	// Cut off anywhere, it is read as far as it goes.
	for _, n := range []int{513, 2000, b.Len() - 1024} {
		if m := readBytes(t, b.Bytes()[:n]); len(m.Notes) == 0 {
			t.Errorf("cut at %d: no word about it", n)
		}
	}
}

// Files of holes and folders without end do not fill the disk of whoever reads.
func TestArchivesFillNoDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks large archives")
	}
	t.Parallel()
	pack := func(write func(*tar.Writer)) []byte {
		var b bytes.Buffer
		archive := tar.NewWriter(&b)
		write(archive)
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	put := func(archive *tar.Writer, h tar.Header) {
		h.Mode, h.Format = 0o600, tar.FormatPAX
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	// A sparse file in PAX (GNU tar, Sparse Formats, 0.1), which archive/tar
	// reads and does not write: the words are changed in what it wrote.
	holes := pack(func(archive *tar.Writer) {
		for i := range 20 {
			put(archive, tar.Header{Name: fmt.Sprintf("sys/hole%02d", i), Typeflag: tar.TypeReg, PAXRecords: map[string]string{
				"XXX.sparse.map": "1073741824,0", "XXX.sparse.numblocks": "1", "XXX.sparse.size": "1073741824"}})
		}
	})
	deep := pack(func(archive *tar.Writer) {
		for i := range 550 {
			put(archive, tar.Header{Name: fmt.Sprintf("sys/%04d", i) + strings.Repeat("/a", 60), Typeflag: tar.TypeReg})
		}
	})
	links := pack(func(archive *tar.Writer) {
		for i := range maxTreeLinks + 10 {
			put(archive, tar.Header{Name: fmt.Sprintf("sys/%d", i), Linkname: fmt.Sprint(i + 1), Typeflag: tar.TypeSymlink})
		}
	})
	for name, b := range map[string][]byte{"holes": bytes.ReplaceAll(holes, []byte("XXX.sparse."), []byte("GNU.sparse.")), "deep": deep, "links": links} {
		dir := t.TempDir()
		if err := unpackTree(dir, bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", name, err)
		}
		entries, size := 0, int64(0)
		err := filepath.Walk(dir, func(_ string, info fs.FileInfo, err error) error {
			if err == nil {
				entries++
				size += info.Size()
			}
			return err
		})
		if err != nil || entries > maxTreeFiles+100 || size > 2*maxDump+int64(entries)*4096 {
			t.Errorf("%s: %d files of %d bytes, %v", name, entries, size, err)
		}
	}
}

// A letter that is longer in lower case does not hide what stands beside it.
func TestNoLetterHidesASecret(t *testing.T) {
	m := unread()
	m.System.Serial = "7SYNTH2"
	s := newScrubber(m)
	if got := s.text("\u0130\u0130 7synth2"); strings.Contains(strings.ToLower(got), "7synth2") || !s.tells([]byte("\u0130 7SYNTH2")) {
		t.Errorf("got %q", got)
	}
}

// Firmware and drives put anything into these files.
func FuzzScrub(f *testing.F) {
	names := []string{"DMI", "edid", "MSDM", "vpd_pg80", "vpd_pg83", "vpd_pg89", "inquiry", "cid", "wwid", "nguid", "address", "serial", "product_uuid", "uevent", "cpuinfo", "devices", "model"}
	f.Add(byte(0), latitude())
	for i, seed := range map[byte]string{1: "testdata/edid/Digital-Dell-DELA107-9431486E1613.bin"} {
		b, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, b)
	}
	f.Add(byte(4), joined([]byte{0, 0x83, 0, 12, 1, 3, 0, 8}, []byte("\x50\x01\x4e\xe6\x5a\x1b\x2c\x3d")))
	f.Add(byte(5), ataPage(identifyData("Samsung SSD 860 EVO 500GB", "S3Z1NB0K417", "RVT01B6Q", [4]uint16{0x5002, 0x538e, 0x40a1, 0xb2c3}, 1)))
	f.Add(byte(9), []byte("5002538e-40a1-b2c3"))
	f.Add(byte(11), []byte(" S3Z1NB0K417 \n"))
	m := unread()
	m.System.Serial = "7SYNTH2"
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		s := newScrubber(m)
		name := names[int(kind)%len(names)]
		clean, ok := s.file("/sys/"+name, b)
		if !ok || len(clean) > len(b)+40 {
			t.Fatalf("%s: %v, %d bytes of %d", name, ok, len(clean), len(b))
		}
	})
}
