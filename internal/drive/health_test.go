package drive_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/ombruk/ombruk/internal/drive"
	"github.com/ombruk/ombruk/internal/drivesim"
	"github.com/ombruk/ombruk/inventory"
)

// What drives on their way out tell of themselves, over each kind of wire. Null
// is what a drive does not tell, or what makes no sense.
func TestHealthIsReadFromTheDrive(t *testing.T) {
	for profile, want := range map[string]string{
		"ata-hdd":                  `{"passed":true,"power_on_hours":21000,"reallocated":0,"pending":0,"reported_uncorrectable":0,"offline_uncorrectable":0,"uncorrectable":0,"crc_errors":0,"self_test":{"last":"","failures":0}}`,
		"ata-hdd-failing":          `{"passed":false,"reallocated":1975,"past_threshold":[{"id":5,"name":"","now":true}]}`,
		"ata-hdd-pending":          `{"passed":true,"reallocated":8,"pending":904,"offline_uncorrectable":904,"reported_uncorrectable":215,"uncorrectable":904,"crc_errors":3}`,
		"ata-hdd-self-test-failed": `{"passed":true,"self_test":{"last":"failed","last_hours":20671,"failures":1,"failed_hours":20671,"passed_since":false,"hours_wrap":true}}`,
		"ata-hdd-nonsense":         `{"passed":true,"power_on_hours":21000,"reallocated":null,"pending":null,"offline_uncorrectable":null,"reported_uncorrectable":null,"uncorrectable":null,"senseless":["reallocated","reported-uncorrectable","pending","offline-uncorrectable"]}`,
		"ata-ssd-worn-out":         `{"passed":true,"percent_used":104,"reallocated":14,"pending":0}`,
		"usb-ssd":                  `{"passed":true,"percent_used":12}`,
		"sas-hdd":                  `{"passed":true,"power_on_hours":41000,"reallocated":null,"reported_uncorrectable":0,"pending":0,"self_test":null}`,
		"sas-hdd-grown-defects":    `{"passed":true,"reallocated":27,"reported_uncorrectable":4,"uncorrectable":4,"self_test":{"last":"failed","failures":1,"failed_hours":40100,"hours_wrap":true}}`,
		"nvme-crypto":              `{"passed":true,"media_errors":0,"uncorrectable":0,"critical_warning":0,"spare_percent":100,"spare_threshold_percent":10,"unsafe_shutdowns":31,"self_test":null}`,
		"nvme-media-errors":        `{"passed":false,"media_errors":12,"uncorrectable":12,"critical_warning":5,"spare_percent":4,"spare_threshold_percent":10,"percent_used":104,"self_test":{"last":"failed","failures":1,"failed_hours":9101}}`,
	} {
		t.Run(profile, func(t *testing.T) {
			_, fw := sed(t, profile, drive.Secrets{})
			a, err := fw.Abilities(context.Background())
			if err != nil || a.Health == nil {
				t.Fatalf("%v, %+v", err, a)
			}
			contains(t, "", asJSON(t, a.Health), decoded(t, []byte(want)))
		})
	}
}

// A drive that refuses all logs still tells what it can.
func TestHealthOfADriveWithoutLogs(t *testing.T) {
	p, err := drivesim.FindProfile("sas-hdd")
	if err != nil {
		t.Fatal(err)
	}
	p.SCSI.NoLogs = true
	_, fw := sedOf(t, p, drive.Secrets{})
	a, err := fw.Abilities(context.Background())
	if err != nil || a.Health != nil && a.Health.Passed != nil {
		t.Errorf("%v, %+v", err, a.Health)
	}
}

func asJSON(t *testing.T, v *inventory.SMART) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, b)
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

// contains checks that got holds everything that want has.
func contains(t *testing.T, at string, got, want any) {
	t.Helper()
	w, ok := want.(map[string]any)
	if !ok {
		g, _ := json.Marshal(got)
		s, _ := json.Marshal(want)
		if string(g) != string(s) {
			t.Errorf("%s: got %s, want %s", at, g, s)
		}
		return
	}
	g, ok := got.(map[string]any)
	if !ok {
		t.Errorf("%s: got %v, want %v", at, got, want)
		return
	}
	for k, v := range w {
		contains(t, at+"."+k, g[k], v)
	}
}
