package report

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// dumped reads a real machine from the dumps that package inventory keeps; see
// there for where they come from. A drive and a screen of other machines are
// put into it, as somebody would read them with their own tools.
func dumped(t *testing.T, dump string, others ...string) inventory.Machine {
	t.Helper()
	packed, err := os.Open(filepath.Join("..", "inventory", "testdata", "dmi", dump+".txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), dump+".txt")
	if err := os.WriteFile(plain, text, 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{plain}
	for _, o := range others {
		names = append(names, filepath.Join("..", "inventory", "testdata", o))
	}
	m, err := inventory.Read(names...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// judgedUnit is the record of a real machine after a day's work: its drives are
// clean, somebody checked it, and the shipped policy judged it.
func judgedUnit(m inventory.Machine) certs.Unit {
	rec := unit()
	rec.Machine, rec.Drives = m, nil
	rec.Storage = certs.Storage{State: certs.StorageTreated}
	facts := grade.Facts{Machine: m, Status: grade.Product}
	for i, d := range m.Drives {
		u := unit().Drives[0]
		u.Path, u.Model, u.Serial, u.RecordID = d.Path, d.Model, d.Serial, fmt.Sprintf("019ab0c4-7d2e-7b41-9c1f-5a3e8d90b7%02x", i)
		rec.Drives = append(rec.Drives, u)
		facts.Drives = append(facts.Drives, grade.Drive{Path: d.Path, State: grade.DataClean})
	}
	if len(rec.Drives) == 0 {
		rec.Storage = certs.Storage{State: certs.StorageNone}
	}
	for _, part := range grade.CheckParts() {
		c := certs.Check{Part: part, Verdict: certs.CheckPass}
		if part == certs.PartCosmetic {
			c.Grade = "B"
		}
		rec.Checks = append(rec.Checks, c)
		facts.Checks = append(facts.Checks, grade.Check{Part: part, Verdict: "pass", Grade: c.Grade})
	}
	for _, thing := range certs.RemainThings() {
		rec.Remains = append(rec.Remains, certs.Remain{Thing: thing, State: certs.RemainNone, By: certs.ByPerson})
	}
	r := grade.Judge(facts, shipped(), grade.Market{})
	rec.Grade, rec.Disposition = &r, string(r.Disposition)
	return rec
}

// shipped are the rules of the shipped policy, under a digest that does not
// change with every word of it.
func shipped() grade.Rules {
	rules := policy.Default().Grading
	rules.Policy.SHA256 = hash("policy")
	return rules
}

// The page of a real machine is one that a buyer could use: one page, with what
// it is, what was done and what it is worth.
func TestRealMachines(t *testing.T) {
	needs(t, "pdftotext", "poppler-utils")
	r := renderer(t)
	for _, st := range []struct {
		// Without a dump it is the machine of the fixtures, of which all is known.
		name, dump string
		others     []string
		want       []string
	}{
		{"judged-notebook", "", nil, []string{"Latitude 7400", "37", "51"}},
		{"real-notebook", "latitude-5490", []string{"smartctl/hdd-wd-blue-500g-frozen.txt"}, []string{"Latitude 5490"}},
		{"real-desktop", "optiplex-7040-micro", []string{"smartctl/hdd-seagate-10t.txt", "edid/Digital-Dell-DELA107-9431486E1613.bin"}, []string{"OptiPlex 7040"}},
		{"real-convertible", "elite-dragonfly-g2", nil, []string{"Elite Dragonfly G2"}},
		{"real-server", "poweredge-r730", []string{"smartctl/hdd-hgst-6t-pending.txt"}, []string{"PowerEdge R730"}},
	} {
		for _, language := range []string{"en", "nb"} {
			t.Run(st.name+"/"+language, func(t *testing.T) {
				m := notebook().Machine
				if st.dump != "" {
					m = dumped(t, st.dump, st.others...)
				}
				rec := judgedUnit(m)
				p := page(t, language, rec)
				pdf, err := r.Unit(rec, p)
				if err != nil {
					t.Fatal(err)
				}
				file, text := judgePDF(t, pdf)
				golden(t, st.name+"."+language+".txt", text, p)
				if got := pageCount(t, file); got != 1 {
					t.Errorf("the report has %d pages, want 1", got)
				}
				for _, want := range st.want {
					if !strings.Contains(text, want) {
						t.Errorf("the report does not say %q", want)
					}
				}
				// OMBRUK_UNIT_PICTURE=$PWD/docs/unit.png go test ./report -run TestRealMachines
				if picture := os.Getenv("OMBRUK_UNIT_PICTURE"); picture != "" && st.dump == "" && language == "en" {
					run(t, "pdftoppm", "-r", "75", "-singlefile", "-png", file, strings.TrimSuffix(picture, ".png"))
				}
			})
		}
	}
	failing := judgedUnit(dumped(t, "latitude-5490", "smartctl/hdd-toshiba-6t-failing.txt"))
	failing.Drives[0].Outcome, failing.Drives[0].Disposition = erase.Failed, erase.Destroy
	if word := LabelOf(unitRecord(failing)).Word; word == string(grade.Reuse) {
		t.Errorf("the label of a machine with a failed drive says %s", word)
	}
}

// monitorGrade is what the shipped policy says of a screen alone.
func monitorGrade() *grade.Result {
	r := grade.Judge(grade.Facts{Machine: monitor(), BeforeWork: true, Checks: []grade.Check{
		{Part: "screen", Verdict: "pass"}, {Part: grade.Cosmetic, Verdict: "pass", Grade: "A"}}}, shipped(), grade.Market{})
	return &r
}

func BenchmarkUnitReport(b *testing.B) {
	r, rec := renderer(b), notebook()
	p := page(b, "nb", rec)
	for b.Loop() {
		if _, err := r.Unit(rec, p); err != nil {
			b.Fatal(err)
		}
	}
}
