package drive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/mmc"
	"github.com/ombruk/ombruk/inventory"
)

// scriptedCard is an eMMC or SD card that does as it is told and keeps which
// sectors of which area were erased. As under Linux, commands over an area's
// own wire go to that area.
type scriptedCard struct {
	mu  sync.Mutex
	ext []byte // nil for an SD card
	sd  []byte
	// stuck is true for a host that turns commands to the user area whatever
	// was selected, as Linux does.
	stuck bool
	// refuse gives error bits for a command, or an error that means no answer.
	refuse func(mmc.Command) (mmc.R1, error)
	// busy is closed when SANITIZE_START may end; nil for at once.
	busy chan struct{}

	first, last uint32
	erased      map[byte][]string // area: "argument first-last"
	sent        []string
	sanitized   bool
	gone        int
	rescanned   int
	nodes       map[string]byte
	csd         string
	sizeBytes   int64 // of an SD card; 1 GiB when 0
	refound     int
}

func newEMMC() *scriptedCard {
	ext := make([]byte, 512)
	ext[168], ext[175], ext[179], ext[192] = 1, 1, 0x40, 8
	copy(ext[212:], []byte{0x00, 0x00, 0xA4, 0x03})
	ext[221], ext[223], ext[224], ext[226], ext[231] = 16, 1, 1, 32, 0x54
	ext[267], ext[268] = 1, 3
	return &scriptedCard{ext: ext, erased: map[byte][]string{}}
}

func newSD() *scriptedCard {
	sd := make([]byte, 64)
	sd[10], sd[12], sd[13] = 0x90, 16, 5<<2
	return &scriptedCard{sd: sd, erased: map[byte][]string{}}
}

type cardWire struct {
	*scriptedCard
	area int // -1 for the card's own node
}

func (w cardWire) Sequence(ctx context.Context, commands ...mmc.Command) ([]mmc.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	responses := make([]mmc.Response, len(commands))
	for i, c := range commands {
		if w.ext != nil && w.area >= 0 {
			w.ext[179] = w.ext[179]&^7 | byte(w.area)
		} else if w.ext != nil && w.stuck {
			w.ext[179] &^= 7
		}
		r, err := w.do(c)
		if err != nil {
			return responses, err
		}
		responses[i][0] = uint32(r)
	}
	return responses, nil
}

func (s *scriptedCard) do(c mmc.Command) (mmc.R1, error) {
	const ready = 0x900
	if c.Opcode != 8 && c.Opcode != 13 {
		s.sent = append(s.sent, fmt.Sprintf("%d %08X", c.Opcode, c.Argument))
	}
	if s.refuse != nil {
		if r, err := s.refuse(c); r != 0 || err != nil {
			return ready | r, err
		}
	}
	at := byte(0)
	if s.ext != nil {
		at = s.ext[179] & 7
	}
	switch {
	case c.Opcode == 8 && s.ext != nil:
		copy(c.Data, s.ext)
	case c.Opcode == 13 && c.Application && s.sd != nil:
		copy(c.Data, s.sd)
	case c.Opcode == 13 && s.ext != nil:
	case c.Opcode == 6 && s.ext != nil && c.Argument>>16 == 0x03A5:
		if s.busy != nil {
			<-s.busy
		}
		s.sanitized = true
	case c.Opcode == 6 && s.ext != nil:
		s.ext[c.Argument>>16&0xFF] = byte(c.Argument >> 8)
	case c.Opcode == 35 && s.ext != nil, c.Opcode == 32 && s.sd != nil:
		s.first = c.Argument
	case c.Opcode == 36 && s.ext != nil, c.Opcode == 33 && s.sd != nil:
		s.last = c.Argument
	case c.Opcode == 38:
		s.erased[at] = append(s.erased[at], fmt.Sprintf("%X %d-%d", c.Argument, s.first, s.last))
	default:
		return 0, errors.New("connection timed out")
	}
	return ready, nil
}

func (s *scriptedCard) Wires() drive.Wires {
	w := drive.Wires{MMC: cardWire{s, -1}, MMCAreas: map[string]mmc.Issuer{}, CSD: s.csd}
	if s.gone > 0 {
		return drive.Wires{}
	}
	for path, at := range s.nodes {
		w.MMCAreas[path] = cardWire{s, int(at)}
	}
	return w
}

func (s *scriptedCard) Rescan(context.Context) error { s.rescanned++; return nil }

func (s *scriptedCard) Refind(context.Context) error {
	s.refound++
	if s.gone--; s.gone > 0 {
		return erase.ErrGone
	}
	return nil
}

func (*scriptedCard) Now() time.Time                                  { return time.Unix(0, 0) }
func (*scriptedCard) Wait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (s *scriptedCard) open(t *testing.T) erase.Firmware {
	t.Helper()
	d := inventory.Drive{Path: "/dev/mmcblk0", Bus: inventory.BusMMC, Media: inventory.MediaFlash, CapacityBytes: 0x03A40000 * 512,
		Siblings: []string{"/dev/mmcblk0boot0", "/dev/mmcblk0boot1"}}
	if s.sd != nil {
		d.CapacityBytes, d.Siblings = 1<<30, nil
		if s.sizeBytes > 0 {
			d.CapacityBytes = s.sizeBytes
		}
	}
	fw, err := drive.NewFirmware(context.Background(), d, s, drive.Secrets{})
	if err != nil || fw == nil {
		t.Fatalf("%v %v", fw, err)
	}
	return fw
}

// end waits for the card's end.
func end(t *testing.T, fw erase.Firmware) erase.Status {
	t.Helper()
	s := status(t, fw)
	for s.State == erase.StateRunning {
		s = status(t, fw)
	}
	return s
}

// covered reports whether ranges of an argument join into one from 0 to last.
func covered(ranges []string, argument string, last uint32) bool {
	next := uint32(0)
	for _, r := range ranges {
		var from, to uint32
		var how string
		if _, err := fmt.Sscanf(r, "%s %d-%d", &how, &from, &to); err != nil || how != argument {
			continue
		}
		if from != next || to < from {
			return false
		}
		next = to + 1
	}
	return next == last+1
}

func TestEMMCIsErasedWhollyThenSanitized(t *testing.T) {
	for _, c := range []struct {
		name string
		card func(*scriptedCard)
	}{
		{"areas are selected by switching", func(*scriptedCard) {}},
		{"areas have nodes of their own", func(s *scriptedCard) {
			s.stuck, s.nodes = true, map[string]byte{"/dev/mmcblk0boot0": 1, "/dev/mmcblk0boot1": 2}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newEMMC()
			c.card(s)
			s.ext[175] = 0 // ERASE_GROUP_DEF is lost with every power cycle
			fw := s.open(t)
			a := abilities(t, fw)
			want := []inventory.Space{
				{Name: "boot partition 1", Path: "/dev/mmcblk0boot0", SizeBytes: 4 << 20, Reach: "drive"},
				{Name: "boot partition 2", Path: "/dev/mmcblk0boot1", SizeBytes: 4 << 20, Reach: "drive"},
				{Name: "RPMB", SizeBytes: 128 << 10, Reach: "none"},
			}
			if !slices.Equal(a.Spaces, want) || len(a.Notes) != 0 {
				t.Errorf("%+v %v", a.Spaces, a.Notes)
			}
			if len(a.Erasers) != 2 || a.Erasers[0].Command != inventory.MMCSanitize || a.Erasers[1].Command != inventory.MMCErase || *a.Health.PercentUsed != 30 || !*a.Health.Passed {
				t.Errorf("%+v %+v", a.Erasers, a.Health)
			}
			commands, err := fw.Start(context.Background(), inventory.MMCSanitize, erase.StartOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, c := range commands {
				names = append(names, c.Name+" "+c.Code)
			}
			if got, want := strings.Join(names, "; "), "SWITCH, high-capacity erase groups CMD6, byte 175 set to 01h; "+
				"ERASE, user area CMD35, CMD36, CMD38 with argument 00000000h: all 61079552 sectors; "+
				"TRIM, boot partition 1 CMD35, CMD36, CMD38 with argument 00000001h: all 8192 sectors; "+
				"TRIM, boot partition 2 CMD35, CMD36, CMD38 with argument 00000001h: all 8192 sectors; "+
				"SWITCH, SANITIZE_START CMD6, byte 165 set to 01h"; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if s := end(t, fw); s.State != erase.StateSucceeded || s.Of != inventory.MMCSanitize {
				t.Errorf("%+v", s)
			}
			if !covered(s.erased[0], "0", 0x03A40000-1) || !covered(s.erased[1], "1", 8191) || !covered(s.erased[2], "1", 8191) || !s.sanitized {
				t.Errorf("%v %v %v %v", s.erased[0], s.erased[1], s.erased[2], s.sanitized)
			}
			if _, err := fw.Leave(context.Background()); err != nil || s.rescanned != 1 || s.ext[179] != 0x40 && !s.stuck {
				t.Errorf("left with %v, PARTITION_CONFIG %02X", err, s.ext[179])
			}
		})
	}
}

// Linux turns what is sent to the card's node to the user area. An erase that
// only seems to reach a boot partition must not be counted for one.
func TestEMMCAreaThatIsNotReached(t *testing.T) {
	s := newEMMC()
	s.stuck = true
	fw := s.open(t)
	a := abilities(t, fw)
	for _, space := range a.Spaces {
		if space.Reach != "none" {
			t.Errorf("%+v", space)
		}
	}
	if len(a.Notes) != 2 {
		t.Errorf("%v", a.Notes)
	}
	if _, err := fw.Start(context.Background(), inventory.MMCErase, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := end(t, fw); got.State != erase.StateSucceeded || s.sanitized || len(s.erased) != 1 {
		t.Errorf("%+v, areas %v", got, s.erased)
	}
}

func TestEMMCBootPartitionsThatStay(t *testing.T) {
	for _, c := range []struct {
		name   string
		config byte
		wp     byte
		why    string
	}{
		{"the machine starts from it", 0x48, 0, "the machine starts from it"},
		{"until the next power cycle", 0, 1, "it is write protected until the next power cycle"},
		{"for good", 0, 2, "it is write protected for good"},
	} {
		s := newEMMC()
		s.ext[179], s.ext[174] = c.config, c.wp
		fw := s.open(t)
		a := abilities(t, fw)
		if a.Spaces[0].Reach != "none" || a.Spaces[1].Reach != "drive" || len(a.Notes) != 1 || !strings.HasSuffix(a.Notes[0], c.why) {
			t.Errorf("%s: %+v %v", c.name, a.Spaces, a.Notes)
		}
		if _, err := fw.Start(context.Background(), inventory.MMCSanitize, erase.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		if end(t, fw).State != erase.StateSucceeded || s.erased[1] != nil {
			t.Errorf("%s: %v", c.name, s.erased)
		}
	}
}

func TestOldEMMCIsSecurelyErased(t *testing.T) {
	s := newEMMC()
	s.ext[192], s.ext[231], s.ext[230], s.ext[229] = 5, 0x11, 2, 3
	fw := s.open(t)
	if a := abilities(t, fw); a.Erasers[0].Command != inventory.MMCSecureErase || a.Health != nil {
		t.Errorf("%+v", a)
	}
	if _, err := fw.Start(context.Background(), inventory.MMCSanitize, erase.StartOptions{}); !errors.Is(err, erase.ErrUnsupported) {
		t.Errorf("sanitize on 4.41: %v", err)
	}
	if _, err := fw.Start(context.Background(), inventory.MMCSecureErase, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := end(t, fw); got.State != erase.StateSucceeded || !covered(s.erased[0], "80000000", 0x03A40000-1) || !covered(s.erased[1], "80000000", 8191) || !covered(s.erased[2], "80000000", 8191) {
		t.Errorf("%+v %v", got, s.erased)
	}
}

func TestSDCardIsErased(t *testing.T) {
	s := newSD()
	fw := s.open(t)
	if a := abilities(t, fw); len(a.Erasers) != 1 || a.Erasers[0].Command != inventory.SDErase || len(a.Spaces) != 0 {
		t.Errorf("%+v", a)
	}
	commands, err := fw.Start(context.Background(), inventory.SDErase, erase.StartOptions{})
	if err != nil || len(commands) != 1 {
		t.Fatalf("%+v %v", commands, err)
	}
	// 1 GiB is addressed by the byte: 16 pieces of 64 MiB.
	if got := end(t, fw); got.State != erase.StateSucceeded || len(s.erased[0]) != 16 || s.erased[0][0] != "0 0-67108352" || s.erased[0][15] != "0 1006632960-1073741312" {
		t.Errorf("%+v %v", got, s.erased[0])
	}
	if _, err := fw.Start(context.Background(), inventory.MMCErase, erase.StartOptions{}); !errors.Is(err, erase.ErrUnsupported) {
		t.Errorf("eMMC erase on an SD card: %v", err)
	}
}

// There are cards of standard capacity with 4 GB, which count in bytes: what is
// given to them in sectors would erase a 512th and leave the rest.
func TestSDCardCountsAsItsRegisterSays(t *testing.T) {
	const standard, high, ultra = "002f00325b5a83a9ffffff8016800091", "400e00325b590000751b7f800a400013", "800e00325b590000751b7f800a400013"
	for _, c := range []struct {
		name      string
		sizeBytes int64
		csd       string
		last      uint32 // of the last piece; 0 where it cannot be erased
	}{
		{"standard, 1 GiB", 1 << 30, standard, 1<<30 - 512},
		{"standard, 4 GiB", 4 << 30, standard, 1<<32 - 512},
		{"high, 4 GiB", 4 << 30, high, 4<<21 - 1},
		{"high, 1 GiB, of which there are few", 1 << 30, high, 1<<21 - 1},
		{"high, 32 GiB", 32 << 30, high, 32<<21 - 1},
		{"standard, 8 GiB, which cannot be", 8 << 30, standard, 0},
		{"ultra", 4 << 40, ultra, 0},
		{"no register, 1 GiB", 1 << 30, "", 1<<30 - 512},
		{"no register, 3 GiB", 3 << 30, "", 0},
		{"no register, 32 GiB", 32 << 30, "", 32<<21 - 1},
		{"no register, 4 TiB", 4 << 40, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSD()
			s.sizeBytes, s.csd = c.sizeBytes, c.csd
			fw := s.open(t)
			if e := abilities(t, fw).Erasers[0]; (e.Blocked != "") != (c.last == 0) {
				t.Errorf("%+v", e)
			}
			_, err := fw.Start(context.Background(), inventory.SDErase, erase.StartOptions{})
			if c.last == 0 {
				if !errors.Is(err, erase.ErrUnsupported) || len(s.sent) != 0 {
					t.Errorf("%v, sent %v", err, s.sent)
				}
				return
			}
			if err != nil || end(t, fw).State != erase.StateSucceeded || s.last != c.last {
				t.Errorf("up to %d, %v", s.last, err)
			}
		})
	}
}

// After Ctrl-C nothing more is given to the card, and no card is looked for.
func TestCardIsLetGoOfAfterCtrlC(t *testing.T) {
	for _, lost := range []bool{true, false} {
		s := newEMMC()
		fw := s.open(t)
		ctx, cancel := context.WithCancel(context.Background())
		erases := 0
		s.refuse = func(c mmc.Command) (mmc.R1, error) {
			if c.Opcode != 38 {
				return 0, nil
			}
			if erases++; erases < 3 {
				return 0, nil
			}
			cancel()
			if lost {
				return 0, errors.New("input/output error")
			}
			return 0, nil
		}
		if _, err := fw.Start(ctx, inventory.MMCErase, erase.StartOptions{}); err == nil {
			if got := end(t, fw).State; got != erase.StateFailed {
				t.Errorf("lost %v: %v", lost, got)
			}
		}
		if got := status(t, fw); got.State == erase.StateFailed && got.Lost != lost {
			t.Errorf("%+v", got)
		}
		if erases != 3 || s.refound != 0 {
			t.Errorf("lost %v: %d pieces, looked for %d times", lost, erases, s.refound)
		}
	}
}

func TestCardRefusals(t *testing.T) {
	nth := func(n int, opcode, argument uint32, r mmc.R1, err error) func(mmc.Command) (mmc.R1, error) {
		return func(c mmc.Command) (mmc.R1, error) {
			if c.Opcode != opcode || c.Argument != argument && argument != 0 {
				return 0, nil
			}
			if n--; n == 0 {
				return r, err
			}
			return 0, nil
		}
	}
	for _, c := range []struct {
		name   string
		refuse func(mmc.Command) (mmc.R1, error)
		cause  error
		text   string
	}{
		{"the first erase is illegal", nth(1, 38, 0, 1<<22, nil), erase.ErrUnsupported, "illegal command"},
		{"an erase is illegal and not answered", func() func(mmc.Command) (mmc.R1, error) {
			unknown := false
			return func(c mmc.Command) (mmc.R1, error) {
				if c.Opcode == 38 {
					unknown = true
					return 0, errors.New("connection timed out")
				}
				if unknown {
					unknown = false
					return 1 << 22, nil
				}
				return 0, nil
			}
		}(), erase.ErrUnsupported, "illegal command"},
		{"protected blocks are skipped half-way", nth(60, 38, 0, 1<<15, nil), nil, "protected blocks skipped"},
		{"an error shows only in the status after it", func() func(mmc.Command) (mmc.R1, error) {
			erases := 0
			return func(c mmc.Command) (mmc.R1, error) {
				if c.Opcode == 38 {
					erases++
				}
				if c.Opcode == 13 && erases == 100 {
					return 1 << 19, nil
				}
				return 0, nil
			}
		}(), nil, "general error"},
		{"sanitize is refused at the very end", nth(1, 6, 0x03A50101, 1<<7, nil), nil, "switch error"},
		{"the card falls silent", nth(1, 6, 0x03A50101, 0, errors.New("input/output error")), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newEMMC()
			fw := s.open(t)
			s.refuse = c.refuse
			_, err := fw.Start(context.Background(), inventory.MMCSanitize, erase.StartOptions{})
			if err != nil {
				if !errors.Is(err, erase.ErrRefusedByDrive) || c.cause != nil && !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.text) {
					t.Error(err)
				}
				return
			}
			// A piece without an answer is given once more.
			want := erase.StateFailed
			if c.text == "" {
				want = erase.StateSucceeded
			}
			if got := end(t, fw); got.State != want || c.text != "" && !strings.Contains(got.Command.Status, c.text) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestCardThatIsLockedOrAnother(t *testing.T) {
	s := newEMMC()
	s.refuse = func(c mmc.Command) (mmc.R1, error) {
		if c.Opcode == 13 {
			return 1 << 25, nil
		}
		return 0, nil
	}
	fw := s.open(t)
	a := abilities(t, fw)
	if !a.Security.Locked || a.Security.Kind != "mmc" || a.Erasers[0].Blocked == "" {
		t.Errorf("%+v", a)
	}
	if _, err := fw.Start(context.Background(), inventory.MMCSanitize, erase.StartOptions{}); !errors.Is(err, erase.ErrLocked) {
		t.Errorf("start: %v", err)
	}
	if _, err := fw.Unlock(context.Background()); !errors.Is(err, erase.ErrLocked) {
		t.Errorf("unlock: %v", err)
	}
	s = newEMMC()
	fw = s.open(t)
	s.ext[212]++
	if _, err := fw.Start(context.Background(), inventory.MMCErase, erase.StartOptions{}); !errors.Is(err, erase.ErrIdentityChanged) || len(s.sent) != 0 {
		t.Errorf("another card: %v, sent %v", err, s.sent)
	}
}

func TestCardIsWatched(t *testing.T) {
	s := newEMMC()
	s.busy = make(chan struct{})
	fw := s.open(t)
	if st := status(t, fw); st.State != erase.StateIdle {
		t.Errorf("%+v", st)
	}
	if _, err := fw.Start(context.Background(), inventory.MMCSanitize, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	st := status(t, fw)
	for st.Command.Name != "SWITCH, SANITIZE_START" {
		st = status(t, fw)
	}
	if st.State != erase.StateRunning || st.ProgressPPM != 500_000 {
		t.Errorf("%+v", st)
	}
	if _, err := fw.Leave(context.Background()); err == nil {
		t.Error("left a card at work")
	}
	if _, err := fw.Start(context.Background(), inventory.MMCErase, erase.StartOptions{}); err == nil {
		t.Error("started a second erase")
	}
	close(s.busy)
	if st := end(t, fw); st.State != erase.StateSucceeded {
		t.Errorf("%+v", st)
	}
}

// Whatever registers and responses a card gives: no panic, and no success that
// did not go over every sector.
func FuzzMMC(f *testing.F) {
	f.Add(newEMMC().ext, []byte{}, uint32(0), uint16(0))
	f.Add([]byte{}, newSD().sd, uint32(1<<22), uint16(7))
	f.Fuzz(func(t *testing.T, ext, sd []byte, bits uint32, at uint16) {
		s := newEMMC()
		copy(s.ext, ext)
		copy(s.ext[212:216], []byte{0, 1, 0, s.ext[215] & 0x7F})
		if len(ext) == 0 {
			s = newSD()
			copy(s.sd, sd)
		}
		n := uint16(0)
		s.refuse = func(mmc.Command) (mmc.R1, error) {
			if n++; n == at {
				return mmc.R1(bits), nil
			}
			return 0, nil
		}
		ctx := context.Background()
		fw, err := drive.NewFirmware(ctx, inventory.Drive{Bus: inventory.BusMMC}, s, drive.Secrets{})
		if err != nil {
			return
		}
		a, err := fw.Abilities(ctx)
		if err != nil {
			return
		}
		for _, e := range a.Erasers {
			if _, err := fw.Start(ctx, e.Command, erase.StartOptions{}); err != nil {
				continue
			}
			end(t, fw)
		}
		_, _ = fw.Leave(ctx)
	})
}
