package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestABusinessLaptopThatComesBack(t *testing.T) {
	s := fixture(t, "laptop-parts")
	m := machine(t, s)
	wantNetwork := []NIC{
		{Name: "enp0s31f6", MAC: "48:2a:e3:00:11:22", Model: "Intel Corporation Ethernet Connection (13) I219-LM", Driver: "e1000e"},
		{Name: "enx00e04c680001", MAC: "00:e0:4c:68:00:01", Model: "Realtek USB 10/100/1000 LAN", Driver: "r8152"},
		// Its address is made up.
		{Name: "wwan0", Model: "FIBOCOM L850-GL", Driver: "cdc_mbim", WWAN: true},
		// No driver has taken it, and still it is there.
		{Model: "Intel Corporation Wi-Fi 6 AX201", Wireless: true, WiFiGeneration: "6"},
	}
	if !reflect.DeepEqual(m.Network, wantNetwork) {
		t.Errorf("network %+v\nwant %+v", m.Network, wantNetwork)
	}
	wantGraphics := []Graphics{
		{Model: "Intel Corporation TigerLake-LP GT2 [Iris Xe Graphics]", PCIID: "8086:9a49", Driver: "i915"},
		{Model: "NVIDIA Corporation TU117M [GeForce MX450]", PCIID: "10de:1f97"},
	}
	if !slices.Equal(m.Graphics, wantGraphics) {
		t.Errorf("graphics %+v, want %+v", m.Graphics, wantGraphics)
	}
	wantParts := Parts{
		Cameras: []string{"Integrated Camera"}, WiFi: []string{"Intel Corporation Wi-Fi 6 AX201"}, Sound: []string{},
		Pointers: []string{"SYNA8004:00 06CB:CD8B Touchpad"}, Keyboards: []string{"AT Translated Set 2 keyboard"},
		Batteries: []Battery{
			{Name: "BAT0", Manufacturer: "LGC", Model: "5B10W13930", Serial: "1234", ChargePercent: 80, HealthPercent: 85, Cycles: 214,
				DesignMilliwattHours: 57000, FullMilliwattHours: 48450, DesignMillivolts: 15440, Chemistry: "LIPO", Status: "Not charging"},
			{Name: "BAT1", Manufacturer: "SANYO", Model: "45N1767", ChargePercent: 50, HealthPercent: 70,
				DesignMilliwattHours: 23760, FullMilliwattHours: 16632, DesignMillivolts: 10800, Chemistry: "LION", Status: "Discharging"},
		},
		Fingerprint: []string{"Goodix Technology Co., Ltd. Goodix FingerPrint Device", "Validity fingerprint reader (USB 138a:0097)"},
		Touch:       []string{"ELAN2D4A:00 04F3:2D4A"}, Pens: []string{"Wacom HID 5218 Pen"},
		Bluetooth: []string{"USB 8087:0026"}, Optical: []string{"HL-DT-ST DVDRAM GUD1N"},
	}
	if !reflect.DeepEqual(m.Parts, wantParts) {
		t.Errorf("parts %+v\nwant  %+v", m.Parts, wantParts)
	}
	yes := true
	if f := m.Firmware; f.Boot != "uefi" || f.SecureBoot != "off" || f.TPM != "2.0" || f.TPMDisabled || !reflect.DeepEqual(f.SecureBootCapable, &yes) ||
		f.WindowsKey == nil || *f.WindowsKey != (WindowsKey{LastFive: "46789"}) {
		t.Errorf("firmware %+v, key %+v", f, f.WindowsKey)
	}
	key, err := s.ProductKey()
	if err != nil || key != "BCDFG-HJKMN-PQRTV-WXY23-46789" {
		t.Errorf("product key %q, error %v", key, err)
	}
	var got []string
	for _, l := range m.Locks {
		got = append(got, l.Code+" "+string(l.State))
		if l.Text == "" || strings.Contains(l.Text, "%!") {
			t.Errorf("%s: text %q", l.Code, l.Text)
		}
	}
	if want := []string{
		"firmware-start-password clear", "firmware-setup-password set", "drive-password clear", "absolute unknown",
		"wpbt set", "autopilot unknown", "apple-lock clear", "knox clear", "chrome-enrol clear", "amt unknown",
	}; !slices.Equal(got, want) {
		t.Errorf("locks %q, want %q", got, want)
	}
	if !slices.Contains(m.Notes, "batteries: BAT2: the bay is empty") {
		t.Errorf("notes %q", m.Notes)
	}
	for _, text := range append(m.Notes, m.Pointers...) {
		if strings.Contains(text, "Kari") {
			t.Errorf("somebody's name is in %q", text)
		}
	}
}

// The tables of the firmware tell of a battery and a TPM; what is there now the
// system knows better.
func TestTheTablesListWhatIsNotThere(t *testing.T) {
	battery := structure(22, 26, map[int][]byte{0x04: {1}, 0x05: {2}, 0x08: {3}, 0x09: {6}, 0x0a: le16(5700), 0x0c: le16(11400), 0x15: {10}}, "Rear", "SMP", "5B10W13930")
	chip := structure(43, 31, map[int][]byte{0x04: []byte("INTC"), 0x08: {2, 0}}, "TPM")
	for _, c := range []struct {
		name      string
		files     map[string]string
		batteries int
		tpm       string
		disabled  bool
	}{
		{"nothing says otherwise", nil, 1, "2.0", false},
		{"the battery was taken out, the TPM is off", map[string]string{"sys/class/power_supply/AC/type": "Mains", "sys/firmware/acpi/tables/DSDT": ""}, 0, "2.0", true},
		{"the TPM is off, and its driver finds nothing", map[string]string{"sys/firmware/acpi/tables/DSDT": "", "sys/class/tpm/x/../../net/y": ""}, 1, "2.0", true},
		{"the TPM is on without a driver", map[string]string{"sys/firmware/acpi/tables/TPM2": ""}, 1, "2.0", false},
		{"the TPM works as the old kind", map[string]string{"sys/class/tpm/tpm0/tpm_version_major": "1", "sys/firmware/acpi/tables/DSDT": ""}, 1, "1.2", false},
	} {
		s := Source{Root: t.TempDir()}
		put(t, s.Root, "sys/firmware/dmi/tables/DMI", joined(battery, chip, structure(127, 4, nil)))
		put(t, s.Root, "sys/firmware/dmi/tables/smbios_entry_point", entryPoint(3, 3, 4096)[:24])
		for name, content := range c.files {
			put(t, s.Root, name, []byte(content))
		}
		m := machine(t, s)
		if len(m.Batteries) != c.batteries || m.Firmware.TPM != c.tpm || m.Firmware.TPMDisabled != c.disabled {
			t.Errorf("%s: batteries %+v, firmware %+v", c.name, m.Batteries, m.Firmware)
		}
		if said := slices.ContainsFunc(m.Notes, func(n string) bool { return strings.HasPrefix(n, "batteries: the firmware's tables list 1") }); said != (c.batteries == 0) {
			t.Errorf("%s: notes %q", c.name, m.Notes)
		}
	}
}

// A tree that somebody sends may hold anything. What it says is taken as far as
// it makes sense, in bounded time, and what is cut off is told.
func TestAHostileTree(t *testing.T) {
	s := Source{Root: t.TempDir()}
	at := func(name string) string { return place(t, s.Root, "", name) }
	link := func(name, target string) {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	pipe := func(name string) {
		if err := unix.Mkfifo(at(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link("sys/bus/pci/devices/0000:00:01.0", "0000:00:01.0")
	link("sys/bus/pci/devices/0000:00:02.0", "../../../../../../../../../../etc")
	put(t, s.Root, "sys/bus/pci/devices/0000:00:03.0/class", bytes.Repeat([]byte("0x030000"), 1<<20))
	put(t, s.Root, "sys/bus/pci/devices/0000:00:04.0/class", []byte("0x030000\n"))
	put(t, s.Root, "sys/bus/pci/devices/0000:00:04.0/vendor", []byte("0x\x1b[2J\xff\x00"))
	pipe("sys/bus/pci/devices/0000:00:05.0/class")
	link("sys/class/net/eth0/device", "../eth0/device")
	link("sys/class/net/eth1/device", "../eth1")
	pipe("sys/class/power_supply/BAT0/type")
	put(t, s.Root, "sys/class/power_supply/BAT1/type", []byte("Battery\n"))
	put(t, s.Root, "sys/class/power_supply/BAT1/manufacturer", bytes.Repeat([]byte{0xff, 0x1b}, 1<<20))
	put(t, s.Root, "sys/class/power_supply/BAT1/energy_full/x", nil) // a folder
	link("sys/class/power_supply/BAT1/energy_full_design", "energy_full_design")
	put(t, s.Root, "sys/class/power_supply/BAT1/charge_full", bytes.Repeat([]byte("9"), 1<<20))
	put(t, s.Root, "sys/firmware/acpi/tables/MSDM", bytes.Repeat([]byte("MSDM"), 1<<19))
	put(t, s.Root, "sys/firmware/dmi/tables/DMI", bytes.Repeat([]byte{17, 4, 0, 0, 0, 0}, 1<<17))
	pipe("sys/firmware/efi/efivars/" + secureBoot)
	put(t, s.Root, "sys/class/firmware-attributes/x/authentication/Admin/role", bytes.Repeat([]byte("bios-admin"), 1<<18))
	put(t, s.Root, "proc/cpuinfo", bytes.Repeat([]byte("processor : 0\nvendor_id : x\nphysical id : 1\n\n"), 1<<15))
	var devices strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&devices, "N: Name=\"screen %d\"\nB: PROP=2\nB: ABS=3273800000000003\nB: KEY=%s\n\n", i, strings.Repeat("f", 100))
	}
	put(t, s.Root, "proc/bus/input/devices", []byte(devices.String()))
	put(t, s.Root, "proc/sys/dev/cdrom/info", []byte("drive name:\t"+strings.Repeat("../../../../etc/passwd ", 1000)))
	for i := range 70 {
		put(t, s.Root, fmt.Sprintf("sys/bus/usb/devices/1-%d/idVendor", i), []byte("8087"))
		put(t, s.Root, fmt.Sprintf("sys/bus/usb/devices/1-%d/product", i), fmt.Appendf(nil, "Radio %d", i))
		put(t, s.Root, fmt.Sprintf("sys/bus/usb/devices/1-%d/1-%d:1.0/bInterfaceClass", i, i), []byte("e0"))
		put(t, s.Root, fmt.Sprintf("sys/bus/usb/devices/1-%d/1-%d:1.0/bInterfaceSubClass", i, i), []byte("01"))
		put(t, s.Root, fmt.Sprintf("sys/bus/usb/devices/1-%d/1-%d:1.0/bInterfaceProtocol", i, i), []byte("01"))
		link(fmt.Sprintf("sys/bus/usb/devices/1-%d:1.0", i), fmt.Sprintf("1-%d/1-%d:1.0", i, i))
	}
	begin := time.Now()
	m := machine(t, s)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(m.Touch) != maxListed || len(m.Bluetooth) != maxListed || len(m.Graphics) != 1 || len(m.CPU) != 1 || len(m.Batteries) != 1 || m.Batteries[0].HealthPercent != 0 ||
		m.Firmware.WindowsKey != nil || m.Firmware.SecureBoot != "unknown" || len(m.Optical) != 1 {
		t.Errorf("%d touch screens, %d radios, graphics %+v, %d processors, batteries %+v, firmware %+v, discs %q",
			len(m.Touch), len(m.Bluetooth), m.Graphics, len(m.CPU), m.Batteries, m.Firmware, m.Optical)
	}
	said := strings.Join(m.Notes, "\n")
	for _, want := range []string{"touch screens: 64 are listed", "Bluetooth: 64 are listed", "read ACPI table MSDM", "SecureBoot cannot be read"} {
		if !strings.Contains(said, want) {
			t.Errorf("notes say nothing of %q:\n%s", want, said)
		}
	}
	if out, err := json.Marshal(m); err != nil || len(out) > 1<<20 {
		t.Errorf("%d bytes of JSON, error %v", len(out), err)
	}
}
