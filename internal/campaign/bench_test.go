package campaign

import (
	"context"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/internal/policy"
)

// BenchmarkAfterCryptoErase is how long a run goes on after the drive itself is
// done with its crypto erase, in real time: until that is seen, and the sample
// is read back.
func BenchmarkAfterCryptoErase(b *testing.B) {
	p, err := drivesim.FindProfile("nvme-crypto")
	if err != nil {
		b.Fatal(err)
	}
	p.Units[0].KiB = 256 << 10 // all that is marked on a large drive is marked here too
	s, err := erase.FindStandard("nist-800-88r2-purge")
	if err != nil {
		b.Fatal(err)
	}
	var after time.Duration
	for b.Loop() {
		made, err := drivesim.New(p, drivesim.Options{Clock: drivesim.NewClock(time.Now(), 1)})
		if err != nil {
			b.Fatal(err)
		}
		d := made[0]
		facts := d.Facts()
		facts.Abilities = ask(context.Background(), d)
		plan, err := erase.MakePlan(facts, erase.Order{Standard: s, Rules: policy.Default().Rules})
		if err != nil {
			b.Fatal(err)
		}
		device, err := d.Device(context.Background(), drive.Secrets{})
		if err != nil {
			b.Fatal(err)
		}
		r, _ := erase.Run(context.Background(), plan, device, erase.Options{Now: d.Now, Wait: d.Wait})
		if r.Outcome != erase.Sanitized || r.Verification.Markers < 4000 {
			b.Fatalf("%v %v %+v", r.Outcome, r.Exceptions, r.Verification)
		}
		for _, pass := range r.Passes {
			if pass.Kind == erase.StepErase {
				took := time.Duration(p.Erasers[plan.Command].Seconds * float64(time.Second))
				after += r.Finished.Sub(pass.Started.Add(took))
			}
		}
	}
	b.ReportMetric(after.Seconds()/float64(b.N), "s-after-the-drive")
}
