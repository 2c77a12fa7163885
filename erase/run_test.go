package erase_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// expected makes what a pass must leave behind, from the pattern's printed
// name alone, so that the page cannot say one thing and the drive hold another.
func expected(t *testing.T, pattern string, key erase.Key, pass, size int) []byte {
	t.Helper()
	if strings.HasPrefix(pattern, "random (") {
		block, _ := aes.NewCipher(key[:])
		iv := make([]byte, 16)
		iv[7] = byte(pass)
		out := make([]byte, size)
		cipher.NewCTR(block, iv).XORKeyStream(out, out)
		return out
	}
	pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "random byte "), "complement ")
	b, err := hex.DecodeString(strings.ReplaceAll(pattern, " ", ""))
	if err != nil {
		t.Fatalf("pattern %q: %v", pattern, err)
	}
	return bytes.Repeat(b, size/len(b)+1)[:size]
}

func TestEveryPassOfEveryStandardLeavesWhatItSays(t *testing.T) {
	// The pass lists as the standards' sources give them; c is a byte chosen
	// for the run and ~c its complement.
	want := map[string]string{
		"nist-800-88r2-clear": "00", "ieee-2883-clear": "00", "zero": "00", "random": "R", "hmg-is5-baseline": "00",
		"dod-5220.22-m": "c ~c R", "dod-5220.22-m-ece": "c ~c R c c ~c R",
		"hmg-is5-enhanced": "00 FF R", "afssi-5020": "00 FF R", "ar-380-19": "R c ~c", "nnsa-nap-14.1-c": "R R 00", "gost-r-50739-95": "00 R",
		"bsi-vsitr": "00 FF 00 FF 00 FF AA", "rcmp-tssit-ops-ii": "00 FF 00 FF 00 FF R", "schneier": "FF 00 R R R R R",
		"gutmann":             "R R R R [" + gutmannMiddle + "] R R R R",
		"nist-800-88r2-purge": "00", "ieee-2883-purge": "00",
	}
	const size = 2<<20 + 3*4096 + 512 // not a multiple of a page, nor of three
	for _, s := range erase.Standards() {
		t.Run(s.ID, func(t *testing.T) {
			d := newMemoryDrive(size)
			d.remember = true
			r := run(t, d, s.ID, func(o *erase.Order, _ *erase.Options) { o.BestEffort = true })
			if r.Outcome != erase.Sanitized || r.Achieved != erase.Clear {
				t.Fatalf("outcome %v, achieved %v, %v", r.Outcome, r.Achieved, r.Err)
			}
			if got, want := r.Fulfilled, s.Method == erase.Clear; got != want {
				t.Errorf("fulfilled %v, want %v", got, want)
			}
			if got := passList(t, r.Passes); got != want[s.ID] {
				t.Errorf("passes %s\nwant   %s", got, want[s.ID])
			}
			for i, p := range r.Passes {
				if !bytes.Equal(d.passes[i], expected(t, p.Pattern, options().Key, i+1, size)) {
					t.Errorf("pass %d did not leave %s behind", i+1, p.Pattern)
				}
				if p.Bytes != size {
					t.Errorf("pass %d wrote %d bytes, want %d", i+1, p.Bytes, size)
				}
			}
			if v := r.Verification; v.BytesRead != size || v.FractionPPM != 1_000_000 || v.Mismatches != 0 {
				t.Errorf("read back %d bytes, %d ppm, %d mismatches", v.BytesRead, v.FractionPPM, v.Mismatches)
			}
		})
		delete(want, s.ID)
	}
	if len(want) > 0 {
		t.Errorf("standards that are gone: %v", want)
	}
}

// gutmannMiddle is passes 5 to 31 of the paper's table 1, sorted, since their
// order is drawn.
const gutmannMiddle = "00 11 22 24 92 49 24 92 49 33 44 49 24 92 49 24 92 55 55 66 6D B6 DB 77 88 92 49 24 92 49 24 99 AA AA B6 6D B6 B6 DB 6D BB CC DB 6D B6 DB B6 6D DD EE FF"

// passList writes passes in the notation of the test's table.
func passList(t *testing.T, passes []erase.Pass) string {
	t.Helper()
	var out []string
	chosen := ""
	for _, p := range passes {
		word := p.Pattern
		switch {
		case strings.HasPrefix(word, "random ("):
			word = "R"
		case strings.HasPrefix(word, "random byte "):
			chosen = strings.TrimPrefix(word, "random byte ")
			word = "c"
		case strings.HasPrefix(word, "complement "):
			a, _ := hex.DecodeString(chosen)
			b, _ := hex.DecodeString(strings.TrimPrefix(word, "complement "))
			if a[0]^b[0] != 0xff {
				t.Errorf("%02X is not the complement of %02X", b, a)
			}
			word = "~c"
		}
		out = append(out, word)
	}
	if len(out) == 35 {
		middle := append([]string(nil), out[4:31]...)
		if sorted(middle) == strings.Join(middle, "|") {
			t.Error("passes 5 to 31 are in table order; they run in random order")
		}
		return "R R R R [" + canonicalGutmann(middle) + "] R R R R"
	}
	return strings.Join(out, " ")
}

func canonicalGutmann(middle []string) string {
	want := []string{"00", "11", "22", "24 92 49", "24 92 49", "33", "44", "49 24 92", "49 24 92", "55", "55", "66", "6D B6 DB", "77", "88", "92 49 24", "92 49 24", "99", "AA", "AA", "B6 DB 6D", "BB", "CC", "DB 6D B6", "DD", "EE", "FF"}
	if sorted(middle) == strings.Join(want, "|") {
		return gutmannMiddle
	}
	return sorted(middle)
}

func sorted(words []string) string {
	c := append([]string(nil), words...)
	for i := range c {
		for j := i + 1; j < len(c); j++ {
			if c[j] < c[i] {
				c[i], c[j] = c[j], c[i]
			}
		}
	}
	return strings.Join(c, "|")
}

func TestBadSectorsAreNamedToTheBlock(t *testing.T) {
	for _, c := range []struct {
		name        string
		write, read func(off, length int64) error
		want        []erase.BadRange
		codes       []string
	}{
		{"one sector cannot be written", badBlocks(777), nil, []erase.BadRange{{LBA: 777, Count: 1, Kind: "write"}}, []string{"bad-blocks"}},
		{"two neighbours and one far away", badBlocks(8, 9, 9000), nil, []erase.BadRange{{LBA: 8, Count: 2, Kind: "write"}, {LBA: 9000, Count: 1, Kind: "write"}}, []string{"bad-blocks"}},
		{"the first and the last", badBlocks(0, 16383), nil, []erase.BadRange{{LBA: 0, Count: 1, Kind: "write"}, {LBA: 16383, Count: 1, Kind: "write"}}, []string{"bad-blocks"}},
		{"one sector cannot be read back", nil, badBlocks(4242), []erase.BadRange{{LBA: 4242, Count: 1, Kind: "read"}}, []string{"unreadable"}},
	} {
		for _, id := range []string{"zero", "random"} {
			t.Run(c.name+", "+id, func(t *testing.T) {
				d := newMemoryDrive(8 << 20)
				d.badWrite, d.badRead = c.write, c.read
				r := run(t, d, id, nil)
				if r.Outcome != erase.Failed || r.Disposition != erase.Destroy || r.Achieved != erase.MethodNone || r.Fulfilled {
					t.Errorf("outcome %v, disposition %v, achieved %v", r.Outcome, r.Disposition, r.Achieved)
				}
				var got []erase.BadRange
				for _, e := range r.Exceptions {
					if e.Code == c.codes[0] {
						got = e.LBARanges
					}
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("named %+v, want %+v", got, c.want)
				}
			})
		}
	}
}

func TestUnwrittenBlockIsAlsoFoundByReading(t *testing.T) {
	d := newMemoryDrive(1 << 20)
	d.badWrite = badBlocks(100)
	r := run(t, d, "zero", nil)
	if got, want := codes(r), []string{"bad-blocks", "mismatch"}; !reflect.DeepEqual(got, want) {
		t.Errorf("exceptions %v, want %v", got, want)
	}
	if r.Verification.Mismatches != 1 {
		t.Errorf("%d mismatches, want 1", r.Verification.Mismatches)
	}
}

func TestPassingFaultIsRetried(t *testing.T) {
	d := newMemoryDrive(8 << 20)
	var mu sync.Mutex
	failures := 3
	d.badWrite = func(off, length int64) error {
		mu.Lock()
		defer mu.Unlock()
		if off <= 4<<20 && off+length > 4<<20 && failures > 0 {
			failures--
			return errMedium
		}
		return nil
	}
	if r := run(t, d, "zero", nil); r.Outcome != erase.Sanitized {
		t.Errorf("outcome %v, exceptions %v", r.Outcome, r.Exceptions)
	}
}

func TestFaultInAnEarlierPassIsTold(t *testing.T) {
	d := newMemoryDrive(1 << 20)
	d.remember = true
	d.badWrite = func(off, length int64) error {
		if len(d.passes) == 0 {
			return badBlocks(5)(off, length)
		}
		return nil
	}
	r := run(t, d, "gost-r-50739-95", nil)
	if r.Outcome != erase.SanitizedWithExceptions || !reflect.DeepEqual(codes(r), []string{"bad-blocks-earlier"}) {
		t.Errorf("outcome %v, exceptions %v", r.Outcome, codes(r))
	}
}

func TestDriveThatKeepsDataIsCaught(t *testing.T) {
	for _, verify := range []erase.VerifyMode{erase.VerifyFull, erase.VerifySample} {
		t.Run(string(verify), func(t *testing.T) {
			d := newMemoryDrive(4 << 20)
			d.keep = func(lba int64) bool { return lba == 4000 || lba == 4001 }
			r := run(t, d, "random", func(o *erase.Order, _ *erase.Options) { o.Verify = verify })
			if r.Outcome != erase.Failed || r.Verification.Mismatches != 2 {
				t.Errorf("outcome %v, %d mismatches", r.Outcome, r.Verification.Mismatches)
			}
			want := []erase.BadRange{{LBA: 4000, Count: 2, Kind: "mismatch"}}
			if got := r.Verification.Errors; !reflect.DeepEqual(got, want) {
				t.Errorf("named %+v, want %+v", got, want)
			}
		})
	}
}

func TestWithoutReadBackNothingIsProved(t *testing.T) {
	r := run(t, newMemoryDrive(1<<20), "zero", func(o *erase.Order, _ *erase.Options) { o.Verify = erase.VerifyNone })
	if r.Outcome != erase.Unproven || r.Achieved != erase.MethodNone || r.Fulfilled || r.Assurance != erase.DeviceReported {
		t.Errorf("outcome %v, achieved %v, fulfilled %v, assurance %q", r.Outcome, r.Achieved, r.Fulfilled, r.Assurance)
	}
}

func TestDriveThatStopsAnsweringFails(t *testing.T) {
	d := newMemoryDrive(16 << 20)
	d.hang = make(chan struct{})
	defer close(d.hang)
	opts := options()
	opts.Stall = 20 * time.Millisecond
	r, abandoned := erase.Run(context.Background(), plan(t, d, erase.Order{Standard: standard(t, "zero")}), d, opts)
	if !abandoned || r.Outcome != erase.Failed || !errors.Is(r.Err, erase.ErrStalled) || r.Disposition != erase.Destroy {
		t.Errorf("abandoned %v, outcome %v, error %v", abandoned, r.Outcome, r.Err)
	}
}

func TestWhatEndsARunIsNeverClean(t *testing.T) {
	for _, c := range []struct {
		name     string
		sabotage func(*memoryDrive)
		code     string
		next     erase.Disposition
	}{
		{"cable pulled", func(d *memoryDrive) { d.badWrite = func(int64, int64) error { return erase.ErrGone } }, "device-gone", erase.Hold},
		{"file system full", func(d *memoryDrive) { d.badWrite = func(int64, int64) error { return erase.ErrNoSpace } }, "no-space", erase.Hold},
		{"turned read-only", func(d *memoryDrive) { d.badWrite = func(int64, int64) error { return erase.ErrReadOnly } }, "turned-read-only", erase.Destroy},
		{"gone while reading", func(d *memoryDrive) { d.badRead = func(int64, int64) error { return erase.ErrGone } }, "device-gone", erase.Hold},
		{"another drive at the end", func(d *memoryDrive) { d.checkErr = erase.ErrIdentityChanged }, "identity-changed", erase.Hold},
		{"grown at the end", func(d *memoryDrive) { d.checkErr = erase.ErrSizeChanged }, "size-changed", erase.Hold},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newMemoryDrive(8 << 20)
			c.sabotage(d)
			r := run(t, d, "zero", nil)
			if r.Outcome != erase.Failed || r.Disposition != c.next || r.Achieved != erase.MethodNone {
				t.Errorf("outcome %v, disposition %v, achieved %v", r.Outcome, r.Disposition, r.Achieved)
			}
			if got := codes(r); len(got) == 0 || got[0] != c.code {
				t.Errorf("exceptions %v, want %s first", got, c.code)
			}
		})
	}
}

func TestCancelledRunIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	d := newMemoryDrive(64 << 20)
	d.onWrite = sync.OnceFunc(cancel)
	r, abandoned := erase.Run(ctx, plan(t, d, erase.Order{Standard: standard(t, "random")}), d, options())
	if abandoned || r.Outcome != erase.Interrupted || r.Disposition != erase.Hold || r.Passes[0].Bytes == d.SizeBytes() {
		t.Errorf("outcome %v, disposition %v, wrote %d", r.Outcome, r.Disposition, r.Passes[0].Bytes)
	}
}

// The transfers that were under way when a cable was pulled fail too, but
// their blocks are not bad.
func TestPulledDriveHasNoBadBlocks(t *testing.T) {
	d := newMemoryDrive(64 << 20)
	var mu sync.Mutex
	writes := 0
	d.badWrite = func(int64, int64) error {
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes < 5 {
			return nil
		} else if writes < 8 {
			return errMedium
		}
		return erase.ErrGone
	}
	r := run(t, d, "random", nil)
	if got := codes(r); r.Outcome != erase.Failed || !reflect.DeepEqual(got, []string{"device-gone"}) {
		t.Errorf("outcome %v, exceptions %v", r.Outcome, r.Exceptions)
	}
	if wrote := r.Passes[0].Bytes; wrote > 8<<20 {
		t.Errorf("%d bytes are said to be written", wrote)
	}
}

func TestDriveThatFailsEverywhereIsGivenUp(t *testing.T) {
	d := newMemoryDrive(64 << 20)
	d.badWrite = func(int64, int64) error { return errMedium }
	r := run(t, d, "zero", func(_ *erase.Order, o *erase.Options) { o.GiveUp, o.BisectBudget = time.Nanosecond, time.Nanosecond })
	if r.Outcome != erase.Failed || !errors.Is(r.Err, erase.ErrGivenUp) || r.Disposition != erase.Destroy {
		t.Errorf("outcome %v, error %v", r.Outcome, r.Err)
	}
}

func TestCircumstancesAreToldOnThePage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*inventory.Drive)
		want   string
	}{
		{"no serial", func(d *inventory.Drive) { d.Serial = "" }, "missing-serial"},
		{"a serial of zeros", func(d *inventory.Drive) { d.Serial = "00000000" }, "missing-serial"},
		{"hidden areas not asked", func(d *inventory.Drive) { d.Bus = inventory.BusATA }, "hidden-area-unknown"},
		{"a volume, not a drive", func(d *inventory.Drive) { d.Bus = inventory.BusVirtual }, "logical-device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newMemoryDrive(1 << 20)
			facts := d.facts()
			c.change(&facts)
			p, err := erase.MakePlan(facts, erase.Order{Standard: standard(t, "zero")})
			if err != nil {
				t.Fatal(err)
			}
			r, _ := erase.Run(context.Background(), p, d, options())
			if r.Outcome != erase.SanitizedWithExceptions || !reflect.DeepEqual(codes(r), []string{c.want}) || !r.Fulfilled {
				t.Errorf("outcome %v, exceptions %v", r.Outcome, codes(r))
			}
		})
	}
}

// Whatever goes wrong, a clean outcome means that no byte of the old content
// is left.
func TestCleanMeansClean(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 6000).Draw(rt, "blocks") * blockBytes
		d := newMemoryDrive(size)
		before := append([]byte(nil), d.held...)
		lbas := rapid.SliceOfN(rapid.Int64Range(0, int64(size/blockBytes-1)), 0, 4).Draw(rt, "lbas")
		switch rapid.SampledFrom([]string{"none", "write", "read", "keep"}).Draw(rt, "fault") {
		case "write":
			d.badWrite = badBlocks(lbas...)
		case "read":
			d.badRead = badBlocks(lbas...)
		case "keep":
			d.keep = func(lba int64) bool {
				for _, l := range lbas {
					if l == lba {
						return true
					}
				}
				return false
			}
		}
		id := rapid.SampledFrom([]string{"zero", "random", "dod-5220.22-m", "bsi-vsitr"}).Draw(rt, "standard")
		r := run(t, d, id, nil)
		if !r.Outcome.Clean() {
			return
		}
		for i := 0; i < size; i += blockBytes {
			if bytes.Equal(before[i:i+blockBytes], d.held[i:i+blockBytes]) {
				rt.Fatalf("%s: block %d still holds the old data and the outcome is %v", id, i/blockBytes, r.Outcome)
			}
		}
	})
}

func TestSampleTouchesEveryThousandthPart(t *testing.T) {
	const size = 1 << 37
	d := &sizeOnly{size: size}
	p, err := erase.MakePlan(inventory.Drive{Path: "/dev/test", Serial: "S", CapacityBytes: size, LogicalBlockBytes: 512}, erase.Order{Standard: standard(t, "zero"), Verify: erase.VerifySample})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := erase.Run(context.Background(), p, d, options())
	if r.Outcome != erase.SanitizedWithExceptions && r.Outcome != erase.Sanitized {
		t.Fatalf("outcome %v: %v", r.Outcome, r.Err)
	}
	if f := r.Verification.FractionPPM; f < 95_000 || f > 120_000 {
		t.Errorf("read %d ppm, want about a tenth", f)
	}
	if !d.first || !d.last {
		t.Errorf("first block read %v, last block read %v", d.first, d.last)
	}
	for i, hit := range d.parts {
		if !hit {
			t.Fatalf("part %d of 1000 was not read", i)
		}
	}
}

// sizeOnly is a huge drive of zeros that notes where it is read.
type sizeOnly struct {
	mu          sync.Mutex
	size        int64
	parts       [1000]bool
	first, last bool
}

func (d *sizeOnly) SizeBytes() int64                              { return d.size }
func (d *sizeOnly) Alloc(n int) ([]byte, error)                   { return make([]byte, n), nil }
func (d *sizeOnly) Forget() (string, error)                       { return "direct", nil }
func (d *sizeOnly) Check() error                                  { return nil }
func (d *sizeOnly) Firmware() erase.Firmware                      { return nil }
func (d *sizeOnly) Sync() error                                   { return nil }
func (d *sizeOnly) WriteAt(p []byte, _ int64) (int, error)        { return len(p), nil }
func (d *sizeOnly) WriteRepeatedAt(_, _ []byte, _, _ int64) error { return nil }
func (d *sizeOnly) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts[min(off/(d.size/1000), 999)] = true
	d.first = d.first || off == 0
	d.last = d.last || off+int64(len(p)) == d.size
	return len(p), nil
}

func ExampleKey_IV() {
	fmt.Printf("%x\n", erase.Key{}.IV(3))
	// Output: 00000000000000030000000000000000
}
