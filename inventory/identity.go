package inventory

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// identify is what is used of ATA IDENTIFY DEVICE data (ACS-4, 7.13).
type identify struct {
	serial, firmware, model string
	wwn                     string // "naa....", empty when the drive has none
	// rotation is word 217: 1 means that nothing rotates, 0401h to FFFEh
	// are revolutions per minute, 0 means not reported.
	rotation int
}

// parseIdentify reads the 512 bytes of IDENTIFY DEVICE data. ok is false when
// there are fewer.
func parseIdentify(b []byte) (id identify, ok bool) {
	if len(b) < 512 {
		return identify{}, false
	}
	word := func(n int) uint16 { return binary.LittleEndian.Uint16(b[2*n:]) }
	// ATA strings hold the first character of each pair in the high byte.
	text := func(first, last int) string {
		s := make([]byte, 0, 2*(last-first+1))
		for n := first; n <= last; n++ {
			s = append(s, byte(word(n)>>8), byte(word(n)))
		}
		return string(s)
	}
	id = identify{serial: text(10, 19), firmware: text(23, 26), model: text(27, 46), rotation: int(word(217))}
	// Word 87 is valid when its two top bits are 01; bit 8 says that words
	// 108 to 111 hold a world-wide name.
	if word(87)>>14 == 1 && word(87)&(1<<8) != 0 {
		wwn := fmt.Sprintf("%04x%04x%04x%04x", word(108), word(109), word(110), word(111))
		if strings.Trim(wwn, "0") != "" {
			id.wwn = "naa." + wwn
		}
	}
	return id, true
}

// vpdBody checks the head of a SCSI vital product data page (SPC-5, 7.7) and
// gives what follows it, cut to the length the page states.
func vpdBody(page []byte, code byte) ([]byte, bool) {
	if len(page) < 4 || page[1] != code {
		return nil, false
	}
	body := page[4:]
	if n := int(binary.BigEndian.Uint16(page[2:])); n < len(body) {
		body = body[:n]
	}
	return body, true
}

// parseVPD80 gives the unit serial number.
func parseVPD80(page []byte) (serial string, ok bool) {
	body, ok := vpdBody(page, 0x80)
	return string(body), ok
}

// vpd83 is what is used of the device identification page.
type vpd83 struct {
	wwn string // of the logical unit: naa. before eui.
	// ata holds model and serial where a SAT layer put them into the T10
	// vendor identification (SAT-4, 10.3.4).
	ataModel, ataSerial string
}

// parseVPD83 reads the designators of the logical unit (SPC-5, 7.7.6). Those
// of the target port differ between the two ports of one drive and are left out.
func parseVPD83(page []byte) (v vpd83, ok bool) {
	body, ok := vpdBody(page, 0x83)
	var naa, eui string
	for len(body) >= 4 {
		n := int(body[3])
		if n > len(body)-4 {
			break
		}
		designator := body[4 : 4+n]
		if association := body[1] >> 4 & 3; association == 0 {
			switch body[1] & 0x0f {
			case 1:
				if n >= 68 && strings.HasPrefix(string(designator), "ATA     ") {
					v.ataModel, v.ataSerial = string(designator[8:48]), string(designator[48:68])
				}
			case 2:
				if (n == 8 || n == 12 || n == 16) && eui == "" {
					eui = "eui." + hex.EncodeToString(designator)
				}
			case 3:
				if (n == 8 || n == 16) && naa == "" {
					naa = "naa." + hex.EncodeToString(designator)
				}
			}
		}
		body = body[4+n:]
	}
	v.wwn = naa
	if v.wwn == "" {
		v.wwn = eui
	}
	return v, ok
}

// parseVPD89 gives the IDENTIFY DEVICE data that a SAT layer keeps in the ATA
// information page (SAT-4, 10.3.7: bytes 60 to 571).
func parseVPD89(page []byte) (identify, bool) {
	if len(page) < 572 || page[1] != 0x89 || page[56] != 0xec {
		return identify{}, false
	}
	return parseIdentify(page[60:572])
}

// parseVPDB1 gives the medium rotation rate of the block device
// characteristics page (SBC-4, 6.6.2), with the values of ATA word 217.
func parseVPDB1(page []byte) (rotation int, ok bool) {
	body, ok := vpdBody(page, 0xb1)
	if !ok || len(body) < 2 {
		return 0, false
	}
	return int(binary.BigEndian.Uint16(body)), true
}

// inquiry is what is used of standard INQUIRY data (SPC-5, 6.6.2).
type inquiry struct{ vendor, model, revision string }

func parseInquiry(b []byte) (inquiry, bool) {
	if len(b) < 36 {
		return inquiry{}, false
	}
	return inquiry{vendor: string(b[8:16]), model: string(b[16:32]), revision: string(b[32:36])}, true
}

// wwnFrom takes a name in the kernel's form if it is a world-wide one: the
// forms t10. and nvme. are made of model and serial.
func wwnFrom(s string) string {
	s = strings.ToLower(cleaned(s))
	scheme, digits, _ := strings.Cut(s, ".")
	switch scheme {
	case "naa", "eui", "uuid":
		if strings.Trim(digits, "0- ") != "" && strings.Trim(digits, "0123456789abcdef-") == "" {
			return s
		}
	}
	return ""
}

// card is what the CID register of an eMMC or SD card says.
type card struct{ manufacturer, name, serial string }

// parseCID reads a CID register in the hex form of sysfs: JESD84-B51 7.2 for
// eMMC, SD Physical Layer 5.2 for SD cards, whose name is one byte shorter.
func parseCID(text string, isSD bool) (card, bool) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != 16 {
		return card{}, false
	}
	name, serial := b[3:9], b[10:14]
	if isSD {
		name, serial = b[3:8], b[9:13]
	}
	return card{
		manufacturer: cardMaker(int(b[0]), isSD),
		name:         string(name),
		serial:       fmt.Sprintf("0x%08x", binary.BigEndian.Uint32(serial)),
	}, true
}

// cardMaker names the holder of a manufacturer id, where it is well known;
// else it is the id itself. eMMC and SD ids are two different lists.
func cardMaker(id int, isSD bool) string {
	if isSD {
		switch id {
		case 0x01:
			return "Panasonic"
		case 0x02:
			return "Toshiba"
		case 0x03:
			return "SanDisk"
		case 0x1b:
			return "Samsung"
		}
		return fmt.Sprintf("manufacturer id 0x%02x", id)
	}
	switch id {
	case 0x02, 0x45:
		return "SanDisk"
	case 0x11:
		return "Toshiba"
	case 0x13, 0xfe:
		return "Micron"
	case 0x15:
		return "Samsung"
	case 0x70:
		return "Kingston"
	case 0x90:
		return "SK hynix"
	}
	return fmt.Sprintf("manufacturer id 0x%02x", id)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
