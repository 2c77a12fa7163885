package inventory

import (
	"fmt"
	"hash/fnv"
	"io"
	"strings"
)

// parseSMBIOS reads the structure table. With an error there may be results.
func parseSMBIOS(table []byte, v smbiosVersion) (firmwareTables, error) {
	structures, err := parseStructures(table)
	t := firmwareTables{raw: map[string]string{}, version: v}
	seen, again := map[byte]bool{}, repeats{}
	for _, s := range structures {
		if again.seen(s.handle, int(s.kind), s.digest()) {
			continue
		}
		first := !seen[s.kind]
		seen[s.kind] = true
		t.decode(s, first)
	}
	return t, err
}

// repeats finds structures that a table holds twice: a handle is unique
// (DSP0134 3.7.0, 6.1.2), and firmware that lists one again counts its memory
// twice. Handles that are not set say nothing.
type repeats map[[3]uint64]bool

func (r repeats) seen(handle, kind int, digest uint64) bool {
	if handle == 0xffff || handle < 0 {
		return false
	}
	key := [3]uint64{uint64(handle), uint64(kind), digest}
	again := r[key]
	r[key] = true
	return again
}

// digest tells structures with other contents apart.
func (s smbiosStructure) digest() uint64 {
	h := fnv.New64a()
	_, _ = h.Write(s.data) // a hash takes everything
	for _, text := range s.strings {
		_, _ = io.WriteString(h, text+"\x00")
	}
	return h.Sum64()
}

// decode adds one structure; first is true for the first of its type. Offsets
// are those of DSP0134 3.7.0, clause 7.
func (t *firmwareTables) decode(s smbiosStructure, first bool) {
	switch s.kind {
	case smbiosFirmware:
		if first {
			t.decodeFirmware(s)
		}
	case smbiosSystem:
		if first {
			t.set("sys_vendor", s.text(0x04))
			t.set("product_name", s.text(0x05))
			t.set("product_version", s.text(0x06))
			t.set("product_serial", s.text(0x07))
			if len(s.data) >= 0x18 {
				t.set("product_uuid", smbiosUUID(s.data[0x08:0x18], t.version))
			}
			t.set("product_sku", s.text(0x19))
			t.set("product_family", s.text(0x1a))
		}
	case smbiosBoard:
		if first {
			t.set("board_vendor", s.text(0x04))
			t.set("board_name", s.text(0x05))
			t.set("board_version", s.text(0x06))
			t.set("board_serial", s.text(0x07))
			t.set("board_asset_tag", s.text(0x08))
		}
	case smbiosChassis:
		if first {
			// Bit 7 says that a lock is present.
			t.chassisType = s.u8(0x05) & 0x7f
			t.set("chassis_type", fmt.Sprint(t.chassisType))
			t.set("chassis_vendor", s.text(0x04))
			t.set("chassis_version", s.text(0x06))
			t.set("chassis_serial", s.text(0x07))
			t.set("chassis_asset_tag", s.text(0x08))
		}
	case smbiosProcessor:
		if cpu, ok := smbiosCPU(s); ok {
			t.processors = append(t.processors, cpu)
		}
	case smbiosPort:
		t.ports = append(t.ports, firmwarePort{s.text(0x06), smbiosConnectors.name(s.u8(0x07)), smbiosPorts.name(s.u8(0x08))})
	case smbiosSlot:
		t.slots = append(t.slots, firmwareSlot{s.text(0x04), smbiosSlots.name(s.u8(0x05)), smbiosWidths.name(s.u8(0x06)), smbiosUsages.name(s.u8(0x07))})
	case smbiosOnBoard:
		for at := 4; at+2 <= len(s.data); at += 2 {
			t.onBoard(s.u8(at)&0x7f, s.u8(at)&0x80 != 0, s.text(at+1))
		}
	case smbiosOnBoardMore:
		t.onBoard(s.u8(0x05)&0x7f, s.u8(0x05)&0x80 != 0, s.text(0x04))
	case smbiosOEMStrings:
		for _, text := range s.strings {
			t.oemStrings = append(t.oemStrings, cleaned(text))
		}
	case smbiosMemoryArray:
		t.arrays = append(t.arrays, smbiosArray(s))
	case smbiosMemory:
		if d, ok := smbiosDevice(s); ok {
			t.memory = append(t.memory, d)
		}
	case smbiosPointing:
		if kind := smbiosPointers.name(s.u8(0x04)); kind != "" {
			t.pointing = append(t.pointing, kind)
		}
	case smbiosBattery:
		t.batteries = append(t.batteries, smbiosPortableBattery(s))
	case smbiosSecurity:
		if first && len(s.data) > 4 {
			t.startPassword, t.setupPassword = passwordState(s.u8(4)>>6), passwordState(s.u8(4)>>2)
		}
	case smbiosTPM:
		if major := s.u8(0x08); major > 0 && t.tpm == "" {
			t.tpm = fmt.Sprintf("%d.%d", major, s.u8(0x09))
		}
	}
}

// decodeFirmware reads what the firmware says of itself (7.1). The second
// extension byte says that it starts by UEFI, or that all this is a virtual machine.
func (t *firmwareTables) decodeFirmware(s smbiosStructure) {
	t.set("bios_vendor", s.text(0x04))
	t.set("bios_version", s.text(0x05))
	t.set("bios_date", s.text(0x08))
	if len(s.data) > 0x13 {
		const uefi, virtual = 1 << 3, 1 << 4
		t.uefi, t.virtual = s.u8(0x13)&uefi != 0, s.u8(0x13)&virtual != 0
	}
}

// onBoard keeps a device on the board that is told of nowhere else.
func (t *firmwareTables) onBoard(kind int, enabled bool, description string) {
	const sound = 7
	if kind == sound && enabled && known(description) != "" {
		t.sound = append(t.sound, description)
	}
}

// passwordState reads the two bits of a password in a hardware security
// structure (7.25). A password that is not implemented says nothing: some
// firmware has it all the same.
func passwordState(bits int) LockState {
	switch bits & 3 {
	case 0:
		return LockClear
	case 1:
		return LockSet
	}
	return LockUnknown
}

// smbiosUUID writes the system UUID in RFC 4122 form. Since SMBIOS 2.6 the
// first three fields are little-endian (DSP0134 3.7.0, 7.2.1).
func smbiosUUID(b []byte, v smbiosVersion) string {
	u := [16]byte(b)
	if !v.before(2, 6) {
		u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
		u[4], u[5] = u[5], u[4]
		u[6], u[7] = u[7], u[6]
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// smbiosCPU reads a processor (DSP0134 3.7.0, 7.5); ok is false for an empty
// socket and for what is no central processor.
func smbiosCPU(s smbiosStructure) (firmwareCPU, bool) {
	const populated, central = 1 << 6, 3
	if s.u8(0x18)&populated == 0 || s.u8(0x05) != central {
		return firmwareCPU{}, false
	}
	count := func(short, long int) int {
		if n := s.u8(short); n != 0xff {
			return n
		}
		return s.u16(long)
	}
	cpu := firmwareCPU{CPU{Model: s.text(0x10), Vendor: s.text(0x07), Cores: count(0x23, 0x2a), Threads: count(0x25, 0x2e)}, s.text(0x04)}
	cpu.identify(s.u64(0x08))
	return cpu, true
}

// identify reads family, model and stepping from the processor ID of an x86
// processor: EAX and EDX of CPUID leaf 1 (Intel SDM volume 2A, figure 3-6; AMD
// APM volume 3, appendix E.3.2). It leaves a processor of another kind alone.
func (c *CPU) identify(id uint64) {
	name := strings.ToLower(c.Vendor + " " + c.Model)
	x86 := false
	for _, word := range []string{"intel", "amd", "advanced micro devices", "via", "zhaoxin", "hygon", "centaur", "pentium"} {
		x86 = x86 || strings.Contains(name, word)
	}
	signature := uint32(id)
	if !isSignature(signature) { // some firmware of AMD machines has the two swapped
		signature = uint32(id >> 32)
	}
	if !x86 || !isSignature(signature) {
		return
	}
	stepping, model, family := int(signature&0xf), int(signature>>4&0xf), int(signature>>8&0xf)
	if family == 6 || family == 15 {
		model |= int(signature >> 16 & 0xf << 4)
	}
	if family == 15 {
		family += int(signature >> 20 & 0xff)
	}
	c.Family, c.ModelNumber, c.Stepping = family, model, stepping
}

// isSignature reports whether a register can be the signature of a processor:
// bits 31:28 and 15:14 are reserved, and there is no family below the 486.
func isSignature(eax uint32) bool { return eax>>28 == 0 && eax>>14&3 == 0 && eax>>8&0xf >= 4 }

// smbiosArray reads a physical memory array (7.17).
func smbiosArray(s smbiosStructure) memoryArray {
	const systemMemory, larger = 3, 0x80000000
	a := memoryArray{handle: s.handle, system: s.u8(0x05) == systemMemory, devices: s.u16(0x0d)}
	if kilobytes := s.u32(0x07); kilobytes != larger {
		a.maxBytes = kilobytes << 10
	} else {
		a.maxBytes = int64(min(s.u64(0x0f), 1<<60))
	}
	return a
}

// smbiosPersistent is the memory type of a logical non-volatile device.
const smbiosPersistent = 0x1f

// smbiosDevice reads a memory device (7.18); ok is false for the firmware's
// own flash chip.
func smbiosDevice(s smbiosStructure) (memoryDevice, bool) {
	kind := s.u8(0x12)
	if kind >= 0x08 && kind <= 0x0c { // ROM, flash, EEPROM, FEPROM, EPROM
		return memoryDevice{}, false
	}
	size := s.u16(0x0c)
	d := memoryDevice{array: s.u16(0x04), bank: s.text(0x11), form: smbiosForms.name(s.u8(0x0e)), populated: size != 0}
	switch {
	case size == 0xffff: // populated, size unknown
	case size == 0x7fff:
		d.SizeBytes = s.u32(0x1c) & 0x7fffffff << 20
	case size&0x8000 != 0:
		d.SizeBytes = int64(size&0x7fff) << 10
	default:
		d.SizeBytes = int64(size) << 20
	}
	if kind == smbiosPersistent {
		// Only the part that works as memory counts; the rest is a drive.
		d.SizeBytes = int64(min(s.u64(0x3c), 1<<60))
		d.populated = d.SizeBytes > 0
	}
	speed := int64(s.u16(0x15))
	if speed == 0xffff {
		speed = s.u32(0x54) & 0x7fffffff
	}
	d.Slot, d.Type, d.SpeedMTs = s.text(0x10), smbiosMemoryTypes.name(kind), int(speed)
	d.Manufacturer, d.Serial, d.PartNumber = s.text(0x17), s.text(0x18), s.text(0x1a)
	return d, true
}

// smbiosPortableBattery reads a battery (7.23).
func smbiosPortableBattery(s smbiosStructure) firmwareBattery {
	b := firmwareBattery{
		location: s.text(0x04), maker: s.text(0x05), serial: s.text(0x07), name: s.text(0x08),
		chemistry: smbiosChemistries.name(s.u8(0x09)), smartChemistry: s.text(0x14),
		milliwattHours: int64(s.u16(0x0a)) * int64(max(1, s.u8(0x15))), millivolts: int64(s.u16(0x0c)),
	}
	if b.serial == "" && s.u16(0x10) != 0 {
		b.serial = fmt.Sprintf("%04X", s.u16(0x10))
	}
	return b
}
