// Package contract reads the file that describes an agreement: whom it is with,
// which agencies call off from it, what it asks of a machine and what parts
// cost. It decides whether such a file is sound, which agency an organisation
// number means, and which edition of a profile or a price list holds on a day.
// Its smallest form is an agreement's name and one agency; nothing of an
// agreement is in the code.
package contract

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ombruk/ombruk/internal/orgnr"
	"github.com/ombruk/ombruk/internal/yamlfile"
)

// ErrUnknownAgency means that the contract has no agency of that number.
var ErrUnknownAgency = errors.New("no such agency in the contract")

// Contract is one agreement, as its file describes it. What was left out is
// empty, the zero time or nil.
type Contract struct {
	Agreement Agreement `yaml:"agreement"`
	// Subcontracts may be empty: then the agreement is one whole.
	Subcontracts []Subcontract `yaml:"subcontracts"`
	Agencies     []Agency      `yaml:"agencies"` // at least one, in the file's order
	// Profiles, CPUMarks and Parts hold all editions; [Contract.Market] picks
	// those of a day.
	Profiles []Profile   `yaml:"profiles"`
	CPUMarks []MarkTable `yaml:"cpu_marks"`
	Parts    []PartList  `yaml:"parts"`
}

// Agreement is the frame that agencies call off from.
type Agreement struct {
	Name      string    `yaml:"name"`      // never empty
	Reference string    `yaml:"reference"` // of the case or the procurement
	Supplier  *Supplier `yaml:"supplier"`
	ValidFrom time.Time `yaml:"valid_from"` // a date, midnight UTC
}

// Supplier is who carries the agreement out.
type Supplier struct {
	Name    string `yaml:"name"`  // never empty
	Orgnr   string `yaml:"orgnr"` // checked, as its country writes it
	Country string `yaml:"country"`
}

// Subcontract is a part of the agreement with its own region or term.
type Subcontract struct {
	ID        string    `yaml:"id"` // never empty, unlike any other
	Name      string    `yaml:"name"`
	Region    string    `yaml:"region"`
	ValidFrom time.Time `yaml:"valid_from"` // a date, midnight UTC
}

// Agency is a customer under the agreement.
type Agency struct {
	// Orgnr has a right check digit and is written as its country does:
	// 974760673 (NO), 556012-5790 (SE), 22756214 (DK), 0112038-9 (FI).
	Orgnr string `yaml:"orgnr"`
	Name  string `yaml:"name"` // never empty
	GLN   string `yaml:"gln"`  // 13 digits, checked
	// Country is NO, SE, DK or FI; NO where the file names none.
	Country string `yaml:"country"`
	// Subcontract is the id of one of the contract's.
	Subcontract     string  `yaml:"subcontract"`
	ContractManager *Person `yaml:"contract_manager"`
}

// Person is somebody to turn to.
type Person struct {
	Name  string `yaml:"name"` // never empty
	Email string `yaml:"email"`
}

// maxNameLength keeps a line to what a page has room for, in characters.
const maxNameLength = 200

// Load reads and checks the contract file name. An error names line and column.
func Load(name string) (*Contract, error) {
	src, err := yamlfile.Read(name)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	c, err := parse(name, src, func(beside string) ([]byte, error) {
		return yamlfile.Read(filepath.Join(filepath.Dir(name), beside))
	})
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	return c, nil
}

// parse reads a contract; read is for the files that it names, by their paths
// from the contract's folder.
func parse(name string, src []byte, read func(string) ([]byte, error)) (*Contract, error) {
	c := &Contract{}
	f, err := yamlfile.Decode(name, src, c)
	if err != nil {
		return nil, err
	}
	if err := c.check(f); err != nil {
		return nil, err
	}
	if err := c.checkMarket(f, read); err != nil {
		return nil, err
	}
	return c, nil
}

// check fills in what has a default and writes numbers the way their country
// does.
func (c *Contract) check(f *yamlfile.File) error {
	if err := checkName(f, "agreement.name", c.Agreement.Name); err != nil {
		return err
	}
	if err := checkLine(f, "agreement.reference", c.Agreement.Reference); err != nil {
		return err
	}
	if s := c.Agreement.Supplier; s != nil {
		if err := checkName(f, "agreement.supplier.name", s.Name); err != nil {
			return err
		}
		if err := checkOrganisation(f, "agreement.supplier", &s.Country, &s.Orgnr); err != nil {
			return err
		}
	}
	ids := map[string]bool{}
	for i, s := range c.Subcontracts {
		path := fmt.Sprintf("subcontracts[%d]", i)
		if err := checkName(f, path+".id", s.ID); err != nil {
			return err
		}
		if err := checkLine(f, path+".name", s.Name); err != nil {
			return err
		}
		if err := checkLine(f, path+".region", s.Region); err != nil {
			return err
		}
		if ids[s.ID] {
			return f.Errorf(path+".id", "subcontract %q stands in the list already", s.ID)
		}
		ids[s.ID] = true
	}
	if len(c.Agencies) == 0 {
		return f.Errorf("agencies", "agencies: want at least one, with orgnr and name")
	}
	first := map[string]int{}
	for i := range c.Agencies {
		a, path := &c.Agencies[i], fmt.Sprintf("agencies[%d]", i)
		if err := a.check(f, path, ids); err != nil {
			return err
		}
		key := a.Country + a.Orgnr
		if j, twice := first[key]; twice {
			return f.Errorf(path+".orgnr", "agency %s stands on line %d already", a.Orgnr, f.Line(fmt.Sprintf("agencies[%d].orgnr", j)))
		}
		first[key] = i
	}
	return nil
}

func (a *Agency) check(f *yamlfile.File, path string, subcontracts map[string]bool) error {
	if a.Orgnr == "" {
		return f.Errorf(path, "%s: orgnr is missing", path)
	}
	if err := checkOrganisation(f, path, &a.Country, &a.Orgnr); err != nil {
		return err
	}
	if err := checkName(f, path+".name", a.Name); err != nil {
		return err
	}
	if a.GLN != "" {
		if err := orgnr.CheckGLN(a.GLN); err != nil {
			return f.Errorf(path+".gln", "%w", err)
		}
	}
	if a.Subcontract != "" && !subcontracts[a.Subcontract] {
		return f.Errorf(path+".subcontract", "subcontract %q is not in the list of subcontracts", a.Subcontract)
	}
	if p := a.ContractManager; p != nil {
		if err := checkName(f, path+".contract_manager.name", p.Name); err != nil {
			return err
		}
		if addr, err := mail.ParseAddress(p.Email); p.Email != "" && (err != nil || addr.Address != p.Email) {
			return f.Errorf(path+".contract_manager.email", "%q is no e-mail address", p.Email)
		}
	}
	return nil
}

// checkName refuses an empty name, and what [checkLine] refuses.
func checkName(f *yamlfile.File, path, name string) error {
	if strings.TrimSpace(name) == "" {
		return f.Errorf(path, "%s is missing", path)
	}
	return checkLine(f, path, name)
}

// checkLine refuses what has no room in a line of a page.
func checkLine(f *yamlfile.File, path, text string) error {
	switch {
	case utf8.RuneCountInString(text) > maxNameLength:
		return f.Errorf(path, "%s: longer than %d characters", path, maxNameLength)
	case strings.ContainsAny(text, "\n\t"):
		return f.Errorf(path, "%s: want one line without tabs", path)
	}
	return nil
}

func checkOrganisation(f *yamlfile.File, path string, country, number *string) error {
	*country = strings.ToUpper(cmp.Or(*country, "NO"))
	if !orgnr.Known(*country) {
		return f.Errorf(path+".country", "country %q: want NO, SE, DK or FI", *country)
	}
	if *number == "" {
		return nil
	}
	normal, err := orgnr.Check(*country, *number)
	if err != nil {
		return f.Errorf(path+".orgnr", "%w", err)
	}
	*number = normal
	return nil
}

// Agency is the agency that number means, however it was typed: spaces,
// hyphens, NO in front and MVA behind do not matter. A number that the
// contract does not have is an [ErrUnknownAgency] that names the nearest ones.
func (c *Contract) Agency(number string) (Agency, error) {
	code, want := orgnr.Split(number)
	var found []Agency
	for _, a := range c.Agencies {
		if _, has := orgnr.Split(a.Orgnr); has == want && (code == "" || code == a.Country) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Agency{}, fmt.Errorf("find agency %q: %w: %s", number, ErrUnknownAgency, c.nearest(want))
	}
	return Agency{}, fmt.Errorf("find agency %q: %s and %s have that number: put the country's code in front", number, found[0].Name, found[1].Name)
}

// nearest names the three agencies whose numbers take the fewest slips.
func (c *Contract) nearest(digits string) string {
	near := slices.Clone(c.Agencies)
	slips := func(a Agency) int {
		_, has := orgnr.Split(a.Orgnr)
		return yamlfile.Distance(digits, has)
	}
	slices.SortStableFunc(near, func(a, b Agency) int { return cmp.Compare(slips(a), slips(b)) })
	var names []string
	for _, a := range near[:min(3, len(near))] {
		names = append(names, a.Orgnr+" "+a.Name)
	}
	return "nearest are " + strings.Join(names, ", ")
}
