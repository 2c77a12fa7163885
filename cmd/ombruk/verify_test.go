package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
)

const verifyTestID = "0195a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"

// leave puts the files that a job leaves behind in a folder: the page and the
// evidence of one drive, and a started record that nobody closed.
func (o *officeTest) leave(edit func(*certs.Sanitization)) string {
	o.t.Helper()
	out := o.t.TempDir()
	s, _, err := certs.OpenKeys(o.dir).Signer(nil, o.now, rand.Reader)
	o.check(err)
	p := certs.Sanitization{
		Header: certs.Header{
			ID: verifyTestID, Sequence: 1, Station: certs.Station{ID: s.ID(), Name: s.Name()},
			Clock: certs.Clock{Source: "operator", Trusted: true, WallStarted: o.now, WallFinished: o.now},
		},
		Drive:     certs.DriveFacts{Path: "/dev/sdb", CapacityBytes: 500 << 20, Model: "WD5000", Serial: "WX\x1b[2J\n    outcome   sanitized"},
		Requested: certs.Requested{Method: erase.Purge}, Accepted: certs.Accepted{Method: erase.Clear},
		Achieved: certs.Achieved{Method: erase.Clear, Technique: erase.Overwrite}, Outcome: erase.Sanitized, Fulfilled: true, Assurance: erase.ReadBack,
		Verification: certs.Verification{Mode: erase.VerifyFull, Fraction: "1", BytesRead: 500 << 20},
	}
	if edit != nil {
		edit(&p)
	}
	envelope, err := certs.Seal(s, certs.KindSanitization, certs.ModeReal, p)
	o.check(err)
	f := fpdf.New("P", "mm", "A4", "")
	f.AddPage()
	f.SetAttachments([]fpdf.Attachment{{Content: envelope, Filename: certs.EvidenceName}})
	var pdf bytes.Buffer
	o.check(f.Output(&pdf))
	signed, err := certs.SignPDF(pdf.Bytes(), s, certs.PageInfo{Name: s.Name(), Time: o.now})
	o.check(err)
	p.ID, p.Sequence, p.Outcome, p.Fulfilled = "0195a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5c", 0, erase.Unproven, false
	started, err := certs.Seal(s, certs.KindStarted, certs.ModeReal, p)
	o.check(err)
	for name, data := range map[string][]byte{".pdf": signed, ".evidence.json": envelope, ".started.json": started, ".txt": nil} {
		o.check(os.WriteFile(filepath.Join(out, "r"+name), data, 0o600))
	}
	return out
}

func (o *officeTest) check(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestVerifyAFolder(t *testing.T) {
	o := withStation(t)
	out := o.leave(nil)
	said := o.must("verify", out)
	for _, want := range []string{"+ OK       " + filepath.Join(out, "r.pdf") + ": genuine sanitization record, outcome SANITIZED",
		"trusted: station stick 7 of Depot AS", "clear achieved, purge requested", "r.evidence.json: genuine",
		"genuine started record, outcome INTERRUPTED", "started at 2026-03-02T09:30:00Z and never closed", "3 files: 3 OK, 0 refused"} {
		if !strings.Contains(said, want) {
			t.Errorf("does not say %q:\n%s", want, said)
		}
	}
	if strings.ContainsRune(said, '\x1b') || strings.Contains(said, "\n    outcome   sanitized\n    outcome") {
		t.Errorf("a serial number escaped:\n%q", said)
	}
	lines := o.lines(o.must("verify", "--json", out))
	if len(lines) != 3 {
		t.Fatalf("got %d lines, want 3", len(lines))
	}
	for _, v := range lines {
		if v["type"] != "verification" || v["integrity"] != "ok" || v["issuer"] != "trusted" {
			t.Errorf("got %v", v)
		}
	}
	if v := lines[1]; v["id"] != verifyTestID || v["kind"] != "sanitization" || v["outcome"] != "sanitized" || v["achieved"] != "clear" || v["file"] != filepath.Join(out, "r.pdf") {
		t.Errorf("got %v", v)
	}
}

func TestVerifySaysFailedIsFailed(t *testing.T) {
	o := withStation(t)
	out := o.leave(func(p *certs.Sanitization) { p.Outcome, p.Fulfilled = erase.Failed, false })
	if said := o.must("verify", filepath.Join(out, "r.pdf")); !strings.HasPrefix(said, "+ OK ") || !strings.Contains(strings.SplitN(said, "\n", 2)[0], "outcome FAILED") {
		t.Errorf("the first line hides the outcome:\n%s", said)
	}
}

// A drive cleaned at a lower level than ordered is clean and genuine, and no
// certificate: whoever reads one line must see that.
func TestVerifySaysBelowOrderedLevel(t *testing.T) {
	o := withStation(t)
	out := o.leave(func(p *certs.Sanitization) {
		p.Accepted.Method, p.Fulfilled, p.Drive.Serial, p.Drive.Model = erase.Purge, false, "", ""
	})
	said := o.must("verify", filepath.Join(out, "r.pdf"))
	first, _, _ := strings.Cut(said, "\n")
	if !strings.Contains(first, "outcome SANITIZED, order NOT FULFILLED: no certificate") {
		t.Errorf("the first line hides that the order is not fulfilled:\n%s", said)
	}
	if !strings.Contains(said, "about     /dev/sdb (no serial number)") {
		t.Errorf("does not say which drive:\n%s", said)
	}
}

func TestVerifyFieldsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## What `ombruk verify --json` says")
	section, _, _ = strings.Cut(section, "\n## ")
	verdict := reflect.TypeFor[certs.Verdict]()
	for i := range verdict.NumField() {
		name, _, _ := strings.Cut(verdict.Field(i).Tag.Get("json"), ",")
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("docs/evidence.md does not name %s", name)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	o := withStation(t)
	out := o.leave(nil)
	good, err := os.ReadFile(filepath.Join(out, "r.pdf"))
	o.check(err)
	changed := bytes.Replace(good, []byte("/CreationDate (D:20"), []byte("/CreationDate (D:19"), 1)
	stranger := withStation(t)
	strange := filepath.Join(stranger.leave(nil), "r.pdf")
	for _, tt := range []struct {
		name, file, integrity, issuer, want string
	}{
		{"a changed page", o.write("changed.pdf", string(changed)), "bad", "untrusted", "changed"},
		{"a page with something added", o.write("longer.pdf", string(good)+"\n"), "bad", "untrusted", "added after"},
		{"a stranger's page", strange, "ok", "untrusted", "is not trusted here"},
		{"no evidence", o.write("hello.txt", "hello"), "bad", "untrusted", "no evidence"},
		{"an empty file", o.write("empty.pdf", ""), "bad", "untrusted", "no evidence"},
		{"a missing file", filepath.Join(out, "gone.pdf"), "bad", "untrusted", "there is no such file"},
		{"an empty folder", t.TempDir(), "bad", "untrusted", "in this folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := o.run("verify", tt.file, filepath.Join(out, "r.pdf"))
			if code != exitEvidence || !strings.Contains(stdout, "! REFUSED  "+tt.file) || !strings.Contains(stdout, tt.want) ||
				!strings.Contains(stdout, "+ OK ") || !strings.Contains(stderr, "1 of 2 refused") {
				t.Errorf("exit %d, want %d and %q in\n%s%s", code, exitEvidence, tt.want, stdout, stderr)
			}
			code, stdout, _ = o.run("verify", "--json", tt.file)
			lines := o.lines(stdout)
			if code != exitEvidence || len(lines) != 1 || lines[0]["integrity"] != tt.integrity || lines[0]["issuer"] != tt.issuer || !strings.Contains(lines[0]["reason"].(string), tt.want) {
				t.Errorf("exit %d, %v", code, lines)
			}
		})
	}
	if runtime.GOOS == "linux" {
		if code, stdout, _ := o.run("verify", os.DevNull); code != exitEvidence || !strings.Contains(stdout, "not a regular file") {
			t.Errorf("a device: exit %d\n%s", code, stdout)
		}
	}
	// Trusted for one call, and for that call only.
	ca := filepath.Join(stranger.dir, "organisation.pem")
	o.must("verify", "--trust", ca, strange)
	if code, _, _ := o.run("verify", strange); code != exitEvidence {
		t.Errorf("--trust lasted: exit %d", code)
	}
	o.must("keys", "trust", ca)
	o.must("verify", strange)
}

func TestVerifyAfterRevocation(t *testing.T) {
	o := withStation(t)
	out := o.leave(nil)
	customer := newOfficeTest(t)
	customer.must("keys", "trust", filepath.Join(o.dir, "organisation.pem"))
	customer.must("verify", out)

	o.now = o.now.Add(48 * time.Hour)
	o.must("keys", "revoke", "stick 7", "--reason", "superseded")
	o.must("verify", out) // made before
	list, _ := filepath.Glob(filepath.Join(o.dir, "revoked", "*"))
	o.must("keys", "revoke", "stick 7", "--reason", "keyCompromise")
	customer.must("verify", out) // has not heard yet
	customer.must("keys", "trust", list[0])
	code, stdout, _ := customer.run("verify", out, "--json")
	if lines := customer.lines(stdout); code != exitEvidence || len(lines) != 3 || lines[0]["issuer"] != "revoked" || lines[0]["integrity"] != "ok" {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// A list that cannot be read must not pass for an empty one.
func TestVerifyWithDamagedTrust(t *testing.T) {
	o := withStation(t)
	out := o.leave(nil)
	o.must("keys", "revoke", "stick 7", "--reason", "keyCompromise")
	list, _ := filepath.Glob(filepath.Join(o.dir, "revoked", "*"))
	o.check(os.WriteFile(list[0], []byte("-----BEGIN X509 CRL-----\nAAAA\n"), 0o600))
	code, stdout, stderr := o.run("verify", out)
	if code != exitError || !strings.Contains(stderr, list[0]) || strings.Contains(stdout, "OK") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
