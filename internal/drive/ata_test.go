package drive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// disk is a scripted ATA disk behind a SAT layer, as far as the stories below
// need one. It is written for them alone.
type disk struct {
	mu       sync.Mutex
	serial   string
	words    map[int]uint16
	sectors  uint64 // shown
	native   uint64 // without an HPA
	factory  uint64 // without an overlay
	setMax   bool   // a lasting SET MAX was given in this power cycle
	askedMax bool   // the last command was READ NATIVE MAX

	password, master []byte
	locked, frozen   bool
	prepared         bool
	attempts         int
	keeps            bool          // its password, after an erase
	erasing, began   chan struct{} // SECURITY ERASE UNIT waits for the first and closes the second

	status   uint16 // of SANITIZE STATUS EXT, COUNT
	progress uint16
	reason   byte // it is aborted with this, when not zero
	keepsWhy bool // its status is aborted without a reason
	noStatus bool // GOOD without registers
	fixed    bool // sense data in fixed format, without the upper bytes

	// lose makes an answer get lost, by opcode, once; deaf swallows the
	// command before the drive has it.
	lose, deaf map[byte]bool
	gone       int
	wedged     bool // commands never return
	refuse     map[byte]bool

	sent               []string
	refinds, rescanned int
	now                time.Time
	tick               func(d *disk)
}

func newDisk() *disk {
	return &disk{
		serial: "WD-WX41A1", sectors: 1 << 20, native: 1 << 20, factory: 1 << 20, progress: 0xffff, attempts: 5,
		words: map[int]uint16{82: 0x0400, 83: 0x4c00, 84: 0x4000, 87: 0x4000, 59: 0xf000, 128: 0x0021, 89: 10, 90: 0x8005},
		lose:  map[byte]bool{}, deaf: map[byte]bool{}, refuse: map[byte]bool{},
		now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (d *disk) Wires() drive.Wires { return drive.Wires{SCSI: d} }
func (d *disk) Rescan(context.Context) error {
	d.rescanned++
	return nil
}
func (d *disk) Refind(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refinds++
	if d.gone > 0 {
		d.gone--
		return fmt.Errorf("not there: %w", erase.ErrGone)
	}
	return nil
}
func (d *disk) Now() time.Time { return d.now }
func (d *disk) Wait(ctx context.Context, t time.Duration) error {
	d.now = d.now.Add(t)
	if d.tick != nil {
		d.tick(d)
	}
	return ctx.Err()
}

func (d *disk) identify() []byte {
	b := make([]byte, 512)
	put := func(word int, v uint16) { put16(b, 2*word, v) }
	text := func(word, n int, s string) {
		s = fmt.Sprintf("%-*s", 2*n, s)
		for i := range n {
			put(word+i, uint16(s[2*i])<<8|uint16(s[2*i+1]))
		}
	}
	for word, v := range d.words {
		put(word, v)
	}
	text(10, 10, d.serial)
	text(27, 20, "WDC WD10")
	put(60, uint16(d.sectors))
	put(61, uint16(d.sectors>>16))
	put(100, uint16(d.sectors))
	put(101, uint16(d.sectors>>16))
	w := d.words[128]
	for bit, set := range map[int]bool{1: d.password != nil, 2: d.locked, 3: d.frozen, 4: d.attempts == 0} {
		if set {
			w |= 1 << bit
		}
	}
	put(128, w)
	return sealed(b)
}

// sealed adds the checksum of word 255.
func sealed(b []byte) []byte {
	b[510], b[511] = 0xa5, 0
	sum := byte(0)
	for _, v := range b {
		sum += v
	}
	b[511] = -sum
	return b
}

// Issue takes ATA PASS-THROUGH (16) and refuses all else.
func (d *disk) Issue(ctx context.Context, c scsi.Command) (scsi.Response, error) {
	if d.wedged {
		<-ctx.Done()
		return scsi.Response{}, ctx.Err()
	}
	d.mu.Lock()
	op := c.CDB[0]
	if op != 0x85 {
		d.mu.Unlock()
		return scsi.Response{Status: scsi.CheckCondition, Sense: []byte{0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0}}, nil
	}
	op = c.CDB[14]
	defer d.mu.Unlock()
	if d.gone > 0 || d.deaf[op] {
		d.deaf[op] = false
		return scsi.Response{}, errors.New("no answer")
	}
	if op != 0xec {
		d.sent = append(d.sent, fmt.Sprintf("%02X/%02X%02X", op, c.CDB[3], c.CDB[4]))
	}
	r := d.do(op, c)
	if d.lose[op] {
		d.lose[op] = false
		return scsi.Response{}, errors.New("answer lost")
	}
	return r, nil
}

// answer is an ATA status with registers.
func (d *disk) answer(status, failure byte, count uint16, lba uint64) scsi.Response {
	if d.fixed {
		s := []byte{0xf0, 0, 1, failure, status, 0x40, byte(count), 10, 0x80, byte(lba), byte(lba >> 8), byte(lba >> 16), 0, 0x1d, 0, 0, 0, 0}
		if count>>8 != 0 {
			s[8] |= 0x40
		}
		if lba>>24 != 0 {
			s[8] |= 0x20
		}
		if status&1 != 0 {
			s[2], s[13] = 0x0b, 0
		}
		return scsi.Response{Status: scsi.CheckCondition, Sense: s}
	}
	s := []byte{0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 1, failure, byte(count >> 8), byte(count),
		byte(lba >> 24), byte(lba), byte(lba >> 32), byte(lba >> 8), byte(lba >> 40), byte(lba >> 16), 0x40, status}
	if status&1 != 0 {
		s[1], s[3] = 0x0b, 0
	}
	return scsi.Response{Status: scsi.CheckCondition, Sense: s}
}

func (d *disk) abort() scsi.Response { return d.answer(0x51, 4, 0, 0) }

func (d *disk) do(op byte, c scsi.Command) scsi.Response {
	cdb := c.CDB
	ok := d.answer(0x50, 0, 0, 0)
	asked := d.askedMax
	d.askedMax = false
	prepared := d.prepared
	d.prepared = false
	count := uint16(cdb[5])<<8 | uint16(cdb[6])
	lba := uint64(cdb[8]) | uint64(cdb[10])<<8 | uint64(cdb[12])<<16 | uint64(cdb[7])<<24 | uint64(cdb[9])<<32 | uint64(cdb[11])<<40
	if d.refuse[op] {
		return d.abort()
	}
	given := func() []byte { return bytes.TrimRight(c.Data[2:34], "\x00") }
	switch op {
	case 0xec:
		return scsi.Response{Transferred: copy(c.Data, d.identify())}
	case 0x27:
		d.askedMax = true
		return d.answer(0x50, 0, 0, d.native-1)
	case 0x37:
		if !asked || d.setMax || count&1 == 0 || lba >= d.native {
			return d.answer(0x51, 0x10, 0, 0)
		}
		d.setMax, d.sectors = true, lba+1
		return ok
	case 0xb1:
		if cdb[4] == 0xc2 {
			b := make([]byte, 512)
			put16(b, 0, 2)
			put32(b, 6, uint32(d.factory-1))
			return scsi.Response{Transferred: copy(c.Data, sealed(b))}
		}
		if d.sectors < d.native {
			return d.abort()
		}
		d.native, d.sectors = d.factory, d.factory
		return ok
	case 0xf1, 0xf2, 0xf3, 0xf4, 0xf6:
		if d.frozen {
			return d.abort()
		}
	}
	switch op {
	case 0xf1:
		if d.locked {
			return d.abort()
		}
		d.password = bytes.Clone(given())
		return scsi.Response{}
	case 0xf2:
		right := d.password
		if c.Data[0]&1 == 1 {
			right = d.master
		}
		if d.attempts == 0 || !bytes.Equal(given(), right) {
			d.attempts = max(d.attempts-1, 0)
			return d.abort()
		}
		d.locked = false
		return scsi.Response{}
	case 0xf3:
		d.prepared = true
		return ok
	case 0xf4:
		right := d.password
		if c.Data[0]&1 == 1 {
			right = d.master
		}
		if !prepared || !bytes.Equal(given(), right) {
			return d.abort()
		}
		if d.erasing != nil {
			d.mu.Unlock()
			close(d.began)
			<-d.erasing
			d.mu.Lock()
		}
		if !d.keeps {
			d.password, d.locked = nil, false
		}
		return scsi.Response{}
	case 0xf6:
		right := d.password
		if c.Data[0]&1 == 1 {
			right = d.master
		}
		if d.locked || !bytes.Equal(given(), right) {
			return d.abort()
		}
		d.password = nil
		return scsi.Response{}
	case 0xb4:
		return d.sanitize(uint16(cdb[3])<<8|uint16(cdb[4]), count)
	}
	return d.abort()
}

func (d *disk) sanitize(feature, count uint16) scsi.Response {
	if feature == 0 {
		switch {
		case d.noStatus:
			return scsi.Response{}
		case d.keepsWhy && count&1 == 1:
			d.keepsWhy = false
		case d.keepsWhy:
			return d.abort()
		case count&1 == 1 && d.reason == 1:
			d.reason = 0
		case d.reason != 0:
			return d.answer(0x51, 4, 0, uint64(d.reason))
		}
		return d.answer(0x50, 0, d.status, uint64(d.progress))
	}
	if d.locked || d.status&0x2000 != 0 {
		return d.answer(0x51, 4, 0, 3)
	}
	d.status, d.progress, d.reason, d.keepsWhy = 0x4000, 0x1000, 0, false
	return d.answer(0x50, 0, d.status, 0)
}

func (d *disk) facts() inventory.Drive {
	return inventory.Drive{Path: "/dev/sda", Bus: inventory.BusATA, Model: "WDC WD10", Serial: "WD-WX41A1", CapacityBytes: 512 << 20}
}

func (d *disk) open(t *testing.T, s drive.Secrets) erase.Firmware {
	t.Helper()
	fw, err := drive.NewFirmware(t.Context(), d.facts(), d, s)
	if err != nil || fw == nil {
		t.Fatalf("open: %v, %v", fw, err)
	}
	return fw
}

// untilEnd asks until the erase has ended.
func untilEnd(t *testing.T, fw erase.Firmware, d *disk) erase.Status {
	t.Helper()
	for range 1000 {
		s, err := fw.Status(t.Context())
		if err == nil && s.State != erase.StateRunning {
			return s
		}
		if err != nil && !errors.Is(err, erase.ErrGone) {
			t.Fatalf("status: %v", err)
		}
		_ = d.Wait(t.Context(), time.Minute)
	}
	t.Fatal("it never ends")
	return erase.Status{}
}

func blocked(ab inventory.Abilities) map[inventory.EraseCommand]string {
	m := map[inventory.EraseCommand]string{}
	for _, e := range ab.Erasers {
		m[e.Command] = e.Blocked
	}
	return m
}

func TestATADiskSaysWhatItCanDo(t *testing.T) {
	d := newDisk()
	d.sectors, d.native, d.factory = 1000, 1100, 1300
	ab, err := d.open(t, drive.Secrets{}).Abilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[inventory.EraseCommand]string{
		inventory.ATASanitizeCrypto: "", inventory.ATASanitizeBlock: "", inventory.ATASanitizeOverwrite: "",
		inventory.ATASecurityErase: "", inventory.ATASecurityEraseEnhanced: "",
	}
	if got := blocked(ab); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("erasers: %v", got)
	}
	if e := ab.Erasers[3]; e.EstimateSeconds != 20*60 || ab.Erasers[4].EstimateSeconds != 10*60 {
		t.Errorf("estimates: %+v", ab.Erasers)
	}
	if h := ab.Hidden; h.HPABytes == nil || *h.HPABytes != 100*512 || h.DCOBytes == nil || *h.DCOBytes != 200*512 || h.Stuck != "" || h.AMABytes != nil {
		t.Errorf("hidden: %+v", h)
	}
	if ab.Protocol != "ata" || ab.Sanitize.State != inventory.SanitizeIdle || ab.Security.Kind != "ata" || !ab.Encrypts {
		t.Errorf("abilities: %+v", ab)
	}
	if slices.ContainsFunc(d.sent, func(s string) bool { return !slices.Contains([]string{"27/0000", "B1/00C2", "B4/0000"}, s) }) {
		t.Errorf("asking sent %v", d.sent)
	}
}

func TestStatesThatBlockAnErase(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(*disk)
		want string // of sanitize block, then of security erase
	}{
		"frozen":             {func(d *disk) { d.frozen = true }, "|frozen"},
		"locked":             {func(d *disk) { d.locked, d.password = true, []byte("x") }, "locked|locked"},
		"attempts used up":   {func(d *disk) { d.locked, d.password, d.attempts = true, []byte("x"), 0 }, "locked|password attempts used up until the next power cycle"},
		"sanitize frozen":    {func(d *disk) { d.status = 0x2000 }, "frozen by SANITIZE FREEZE LOCK until the next power cycle|"},
		"says so by abort":   {func(d *disk) { d.reason = 3 }, "frozen by SANITIZE FREEZE LOCK until the next power cycle|"},
		"sanitize failed":    {func(d *disk) { d.reason = 1 }, "|its last sanitize failed, and until one succeeds it takes nothing else"},
		"no registers":       {func(d *disk) { d.noStatus = true }, "what stands between does not pass on the answer that tells how it ended|"},
		"sanitized long ago": {func(d *disk) { d.status = 0x8000 }, "|"},
	} {
		d := newDisk()
		tc.set(d)
		ab, err := d.open(t, drive.Secrets{}).Abilities(t.Context())
		b := blocked(ab)
		if got := b[inventory.ATASanitizeBlock] + "|" + b[inventory.ATASecurityErase]; err != nil || got != tc.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tc.want)
		}
	}
}

func TestHiddenAreasAreRestoredInOrder(t *testing.T) {
	d := newDisk()
	d.sectors, d.native, d.factory = 1000, 1100, 1300
	fw := d.open(t, drive.Secrets{})
	given, err := fw.Reveal(t.Context())
	want := []string{"27/0000", "37/0000", "B1/00C2", "B1/00C0", "27/0000"}
	if err != nil || d.sectors != 1300 || !slices.Equal(d.sent, want) || len(given) != len(want) || d.rescanned != 1 {
		t.Errorf("%v, %d sectors, sent %v, noted %v", err, d.sectors, d.sent, given)
	}
	ab, _ := fw.Abilities(t.Context())
	if ab.Hidden.Bytes() != 0 || !ab.Hidden.Known() || ab.Hidden.Stuck != "" {
		t.Errorf("hidden: %+v", ab.Hidden)
	}
	// A drive that has had its SET MAX in this power cycle says no; that
	// is no error, but what is hidden and why is told.
	d = newDisk()
	d.sectors, d.native, d.factory, d.setMax = 1000, 1100, 1100, true
	fw = d.open(t, drive.Secrets{})
	_, err = fw.Reveal(t.Context())
	ab, _ = fw.Abilities(t.Context())
	if err != nil || ab.Hidden.Bytes() != 100*512 || !strings.Contains(ab.Hidden.Stuck, "once in a power cycle") {
		t.Errorf("%v, %+v", err, ab.Hidden)
	}
	// An answer that is lost on the way is not given twice for nothing.
	d = newDisk()
	d.sectors, d.native, d.factory = 1000, 1100, 1100
	d.lose[0x37] = true
	fw = d.open(t, drive.Secrets{})
	if _, err = fw.Reveal(t.Context()); err != nil || d.sectors != 1100 || d.refinds != 1 {
		t.Errorf("lost: %v, %d sectors", err, d.sectors)
	}
	if n := count(d.sent, "37/0000"); n != 1 {
		t.Errorf("SET MAX was given %d times", n)
	}
}

// What was hidden a moment ago is not gone because the drive no longer answers.
func TestHiddenAreasThatCannotBeAskedAreNotKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(*disk)
		note string
	}{
		"READ NATIVE MAX refused":   {func(d *disk) { d.refuse[0x27] = true }, "Host Protected Area could not be asked"},
		"IDENTIFY of DCO refused":   {func(d *disk) { d.refuse[0xb1] = true }, "Device Configuration Overlay could not be asked"},
		"IDENTIFY refused":          {func(d *disk) { d.refuse[0xec] = true }, "not offered"},
		"HPA is no feature now":     {func(d *disk) { d.words[82] = 0 }, "says so no more"},
		"DCO is no feature now":     {func(d *disk) { d.words[83] = 0x4400 }, "says so no more"},
		"features not told":         {func(d *disk) { d.words[82], d.words[83] = 0, 0 }, "says so no more"},
		"fewer sectors than it has": {func(d *disk) { d.native = 900 }, "1000 of them shown"},
	} {
		d := newDisk()
		d.sectors, d.native, d.factory = 1000, 1100, 1100
		fw := d.open(t, drive.Secrets{})
		if ab, err := fw.Abilities(t.Context()); err != nil || !ab.Hidden.Known() || ab.Hidden.Bytes() != 100*512 {
			t.Fatalf("before: %+v, %v", ab.Hidden, err)
		}
		tc.set(d)
		if ab, err := fw.Abilities(t.Context()); err != nil || ab.Hidden.Known() || !strings.Contains(strings.Join(ab.Notes, "; "), tc.note) {
			t.Errorf("%s: hidden %+v, notes %v, %v", name, ab.Hidden, ab.Notes, err)
		}
	}
	d := newDisk()
	d.words[82], d.words[83] = 0, 0
	if ab, err := d.open(t, drive.Secrets{}).Abilities(t.Context()); err != nil || ab.Hidden.Known() {
		t.Errorf("features never told: %+v, %v", ab.Hidden, err)
	}
}

// Suspending the machine helps against freezing, and not against a sanitize.
func TestHiddenAreaBehindASanitizeIsNotCalledFrozen(t *testing.T) {
	for name, set := range map[string]func(*disk){
		"running": func(d *disk) { d.status, d.progress = 0x4000, 0x1000 },
		"failed":  func(d *disk) { d.reason = 1 },
	} {
		d := newDisk()
		d.sectors, d.native, d.factory = 1000, 1000, 1100
		d.refuse[0xb1] = true
		set(d)
		fw := d.open(t, drive.Secrets{})
		for range 2 {
			ab, err := fw.Abilities(t.Context())
			if stuck := ab.Hidden.Stuck; err != nil || !strings.Contains(stuck, "sanitize") || strings.Contains(stuck, "freez") {
				t.Errorf("%s: %q, %v", name, stuck, err)
			}
			if _, err := fw.Reveal(t.Context()); err != nil {
				t.Errorf("%s: reveal: %v", name, err)
			}
		}
	}
}

func count(sent []string, what string) (n int) {
	for _, s := range sent {
		if s == what {
			n++
		}
	}
	return n
}

func TestSanitizeRunsToItsEnd(t *testing.T) {
	for name, prepare := range map[string]func(*disk){
		"descriptor format":                    func(*disk) {},
		"fixed format":                         func(d *disk) { d.fixed = true },
		"fixed format, sanitized before":       func(d *disk) { d.fixed, d.status = true, 0x8000 },
		"the answer to the command is lost":    func(d *disk) { d.lose[0xb4] = true },
		"the command is lost":                  func(d *disk) { d.deaf[0xb4] = true },
		"away for a while":                     func(d *disk) { d.gone = 2 },
		"a password set and open, by the BIOS": func(d *disk) { d.password = []byte("bios") },
	} {
		d := newDisk()
		prepare(d)
		steps := 0
		d.tick = func(d *disk) {
			if d.status != 0x4000 {
				return
			}
			if steps++; steps == 3 {
				d.gone = 6 // a reset
			}
			if d.progress += 0x1000; d.progress >= 0xa000 {
				d.status, d.progress = 0x8000, 0xffff
			}
		}
		fw := d.open(t, drive.Secrets{})
		given, err := fw.Start(t.Context(), inventory.ATASanitizeBlock, erase.StartOptions{})
		if err != nil || len(given) == 0 || given[0].Code != "B4h/0012h" {
			t.Errorf("%s: start %v, %v", name, given, err)
			continue
		}
		if s := untilEnd(t, fw, d); s.State != erase.StateSucceeded {
			t.Errorf("%s: %+v", name, s)
		}
		if _, err := fw.Leave(t.Context()); err != nil || d.password != nil {
			t.Errorf("%s: leave: %v, password %q", name, err, d.password)
		}
	}
}

func TestSanitizeThatDoesNotEndWell(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after func(*disk)
		want          erase.State
	}{
		"failed, and why is kept back": {nil, func(d *disk) { d.status, d.keepsWhy = 0, true }, erase.StateUnknown},
		"failed":                       {nil, func(d *disk) { d.status, d.reason = 0, 1 }, erase.StateFailed},
		"forgotten":                    {nil, func(d *disk) { d.status, d.progress = 0, 0xffff }, erase.StateIdle},
		"status refused":               {nil, func(d *disk) { d.refuse[0xb4] = true }, erase.StateUnknown},
		"status without answer":        {nil, func(d *disk) { d.noStatus = true }, erase.StateUnknown},
		"never seen to run, and an old success hides the end": {func(d *disk) { d.fixed, d.status = true, 0x8000 },
			func(d *disk) { d.status, d.progress = 0x8000, 0xffff }, erase.StateUnknown},
	} {
		d := newDisk()
		if tc.before != nil {
			tc.before(d)
		}
		fw := d.open(t, drive.Secrets{})
		if _, err := fw.Start(t.Context(), inventory.ATASanitizeCrypto, erase.StartOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tc.after(d)
		if s := untilEnd(t, fw, d); s.State != tc.want {
			t.Errorf("%s: %+v", name, s)
		}
		if tc.want == erase.StateFailed {
			if given, err := fw.Leave(t.Context()); err != nil || len(given) != 1 || d.reason != 0 {
				t.Errorf("%s: leave: %v, %v", name, given, err)
			}
		}
	}
}

// A drive that will not tell that its last sanitize failed takes another one,
// and is left as it was found.
func TestSanitizeAfterOneThatFailedUntold(t *testing.T) {
	d := newDisk()
	d.keepsWhy = true
	fw := d.open(t, drive.Secrets{})
	if _, err := fw.Leave(t.Context()); err != nil || d.keepsWhy {
		t.Errorf("leave: %v, still failed %v", err, d.keepsWhy)
	}
	d.keepsWhy = true
	if _, err := fw.Start(t.Context(), inventory.ATASanitizeBlock, erase.StartOptions{}); err != nil {
		t.Errorf("start: %v", err)
	}
}

// A sanitize that goes on from before this program began is followed to its end
// also where the bits that say how it ended are not passed on.
func TestSanitizeOfAnEarlierRunIsFollowedToItsEnd(t *testing.T) {
	d := newDisk()
	d.fixed, d.status, d.progress = true, 0x4000, 0x1000
	fw := d.open(t, drive.Secrets{})
	if s, err := fw.Status(t.Context()); err != nil || s.State != erase.StateRunning {
		t.Errorf("%+v, %v", s, err)
	}
	d.status, d.progress = 0x8000, 0xffff
	if s, err := fw.Status(t.Context()); err != nil || s.State != erase.StateSucceeded || s.Of != "" {
		t.Errorf("%+v, %v", s, err)
	}
	// Never seen at work, it is some success of the past.
	if s, err := d.open(t, drive.Secrets{}).Status(t.Context()); err != nil || s.State != erase.StateUnknown {
		t.Errorf("%+v, %v", s, err)
	}
}

// A question that hangs does not hang its asker.
func TestStatusHasALimitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		fw := d.open(t, drive.Secrets{})
		if _, err := fw.Start(t.Context(), inventory.ATASanitizeBlock, erase.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		d.wedged = true
		began := time.Now()
		if s, err := fw.Status(t.Context()); !errors.Is(err, erase.ErrGone) || s.State == erase.StateSucceeded || time.Since(began) > 3*time.Minute {
			t.Errorf("%+v, %v after %s", s, err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := fw.Status(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, erase.ErrGone) {
			t.Errorf("the caller's own limit: %v", err)
		}
	})
}

func TestSanitizeIsNotStartedTwice(t *testing.T) {
	d := newDisk()
	d.status, d.progress = 0x4000, 0x8000
	fw := d.open(t, drive.Secrets{})
	_, err := fw.Start(t.Context(), inventory.ATASanitizeBlock, erase.StartOptions{})
	if !errors.Is(err, erase.ErrRefusedByDrive) || count(d.sent, "B4/0012") != 0 {
		t.Errorf("%v, sent %v", err, d.sent)
	}
	// What runs is told, and nobody's command is named.
	s, err := fw.Status(t.Context())
	if err != nil || s.State != erase.StateRunning || s.ProgressPPM != 500000 || s.Of != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRefusalsNameTheLock(t *testing.T) {
	for name, tc := range map[string]struct {
		set     func(*disk)
		command inventory.EraseCommand
		want    error
	}{
		"frozen":          {func(d *disk) { d.frozen = true }, inventory.ATASecurityErase, erase.ErrFrozen},
		"locked":          {func(d *disk) { d.locked, d.password = true, []byte("x") }, inventory.ATASecurityErase, erase.ErrLocked},
		"sanitize frozen": {func(d *disk) { d.status = 0x2000 }, inventory.ATASanitizeBlock, erase.ErrFrozen},
		"locked sanitize": {func(d *disk) { d.locked, d.password = true, []byte("x") }, inventory.ATASanitizeBlock, erase.ErrLocked},
		"no enhanced":     {func(d *disk) { d.words[128] = 1 }, inventory.ATASecurityEraseEnhanced, erase.ErrUnsupported},
		"not ATA at all":  {func(*disk) {}, inventory.NVMeFormatUser, erase.ErrUnsupported},
		"another drive":   {func(d *disk) { d.serial = "OTHER-9999" }, inventory.ATASanitizeBlock, erase.ErrIdentityChanged},
		"gone":            {func(d *disk) { d.gone = 1000 }, inventory.ATASanitizeBlock, erase.ErrGone},
	} {
		d := newDisk()
		tc.set(d)
		if _, err := d.open(t, drive.Secrets{}).Start(t.Context(), tc.command, erase.StartOptions{}); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func TestSecurityEraseIsWaitedForBehindStatus(t *testing.T) {
	d := newDisk()
	d.erasing, d.began = make(chan struct{}), make(chan struct{})
	fw := d.open(t, drive.Secrets{})
	ctx, cancel := context.WithCancel(t.Context())
	given, err := fw.Start(ctx, inventory.ATASecurityEraseEnhanced, erase.StartOptions{})
	cancel() // the operator's patience ends nothing
	if err != nil || len(given) != 3 || given[2].Code != "F4h" || strings.Contains(fmt.Sprint(given), drive.OwnPassword) {
		t.Fatalf("start: %v, %v", given, err)
	}
	s, err := fw.Status(t.Context())
	if err != nil || s.State != erase.StateRunning || s.ProgressPPM != -1 || s.Remaining <= 9*time.Minute || s.Of != inventory.ATASecurityEraseEnhanced {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := fw.Leave(t.Context()); !errors.Is(err, erase.ErrGone) {
		t.Errorf("leave while it works: %v", err)
	}
	if _, err := fw.Abilities(t.Context()); err != nil {
		t.Errorf("abilities while it works: %v", err)
	}
	<-d.began
	d.mu.Lock()
	if last := d.sent[len(d.sent)-1]; last != "F4/0000" {
		t.Errorf("it was disturbed by %s", last)
	}
	d.mu.Unlock()
	close(d.erasing)
	if s := untilEnd(t, fw, d); s.State != erase.StateSucceeded || s.Of != inventory.ATASecurityEraseEnhanced {
		t.Errorf("%+v", s)
	}
}

func TestSecurityEraseThatDidNotHappen(t *testing.T) {
	for name, tc := range map[string]struct {
		set     func(*disk)
		atStart bool
		says    string
	}{
		"refused at once":      {func(d *disk) { d.refuse[0xf4] = true }, true, "status 51h"},
		"keeps the password":   {func(d *disk) { d.keeps = true }, false, "kept its password"},
		"answer lost":          {func(d *disk) { d.lose[0xf4] = true }, false, "its answer was lost"},
		"power cut":            {func(d *disk) { d.deaf[0xf4], d.locked = true, false }, false, "its answer was lost"},
		"password not taken":   {func(d *disk) { d.refuse[0xf1] = true }, true, "status 51h"},
		"prepare is not taken": {func(d *disk) { d.refuse[0xf3] = true }, true, "status 51h"},
	} {
		d := newDisk()
		tc.set(d)
		fw := d.open(t, drive.Secrets{})
		_, err := fw.Start(t.Context(), inventory.ATASecurityErase, erase.StartOptions{})
		if tc.atStart {
			if !errors.Is(err, erase.ErrRefusedByDrive) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: start: %v", name, err)
			}
		} else if err != nil {
			t.Errorf("%s: start: %v", name, err)
			continue
		} else if s := untilEnd(t, fw, d); s.State != erase.StateFailed || !strings.Contains(s.Command.Status, tc.says) {
			t.Errorf("%s: %+v", name, s)
		}
		// Whatever happened, our password does not stay.
		if _, err := fw.Leave(t.Context()); err != nil || d.password != nil || d.attempts != 5 {
			t.Errorf("%s: leave: %v, password %q, %d attempts left", name, err, d.password, d.attempts)
		}
	}
}

func TestUnlocking(t *testing.T) {
	locked := func(password string) *disk {
		d := newDisk()
		d.locked, d.password = true, []byte(password)
		return d
	}
	d := locked(drive.OwnPassword)
	if given, err := d.open(t, drive.Secrets{}).Unlock(t.Context()); err != nil || d.locked || len(given) != 1 || d.attempts != 5 {
		t.Errorf("ours, left behind by a power cut: %v, %v", given, err)
	}
	d = locked("kari")
	fw := d.open(t, drive.Secrets{Password: []byte("kari")})
	if _, err := fw.Unlock(t.Context()); err != nil || d.locked {
		t.Errorf("the user's: %v", err)
	}
	if _, err := fw.Leave(t.Context()); err != nil || d.password != nil {
		t.Errorf("the user's is left: %v, %q", err, d.password)
	}
	d = locked("kari")
	d.master = []byte("depot")
	fw = d.open(t, drive.Secrets{Password: []byte("depot")})
	if _, err := fw.Unlock(t.Context()); err != nil || d.locked {
		t.Errorf("the master's: %v", err)
	}
	if _, err := fw.Leave(t.Context()); err != nil || d.password != nil {
		t.Errorf("the master's is left: %v, %q", err, d.password)
	}
	d = locked("nobody knows")
	if _, err := d.open(t, drive.Secrets{}).Unlock(t.Context()); !errors.Is(err, erase.ErrLocked) || d.attempts != 4 || count(d.sent, "F2/0000") != 1 {
		t.Errorf("without a password ours is tried once: %v, %d attempts left, sent %v", err, d.attempts, d.sent)
	}
	d = locked("nobody knows")
	fw = d.open(t, drive.Secrets{Password: []byte("guess")})
	if _, err := fw.Unlock(t.Context()); !errors.Is(err, erase.ErrLocked) || d.attempts != 2 {
		t.Errorf("a wrong one: %v, %d attempts left", err, d.attempts)
	}
	if _, err := fw.Leave(t.Context()); !errors.Is(err, erase.ErrLocked) || d.attempts != 1 {
		t.Errorf("leave takes one attempt: %v, %d left", err, d.attempts)
	}
	d = locked("x")
	d.attempts = 0
	if _, err := d.open(t, drive.Secrets{Password: []byte("x")}).Unlock(t.Context()); !errors.Is(err, erase.ErrLocked) || count(d.sent, "F2/0000") != 0 {
		t.Errorf("attempts used up: %v", err)
	}
	d = newDisk()
	if given, err := d.open(t, drive.Secrets{}).Unlock(t.Context()); err != nil || len(given) != 0 {
		t.Errorf("not locked: %v, %v", given, err)
	}
}

// At level Maximum the master password does not open the drive, but erases it.
func TestMasterPasswordAtLevelMaximumErases(t *testing.T) {
	d := newDisk()
	d.locked, d.password, d.master = true, []byte("gone"), []byte("depot")
	d.words[128] |= 1 << 8
	fw := d.open(t, drive.Secrets{Password: []byte("depot")})
	ab, err := fw.Abilities(t.Context())
	if err != nil || !ab.Security.MasterOnly || blocked(ab)[inventory.ATASecurityErase] != "" || blocked(ab)[inventory.ATASanitizeBlock] != "locked" {
		t.Fatalf("%+v, %v", ab, err)
	}
	if _, err := fw.Start(t.Context(), inventory.ATASecurityErase, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	if s := untilEnd(t, fw, d); s.State != erase.StateSucceeded || d.locked || count(d.sent, "F1/0000") != 0 {
		t.Errorf("%+v, sent %v", s, d.sent)
	}
}

func TestAnotherDriveInItsPlaceIsNotTakenForIt(t *testing.T) {
	d := newDisk()
	fw := d.open(t, drive.Secrets{})
	if _, err := fw.Start(t.Context(), inventory.ATASanitizeBlock, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	d.serial, d.status, d.progress = "WD-WX41A1-NEW", 0x8000, 0xffff
	if s, err := fw.Status(t.Context()); !errors.Is(err, erase.ErrIdentityChanged) {
		t.Errorf("%+v, %v", s, err)
	}
	// Nor is one that was never the drive of the facts.
	d = newDisk()
	d.serial = "ELSE"
	ab, err := d.open(t, drive.Secrets{}).Abilities(t.Context())
	if err != nil || len(ab.Erasers) != 0 || len(ab.Notes) != 1 || !strings.Contains(ab.Notes[0], "identity changed") {
		t.Errorf("%+v, %v", ab, err)
	}
}
