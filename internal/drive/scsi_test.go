package drive_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// unit is a scripted SCSI disk. It is written for the stories below alone.
type unit struct {
	kind       byte // peripheral device type
	vendor     string
	serial     string
	blockBytes uint32
	wanted     uint32 // block size that MODE SELECT asked for
	protection byte
	exponent   byte     // of protection intervals
	lists      bool     // knows REPORT SUPPORTED OPERATION CODES
	has        []string // commands that it lists: "48/01", "04"
	luns       int      // further logical units
	// blocks that it shows, and that it was made with; descriptor gives those of
	// MODE SENSE; saves is whether MODE SELECT is taken with SP; demands: it wants
	// a FORMAT UNIT after MODE SELECT.
	blocks, made uint64
	descriptor   func(values byte) (blocks uint64, length uint32)
	saves        string
	demands      bool
	pages        map[byte]byte // log pages: the code of page 2Fh's verdict and so on
	behind       *disk         // ATA drive that a SAT layer passes commands on to

	sense      []byte   // key, ASC, ASCQ that it is at
	progress   int      // beside it; -1 for none
	attentions [][]byte // queued
	refuse     map[byte][]byte
	lose, deaf map[byte]bool
	gone       int
	strange    bool // REQUEST SENSE brings zeros

	sent      []string
	lastList  []byte
	rescanned int
	now       time.Time
	tick      func(u *unit)
}

func newUnit() *unit {
	return &unit{
		vendor: "SEAGATE", serial: "ZC1A2B3C", blockBytes: 512, blocks: 1 << 20, made: 1 << 20, lists: true, has: []string{"48/01", "48/02", "48/03", "04"}, progress: -1,
		refuse: map[byte][]byte{}, lose: map[byte]bool{}, deaf: map[byte]bool{}, pages: map[byte]byte{},
		now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (u *unit) Wires() drive.Wires           { return drive.Wires{SCSI: u} }
func (u *unit) Rescan(context.Context) error { u.rescanned++; return nil }
func (u *unit) Refind(context.Context) error {
	if u.gone > 0 {
		u.gone--
		return fmt.Errorf("not there: %w", erase.ErrGone)
	}
	return nil
}
func (u *unit) Now() time.Time { return u.now }
func (u *unit) Wait(ctx context.Context, t time.Duration) error {
	u.now = u.now.Add(t)
	if u.tick != nil {
		u.tick(u)
	}
	return ctx.Err()
}

func fixedSense(s []byte, progress int) []byte {
	b := []byte{0x70, 0, s[0], 0, 0, 0, 0, 10, 0, 0, 0, 0, s[1], s[2], 0, 0, 0, 0}
	if progress >= 0 {
		b[15] = 0x80
		binary.BigEndian.PutUint16(b[16:], uint16(progress))
	}
	return b
}

func (u *unit) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	op := c.CDB[0]
	if u.gone > 0 || u.deaf[op] {
		delete(u.deaf, op)
		return scsi.Response{}, errors.New("no answer")
	}
	if (op == 0x85 || op == 0xa1) && u.behind != nil {
		return u.behind.Issue(ctx, c)
	}
	if slices.Contains([]byte{0x48, 0x04, 0x55, 0x15, 0xb5}, op) {
		u.sent = append(u.sent, fmt.Sprintf("%02X/%02X", op, c.CDB[1]))
		u.lastList = slices.Clone(c.Data)
	}
	r := u.do(op, c)
	if u.lose[op] {
		delete(u.lose, op)
		return scsi.Response{}, errors.New("answer lost")
	}
	return r, nil
}

func (u *unit) do(op byte, c scsi.Command) scsi.Response {
	no := func(s []byte, progress int) scsi.Response {
		return scsi.Response{Status: scsi.CheckCondition, Sense: fixedSense(s, progress)}
	}
	bring := func(b []byte) scsi.Response { return scsi.Response{Transferred: copy(c.Data, b)} }
	switch op {
	case 0x12:
		if c.CDB[1]&1 == 1 {
			switch c.CDB[2] {
			case 0x80:
				return bring(append([]byte{u.kind, 0x80, 0, byte(len(u.serial))}, u.serial...))
			case 0xb1:
				return bring(append([]byte{u.kind, 0xb1, 0, 60, 0x1c, 0x20}, make([]byte, 58)...))
			}
			return no([]byte{5, 0x24, 0}, -1)
		}
		b := append([]byte{u.kind, 0, 6, 2, 91, 0, 0, 0}, fmt.Sprintf("%-8s%-16s%-4s", u.vendor, "ST1000", "E001")...)
		return bring(append(b, make([]byte, 60)...))
	case 0x03:
		if u.strange {
			return bring(make([]byte, 18))
		}
		if len(u.attentions) > 0 {
			s := u.attentions[0]
			u.attentions = u.attentions[1:]
			return bring(fixedSense(s, -1))
		}
		if u.sense != nil {
			return bring(fixedSense(u.sense, u.progress))
		}
		return bring(fixedSense([]byte{0, 0, 0}, -1))
	}
	if len(u.attentions) > 0 && op != 0xa0 {
		s := u.attentions[0]
		u.attentions = u.attentions[1:]
		return no(s, -1)
	}
	if s, ok := u.refuse[op]; ok {
		return no(s, -1)
	}
	if u.sense != nil && op != 0xa3 && op != 0xa0 && op != 0x4d && (op != 0x48 || u.sense[0] != 3) {
		return no(u.sense, u.progress)
	}
	switch op {
	case 0x00:
		return scsi.Response{}
	case 0x9e:
		b := make([]byte, 32)
		binary.BigEndian.PutUint64(b, u.blocks-1)
		binary.BigEndian.PutUint32(b[8:], u.blockBytes)
		if u.protection > 0 {
			b[12], b[13] = (u.protection-1)<<1|1, u.exponent<<4
		}
		return bring(b)
	case 0xa3:
		if !u.lists {
			return no([]byte{5, 0x20, 0}, -1)
		}
		what := fmt.Sprintf("%02X", c.CDB[3])
		if c.CDB[2] == 2 {
			what += fmt.Sprintf("/%02X", c.CDB[5])
		}
		if slices.Contains(u.has, what) {
			return bring([]byte{0, 3, 0, 10, 0, 0, 0, 0})
		}
		return bring([]byte{0, 1, 0, 0})
	case 0xa0:
		b := make([]byte, 8+8*(1+u.luns))
		binary.BigEndian.PutUint32(b, uint32(len(b)-8))
		return bring(b)
	case 0x4d:
		page := c.CDB[2] & 0x3f
		switch {
		case page == 0 && len(u.pages) > 0:
			b := []byte{0, 0, 0, 1, 0}
			for p := range u.pages {
				b = append(b, p)
				b[3]++
			}
			return bring(b)
		case page == 0x2f:
			return bring([]byte{0x2f, 0, 0, 8, 0, 0, 3, 4, u.pages[page], 0, 30, 0})
		case page == 0x11:
			return bring([]byte{0x11, 0, 0, 8, 0, 1, 3, 4, 0, 0, 0, u.pages[page]})
		}
	case 0x5a:
		if u.descriptor == nil {
			break
		}
		blocks, length := u.descriptor(c.CDB[2] >> 6)
		b := append([]byte{0, 22, 0, 0, 1, 0, 0, 16}, make([]byte, 16)...)
		binary.BigEndian.PutUint64(b[8:], blocks)
		binary.BigEndian.PutUint32(b[20:], length)
		return bring(b)
	case 0x55, 0x15:
		if u.saves == "never" && c.CDB[1]&1 == 1 || u.saves == "always" && c.CDB[1]&1 == 0 {
			return no([]byte{5, 0x24, 0}, -1)
		}
		blocks, length := uint64(binary.BigEndian.Uint32(c.Data[4:])), binary.BigEndian.Uint32(c.Data[8:])&0xffffff
		if op == 0x55 {
			blocks, length = binary.BigEndian.Uint64(c.Data[8:]), binary.BigEndian.Uint32(c.Data[20:])
		}
		switch {
		case blocks == 0:
			u.wanted = length
		case length != u.blockBytes || blocks != 1<<64-1 && blocks != 1<<32-1:
			return no([]byte{5, 0x26, 0}, -1)
		case u.demands:
			u.refuse[0x9e] = []byte{3, 0x31, 0}
		default:
			u.blocks = u.made
		}
		return scsi.Response{}
	case 0x04:
		u.sense, u.progress = []byte{2, 4, 4}, 0
		return scsi.Response{}
	case 0x48:
		if c.CDB[1]&0x1f == 0x1f {
			u.sense = nil
			return scsi.Response{}
		}
		u.sense, u.progress = []byte{2, 4, 0x1b}, 0
		return scsi.Response{}
	}
	return no([]byte{5, 0x20, 0}, -1)
}

// working lets the unit get on by a tenth of its work each time somebody waits.
func working(u *unit) {
	if u.sense == nil || u.sense[0] != 2 {
		return
	}
	if u.progress += 0x1999; u.progress > 0xffff {
		if u.sense[2] == 4 && u.wanted != 0 {
			u.blockBytes = u.wanted
		}
		u.sense, u.progress = nil, -1
	}
}

func (u *unit) open(t *testing.T, bus inventory.Bus) erase.Firmware {
	t.Helper()
	facts := inventory.Drive{Path: "/dev/sdb", Bus: bus, Model: "ST1000", Serial: u.serial, CapacityBytes: 512 << 20, Siblings: []string{"/dev/sdc"}}
	fw, err := drive.NewFirmware(t.Context(), facts, u, drive.Secrets{})
	if err != nil || fw == nil {
		t.Fatalf("open: %v, %v", fw, err)
	}
	return fw
}

// toEnd asks until the erase has ended.
func (u *unit) toEnd(t *testing.T, fw erase.Firmware) erase.Status {
	t.Helper()
	for range 100 {
		s, err := fw.Status(t.Context())
		if err == nil && s.State != erase.StateRunning {
			return s
		}
		if err != nil && !errors.Is(err, erase.ErrGone) {
			t.Fatalf("status: %v", err)
		}
		_ = u.Wait(t.Context(), time.Minute)
	}
	t.Fatal("it never ends")
	return erase.Status{}
}

func TestSASDiskSaysWhatItCanDo(t *testing.T) {
	u := newUnit()
	u.luns, u.pages, u.descriptor = 1, map[byte]byte{0x2f: 0x5d, 0x11: 17}, u.perKind
	ab, err := u.open(t, inventory.BusSAS).Abilities(t.Context())
	if err != nil || ab.Protocol != "scsi" || ab.Through != "" || len(ab.Erasers) != 4 || ab.Sanitize.State != inventory.SanitizeIdle || !ab.Hidden.Known() {
		t.Errorf("%+v, %v", ab, err)
	}
	if len(ab.Spaces) != 1 || ab.Spaces[0].Path != "/dev/sdc" {
		t.Errorf("spaces: %+v", ab.Spaces)
	}
	if h := ab.Health; h == nil || h.Passed == nil || *h.Passed || h.PercentUsed == nil || *h.PercentUsed != 17 {
		t.Errorf("health: %+v", h)
	}
	u.lists = false
	ab, err = u.open(t, inventory.BusSAS).Abilities(t.Context())
	if err != nil || len(ab.Erasers) != 1 || ab.Erasers[0].Command != inventory.SCSIFormat || !strings.Contains(ab.Notes[0], "not known") {
		t.Errorf("that does not list its commands: %+v, %v", ab, err)
	}
	if len(u.sent) != 0 {
		t.Errorf("asking sent %v", u.sent)
	}
}

func TestSCSIEraseRunsToItsEnd(t *testing.T) {
	reset := []byte{6, 0x29, 0}
	for _, tc := range []struct {
		name    string
		command inventory.EraseCommand
		set     func(*unit)
		sent    string
		list    string
		want    erase.State
	}{
		{"crypto", inventory.SCSISanitizeCrypto, nil, "48/A3", "", erase.StateSucceeded},
		{"block", inventory.SCSISanitizeBlock, nil, "48/A2", "", erase.StateSucceeded},
		{"overwrite", inventory.SCSISanitizeOverwrite, nil, "48/A1", "0100000400000000", erase.StateSucceeded},
		{"format", inventory.SCSIFormat, nil, "04/10", "00020000", erase.StateSucceeded},
		{"format with protection type 2", inventory.SCSIFormat, func(u *unit) { u.protection = 2 }, "04/D0", "00020000", erase.StateSucceeded},
		{"after a power cycle that is told late", inventory.SCSISanitizeBlock, func(u *unit) { u.attentions = [][]byte{reset, {6, 0x3f, 3}} }, "48/A2", "", erase.StateSucceeded},
		{"the answer is lost", inventory.SCSISanitizeBlock, func(u *unit) { u.lose[0x48] = true }, "48/A2", "", erase.StateSucceeded},
		{"the command is lost", inventory.SCSISanitizeBlock, func(u *unit) { u.deaf[0x48] = true }, "48/A2", "", erase.StateSucceeded},
		{"after one that failed", inventory.SCSISanitizeBlock, func(u *unit) { u.sense = []byte{3, 0x31, 3} }, "48/A2", "", erase.StateSucceeded},
		{"a sanitize goes on after a reset", inventory.SCSISanitizeBlock, func(u *unit) {
			u.tick = func(u *unit) {
				if working(u); u.progress > 0x8000 && u.progress < 0x9000 {
					u.attentions = [][]byte{reset}
				}
			}
		}, "48/A2", "", erase.StateSucceeded},
		{"a format does not", inventory.SCSIFormat, func(u *unit) {
			u.tick = func(u *unit) { u.sense, u.attentions = nil, [][]byte{reset} }
		}, "04/10", "00020000", erase.StateFailed},
		{"a sanitize fails", inventory.SCSISanitizeBlock, func(u *unit) {
			u.tick = func(u *unit) { u.sense, u.progress = []byte{3, 0x31, 3}, -1 }
		}, "48/A2", "", erase.StateFailed},
		{"a format fails", inventory.SCSIFormat, func(u *unit) {
			u.tick = func(u *unit) { u.sense, u.progress = []byte{3, 0x31, 1}, -1 }
		}, "04/10", "00020000", erase.StateFailed},
		{"not ready for another reason", inventory.SCSISanitizeBlock, func(u *unit) {
			u.tick = func(u *unit) { u.sense, u.progress = []byte{2, 4, 3}, -1 }
		}, "48/A2", "", erase.StateUnknown},
		{"sense that says nothing, and not ready", inventory.SCSISanitizeBlock, func(u *unit) {
			u.tick = func(u *unit) { u.sense, u.refuse[0] = nil, []byte{4, 0x44, 0} }
		}, "48/A2", "", erase.StateUnknown},
		{"sense of zeros", inventory.SCSISanitizeBlock, func(u *unit) { u.strange = true }, "48/A2", "", erase.StateUnknown},
		{"away for a while", inventory.SCSISanitizeBlock, func(u *unit) {
			u.tick = func(u *unit) {
				if working(u); u.progress > 0x8000 && u.progress < 0x9000 {
					u.gone = 6
				}
			}
		}, "48/A2", "", erase.StateSucceeded},
	} {
		u := newUnit()
		u.tick = working
		if tc.set != nil {
			tc.set(u)
		}
		fw := u.open(t, inventory.BusSAS)
		given, err := fw.Start(t.Context(), tc.command, erase.StartOptions{})
		if err != nil || len(given) == 0 {
			t.Errorf("%s: start: %v, %v", tc.name, given, err)
			continue
		}
		if u.sent[0] != tc.sent || fmt.Sprintf("%x", u.lastList) != tc.list {
			t.Errorf("%s: sent %v with %x", tc.name, u.sent, u.lastList)
		}
		if s := u.toEnd(t, fw); s.State != tc.want {
			t.Errorf("%s: %+v", tc.name, s)
		}
		u.refuse = map[byte][]byte{}
		if _, err := fw.Leave(t.Context()); err != nil || u.rescanned == 0 {
			t.Errorf("%s: leave: %v", tc.name, err)
		}
		if u.sense != nil && u.sense[2] == 3 && u.sense[0] == 3 {
			t.Errorf("%s: the failure mode was not left", tc.name)
		}
	}
}

func TestSCSIRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		set     func(*unit)
		bus     inventory.Bus
		command inventory.EraseCommand
		want    error
	}{
		"not supported":            {func(u *unit) { u.refuse[0x48] = []byte{5, 0x20, 0} }, inventory.BusSAS, inventory.SCSISanitizeBlock, erase.ErrUnsupported},
		"locked":                   {func(u *unit) { u.refuse[0x48] = []byte{7, 0x20, 2} }, inventory.BusSAS, inventory.SCSISanitizeBlock, erase.ErrLocked},
		"access denied":            {func(u *unit) { u.refuse[0x48] = []byte{5, 0x20, 2} }, inventory.BusSAS, inventory.SCSISanitizeBlock, erase.ErrLocked},
		"at work already":          {func(u *unit) { u.sense = []byte{2, 4, 0x1b} }, inventory.BusSAS, inventory.SCSISanitizeBlock, erase.ErrRefusedByDrive},
		"format behind a bridge":   {func(*unit) {}, inventory.BusUSB, inventory.SCSIFormat, erase.ErrUnsupported},
		"a command of another bus": {func(*unit) {}, inventory.BusSAS, inventory.NVMeFormatUser, erase.ErrUnsupported},
	} {
		u := newUnit()
		fw := u.open(t, tc.bus)
		tc.set(u)
		if _, err := fw.Start(t.Context(), tc.command, erase.StartOptions{}); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	u := newUnit()
	fw := u.open(t, inventory.BusSAS)
	u.gone = 1000
	if _, err := fw.Start(t.Context(), inventory.SCSISanitizeBlock, erase.StartOptions{}); !errors.Is(err, erase.ErrGone) {
		t.Errorf("gone: %v", err)
	}
}

// After a format that was cut short a drive has no capacity to tell, and only
// another format brings it back.
func TestBrokenFormatIsFormattedAgain(t *testing.T) {
	for _, ascq := range []byte{0, 1} {
		u := newUnit()
		u.protection, u.refuse[0x9e] = 2, []byte{3, 0x31, ascq}
		given, err := u.open(t, inventory.BusSAS).Start(t.Context(), inventory.SCSIFormat, erase.StartOptions{})
		if err != nil || !slices.Equal(u.sent, []string{"04/10"}) || len(given) != 2 || !strings.Contains(given[0].Status, "without protection") {
			t.Errorf("31h/%02Xh: %v, sent %v, noted %v", ascq, err, u.sent, given)
		}
	}
	u := newUnit()
	u.refuse[0x9e] = []byte{4, 0x44, 0}
	if _, err := u.open(t, inventory.BusSAS).Start(t.Context(), inventory.SCSIFormat, erase.StartOptions{}); !errors.Is(err, erase.ErrRefusedByDrive) || len(u.sent) != 0 {
		t.Errorf("another error: %v, sent %v", err, u.sent)
	}
	// Intervals of protection information within a block are kept.
	u = newUnit()
	u.protection, u.exponent = 2, 3
	if _, err := u.open(t, inventory.BusSAS).Start(t.Context(), inventory.SCSIFormat, erase.StartOptions{}); err != nil || !slices.Equal(u.sent, []string{"04/F0"}) || u.lastList[3] != 3 {
		t.Errorf("intervals: %v, sent %v with %X", err, u.sent, u.lastList)
	}
}

func TestFormatBehindABridgeIsListedAndBlocked(t *testing.T) {
	u := newUnit()
	u.has = []string{"04"}
	ab, err := u.open(t, inventory.BusUSB).Abilities(t.Context())
	if err != nil || ab.Through != "usb bridge" || len(ab.Erasers) != 1 || !strings.Contains(ab.Erasers[0].Blocked, "do nothing") || ab.Hidden.Known() {
		t.Errorf("%+v, %v", ab, err)
	}
}

func TestATADriveBehindABridge(t *testing.T) {
	u := newUnit()
	u.vendor, u.serial, u.behind = "USB-SATA", "WD-WX41A1", newDisk()
	ab, err := u.open(t, inventory.BusUSB).Abilities(t.Context())
	if err != nil || ab.Protocol != "ata" || ab.Through != "usb bridge" || len(ab.Erasers) != 5 {
		t.Errorf("%+v, %v", ab, err)
	}
	// Some swap the letters of the serial number.
	u.serial = "DWW-4XA1 1"
	if ab, err := u.open(t, inventory.BusUSB).Abilities(t.Context()); err != nil || ab.Protocol != "ata" || len(ab.Erasers) != 5 {
		t.Errorf("swapped: %+v, %v", ab, err)
	}
	// A bridge that answers for another drive is found out.
	u.serial, u.behind = "S2HGNX0J4", newDisk()
	fw := u.open(t, inventory.BusUSB)
	ab, err = fw.Abilities(t.Context())
	if err != nil || len(ab.Erasers) != 0 || len(ab.Notes) != 1 || !strings.Contains(ab.Notes[0], "not certain which drive") {
		t.Errorf("another drive: %+v, %v", ab, err)
	}
	if _, err := fw.Start(t.Context(), inventory.ATASanitizeBlock, erase.StartOptions{}); !errors.Is(err, erase.ErrUnsupported) {
		t.Errorf("another drive: start: %v", err)
	}
	if len(u.behind.sent) != 0 {
		t.Errorf("the other drive was given %v", u.behind.sent)
	}
}

func TestBlocksOf520BytesBecome512(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(*unit)
		sent []string
		want uint32
	}{
		"520":                       {func(u *unit) { u.blockBytes = 520 }, []string{"55/11", "04/10"}, 512},
		"saves nothing":             {func(u *unit) { u.blockBytes, u.saves = 520, "never" }, []string{"55/11", "55/10", "04/10"}, 512},
		"528, only MODE SELECT (6)": {func(u *unit) { u.blockBytes, u.refuse[0x55] = 528, []byte{5, 0x20, 0} }, []string{"55/11", "55/10", "15/11", "04/10"}, 512},
		"4160":                      {func(u *unit) { u.blockBytes = 4160 }, []string{"55/11", "04/10"}, 4096},
		"512 already":               {func(*unit) {}, nil, 512},
		"4096 already":              {func(u *unit) { u.blockBytes = 4096 }, nil, 4096},
		"a format is under way":     {func(u *unit) { u.blockBytes, u.wanted, u.sense, u.progress = 520, 512, []byte{2, 4, 4}, 0 }, nil, 512},
		"protection of the array":   {func(u *unit) { u.blockBytes, u.protection = 520, 1 }, []string{"55/11", "04/10"}, 512},
	} {
		u := newUnit()
		u.tick = working
		tc.set(u)
		fw := u.open(t, inventory.BusSAS)
		_, err := fw.Reveal(t.Context())
		if err != nil || u.blockBytes != tc.want || !slices.Equal(u.sent, tc.sent) || u.rescanned != 1 {
			t.Errorf("%s: %v, %d bytes, sent %v", name, err, u.blockBytes, u.sent)
		}
	}
	u := newUnit()
	u.blockBytes, u.refuse[0x04] = 520, []byte{5, 0x24, 0}
	fw := u.open(t, inventory.BusSAS)
	if _, err := fw.Reveal(t.Context()); !errors.Is(err, erase.ErrRefusedByDrive) {
		t.Errorf("refused: %v", err)
	}
	if ab, err := fw.Abilities(t.Context()); err != nil || ab.BlockBytes != 520 || !strings.Contains(strings.Join(ab.Notes, " "), "could not be changed") {
		t.Errorf("refused: %+v, %v", ab, err)
	}
	u = newUnit()
	u.blockBytes, u.tick = 520, func(u *unit) { u.sense, u.progress = []byte{3, 0x31, 1}, -1 }
	if _, err := u.open(t, inventory.BusSAS).Reveal(t.Context()); !errors.Is(err, erase.ErrEraseFailed) {
		t.Errorf("failed: %v", err)
	}
}

// perKind are block descriptors that differ by the kind of values.
func (u *unit) perKind(values byte) (uint64, uint32) {
	switch values {
	case 1:
		return 1<<64 - 1, 1<<32 - 1
	case 2:
		return u.made, u.blockBytes
	}
	return u.blocks, u.blockBytes
}

// A SAS disk can be made smaller by MODE SELECT, and nobody who reads all of its
// blocks then reads all of it.
func TestSASDiskThatWasMadeSmaller(t *testing.T) {
	same := func(u *unit) { u.descriptor = func(byte) (uint64, uint32) { return u.blocks, 512 } }
	honest := func(u *unit) { u.descriptor = u.perKind }
	fixed := func(u *unit) {
		u.descriptor = func(v byte) (uint64, uint32) {
			if v == 1 {
				return 0, 1<<32 - 1
			}
			return u.blocks, 512
		}
	}
	smaller := func(u *unit) { u.blocks -= 1000 }
	const all = "1048576 blocks"
	for name, tc := range map[string]struct {
		set    []func(*unit)
		hidden int64 // -1 for not known
		sent   []string
		want   string // blocks, and why they stay hidden
	}{
		"tells":                    {[]func(*unit){honest, smaller}, 512000, []string{"55/11"}, all},
		"tells, and saves nothing": {[]func(*unit){honest, smaller, func(u *unit) { u.saves = "never" }}, 512000, []string{"55/11", "55/10"}, all},
		"tells, and knows only the short command": {[]func(*unit){honest, smaller, func(u *unit) { u.refuse[0x55] = []byte{5, 0x20, 0} }}, 512000,
			[]string{"55/11", "55/10", "15/11"}, all},
		"tells, and refuses": {[]func(*unit){honest, smaller, func(u *unit) { u.refuse[0x55], u.refuse[0x15] = []byte{5, 0x26, 0}, []byte{5, 0x26, 0} }}, 512000,
			[]string{"55/11", "55/10", "15/11", "15/10"}, "1047576 blocks: does not give back"},
		"tells, and wants a format": {[]func(*unit){honest, smaller, func(u *unit) { u.demands = true }}, 512000, []string{"55/11"}, "wants FORMAT UNIT"},
		"tells, and takes no notice": {[]func(*unit){honest, smaller, func(u *unit) {
			made := u.made
			u.made = u.blocks
			u.descriptor = func(v byte) (uint64, uint32) {
				b, l := u.perKind(v)
				if v == 2 {
					b = made
				}
				return b, l
			}
		}}, 512000, []string{"55/11"}, "1047576 blocks: shows 1047576 of 1048576"},
		"has all of its blocks":        {[]func(*unit){honest}, 0, nil, all},
		"cannot be made smaller":       {[]func(*unit){fixed}, 0, nil, all},
		"always tells what it has now": {[]func(*unit){same, smaller}, -1, []string{"55/11"}, all},
		"does not tell":                {[]func(*unit){smaller}, -1, nil, "1047576 blocks"},
		"says that it has no end":      {[]func(*unit){smaller, func(u *unit) { u.descriptor = func(byte) (uint64, uint32) { return 1<<64 - 1, 512 } }}, -1, []string{"55/11"}, all},
		"in blocks of another size":    {[]func(*unit){smaller, func(u *unit) { u.descriptor = func(v byte) (uint64, uint32) { b, _ := u.perKind(v); return b, 520 } }}, -1, []string{"55/11"}, all},
	} {
		u := newUnit()
		for _, set := range tc.set {
			set(u)
		}
		fw := u.open(t, inventory.BusSAS)
		ab, err := fw.Abilities(t.Context())
		if h := ab.Hidden; err != nil || h.Known() != (tc.hidden >= 0) || h.Bytes() != max(tc.hidden, 0) || h.Stuck != "" {
			t.Errorf("%s: %+v, notes %v, %v", name, h, ab.Notes, err)
		}
		if _, err := fw.Reveal(t.Context()); err != nil || !slices.Equal(u.sent, tc.sent) || u.rescanned != 1 {
			t.Errorf("%s: reveal: %v, sent %v", name, err, u.sent)
		}
		if ab, err = fw.Abilities(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		after := fmt.Sprintf("%d blocks: %s", u.blocks, ab.Hidden.Stuck)
		for _, part := range strings.Split(tc.want, ": ") {
			if !strings.Contains(after, part) {
				t.Errorf("%s: afterwards %s, want %s", name, after, tc.want)
			}
		}
		if tc.hidden >= 0 && u.blocks == u.made && len(tc.sent) > 0 && tc.want == all && (!ab.Hidden.Known() || ab.Hidden.Bytes() != 0) {
			t.Errorf("%s: afterwards %+v", name, ab.Hidden)
		}
	}
	// Nothing of this behind a bridge.
	u := newUnit()
	honest(u)
	smaller(u)
	fw := u.open(t, inventory.BusUSB)
	if ab, err := fw.Abilities(t.Context()); err != nil || ab.Hidden.Known() {
		t.Errorf("bridge: %+v, %v", ab.Hidden, err)
	}
	if _, err := fw.Reveal(t.Context()); err != nil || len(u.sent) != 0 {
		t.Errorf("bridge: %v, sent %v", err, u.sent)
	}
}

// An erase from before this program began is followed to its end.
func TestSCSIEraseOfAnEarlierRunIsFollowedToItsEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		sense []byte
		tick  func(*unit)
		want  erase.State
	}{
		"sanitize":                        {[]byte{2, 4, 0x1b}, working, erase.StateSucceeded},
		"sanitize, and a reset":           {[]byte{2, 4, 0x1b}, func(u *unit) { working(u); u.attentions = [][]byte{{6, 0x29, 0}} }, erase.StateSucceeded},
		"format":                          {[]byte{2, 4, 4}, working, erase.StateSucceeded},
		"format, and a reset":             {[]byte{2, 4, 4}, func(u *unit) { u.sense, u.attentions = nil, [][]byte{{6, 0x29, 0}} }, erase.StateFailed},
		"sanitize that fails":             {[]byte{2, 4, 0x1b}, func(u *unit) { u.sense, u.progress = []byte{3, 0x31, 3}, -1 }, erase.StateFailed},
		"only spinning up":                {[]byte{2, 4, 1}, func(u *unit) { u.sense = nil }, erase.StateIdle},
		"nothing that was seen to happen": {nil, nil, erase.StateIdle},
	} {
		u := newUnit()
		u.sense, u.progress, u.tick = tc.sense, 0, tc.tick
		fw := u.open(t, inventory.BusSAS)
		if s := u.toEnd(t, fw); s.State != tc.want || s.Of != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	// What Reveal formatted is no erase.
	u := newUnit()
	u.blockBytes, u.tick = 520, working
	fw := u.open(t, inventory.BusSAS)
	if _, err := fw.Reveal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := fw.Status(t.Context()); err != nil || s.State != erase.StateIdle {
		t.Errorf("after a reveal: %+v, %v", s, err)
	}
}

func TestSCSIDriveThatChangesItsSerial(t *testing.T) {
	u := newUnit()
	fw := u.open(t, inventory.BusSAS)
	if _, err := fw.Start(t.Context(), inventory.SCSISanitizeCrypto, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	u.sense, u.serial = nil, "ZC1A2B3D"
	if s, err := fw.Status(t.Context()); !errors.Is(err, erase.ErrIdentityChanged) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestWhatIsNoDiskIsOfferedNothing(t *testing.T) {
	u := newUnit()
	u.kind = 0x0d
	ab, err := u.open(t, inventory.BusSAS).Abilities(t.Context())
	if err != nil || len(ab.Erasers) != 0 || len(ab.Notes) != 1 {
		t.Errorf("enclosure: %+v, %v", ab, err)
	}
	facts := inventory.Drive{Path: "/dev/sr0", Bus: inventory.BusUSB, Media: inventory.MediaOptical}
	u.kind = 5
	if fw, err := drive.NewFirmware(t.Context(), facts, u, drive.Secrets{}); fw != nil || err != nil {
		t.Errorf("optical: %v, %v", fw, err)
	}
}
