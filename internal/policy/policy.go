// Package policy reads the dated file that says what an agency settles for. It
// decides nothing itself: the plan asks it for the accepted method, for what
// counts as Purge and for how much is read back, and package grade judges units
// and drives by its rules.
//
// A file that leaves purge, overwrite_after, resume_overwrite, a key of verify, a
// table of grading or a limit of drive_health out gets what the shipped default
// says there, by the version of ombruk that reads it; one that writes a table
// replaces the whole of it.
package policy

import (
	"crypto/sha256"
	_ "embed" // the shipped policy
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/yamlfile"
	"github.com/ombruk/ombruk/inventory/grade"
)

//go:embed default.yaml
var shipped []byte

//go:embed common-practice.yaml
var commonPractice []byte

// Policy is one policy file, checked.
type Policy struct {
	Name      string    // never empty
	ValidFrom time.Time // a date, midnight UTC; the caller compares it with the day of the job
	// SHA256 is the digest of the file's bytes, lower-case hex.
	SHA256 string
	// Accept is the least method that will do, whatever was ordered:
	// erase.Clear or erase.Purge, or erase.MethodNone when the policy lowers
	// nothing.
	Accept erase.Method
	// Rules are what counts as Purge, how much is read back after which
	// technique, and what is overwritten besides.
	Rules erase.Rules
	// Grading are the rules by which units are graded and drives judged.
	Grading grade.Rules
	// Unattended is how a stick works by itself; nil where the policy does not
	// allow that.
	Unattended *Unattended
	// Stall is how long one transfer may take before the drive counts as
	// dead; zero where the file does not say: the engine's own.
	Stall time.Duration
}

// maxStallMinutes is a day; longer is a slip of the pen.
const maxStallMinutes = 24 * 60

// maxNameLength keeps the name to a line of the page, in characters.
const maxNameLength = 100

// file is the policy as it is written.
type file struct {
	Name            string           `yaml:"name"`
	ValidFrom       time.Time        `yaml:"valid_from"`
	Accept          string           `yaml:"accept"`
	Purge           *purgeTable      `yaml:"purge"`
	Verify          readBackTable    `yaml:"verify"`
	OverwriteAfter  []string         `yaml:"overwrite_after"`
	ResumeOverwrite string           `yaml:"resume_overwrite"`
	StallMinutes    *int             `yaml:"stall_minutes"`
	Unattended      *unattendedTable `yaml:"unattended"`
	Grading         *gradingTable    `yaml:"grading"`
	DriveHealth     *healthTable     `yaml:"drive_health"`
}

// Default is the policy that ombruk is shipped with.
func Default() Policy {
	p, err := decode("default.yaml", shipped, nil)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return p
}

// Shipped are the names of the policies that ombruk brings along, for [Load].
func Shipped() []string { return []string{"default", "common-practice"} }

// Load reads and checks a policy: one that ombruk is shipped with, by its name,
// or a file, by its path; a file that is called like a shipped policy is named
// with its folder, ./default. An error names line and column.
func Load(name string) (Policy, error) {
	switch name {
	case "default":
		return Default(), nil
	case "common-practice":
		return parse("common-practice.yaml", commonPractice)
	}
	src, err := yamlfile.Read(name)
	if err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	p, err := parse(name, src)
	if err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	return p, nil
}

// Source gives the bytes of a policy by what [Load] calls it, for whoever passes
// it on.
func Source(name string) ([]byte, error) {
	switch name {
	case "default":
		return slices.Clone(shipped), nil
	case "common-practice":
		return slices.Clone(commonPractice), nil
	}
	src, err := yamlfile.Read(name)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return src, nil
}

func parse(name string, src []byte) (Policy, error) {
	otherwise := Default()
	return decode(name, src, &otherwise)
}

// decode reads a file; otherwise is what it means by what it leaves out, nil for
// the shipped policy, which leaves nothing out.
func decode(name string, src []byte, otherwise *Policy) (Policy, error) {
	var in file
	f, err := yamlfile.Decode(name, src, &in)
	if err != nil {
		return Policy{}, err
	}
	if otherwise == nil {
		if err := complete(in); err != nil {
			return Policy{}, err
		}
		otherwise = &Policy{}
	}
	sum := sha256.Sum256(src)
	p := Policy{Name: in.Name, ValidFrom: in.ValidFrom, SHA256: hex.EncodeToString(sum[:])}
	switch {
	case strings.TrimSpace(in.Name) == "":
		return Policy{}, f.Errorf("name", "name is missing: it is printed on every page")
	case utf8.RuneCountInString(in.Name) > maxNameLength || strings.ContainsAny(in.Name, "\n\t"):
		return Policy{}, f.Errorf("name", "name: want one line of at most %d characters", maxNameLength)
	case in.ValidFrom.IsZero():
		return Policy{}, f.Errorf("valid_from", "valid_from is missing: write the date as 2026-01-31")
	}
	if p.Accept, err = accepted(in.Accept); err != nil {
		return Policy{}, f.Errorf("accept", "accept: %w", err)
	}
	if p.Rules, err = rules(f, in, otherwise.Rules); err != nil {
		return Policy{}, err
	}
	p.Rules.Policy = p.SHA256
	if p.Grading, err = grading(f, in.Grading, otherwise.Grading); err != nil {
		return Policy{}, err
	}
	if p.Grading.Health, err = driveHealth(f, in.DriveHealth, otherwise.Grading.Health); err != nil {
		return Policy{}, err
	}
	p.Grading.Policy = grade.Policy{Name: p.Name, SHA256: p.SHA256}
	if p.Unattended, err = unattended(f, in.Unattended); err != nil {
		return Policy{}, err
	}
	if m := in.StallMinutes; m != nil {
		if *m < 1 || *m > maxStallMinutes {
			return Policy{}, f.Errorf("stall_minutes", "stall_minutes: %d: want 1 to %d", *m, maxStallMinutes)
		}
		p.Stall = time.Duration(*m) * time.Minute
	}
	return p, nil
}

// accepted reads clear or purge. Destruct could only raise what is accepted,
// and none would accept a drive that nothing was done to.
func accepted(s string) (erase.Method, error) {
	switch s {
	case "":
		return erase.MethodNone, nil
	case erase.Clear.String():
		return erase.Clear, nil
	case erase.Purge.String():
		return erase.Purge, nil
	}
	return erase.MethodNone, errors.New(quoted(s) + ": want clear or purge")
}

func verifyMode(s string) (erase.VerifyMode, error) {
	switch m := erase.VerifyMode(s); m {
	case erase.VerifyFull, erase.VerifySample, erase.VerifyNone:
		return m, nil
	}
	return "", errors.New(quoted(s) + ": want full, sample or none")
}

func goOn(s string) (erase.GoOn, error) {
	switch g := erase.GoOn(s); g {
	case erase.GoOnNever, erase.GoOnOnePass, erase.GoOnAllPasses:
		return g, nil
	}
	return "", errors.New(quoted(s) + ": want never, one-pass or all-passes")
}

func quoted(s string) string { return fmt.Sprintf("%.40q", s) }
