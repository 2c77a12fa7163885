package drive_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/nvme"
	"github.com/ombruk/ombruk/inventory"
)

func TestNVMeFormatScope(t *testing.T) {
	for _, c := range []struct {
		name       string
		fna        byte
		namespaces []uint32
		blocked    bool
		whole      bool
		sent       []string
	}{
		{"one namespace of two", 0, []uint32{1, 2}, false, false, []string{"80 1 00000200"}},
		{"erases all of two", 2, []uint32{1, 2}, false, true, []string{"80 1 00000200"}},
		{"formats all of two, erases one", 1, []uint32{1, 2}, true, false, nil},
		{"formats all of one", 1, []uint32{1}, false, false, []string{"80 1 00000200"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newController()
			d.identity[524] = c.fna
			d.active, d.allocated, d.namespaces[2] = c.namespaces, c.namespaces, namespaceBytes(100)
			fw := d.open(t)
			a := abilities(t, fw)
			e := a.Erasers[len(a.Erasers)-1]
			if e.Command != inventory.NVMeFormatUser || e.WholeDrive != c.whole || (e.Blocked != "") != c.blocked {
				t.Errorf("%+v", e)
			}
			_, err := fw.Start(context.Background(), inventory.NVMeFormatUser, erase.StartOptions{})
			if (err != nil) != c.blocked || !slices.Equal(d.sent, c.sent) {
				t.Errorf("sent %v, %v", d.sent, err)
			}
			if _, err := fw.Start(context.Background(), inventory.NVMeFormatCrypto, erase.StartOptions{}); !errors.Is(err, erase.ErrUnsupported) {
				t.Errorf("crypto format without FNA bit 2: %v", err)
			}
		})
	}
}

func TestNVMeFormatIsWatchedUntilItAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer uint16
		want   erase.State
		lost   bool
	}{
		{"done", 0, erase.StateSucceeded, false},
		{"refused after hours", 0x0006, erase.StateFailed, false},
		{"given up by the kernel when the controller was reset", 0x0371, erase.StateFailed, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newController()
			work, began := make(chan struct{}), make(chan struct{})
			d.refuse = func(cmd nvme.Command) uint16 {
				if cmd.Opcode != 0x80 {
					return 0
				}
				close(began)
				<-work
				return c.answer
			}
			fw := d.open(t)
			ctx, cancel := context.WithCancel(context.Background())
			commands, err := fw.Start(ctx, inventory.NVMeFormatCrypto, erase.StartOptions{})
			if err != nil || len(commands) != 1 || commands[0].Code != "80h, NSID 1, CDW10 00000400h: SES 2, LBAF 0 as it was; FNA 04h: namespace 1 only" {
				t.Fatalf("%+v %v", commands, err)
			}
			<-began
			cancel() // the drive goes on
			if s := status(t, fw); s.State != erase.StateRunning || s.ProgressPPM != -1 || s.Of != inventory.NVMeFormatCrypto {
				t.Errorf("%+v", s)
			}
			if _, err := fw.Leave(context.Background()); err == nil {
				t.Error("left a drive that formats")
			}
			close(work)
			s := status(t, fw)
			for s.State == erase.StateRunning {
				s = status(t, fw)
			}
			if s.State != c.want || s.Lost != c.lost || !strings.HasPrefix(s.Command.Status, "status ") {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestNVMeFormatRefusedAtOnce(t *testing.T) {
	for _, c := range []struct {
		status uint16
		cause  error
	}{{0x4001, erase.ErrUnsupported}, {0x0015, erase.ErrLocked}, {0x0020, erase.ErrReadOnly}, {0x0084, nil}} {
		d := newController()
		d.refuse = func(cmd nvme.Command) uint16 {
			if cmd.Opcode == 0x80 {
				return c.status
			}
			return 0
		}
		_, err := d.open(t).Start(context.Background(), inventory.NVMeFormatUser, erase.StartOptions{})
		if !errors.Is(err, erase.ErrRefusedByDrive) || c.cause != nil && !errors.Is(err, c.cause) {
			t.Errorf("%04X: %v", c.status, err)
		}
	}
}

func TestNVMeSanitizeCommandsAsSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		sanicap uint32
		command inventory.EraseCommand
		o       erase.StartOptions
		sent    string
		code    string
	}{
		{"plain block erase of an old drive", 0x2, inventory.NVMeSanitizeBlock, erase.StartOptions{}, "84 0 00000002", "84h, CDW10 00000002h: SANACT 2, AUSE 0, NDAS 0"},
		{"kept allocated", 0x80000002, inventory.NVMeSanitizeBlock, erase.StartOptions{KeepAllocated: true}, "84 0 00000202", "84h, CDW10 00000202h: SANACT 2, AUSE 0, NDAS 1"},
		{"keeping is inhibited", 0xA0000001, inventory.NVMeSanitizeCrypto, erase.StartOptions{KeepAllocated: true}, "84 0 00000004", "84h, CDW10 00000004h: SANACT 4, AUSE 0, NDAS 0; the drive deallocates in any case (NDI 1)"},
		{"kept blocks would not be readable", 0x40000001, inventory.NVMeSanitizeCrypto, erase.StartOptions{KeepAllocated: true}, "84 0 00000004", "84h, CDW10 00000004h: SANACT 4, AUSE 0, NDAS 0; without deallocation reads could fail (NODMMAS 1)"},
		{"overwriting keeps without more ado", 0x40000004, inventory.NVMeSanitizeOverwrite, erase.StartOptions{KeepAllocated: true}, "84 0 00000213", "84h, CDW10 00000213h: SANACT 3, AUSE 0, NDAS 1, OWPASS 1, OIPBP 0, OVRPAT 00000000h"},
		{"one pass is asked for as 1", 0x4, inventory.NVMeSanitizeOverwrite, erase.StartOptions{}, "84 0 00000013", "84h, CDW10 00000013h: SANACT 3, AUSE 0, NDAS 0, OWPASS 1, OIPBP 0, OVRPAT 00000000h"},
		{"purge or fail, media open", 0x8000002F, inventory.NVMeSanitizeBlock, erase.StartOptions{PurgeOrFail: true, OpenMedia: true, KeepAllocated: true}, "84 0 00000C02", "84h, CDW10 00000C02h: SANACT 2, AUSE 0, NDAS 0, EMVS 1, PREQ 1"},
	} {
		d := newController()
		put32(d.identity, 328, c.sanicap)
		commands, err := d.open(t).Start(context.Background(), c.command, c.o)
		if err != nil || !slices.Equal(d.sent, []string{c.sent}) || len(commands) != 1 || commands[0].Code != c.code || commands[0].Status != "status 0h/00h successful completion" {
			t.Errorf("%s: sent %v, %+v, %v", c.name, d.sent, commands, err)
		}
	}
	for _, c := range []struct {
		name    string
		sanicap uint32
		command inventory.EraseCommand
		o       erase.StartOptions
	}{
		{"no crypto erase", 0x2, inventory.NVMeSanitizeCrypto, erase.StartOptions{}},
		{"no purge request", 0x2, inventory.NVMeSanitizeBlock, erase.StartOptions{PurgeOrFail: true}},
		{"no media verification", 0x2, inventory.NVMeSanitizeBlock, erase.StartOptions{OpenMedia: true}},
		{"no media verification after an overwrite", 0xC, inventory.NVMeSanitizeOverwrite, erase.StartOptions{OpenMedia: true}},
		{"a command of another bus", 0xF, inventory.ATASanitizeBlock, erase.StartOptions{}},
	} {
		d := newController()
		put32(d.identity, 328, c.sanicap)
		if _, err := d.open(t).Start(context.Background(), c.command, c.o); !errors.Is(err, erase.ErrUnsupported) || len(d.sent) != 0 {
			t.Errorf("%s: %v, sent %v", c.name, err, d.sent)
		}
	}
}

func TestNVMeRefusedNDASIsGivenUpAndNoted(t *testing.T) {
	d := newController()
	d.refuse = func(cmd nvme.Command) uint16 {
		if cmd.Opcode == 0x84 && cmd.CDW10&0x200 != 0 {
			return nvme.InvalidField
		}
		return 0
	}
	d.on = func(cmd nvme.Command) { d.setLog(0xFFFF, 0x101, cmd.CDW10, 0) }
	fw := d.open(t)
	commands, err := fw.Start(context.Background(), inventory.NVMeSanitizeBlock, erase.StartOptions{KeepAllocated: true})
	if err != nil || len(commands) != 2 || !slices.Equal(d.sent, []string{"84 0 00000202 refused", "84 0 00000002"}) || !strings.Contains(commands[1].Code, "which was refused") {
		t.Fatalf("%+v %v %v", commands, d.sent, err)
	}
	if s := status(t, fw); s.State != erase.StateSucceeded || !s.Deallocated {
		t.Errorf("%+v", s)
	}
}

// What the log says after our block erase (SANACT 2) was accepted.
func TestNVMeStatusIsNeverTakenForMoreThanItSays(t *testing.T) {
	ours, ppm := inventory.NVMeSanitizeBlock, int64(-1)
	for _, c := range []struct {
		name         string
		sprog, sstat uint16
		scdw10       uint32
		sans         byte
		o            erase.StartOptions
		want         erase.State
		ppm          int64
		of           inventory.EraseCommand
		deallocated  bool
	}{
		{"at work", 0x8000, 2, 2, 1, erase.StartOptions{}, erase.StateRunning, 500_000, ours, false},
		{"SPROG FFFFh is no end", 0xFFFF, 2, 2, 1, erase.StartOptions{}, erase.StateRunning, 999_984, ours, false},
		{"done", 0xFFFF, 0x101, 2, 0, erase.StartOptions{}, erase.StateSucceeded, ppm, ours, false},
		{"done, written since", 0xFFFF, 1, 2, 0, erase.StartOptions{}, erase.StateSucceeded, ppm, ours, false},
		{"done, deallocated against our wish", 0xFFFF, 0x104, 0x202, 0, erase.StartOptions{KeepAllocated: true}, erase.StateSucceeded, ppm, ours, true},
		{"failed at the end", 0xFFFF, 3, 2, 2, erase.StartOptions{}, erase.StateFailed, ppm, ours, false},
		{"media open", 0xFFFF, 0x102, 0x402, 5, erase.StartOptions{OpenMedia: true}, erase.StateOpenMedia, ppm, ours, false},
		{"deallocating after verification", 0, 2, 0x402, 6, erase.StartOptions{OpenMedia: true}, erase.StateRunning, ppm, ours, false},
		{"purged as asked", 0xFFFF, 0x901, 0x802, 0, erase.StartOptions{PurgeOrFail: true}, erase.StateSucceeded, ppm, ours, false},
		{"purge asked and only cleared", 0xFFFF, 0x101, 0x802, 0, erase.StartOptions{PurgeOrFail: true}, erase.StateFailed, ppm, ours, false},
		{"success of last month's crypto erase", 0xFFFF, 0x101, 4, 0, erase.StartOptions{}, erase.StateUnknown, ppm, inventory.NVMeSanitizeCrypto, false},
		{"another's still at work", 0x100, 2, 4, 1, erase.StartOptions{}, erase.StateRunning, 3906, inventory.NVMeSanitizeCrypto, false},
		{"it never heard of a sanitize", 0xFFFF, 0, 0, 0, erase.StartOptions{}, erase.StateIdle, ppm, "", false},
		{"all zeros", 0, 0, 0, 0, erase.StartOptions{}, erase.StateIdle, ppm, "", false},
		{"all ones", 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFF, erase.StartOptions{}, erase.StateUnknown, ppm, "", false},
		{"reserved outcome", 0xFFFF, 5, 2, 0, erase.StartOptions{}, erase.StateUnknown, ppm, ours, false},
	} {
		d := newController()
		fw := d.open(t)
		if _, err := fw.Start(context.Background(), ours, c.o); err != nil {
			t.Fatal(err)
		}
		d.setLog(c.sprog, c.sstat, c.scdw10, c.sans)
		s := status(t, fw)
		if s.State != c.want || s.ProgressPPM != c.ppm || s.Of != c.of || s.Deallocated != c.deallocated || s.GlobalDataErased != (c.sstat&0x100 != 0) {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

func TestNVMeDriveThatRefusesAsSanitizingIsSanitizing(t *testing.T) {
	d := newController()
	put16(d.identity, 256, 0x0B) // and Security Send and Receive
	fw := d.open(t)
	if _, err := fw.Start(context.Background(), inventory.NVMeSanitizeBlock, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	d.setLog(0xFFFF, 0x101, 2, 0)
	d.refuse = func(cmd nvme.Command) uint16 {
		if cmd.Opcode == 0x82 {
			return nvme.SanitizeInProgress
		}
		return 0
	}
	if s := status(t, fw); s.State != erase.StateRunning || !strings.Contains(s.Command.Status, "0h/1Dh sanitize in progress") {
		t.Errorf("log says done, commands say otherwise: %+v", s)
	}
	d.refuse = func(cmd nvme.Command) uint16 {
		if cmd.Opcode == 2 {
			return nvme.SanitizeInProgress
		}
		return 0
	}
	if s := status(t, fw); s.State != erase.StateRunning {
		t.Errorf("log refused as sanitizing: %+v", s)
	}
	d.refuse = nil
	if s := status(t, fw); s.State != erase.StateSucceeded {
		t.Errorf("%+v", s)
	}
}

func TestNVMeRunningSanitizeIsNotDisturbed(t *testing.T) {
	d := newController()
	d.setLog(0x4000, 2, 4, 1)
	fw := d.open(t)
	if a := abilities(t, fw); a.Sanitize.State != inventory.SanitizeRunning || a.Sanitize.Command != inventory.NVMeSanitizeCrypto || a.Sanitize.ProgressPPM != 250_000 {
		t.Errorf("%+v", a.Sanitize)
	}
	for _, c := range []inventory.EraseCommand{inventory.NVMeSanitizeBlock, inventory.NVMeFormatUser} {
		if _, err := fw.Start(context.Background(), c, erase.StartOptions{}); err == nil || !strings.Contains(err.Error(), "running already") {
			t.Errorf("%s: %v", c, err)
		}
	}
	if s := status(t, fw); s.State != erase.StateRunning || s.Of != inventory.NVMeSanitizeCrypto {
		t.Errorf("%+v", s)
	}
	if len(d.sent) != 0 {
		t.Errorf("sent %v", d.sent)
	}
}

// A power cut left the media open; the next run leaves that state before it
// starts its own.
func TestNVMeOpenMediaAreClosed(t *testing.T) {
	d := newController()
	d.setLog(0xFFFF, 0x102, 0x402, 5)
	d.on = func(cmd nvme.Command) {
		if cmd.CDW10 == 5 {
			d.setLog(0, 0x102, 0x402, 6)
		}
	}
	waits := 0
	d.tick = func() {
		if waits++; waits == 3 {
			d.setLog(0xFFFF, 0x101, 0x402, 0)
		}
	}
	fw := d.open(t)
	if a := abilities(t, fw); a.Sanitize.State != inventory.SanitizeVerifying {
		t.Errorf("%+v", a.Sanitize)
	}
	commands, err := fw.Start(context.Background(), inventory.NVMeSanitizeCrypto, erase.StartOptions{})
	if err != nil || len(commands) != 2 || !slices.Equal(d.sent, []string{"84 0 00000005", "84 0 00000004"}) || waits != 3 {
		t.Errorf("%+v %v %v after %d waits", commands, err, d.sent, waits)
	}
}

// Deallocating everything may take a large drive long; nobody waits for ever, and
// Ctrl-C is heard.
func TestNVMeOpenMediaAreLeftInTheirOwnTime(t *testing.T) {
	for _, c := range []struct {
		name    string
		takes   time.Duration
		refuses bool
		ctrlC   time.Duration
		want    string
		within  time.Duration
	}{
		{"50 minutes", 50 * time.Minute, false, 0, "", 51 * time.Minute},
		{"for ever", 1000 * time.Hour, false, 0, "still not done after 1h0m0s", 61 * time.Minute},
		{"it will not tell", 1000 * time.Hour, true, 0, "invalid field", time.Minute},
		{"Ctrl-C after two minutes", 1000 * time.Hour, false, 2 * time.Minute, "context canceled", 3 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			d := newController()
			fw := d.open(t)
			began := d.clock
			d.setLog(0xFFFF, 0x102, 0x402, 5)
			d.on = func(cmd nvme.Command) {
				if cmd.CDW10 == 5 {
					d.setLog(0, 0x102, 0x402, 6)
				}
			}
			d.refuse = func(cmd nvme.Command) uint16 {
				if c.refuses && cmd.Opcode == 2 && d.log[36] == 6 {
					return nvme.InvalidField
				}
				return 0
			}
			d.tick = func() {
				passed := d.clock.Sub(began)
				if passed >= c.takes {
					d.setLog(0xFFFF, 0x101, 0x402, 0)
				}
				if c.ctrlC > 0 && passed >= c.ctrlC {
					cancel()
				}
			}
			commands, err := fw.Leave(ctx)
			if len(commands) != 1 || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v %v", commands, err)
			}
			if took := d.clock.Sub(began); took > c.within {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestNVMeIsLeftReadyForUse(t *testing.T) {
	d := newController()
	d.errorRec = 0x00010064
	d.setLog(0xFFFF, 3, 2, 2)
	d.refuse = func(cmd nvme.Command) uint16 {
		if cmd.Opcode == 0x84 {
			return nvme.SanitizeFailed // AUSE was 0
		}
		return 0
	}
	commands, err := d.open(t).Leave(context.Background())
	if !errors.Is(err, erase.ErrRefusedByDrive) || len(commands) != 2 || d.rescanned != 1 {
		t.Errorf("%+v %v", commands, err)
	}
	if !slices.Equal(d.sent, []string{"84 0 00000001 refused", "09 1 00000005"}) || d.errorRec != 0x64 {
		t.Errorf("sent %v, error recovery %08X", d.sent, d.errorRec)
	}
	// Again, with nothing left to do.
	d.setLog(0xFFFF, 0x101, 2, 0)
	d.sent = nil
	if commands, err := d.open(t).Leave(context.Background()); err != nil || commands != nil || d.sent != nil {
		t.Errorf("%+v %v %v", commands, err, d.sent)
	}
}

func TestNVMeAnotherDriveIsNeverErased(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*controller)
	}{
		{"another serial", func(d *controller) { copy(d.identity[4:], "SN-4712") }},
		{"another model", func(d *controller) { copy(d.identity[24:], "Other") }},
		{"another size", func(d *controller) { d.namespaces[1] = namespaceBytes(4096) }},
		{"another NGUID", func(d *controller) { d.namespaces[1][110]++ }},
		{"another EUI64", func(d *controller) { d.namespaces[1][125]++ }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newController()
			fw := d.open(t)
			c.change(d)
			for _, command := range []inventory.EraseCommand{inventory.NVMeSanitizeBlock, inventory.NVMeFormatUser, inventory.TCGPSIDRevert} {
				if _, err := fw.Start(context.Background(), command, erase.StartOptions{}); !errors.Is(err, erase.ErrIdentityChanged) {
					t.Errorf("%s: %v", command, err)
				}
			}
			if _, err := fw.Leave(context.Background()); !errors.Is(err, erase.ErrIdentityChanged) {
				t.Errorf("leave: %v", err)
			}
			if len(d.sent) != 0 {
				t.Errorf("sent %v", d.sent)
			}
		})
	}
	d := newController()
	for _, change := range []func(*inventory.Drive){
		func(d *inventory.Drive) { d.Serial = "OTHER" },
		func(d *inventory.Drive) { d.CapacityBytes = 1 << 40 },
		func(d *inventory.Drive) { d.WWN = "eui.0025385000000001" },
	} {
		facts := d.drive()
		change(&facts)
		if _, err := drive.NewFirmware(context.Background(), facts, d, drive.Secrets{}); !errors.Is(err, erase.ErrIdentityChanged) {
			t.Errorf("%+v: %v", facts, err)
		}
	}
}

func TestNVMeVanishesAndComesBack(t *testing.T) {
	d := newController()
	fw := d.open(t)
	if _, err := fw.Start(context.Background(), inventory.NVMeSanitizeBlock, erase.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	d.setLog(0x8000, 2, 2, 1)
	d.gone = 3
	for range 2 {
		if _, err := fw.Status(context.Background()); !errors.Is(err, erase.ErrGone) {
			t.Errorf("while it is away: %v", err)
		}
	}
	if s := status(t, fw); s.State != erase.StateRunning || d.refound != 1 {
		t.Errorf("%+v", s)
	}
	// What comes back under the same name is another drive.
	d.gone = 1
	d.refind = func() error { copy(d.identity[4:], "SN-9999"); d.setLog(0xFFFF, 0x101, 2, 0); return nil }
	if s, err := fw.Status(context.Background()); !errors.Is(err, erase.ErrIdentityChanged) || s.State == erase.StateSucceeded {
		t.Errorf("%+v %v", s, err)
	}
}

func TestNVMeAnswerLostToReset(t *testing.T) {
	for _, c := range []struct {
		name  string
		sstat uint16
		took  bool
	}{
		{"it is at work on ours", 2, true},
		{"nothing tells whether it took it", 0x101, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newController()
			d.refuse = func(cmd nvme.Command) uint16 {
				if cmd.Opcode == 0x84 {
					d.setLog(0, c.sstat, cmd.CDW10, 0)
					return 0x0371 // aborted by the host, which reset it
				}
				return 0
			}
			commands, err := d.open(t).Start(context.Background(), inventory.NVMeSanitizeBlock, erase.StartOptions{})
			if (err == nil) != c.took || len(commands) != 1 || err != nil && !errors.Is(err, erase.ErrGone) {
				t.Errorf("%+v %v", commands, err)
			}
			if len(d.sent) != 1 {
				t.Errorf("given more than once: %v", d.sent)
			}
		})
	}
}

func TestNVMeMetadataThatLinuxCannotRead(t *testing.T) {
	d := newController()
	page := d.namespaces[1]
	page[25], page[26] = 1, 0x11 // format 1 of 2, metadata behind each block
	copy(page[128:], []byte{0, 0, 9, 0, 8, 0, 9, 0})
	d.on = func(cmd nvme.Command) {
		if cmd.Opcode == 0x80 {
			page[26] = byte(cmd.CDW10 & 0x1F)
		}
	}
	fw := d.open(t)
	if a := abilities(t, fw); a.BlockBytes != 520 {
		t.Errorf("blocks of %d", a.BlockBytes)
	}
	commands, err := fw.Reveal(context.Background())
	if err != nil || len(commands) != 1 || !slices.Equal(d.sent, []string{"80 1 00000000"}) || d.rescanned != 1 {
		t.Errorf("%+v %v %v", commands, err, d.sent)
	}
	if a := abilities(t, fw); a.BlockBytes != 0 {
		t.Errorf("blocks of %d", a.BlockBytes)
	}
	if commands, err := fw.Reveal(context.Background()); err != nil || commands != nil {
		t.Errorf("again: %+v %v", commands, err)
	}
}

func TestNVMeThatAnswersLittle(t *testing.T) {
	d := newController()
	d.refuse = func(cmd nvme.Command) uint16 {
		if cmd.Opcode == 2 || cmd.Opcode == 6 && cmd.CDW10 > 1 {
			return nvme.InvalidField
		}
		return 0
	}
	a := abilities(t, d.open(t))
	if a.Sanitize.State != inventory.SanitizeUnknown || a.Health != nil || len(a.Notes) != 3 {
		t.Errorf("%+v", a)
	}
	for _, e := range a.Erasers {
		if e.Blocked == "" {
			t.Errorf("%s is not blocked", e.Command)
		}
	}
	d = newController()
	d.zoned = true
	if a := abilities(t, d.open(t)); a.Zoned != "zns" {
		t.Errorf("zoned %q", a.Zoned)
	}
}

// Whatever bytes a controller answers with: no panic, and no success without
// an outcome that says so of our command.
func FuzzNVMe(f *testing.F) {
	good := newController()
	f.Add(good.identity[:600], good.namespaces[1][:200], good.log[:40], good.smart[:180], uint16(0))
	f.Add([]byte{}, []byte{}, []byte{0xFF, 0xFF, 1, 1, 2}, []byte{}, uint16(0x1D))
	f.Fuzz(func(t *testing.T, identity, namespace, log, smart []byte, refusal uint16) {
		d := newController()
		fw := d.open(t)
		copy(d.log, log)
		ctx := context.Background()
		_, started := fw.Start(ctx, inventory.NVMeSanitizeBlock, erase.StartOptions{})
		s, err := fw.Status(ctx)
		sos := d.log[2] & 7
		if good := s.State == erase.StateSucceeded || s.State == erase.StateOpenMedia; good && (err != nil || d.log[4]&7 != 2 && started == nil || sos != 1 && sos != 4 && d.log[36]&0xF != 5) {
			t.Errorf("success from %x", d.log[:37])
		}
		copy(d.identity, identity)
		copy(d.namespaces[1], namespace)
		copy(d.smart, smart)
		d.refuse = func(c nvme.Command) uint16 {
			if c.Opcode == 2 {
				return refusal & 0x7FFF
			}
			return 0
		}
		fw, err = drive.NewFirmware(ctx, inventory.Drive{Bus: inventory.BusNVMe}, d, drive.Secrets{})
		if err != nil {
			return
		}
		_, _ = fw.Abilities(ctx)
		_, _ = fw.Reveal(ctx)
		_, _ = fw.Status(ctx)
		_, _ = fw.Leave(ctx)
	})
}
