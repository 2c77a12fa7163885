package drivesim

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/scsi"
	"github.com/ombruk/ombruk/inventory"
)

// Every transition of the Security feature set that a host can cause.
func TestSecurityStates(t *testing.T) {
	user, wrong, master := passwordBlock(0, "user"), passwordBlock(0, "wrong"), passwordBlock(1, "master")
	maximum := passwordBlock(0, "user")
	maximum[1] = 1
	type step struct {
		op    byte
		block []byte
		ok    bool
		state string
	}
	set := step{ataSecuritySetPassword, user, true, "SEC5"}
	setMax := step{ataSecuritySetPassword, maximum, true, "SEC5"}
	power := step{op: 0, state: "SEC4", ok: true}
	prepare := func(state string, ok bool) step { return step{ataSecurityErasePrepare, nil, ok, state} }
	for name, steps := range map[string][]step{
		"setting a master password locks nothing": {{ataSecuritySetPassword, master, true, "SEC1"}, {op: 0, ok: true, state: "SEC1"}},
		"a user password locks at power-on":       {set, power, {ataSecurityUnlock, user, true, "SEC5"}},
		"frozen without a password":               {{ataSecurityFreezeLock, nil, true, "SEC2"}, {ataSecuritySetPassword, user, false, "SEC2"}, prepare("SEC2", false), {ataSecurityEraseUnit, master, false, "SEC2"}, {ataSecurityFreezeLock, nil, true, "SEC2"}, {op: 0, ok: true, state: "SEC1"}},
		"frozen with a password":                  {set, {ataSecurityFreezeLock, nil, true, "SEC6"}, {ataSecurityDisablePassword, user, false, "SEC6"}, {ataSecurityUnlock, user, false, "SEC6"}, power},
		"a locked drive is not frozen":            {set, power, {ataSecurityFreezeLock, nil, false, "SEC4"}, {ataSecuritySetPassword, user, false, "SEC4"}, {ataSecurityDisablePassword, user, false, "SEC4"}},
		"a wrong password does not unlock":        {set, power, {ataSecurityUnlock, wrong, false, "SEC4"}, {ataSecurityUnlock, user, true, "SEC5"}},
		"five wrong ones use the attempts up": {
			set, power, {ataSecurityUnlock, wrong, false, "SEC4"}, {ataSecurityUnlock, wrong, false, "SEC4"}, {ataSecurityUnlock, wrong, false, "SEC4"},
			{ataSecurityUnlock, wrong, false, "SEC4"}, {ataSecurityUnlock, wrong, false, "SEC4"}, {ataSecurityUnlock, user, false, "SEC4"},
			prepare("SEC4", true), {ataSecurityEraseUnit, user, false, "SEC4"}, power, {ataSecurityUnlock, user, true, "SEC5"},
		},
		"the master password unlocks at level High": {{ataSecuritySetPassword, master, true, "SEC1"}, set, power, {ataSecurityUnlock, master, true, "SEC5"}},
		"and only erases at level Maximum":          {{ataSecuritySetPassword, master, true, "SEC1"}, setMax, power, {ataSecurityUnlock, master, false, "SEC4"}, prepare("SEC4", true), {ataSecurityEraseUnit, master, true, "SEC1"}},
		"an erase needs PREPARE right before it":    {set, {ataSecurityEraseUnit, user, false, "SEC5"}, prepare("SEC5", true), {ataSecurityUnlock, user, true, "SEC5"}, {ataSecurityEraseUnit, user, false, "SEC5"}},
		"an erase takes the user password off":      {set, prepare("SEC5", true), {ataSecurityEraseUnit, user, true, "SEC1"}, {op: 0, ok: true, state: "SEC1"}},
		"a locked drive can be erased":              {set, power, prepare("SEC4", true), {ataSecurityEraseUnit, user, true, "SEC1"}},
		"a password can be taken off":               {set, {ataSecurityDisablePassword, wrong, false, "SEC5"}, {ataSecurityDisablePassword, user, true, "SEC1"}},
		"without security a user cannot erase":      {prepare("SEC1", true), {ataSecurityEraseUnit, user, false, "SEC1"}},
	} {
		s := ataSecurity{supported: true, tries: ataTries}
		for i, st := range steps {
			ok := true
			if st.op == 0 {
				s.powerOn()
			} else {
				var e *ataErase
				if e, ok = s.command(st.op, st.block); e != nil {
					s.finished()
				}
			}
			if ok != st.ok || s.state() != st.state {
				t.Errorf("%s: step %d: ok %v state %s, want %v %s", name, i+1, ok, s.state(), st.ok, st.state)
				break
			}
		}
	}
	for _, op := range []byte{ataSecuritySetPassword, ataSecurityUnlock, ataSecurityEraseUnit, ataSecurityDisablePassword} {
		s := ataSecurity{supported: true, tries: ataTries}
		if _, ok := s.command(op, []byte{1, 2}); ok {
			t.Errorf("%02Xh is taken with two bytes of data", op)
		}
	}
}

// Every transition of the Sanitize Device state machine.
func TestSanitizeStates(t *testing.T) {
	const failureMode = 0x10
	type step struct {
		feature, count uint16
		lba            uint64
		ok             bool
		reason         byte
		state          string
	}
	crypto := step{ataSanitizeCrypto, 0, ataSanitizeKeyCrypto, true, 0, "SD2"}
	restrictedNot := step{ataSanitizeCrypto, failureMode, ataSanitizeKeyCrypto, true, 0, "SD2"}
	freeze := step{ataSanitizeFreezeLock, 0, ataSanitizeKeyFreeze, true, 0, "SD1"}
	status := func(ok bool, reason byte, state string) step {
		return step{ataSanitizeStatus, 0, 0, ok, reason, state}
	}
	const endWell, endBadly, power = 0xF001, 0xF002, 0xF003 // events
	event := func(e uint16, state string) step { return step{e, 0, 0, true, 0, state} }
	for name, steps := range map[string][]step{
		"a wrong key starts nothing":            {{ataSanitizeCrypto, 0, 0x12345678, false, sanReasonNone, "SD0"}, {ataSanitizeBlock, 0, ataSanitizeKeyCrypto, false, sanReasonNone, "SD0"}, {ataSanitizeOverwrite, 1, 0xA5A5A5A5, false, sanReasonNone, "SD0"}},
		"an unknown operation":                  {{0x0099, 0, 0, false, sanReasonUnsupported, "SD0"}},
		"success and again":                     {crypto, status(true, 0, "SD2"), event(endWell, "SD4"), status(true, 0, "SD4"), crypto},
		"one at a time":                         {crypto, {ataSanitizeBlock, 0, ataSanitizeKeyBlock, false, sanReasonNone, "SD2"}, {ataSanitizeFreezeLock, 0, ataSanitizeKeyFreeze, false, sanReasonNone, "SD2"}},
		"it survives a power cycle":             {crypto, event(power, "SD2"), event(endWell, "SD4")},
		"frozen until a power cycle":            {freeze, {ataSanitizeCrypto, 0, ataSanitizeKeyCrypto, false, sanReasonFrozen, "SD1"}, status(true, 0, "SD1"), {ataSanitizeAntifreeze, 0, ataSanitizeKeyAntiFrz, false, sanReasonFrozen, "SD1"}, event(power, "SD0")},
		"antifreeze keeps it from being frozen": {{ataSanitizeAntifreeze, 0, ataSanitizeKeyAntiFrz, true, 0, "SD5"}, {ataSanitizeFreezeLock, 0, ataSanitizeKeyFreeze, false, sanReasonAntifrozen, "SD5"}, crypto},
		"a restricted failure stays":            {crypto, event(endBadly, "SD3"), status(false, sanReasonFailed, "SD3"), {ataSanitizeStatus, 1, 0, false, sanReasonFailed, "SD3"}, event(power, "SD3"), {ataSanitizeCrypto, failureMode, ataSanitizeKeyCrypto, false, sanReasonFailed, "SD3"}, crypto},
		"an unrestricted one can be left":       {restrictedNot, event(endBadly, "SD3"), {ataSanitizeStatus, 1, 0, true, 0, "SD0"}},
		"freezing a failure":                    {crypto, event(endBadly, "SD3"), {ataSanitizeFreezeLock, 0, ataSanitizeKeyFreeze, false, sanReasonNone, "SD3"}},
	} {
		s := ataSanitize{supported: true, crypto: true, block: true, overwrite: true, antifreeze: true}
		for i, st := range steps {
			a := sanAnswer{ok: true}
			switch st.feature {
			case endWell, endBadly:
				s.end(st.feature == endWell)
			case power:
				s.powerOn()
			default:
				a = s.command(st.feature, st.count, st.lba, 0x8000)
			}
			if a.ok != st.ok || a.reason != st.reason || s.state.String() != st.state {
				t.Errorf("%s: step %d: ok %v reason %d state %v, want %v %d %s", name, i+1, a.ok, a.reason, s.state, st.ok, st.reason, st.state)
				break
			}
		}
	}
	s := ataSanitize{supported: true, crypto: true}
	s.command(ataSanitizeCrypto, 0, ataSanitizeKeyCrypto, 0)
	if a := s.command(ataSanitizeStatus, 0, 0, 0x1234); a.count != 0x4000 || a.lba != 0x1234 {
		t.Errorf("status in progress: count %04Xh lba %Xh", a.count, a.lba)
	}
	s.end(true)
	s.powerOn()
	if a := s.command(ataSanitizeStatus, 0, 0, 0x1234); a.count != 0x8000 || a.lba != 0xFFFF {
		t.Errorf("success is not kept over a power cycle: count %04Xh lba %Xh", a.count, a.lba)
	}
	if j := (&ataSanitize{supported: true, overwrite: true}).command(ataSanitizeOverwrite, 0, ataSanitizeKeyOverwrite<<32, 0).job; j == nil || j.passes != 16 {
		t.Errorf("an overwrite count of 0 is %+v, want 16 passes", j)
	}
}

func TestHostProtectedAreaIsRestoredOncePerPowerOn(t *testing.T) {
	b := newBench(t, "ata-hdd-hpa")
	readNative, last := ataCommand{op: ataReadNativeMaxExt, ext: true}, uint64(4096<<10/512-1)
	set := ataCommand{op: ataSetMaxExt, ext: true, count: 1, lba: last, device: 0x40}
	if got := b.ok(readNative, nil).lba; got != last {
		t.Fatalf("native maximum %d, want %d", got, last)
	}
	b.ok(ataCommand{op: ataCheckPowerMode}, nil)
	if r, _ := b.ata(set, nil); !r.failed() || r.errorBits != ataABRT {
		t.Errorf("SET MAX with a command between: %+v, want an abort", r)
	}
	b.ok(readNative, nil)
	b.ok(set, nil)
	if w := b.identify(); uint64(w[100])|uint64(w[101])<<16 != last+1 {
		t.Errorf("IDENTIFY says %d blocks", uint64(w[100])|uint64(w[101])<<16)
	}
	b.ok(readNative, nil)
	if r, _ := b.ata(set, nil); !r.failed() || b.dialect() == satLibata61 && r.errorBits != ataIDNF {
		t.Errorf("a second SET MAX: %+v, want ID not found", r)
	}
	b.d.PowerCycle()
	if got := b.d.size(); got != 4096<<10 {
		t.Errorf("after a power cycle %d bytes", got)
	}
	data, failed := readAll(t, b.d)
	if failed != 0 || seenOriginal(data) != 4096<<10 {
		t.Errorf("what was hidden is not read: %d failed, %d seen", failed, seenOriginal(data))
	}
}

func TestOverlayNeedsTheProtectedAreaGoneFirst(t *testing.T) {
	b := newBench(t, "ata-hdd-hpa-dco")
	identify := make([]byte, 512)
	b.ok(ataCommand{op: ataDCO, feature: 0xC2}, identify)
	if got, want := le64(identify[6:]), uint64(4096<<10/512-1); got != want || sum8(identify) != 0 {
		t.Errorf("DCO IDENTIFY: maximum %d, want %d", got, want)
	}
	restore := ataCommand{op: ataDCO, feature: 0xC0}
	if r, _ := b.ata(restore, nil); !r.failed() {
		t.Error("DCO RESTORE with a protected area set")
	}
	native := b.ok(ataCommand{op: ataReadNativeMaxExt, ext: true}, nil).lba
	if want := uint64(3072<<10/512 - 1); native != want {
		t.Errorf("native maximum %d, want %d: the overlay hides the rest", native, want)
	}
	b.ok(ataCommand{op: ataSetMaxExt, ext: true, count: 1, lba: native, device: 0x40}, nil)
	b.d.PowerCycle()
	b.ok(ataCommand{op: ataCheckPowerMode}, nil)
	b.ok(restore, nil)
	b.d.PowerCycle()
	if got := b.d.size(); got != 4096<<10 {
		t.Errorf("%d bytes, want everything", got)
	}
}

func TestAccessibleMaxAddress(t *testing.T) {
	b := newBench(t, "ata-hdd-ama")
	native := b.ok(ataCommand{op: ataAccessibleMax, ext: true}, nil).lba
	if want := uint64(4096<<10/512 - 1); native != want {
		t.Fatalf("native %d, want %d", native, want)
	}
	if r, _ := b.ata(ataCommand{op: ataAccessibleMax, feature: 1, ext: true, lba: native + 1}, nil); !r.failed() {
		t.Error("more than the native maximum is taken")
	}
	set := ataCommand{op: ataAccessibleMax, feature: 1, ext: true, lba: native}
	b.ok(set, nil)
	if r, _ := b.ata(set, nil); !r.failed() {
		t.Error("a second SET in one power-on")
	}
	if w := b.identify(); w[119]&(1<<8) == 0 || uint64(w[100])|uint64(w[101])<<16 != native+1 {
		t.Errorf("IDENTIFY: word 119 %04Xh, %d blocks", w[119], uint64(w[100])|uint64(w[101])<<16)
	}
}

func TestIdentifyTellsTheState(t *testing.T) {
	for name, want := range map[string]func(w [256]uint16) bool{
		"ata-ssd": func(w [256]uint16) bool {
			return w[59]&0xF400 == 0xB400 && w[128] == 0x21 && w[217] == 1 && w[69]&0x10 != 0
		},
		"ata-ssd-frozen":      func(w [256]uint16) bool { return w[128]&0x0E == 0x08 },
		"ata-ssd-locked":      func(w [256]uint16) bool { return w[128]&0x0E == 0x06 && w[85]&2 != 0 },
		"ata-ssd-master-only": func(w [256]uint16) bool { return w[128]&0x106 == 0x106 },
		"ata-ssd-expired":     func(w [256]uint16) bool { return w[128]&0x10 != 0 },
		"ata-ssd-bare":        func(w [256]uint16) bool { return w[59]&0xF000 == 0 && w[128] == 0 && w[82]&2 == 0 },
		"ata-hdd": func(w [256]uint16) bool {
			return w[89] == 120 && w[90] == 120 && w[217] == 7200 && w[106]&0x200F == 0x2003
		},
		"ata-hdd-no-estimate":     func(w [256]uint16) bool { return w[89] == 0 && w[90] == 0 },
		"ata-hdd-4k":              func(w [256]uint16) bool { return w[106]&0x1000 != 0 && w[117] == 2048 },
		"ata-hdd-hpa":             func(w [256]uint16) bool { return w[82]&0x400 != 0 && w[83]&0x0800 == 0 },
		"ata-hdd-hpa-dco":         func(w [256]uint16) bool { return w[82]&0x400 != 0 && w[83]&0x0800 != 0 },
		"ata-ssd-opal":            func(w [256]uint16) bool { return w[48]&1 != 0 },
		"ata-ssd-sanitize-frozen": func(w [256]uint16) bool { return w[59]&0x1000 != 0 },
	} {
		b := newBench(t, name)
		w := b.identify()
		if !want(w) {
			t.Errorf("%s: word 48 %04X 59 %04X 69 %04X 82 %04X 83 %04X 85 %04X 89 %04X 106 %04X 117 %d 128 %04X 217 %d", name, w[48], w[59], w[69], w[82], w[83], w[85], w[89], w[106], w[117], w[128], w[217])
		}
		data := make([]byte, 512)
		b.ok(ataCommand{op: ataIdentify}, data)
		if sum8(data) != 0 {
			t.Errorf("%s: the checksum does not fit", name)
		}
	}
}

func TestFirmwareFreezes(t *testing.T) {
	frozen := func(b *bench) bool { return b.identify()[128]&0x08 != 0 }
	b := newBench(t, "ata-ssd-frozen")
	if !frozen(b) {
		t.Fatal("not frozen")
	}
	if r, _ := b.ata(ataCommand{op: ataSecuritySetPassword, out: passwordBlock(0, "x")}, nil); !r.failed() {
		t.Error("a frozen drive takes a password")
	}
	b.d.Suspend()
	_, _ = b.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil)
	if frozen(b) {
		t.Error("a suspend does not thaw")
	}
	b = newBench(t, "ata-ssd-never-thaws")
	b.d.Suspend()
	_, _ = b.scsi([]byte{0, 0, 0, 0, 0, 0}, nil, nil)
	if !frozen(b) {
		t.Error("thawed by a suspend, although the firmware freezes again")
	}
}

func TestPowerCutInASecurityEraseLocksTheDrive(t *testing.T) {
	b := newBench(t, "ata-ssd-security-power-cut")
	if got := b.erase(inventory.ATASecurityErase); got != unknown {
		t.Fatalf("outcome %s, want the answer to be lost", got)
	}
	if w := b.identify(); w[128]&0x06 != 0x06 {
		t.Errorf("word 128 %04Xh, want enabled and locked", w[128])
	}
	if n := b.d.Truth().OriginalBytes(Addressable); n == 0 {
		t.Error("everything is gone although the power was cut at 40 %")
	}
	b.ok(ataCommand{op: ataSecurityUnlock, out: passwordBlock(0, "test")}, nil)
	b.ok(ataCommand{op: ataSecurityDisablePassword, out: passwordBlock(0, "test")}, nil)
	if w := b.identify(); w[128]&0x06 != 0 {
		t.Errorf("word 128 %04Xh after disabling", w[128])
	}
}

func TestSecurityEraseBlocksUntilItIsDone(t *testing.T) {
	b := newBench(t, "ata-hdd-old")
	before := b.d.Now()
	if got := b.erase(inventory.ATASecurityErase); got != succeeded {
		t.Fatal(got)
	}
	if took := b.d.Now().Sub(before); took < 2*time.Hour || took > 3*time.Hour {
		t.Errorf("took %v, want two hours", took)
	}
	b = newBench(t, "ata-hdd-old")
	_ = b.ok(ataCommand{op: ataSecuritySetPassword, out: passwordBlock(0, "p")}, nil)
	_ = b.ok(ataCommand{op: ataSecurityErasePrepare}, nil)
	cdb := []byte{0x85, satPIOOut << 1, 0x06, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, ataSecurityEraseUnit, 0}
	_, err := b.d.Wires().SCSI.Issue(context.Background(), scsi.Command{CDB: cdb, Direction: scsi.Out, Data: passwordBlock(0, "p"), Timeout: time.Minute})
	if err == nil {
		t.Error("no timeout although the drive needs two hours")
	}
	if err := b.d.core.front.access(b.d.area, false); err != nil {
		t.Logf("while it erases: %v", err)
	}
	_ = b.d.Wait(context.Background(), 3*time.Hour)
	if b.d.Truth().OriginalBytes(Addressable) != 0 || b.identify()[128]&2 != 0 {
		t.Error("the drive did not go on after its host had given up")
	}
}

func TestEraserThatKeepsThePassword(t *testing.T) {
	b := newBench(t, "ata-ssd-keeps-password")
	if got := b.erase(inventory.ATASecurityErase); got != succeeded || b.d.Truth().OriginalBytes(Addressable) != 0 {
		t.Fatal(got)
	}
	if b.identify()[128]&2 == 0 {
		t.Error("the password is gone")
	}
	b.ok(ataCommand{op: ataSecurityDisablePassword, out: passwordBlock(0, "test")}, nil)
}

// What a host sees of one abort and one success in each dialect of sense.
func TestDialectsOfSense(t *testing.T) {
	c := ataCommand{op: ataSanitizeDevice, ext: true}
	good := ataAnswer{status: 0x50, count: 0x8000, lba: 0xFFFF, device: 0x40}
	bad := ataAnswer{status: 0x51, errorBits: 0x04, lba: 3}
	for d, want := range map[satDialect][2][]byte{
		satDescriptor: {{0x72, 1, 0, 0x1D, 0, 0, 0, 14, 9, 12, 1, 0, 0x80, 0, 0, 0xFF, 0, 0xFF, 0, 0, 0x40, 0x50}, {0x72, 0xB, 0, 0, 0, 0, 0, 14, 9, 12, 1, 4, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0x51}},
		satFixed:      {{0xF0, 0, 1, 0, 0x50, 0x40, 0, 10, 0xC0, 0xFF, 0xFF, 0, 0, 0x1D, 0, 0, 0, 0}, {0xF0, 0, 0xB, 4, 0x51, 0, 0, 10, 0x80, 3, 0, 0, 0, 0, 0, 0, 0, 0}},
		satLibata61:   {{0x72, 1, 0, 0x1D, 0, 0, 0, 14, 9, 12, 1, 0, 0x80, 0, 0, 0xFF, 0, 0xFF, 0, 0, 0x40, 0x50}, {0x70, 0, 0xB, 0, 0, 0, 0, 10, 4, 0x51, 0, 0, 0, 0, 0, 0, 0x80, 3}},
		satSilent:     {nil, {0x70, 0, 0xB, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		for i, a := range []ataAnswer{good, bad} {
			if want[i] == nil {
				continue
			}
			if got := satSense(d, c, a); !bytes.Equal(got, want[i]) {
				t.Errorf("%s, answer %d: % X, want % X", d, i, got, want[i])
			}
		}
	}
}

func TestPassThroughIsDecodedAlikeInEveryLength(t *testing.T) {
	twelve := []byte{0xA1, 3 << 1, 0x20, 0xDA, 1, 0x11, 0x4F, 0xC2, 0xA0, 0xB0, 0, 0}
	sixteen := []byte{0x85, 3<<1 | 1, 0x20, 0x01, 0xDA, 0x02, 1, 0x44, 0x11, 0x55, 0x4F, 0x66, 0xC2, 0xA0, 0xB0, 0}
	long := make([]byte, 32)
	copy(long, []byte{0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x1F, 0xF0, 3<<1 | 1, 0x20, 0, 0, 0x66, 0x55, 0x44, 0xC2, 0x4F, 0x11, 0x01, 0xDA, 0x02, 1, 0xA0, 0xB0})
	a, ok1 := satDecode(twelve)
	s, ok2 := satDecode(sixteen)
	l, ok3 := satDecode(long)
	if !ok1 || !ok2 || !ok3 {
		t.Fatal("not taken")
	}
	if a.command.lba != 0xC24F11 || a.command.feature != 0xDA || a.command.op != 0xB0 {
		t.Errorf("12: %+v", a.command)
	}
	if s.command.lba != 0x665544C24F11 || s.command.feature != 0x1DA || s.command.count != 0x201 || !s.ckCond {
		t.Errorf("16: %+v", s.command)
	}
	if l.command.lba != s.command.lba || l.command.feature != s.command.feature || l.command.count != s.command.count || l.command.op != s.command.op {
		t.Errorf("32: %+v, 16: %+v", l.command, s.command)
	}
}

func TestTrustedCommandsUnderAKernelThatBlocksThem(t *testing.T) {
	b := newBench(t, "ata-ssd-opal-no-trusted")
	r, err := b.scsi([]byte{0x85, satPIOIn << 1, 0x0E, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, ataTrustedReceive, 0}, nil, make([]byte, 512))
	if key, asc, _ := senseOf(r.Sense); err != nil || key != skIllegal || asc != 0x24 {
		t.Errorf("sense % X, %v, want invalid field in CDB", r.Sense, err)
	}
}

func TestDriveThatComesSanitizing(t *testing.T) {
	b := newBench(t, "ata-ssd-running")
	r := b.ok(ataCommand{op: ataSanitizeDevice, ext: true}, nil)
	if r.count&0x4000 == 0 || r.lba < 0x6000 || r.lba > 0x6F00 {
		t.Errorf("status: %+v, want in progress at 40 %%", r)
	}
	if v := b.d.Blocks(); true {
		if _, err := v.ReadAt(make([]byte, 4096), 0); err == nil {
			t.Error("blocks are read during a sanitize")
		}
	}
	_ = b.d.Wait(context.Background(), time.Minute)
	if r = b.ok(ataCommand{op: ataSanitizeDevice, ext: true}, nil); r.count != 0x8000 {
		t.Errorf("status afterwards: %+v", r)
	}
}

func TestSMARTAndLogs(t *testing.T) {
	b := newBench(t, "ata-hdd-bad-sectors")
	data := make([]byte, 512)
	b.ok(ataCommand{op: ataSMART, feature: 0xD0, lba: 0xC24F00}, data)
	if sum8(data) != 0 || data[2] != 5 || binary.LittleEndian.Uint32(data[7:]) != 120 {
		t.Errorf("SMART data: % X", data[:16])
	}
	b.ok(ataCommand{op: ataSMART, feature: 0xD1, lba: 0xC24F00}, data)
	if sum8(data) != 0 {
		t.Error("thresholds: checksum")
	}
	cdb := []byte{0x85, satNonData << 1, 0x20, 0, 0xDA, 0, 0, 0, 0, 0, 0x4F, 0, 0xC2, 0, 0xB0, 0}
	r, err := b.scsi(cdb, nil, nil)
	if err != nil || len(r.Sense) < 22 || r.Sense[8+9] != 0xF4 || r.Sense[8+11] != 0x2C {
		t.Errorf("SMART RETURN STATUS of a failing drive: % X %v", r.Sense, err)
	}
	two := make([]byte, 1024)
	b.ok(ataCommand{op: ataReadLogExt, ext: true, lba: 0x30}, two)
	if two[8] != 2 || sum8(two[512:]) != 0 {
		t.Error("IDENTIFY DEVICE data log")
	}
}

// Random commands never crash the drive, and never leave its books wrong.
func FuzzATA(f *testing.F) {
	for op := range 256 {
		f.Add(byte(op), uint16(0), uint16(1), uint64(0), true, []byte{1, 2, 3})
	}
	for _, k := range []uint64{ataSanitizeKeyCrypto, ataSanitizeKeyBlock, ataSanitizeKeyOverwrite << 32, ataSanitizeKeyFreeze, ataSanitizeKeyAntiFrz} {
		for _, feature := range []uint16{0x11, 0x12, 0x14, 0x20, 0x40} {
			f.Add(byte(ataSanitizeDevice), feature, uint16(0), k, true, []byte{})
		}
	}
	f.Add(byte(ataSecurityEraseUnit), uint16(0), uint16(1), uint64(0), false, passwordBlock(0, "x"))
	var profiles []Profile
	for _, name := range []string{"ata-ssd-opal", "ata-hdd-hpa-dco", "ata-hdd-ama", "ata-ssd-locked"} {
		p, err := FindProfile(name)
		if err != nil {
			f.Fatal(err)
		}
		p.Units[0].KiB, p.Units[0].HiddenKiB = 64, min(p.Units[0].HiddenKiB, 64)
		if p.ATA.DCOKiB > 0 {
			p.ATA.DCOKiB = 32
		}
		profiles = append(profiles, p)
	}
	f.Fuzz(func(t *testing.T, op byte, feature, count uint16, lba uint64, ext bool, out []byte) {
		for _, p := range profiles {
			d := newDrive(t, p, Options{})
			c := d.core
			front := c.front.(*ataDrive)
			c.mu.Lock()
			for range 2 {
				front.do(ataCommand{op: ataReadNativeMaxExt, ext: true})
				front.do(ataCommand{op: op, feature: feature, count: count % 64, lba: lba & (1<<48 - 1), ext: ext, out: out, want: 512})
			}
			c.mu.Unlock()
			if n := d.Truth().OriginalBytes(Addressable); n > c.medium.areas[0].sizeBytes {
				t.Errorf("%d bytes of original data in %d", n, c.medium.areas[0].sizeBytes)
			}
		}
	})
}

// Each profile of a drive that is reached by SCSI, ATA or MMC commands, with
// each of its erase commands: honest ones end as expected and what they say
// they erased is gone; liars lie in the way their profile says.
func TestProfilesDoWhatTheySay(t *testing.T) {
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	// How honest drives end that do not simply succeed.
	expected := map[string]outcome{
		"ata-ssd-never-thaws/ata-security-erase": refused, "ata-ssd-never-thaws/ata-security-erase-enhanced": refused,
		"ata-ssd-frozen/ata-security-erase": refused, "ata-ssd-frozen/ata-security-erase-enhanced": refused,
		"ata-ssd-frozen-old/ata-security-erase": refused, "ata-ssd-frozen-old/ata-security-erase-enhanced": refused,
		"ata-ssd-security-power-cut/ata-security-erase": unknown, "ata-ssd-security-power-cut/ata-security-erase-enhanced": unknown,
		"ata-ssd-power-cut/ata-security-erase": unknown, "ata-ssd-power-cut/ata-security-erase-enhanced": unknown,
		"ata-ssd-resets/ata-security-erase": unknown, "ata-ssd-resets/ata-security-erase-enhanced": unknown,
		"ata-ssd-sanitize-frozen/ata-sanitize-crypto": refused, "ata-ssd-sanitize-frozen/ata-sanitize-block": refused,
		"ata-ssd-running/ata-sanitize-block": refused, "ata-ssd-running/ata-sanitize-overwrite": refused,
		"ata-ssd-running/ata-security-erase": refused, "ata-ssd-running/ata-security-erase-enhanced": refused,
		"ata-ssd-failed-before/ata-security-erase": refused, "ata-ssd-failed-before/ata-security-erase-enhanced": refused,
		"ata-ssd-opal-locked/tcg-revert": refused, "ata-ssd-opal-blocked/tcg-revert": refused,
		"sas-ssd-enterprise-locked/tcg-revert":     refused,
		"sas-ssd-failed-before/scsi-format":        refused,
		"sas-hdd-format-power-cut/scsi-format":     failed,
		"sas-ssd-power-cut/scsi-format":            failed,
		"sas-ssd-resets/scsi-format":               failed,
		"usb-ssd-no-registers/ata-sanitize-crypto": unknown, "usb-ssd-no-registers/ata-sanitize-block": unknown,
		"mmc-emmc-worn/mmc-erase": failed, "mmc-emmc-worn/mmc-sanitize": failed,
		"mmc-emmc-locked/mmc-erase": refused, "mmc-emmc-locked/mmc-sanitize": refused,
	}
	everywhere := map[string]outcome{"ata-ssd-locked": refused, "ata-ssd-own-password": refused, "ata-ssd-master-only": refused, "ata-ssd-expired": refused, "ata-ssd-vanishes": unknown, "ata-hdd-bad-sectors": failed, "sas-hdd-bad-sectors": failed, "sas-ssd-running": refused, "usb-hdd-no-sat": refused, "usb-ssd-sat12": refused}
	for _, p := range all {
		if p.Protocol == "nvme" {
			continue
		}
		found := false
		for e := range p.Erasers {
			b := newBench(t, p.Name)
			serial := b.d.Facts().Serial
			got := b.erase(e)
			truth := b.d.Truth()
			name := p.Name + "/" + string(e)
			if !p.Honest {
				found = found || caught(t, b, got, serial != b.d.core.serial)
				continue
			}
			want, ok := expected[name]
			if !ok {
				if want, ok = everywhere[p.Name]; !ok {
					want = succeeded
				}
			}
			if got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
			if got != succeeded || p.TCG != nil && p.TCG.NotActivatedKeepsData && !p.TCG.Activated {
				continue // this host does not activate first
			}
			if left := truth.Areas[0].OriginalBytes; left != 0 {
				t.Errorf("%s: success with %d bytes of original data left", name, left)
			}
			if reachesSpare(e) && truth.SpareBytes != 0 {
				t.Errorf("%s: success with %d bytes left in spare blocks", name, truth.SpareBytes)
			}
			if data, failed := readAll(t, b.d); seenOriginal(data) != 0 || failed != 0 && !p.CryptoUnreadable && b.identifiable() {
				t.Errorf("%s: a host reads %d bytes of it, %d blocks fail", name, seenOriginal(data), failed)
			}
		}
		if !p.Honest && len(p.Erasers) > 0 && !found {
			t.Errorf("%s: is unmasked by %q, and no erase command showed that", p.Name, p.Unmasked)
		}
	}
}

// identifiable reports whether the drive is there and not locked by what a
// test left behind.
func (b *bench) identifiable() bool {
	return b.d.core.front.access(b.d.area, false) == nil
}

func reachesSpare(e inventory.EraseCommand) bool {
	return e != inventory.ATASecurityErase && e != inventory.SCSIFormat && e != inventory.MMCErase && e != inventory.MMCSecureErase && e != inventory.SDErase
}

// caught reports whether a liar showed itself, or hid, in the way its profile
// says. ByNothing must look clean to a host and still hold original data.
func caught(t *testing.T, b *bench, got outcome, otherSerial bool) bool {
	t.Helper()
	p := b.d.Profile()
	data, failed := readAll(t, b.d)
	seen := seenOriginal(data)
	truth := b.d.Truth()
	left := truth.OriginalBytes(Everything)
	switch p.Unmasked {
	case ByStatus:
		return got != succeeded || otherSerial || slices.Contains(p.Lies, LieZeroedAnswers) || slices.Contains(p.Lies, LieRandomAnswers) || slices.Contains(p.Lies, LieShortAnswers)
	case BySample, ByFullReading:
		if p.Name == "liar-sas-one-unit" {
			return got == succeeded && truth.Areas[0].OriginalBytes == 0 && truth.Areas[1].OriginalBytes != 0
		}
		if strings.Contains(p.Name, "hpa") {
			return got == succeeded && truth.Areas[0].HiddenBytes != 0
		}
		if slices.Contains(p.Lies, LieUnreadable) {
			return got == succeeded && seen == 0 && failed > 0 && left != 0
		}
		if p.Name == "liar-ata-stale-cache" {
			return got == succeeded
		}
		few := seen < int64(len(data))/10
		return (got == succeeded || p.USB != nil && p.USB.SAT == "none") && seen > 0 && few == (p.Unmasked == ByFullReading || slices.Contains(p.Lies, LieEarlySuccess) && few)
	case ByNothing:
		return got == succeeded && seen == 0 && failed == 0 && left != 0
	}
	return false
}
