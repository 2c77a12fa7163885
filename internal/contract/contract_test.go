package contract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/internal/orgnr"
)

const smallest = `agreement:
  name: Ombruk 2026
agencies:
  - orgnr: 974760673
    name: Registeretaten
`

const national = `# The agreement as it was signed.
agreement:
  name: Ombruk og gjenvinning av IKT-utstyr
  reference: 24/77
  supplier: {name: Ny Runde AS, orgnr: NO 986 252 932 MVA}
  valid_from: 2026-02-15
subcontracts:
  - {id: D2, name: Region 1, region: Østlandet, valid_from: 2026-02-15}
  - {id: D3, name: Region 2, region: Sør- og Vestlandet}
agencies:
  - orgnr: 974 760 673
    name: Registeretaten
    gln: 5798000416642
    subcontract: D2
    contract_manager: {name: Kari Nordmann, email: kari@example.no}
  - orgnr: "971526920"
    name: Telleetaten
    subcontract: D3
  - {orgnr: 556012-5790, name: Verkstaden, country: se}
  - {orgnr: DK22756214, name: Skibet, country: DK}
  - {orgnr: 0112038-9, name: Puhelin, country: FI}
`

func TestLoad(t *testing.T) {
	c := load(t, national)
	if got, want := c.Agreement.Supplier.Orgnr, "986252932"; got != want {
		t.Errorf("supplier: got %s, want %s", got, want)
	}
	if got, want := c.Agreement.ValidFrom, time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("valid from: got %v, want %v", got, want)
	}
	if got, want := c.Subcontracts[1].Region, "Sør- og Vestlandet"; got != want {
		t.Errorf("region: got %q, want %q", got, want)
	}
	a := c.Agencies[0]
	a.ContractManager = nil
	if want := (Agency{Orgnr: "974760673", Name: "Registeretaten", GLN: "5798000416642", Country: "NO", Subcontract: "D2"}); a != want {
		t.Errorf("got %+v, want %+v", a, want)
	}
	if got, want := *c.Agencies[0].ContractManager, (Person{"Kari Nordmann", "kari@example.no"}); got != want {
		t.Errorf("contract manager: got %+v, want %+v", got, want)
	}
	if got := load(t, smallest); len(got.Agencies) != 1 || got.Agreement.Supplier != nil || got.Subcontracts != nil {
		t.Errorf("smallest: got %+v", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"a misspelt section", "agencies:", "agencys:", `:3:1: unknown key "agencys" here: did you mean "agencies"?`},
		{"no name of the agreement", "  name: Ombruk 2026\n", "  reference: x\n", `: agreement.name is missing`},
		{"a blank name", "Registeretaten", `"  "`, `:5:11: agencies[0].name is missing`},
		{"no agencies", "agencies:\n  - orgnr: 974760673\n    name: Registeretaten\n", "", `: agencies: want at least one`},
		{"no number", "orgnr: 974760673\n    name", "name", `:4:5: agencies[0]: orgnr is missing`},
		{"two digits swapped", "974760673", "974760637", `:4:12: organisation number "974760637": wrong check digit for NO`},
		{"a digit too few", "974760673", "97476067", `:4:12: organisation number "97476067": want 9 digits (organisasjonsnummer) for NO`},
		{"letters", "974760673", "97476067x", `want 9 digits`},
		{"Arabic digits", "974760673", "٩٧٤٧٦٠٦٧٣", `want 9 digits`},
		{"a country for another number", "974760673", "SE 974760673", `begins with SE, its country is NO`},
		{"a country we do not know", "974760673", "974760673\n    country: XX", `:5:14: country "XX": want NO, SE, DK or FI`},
		{"the same agency twice", "    name: Registeretaten\n", "    name: a\n  - orgnr: NO974760673MVA\n    name: b\n", `:6:12: agency 974760673 stands on line 4 already`},
		{"a wrong GLN", "Registeretaten", "a\n    gln: 5798000416643", `:6:10: GLN "5798000416643": wrong check digit`},
		{"a short GLN", "Registeretaten", "a\n    gln: 579800041664", `:6:10: GLN "579800041664": want 13 digits`},
		{"a subcontract that is not there", "Registeretaten", "a\n    subcontract: D9", `:6:18: subcontract "D9" is not in the list of subcontracts`},
		{"a subcontract twice", "agencies:", "subcontracts:\n  - id: D1\n  - id: D1\nagencies:", `:5:9: subcontract "D1" stands in the list already`},
		{"a manager without a name", "Registeretaten", "a\n    contract_manager: {email: a@example.no}", `agencies[0].contract_manager.name is missing`},
		{"no e-mail address", "Registeretaten", "a\n    contract_manager: {name: a, email: a at b}", `:6:40: "a at b" is no e-mail address`},
		{"a header in an address", "Registeretaten", `a` + "\n    contract_manager: {name: a, email: \"a@b.no\\nBcc: c@d.no\"}", `is no e-mail address`},
		{"a name of two lines", "Registeretaten", `"a\nb"`, `agencies[0].name: want one line`},
		{"a name that fills the page", "Registeretaten", strings.Repeat("x", 201), `agencies[0].name: longer than 200 characters`},
		{"a supplier with a wrong number", "Ombruk 2026", "x\n  supplier: {name: a, orgnr: 123456786}", `:3:30: organisation number "123456786": wrong check digit`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := strings.Replace(smallest, tt.from, tt.to, 1)
			if src == smallest {
				t.Fatalf("%q is not in the contract", tt.from)
			}
			_, err := parse("c.yaml", []byte(src), noFiles)
			if err == nil {
				t.Fatalf("got no error, want %q", tt.want)
			}
			if got := err.Error(); !strings.HasPrefix(got, "c.yaml:") || !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: got %v, want %v", err, os.ErrNotExist)
	}
}

func TestAgency(t *testing.T) {
	c := load(t, national)
	for typed, want := range map[string]string{
		"974760673":             "Registeretaten",
		"974 760 673":           "Registeretaten",
		"NO 974 760 673 MVA":    "Registeretaten",
		"no974760673mva":        "Registeretaten",
		"974\u00a0760\u00a0673": "Registeretaten", // as copied from a web page
		"5560125790":            "Verkstaden",
		"556012-5790":           "Verkstaden",
		"22756214":              "Skibet",
		"FI01120389":            "Puhelin",
		"0112038-9":             "Puhelin",
	} {
		if got, err := c.Agency(typed); err != nil || got.Name != want {
			t.Errorf("%q: got %q, %v, want %q", typed, got.Name, err, want)
		}
	}
	for _, typed := range []string{"974760674", "", "SE974760673", "NO", "x", "986252932"} {
		got, err := c.Agency(typed)
		if !errors.Is(err, ErrUnknownAgency) || got != (Agency{}) {
			t.Errorf("%q: got %+v, %v, want %v", typed, got, err, ErrUnknownAgency)
		}
	}
	_, err := c.Agency("974760637")
	if want := "nearest are 974760673 Registeretaten, "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

// Danish and Finnish numbers both have eight digits, and some are valid in both
// countries. Nobody's certificate may go to the other's agency.
func TestAgencyOfTwoCountries(t *testing.T) {
	c := load(t, "agreement: {name: x}\nagencies:\n  - {orgnr: 10000602, name: Dansk, country: DK}\n  - {orgnr: 1000060-2, name: Finsk, country: FI}\n")
	if got, err := c.Agency("10000602"); err == nil || !strings.Contains(err.Error(), "put the country's code in front") {
		t.Errorf("got %+v, %v, want to be asked for the country", got, err)
	}
	if got, err := c.Agency("FI 1000060-2"); err != nil || got.Name != "Finsk" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte(national))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := parse("c.yaml", src, noFiles)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "c.yaml") {
				t.Errorf("error without the file's name: %v", err)
			}
			return
		}
		for _, a := range c.Agencies {
			got, err := c.Agency(a.Country + a.Orgnr)
			if err != nil || got.Name != a.Name {
				t.Errorf("agency %+v: found %+v, %v", a, got, err)
			}
			if again, err := orgnr.Check(a.Country, a.Orgnr); err != nil || again != a.Orgnr {
				t.Errorf("number %q is not normal: %q, %v", a.Orgnr, again, err)
			}
		}
	})
}

func load(t *testing.T, src string) *Contract {
	t.Helper()
	name := filepath.Join(t.TempDir(), "contract.yaml")
	if err := os.WriteFile(name, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func noFiles(name string) ([]byte, error) { return nil, os.ErrNotExist }

// The example is what people begin from, so it must be sound.
func TestExampleIsSound(t *testing.T) {
	name := filepath.Join(t.TempDir(), "example.yaml")
	if err := os.WriteFile(name, Example(), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	m := c.Market(c.Agreement.ValidFrom)
	if len(c.Subcontracts) != 4 || len(c.Agencies) != 1 || len(m.Profiles) != len(c.Profiles) || len(m.Parts) == 0 {
		t.Errorf("got %+v, and on its first day %+v", c, m)
	}
}
