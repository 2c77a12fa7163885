package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// unitFile leaves the evidence of a machine of an agency in a folder.
func (o *officeTest) unitFile(dir string, n int, edit func(*certs.Unit)) string {
	o.t.Helper()
	s, _, err := certs.OpenKeys(o.dir).Signer(nil, o.now, rand.Reader)
	o.check(err)
	u := certs.Unit{
		Header: certs.Header{
			ID: fmt.Sprintf("0195a1b2-3c4d-7e5f-8a9b-%012d", n), Sequence: int64(n), Station: certs.Station{ID: s.ID(), Name: s.Name()},
			Clock:  certs.Clock{Source: "operator", Trusted: true, WallStarted: o.now, WallFinished: o.now},
			Agency: certs.Agency{Orgnr: "971040238", Name: "Kartverket"}, AssetTag: fmt.Sprintf("T-%d", n),
		},
		Machine:     inventory.Machine{System: inventory.System{Manufacturer: "Dell", Model: "Latitude 7400", Class: "laptop", Serial: fmt.Sprintf("5XK2P%02d", n)}},
		Disposition: "reuse", Storage: certs.Storage{State: certs.StorageTreated},
		Drives: []certs.UnitDrive{{Path: "/dev/sda", Model: "WD5000", Serial: "WX1", RecordID: verifyTestID, SHA256: strings.Repeat("ab", 32), Outcome: erase.Sanitized, Achieved: erase.Purge, Disposition: erase.Reuse}},
	}
	if edit != nil {
		edit(&u)
	}
	envelope, err := certs.Seal(s, certs.KindUnit, certs.ModeReal, u)
	o.check(err)
	name := filepath.Join(dir, fmt.Sprintf("u%d.evidence.json", n))
	o.check(os.WriteFile(name, envelope, 0o600))
	return name
}

func TestLabelsOfAFolder(t *testing.T) {
	o := withStation(t)
	out := o.leave(nil)
	o.unitFile(out, 1, nil)
	to := filepath.Join(t.TempDir(), "labels.pdf")
	lines := o.lines(o.must("label", "--json", "--to", to, out))
	// The page and the evidence of the drive are one record; the started one is
	// another run's; and the machine.
	words := map[string]int{}
	for _, l := range lines {
		if l["type"] != "label" || l["schema"] != 1.0 || l["to"] != to {
			t.Errorf("got %v", l)
		}
		words[l["word"].(string)]++
	}
	if len(lines) != 3 || words["reuse"] != 1 || words["hold"] != 2 {
		t.Errorf("labels of a machine, a drive without a disposition and a started run say %v", words)
	}
	pdf, err := os.ReadFile(to)
	o.check(err)
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("%s is no PDF", to)
	}
	zpl := o.must("label", "--zpl", "--to", "-", "--only", "unit", out)
	if strings.Count(zpl, "^XA") != 1 || !strings.Contains(zpl, "5XK2P01") || strings.ContainsRune(zpl, '\x1b') {
		t.Errorf("ZPL of the machine:\n%s", zpl)
	}
}

// A machine that was for reuse, and whose drive failed when it was done again,
// gets no label that says reuse; one that was mended since does.
func TestNoStaleLabelSaysReuse(t *testing.T) {
	o := withStation(t)
	same := func(u *certs.Unit) { u.Machine.System.Serial = "5XK2PSAME" }
	failed := func(u *certs.Unit) {
		same(u)
		u.Disposition, u.Drives[0].Outcome, u.Drives[0].Disposition = "hold", erase.Failed, erase.Destroy
	}
	words := func(dir string) (all []string) {
		to := filepath.Join(t.TempDir(), "labels.pdf")
		_, out, _ := o.run("label", "--json", "--to", to, dir)
		for _, line := range o.lines(out) {
			if line["type"] == "label" {
				all = append(all, fmt.Sprint(line["word"]))
			}
		}
		return all
	}
	dir := t.TempDir()
	o.unitFile(dir, 1, same)
	o.unitFile(dir, 2, failed)
	if got := words(dir); len(got) != 1 || got[0] == "reuse" {
		t.Errorf("labels say %q, want the later word alone", got)
	}
	// A later version may call the same machine otherwise.
	dir = t.TempDir()
	o.unitFile(dir, 5, same)
	o.unitFile(dir, 6, func(u *certs.Unit) { failed(u); u.Machine.System.Model = "Latitude 7400 2-in-1" })
	if got := words(dir); len(got) != 1 || got[0] == "reuse" {
		t.Errorf("under two names labels say %q, want the later word alone", got)
	}
	// Two stations that wrote in the same second: neither is the later one.
	dir = t.TempDir()
	o.unitFile(dir, 7, same)
	o.unitFile(dir, 8, func(u *certs.Unit) { failed(u); u.Station.Instance = "another" })
	if got := words(dir); len(got) != 1 || got[0] == "reuse" {
		t.Errorf("of one second labels say %q, want no reuse", got)
	}
	dir = t.TempDir()
	o.unitFile(dir, 3, failed)
	o.unitFile(dir, 4, same)
	if got := words(dir); len(got) != 2 || !strings.Contains(fmt.Sprint(got), "reuse") {
		t.Errorf("labels say %q, want reuse among them", got)
	}
}

// What is changed, or from somebody unknown, gets no label.
func TestNoLabelForARefusedFile(t *testing.T) {
	o := withStation(t)
	dir := t.TempDir()
	good := o.unitFile(dir, 1, nil)
	data, err := os.ReadFile(good)
	o.check(err)
	bad := filepath.Join(t.TempDir(), "bad.evidence.json")
	o.check(os.WriteFile(bad, bytes.Replace(data, []byte("payload"), []byte("payl0ad"), 1), 0o600))
	to := filepath.Join(t.TempDir(), "labels.pdf")
	if code, _, said := o.run("label", "--to", to, bad); code != exitEvidence || !strings.Contains(said, "refused") {
		t.Errorf("a changed file: exit %d\n%s", code, said)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("there is a label for a changed file")
	}
	code, said, _ := o.run("label", "--json", "--to", to, bad, good)
	if lines := o.lines(said); code != exitEvidence || len(lines) < 1 || lines[0]["serial"] != "5XK2P01" {
		t.Errorf("one of two is good: exit %d\n%s", code, said)
	}
	stranger := withStation(t)
	if code, _, _ := stranger.run("label", "--to", to, good); code != exitEvidence {
		t.Errorf("a record of somebody unknown: exit %d, want %d", code, exitEvidence)
	}
	// A list to send that was made of nothing would say that nothing is held.
	list, table := filepath.Join(t.TempDir(), "list.pdf"), filepath.Join(t.TempDir(), "list.csv")
	if code, said, _ := stranger.run("report", "releases", "--pdf", list, "--csv", table, good); code != exitEvidence || said != "" {
		t.Errorf("releases of a record of somebody unknown: exit %d\n%s", code, said)
	}
	for _, file := range []string{list, table} {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("there is a %s of records that were all refused", filepath.Base(file))
		}
	}
	for _, args := range [][]string{{"--size", "1x1"}, {"--dpi", "600"}, {"--skip", "1"}, {"--zpl", "--size", "a4-3x8"}, {"--code", "x"}, {"--only", "x"}, {"--json", "--to", "-"}, nil} {
		operands := append([]string{"label"}, args...)
		if args != nil {
			operands = append(operands, good)
		}
		if code, _, _ := o.run(operands...); code != exitUsage {
			t.Errorf("%q: exit %d, want %d", operands, code, exitUsage)
		}
	}
}

func TestReleasesOfAnAgency(t *testing.T) {
	o := withStation(t)
	dir := t.TempDir()
	set := func(code string) func(*certs.Unit) {
		return func(u *certs.Unit) {
			u.Machine.Locks = []inventory.Lock{{Code: code, State: inventory.LockSet, Text: "=cmd|' /C calc'!A0"}}
		}
	}
	o.unitFile(dir, 1, set(inventory.LockAutopilot))
	o.unitFile(dir, 2, set(inventory.LockFirmwareSetup))
	o.unitFile(dir, 3, nil)
	o.unitFile(dir, 4, func(u *certs.Unit) {
		set(inventory.LockKnox)(u)
		u.Agency = certs.Agency{Orgnr: "986252932", Name: "DFØ"}
	})
	table, list := filepath.Join(t.TempDir(), "r.csv"), filepath.Join(t.TempDir(), "r.pdf")
	lines := o.lines(o.must("report", "releases", "--json", "--agency", "971 040 238", "--csv", table, "--pdf", list, dir))
	if len(lines) != 2 || lines[0]["lock"] != "autopilot" || lines[1]["lock"] != "firmware-setup-password" || lines[0]["type"] != "release" {
		t.Errorf("got %v", lines)
	}
	csv, err := os.ReadFile(table)
	o.check(err)
	if !bytes.HasPrefix(csv, []byte("\xef\xbb\xbf")) || !bytes.Contains(csv, []byte(";'=cmd|")) || bytes.Contains(csv, []byte(";=")) {
		t.Errorf("the table:\n%s", csv)
	}
	pdf, err := os.ReadFile(list)
	o.check(err)
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Error("the list is no PDF")
	}
	if said := o.must("report", "releases", dir); !strings.Contains(said, "4 machines read, 3 releases asked for") {
		t.Errorf("got %s", said)
	}
	if code, _, _ := o.run("report", "releases", "--agency", "123456786", dir); code != exitUsage {
		t.Errorf("a number that is none: exit %d, want %d", code, exitUsage)
	}
}
