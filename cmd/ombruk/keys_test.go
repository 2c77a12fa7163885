package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
)

// officeTest is an office with a folder of keys and a clock.
type officeTest struct {
	t    *testing.T
	dir  string // of keys
	now  time.Time
	pass string // file
}

func newOfficeTest(t *testing.T) *officeTest {
	t.Helper()
	o := &officeTest{t: t, dir: filepath.Join(t.TempDir(), "keys"), now: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}
	o.pass = o.write("pass", "blåbærsyltetøy\r\nnot this\n")
	return o
}

// withStation is an office with an organisation and one station.
func withStation(t *testing.T) *officeTest {
	o := newOfficeTest(t)
	o.must("keys", "init", "--org", "Depot AS", "--orgnr", "974760673")
	o.must("keys", "station", "stick 7")
	return o
}

func (o *officeTest) write(name, content string) string {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// run runs one command as a person would and gives its end and what it said.
func (o *officeTest) run(args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, now: func() time.Time { return o.now }}
	root := newRoot(a)
	root.SetArgs(append([]string{"--keys", o.dir, "--passphrase-file", o.pass}, args...))
	root.SetOut(&out)
	root.SetErr(&errs)
	code = a.finish(root.ExecuteContext(o.t.Context()))
	return code, out.String(), errs.String()
}

func (o *officeTest) must(args ...string) string {
	o.t.Helper()
	code, stdout, stderr := o.run(args...)
	if code != exitOK {
		o.t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// lines are the objects that a command with --json printed.
func (o *officeTest) lines(stdout string) []map[string]any {
	o.t.Helper()
	var list []map[string]any
	for line := range strings.Lines(stdout) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			o.t.Fatalf("%q: %v", line, err)
		}
		if v["type"] == nil || v["schema"] != 1.0 {
			o.t.Errorf("a line without type or schema: %s", line)
		}
		list = append(list, v)
	}
	return list
}

func TestKeysOfAnOffice(t *testing.T) {
	o := newOfficeTest(t)
	said := o.must("keys", "init", "--org", "Depot AS", "--orgnr", "974 760 673")
	for _, want := range []string{"Depot AS", "NTRNO-974760673", "fingerprint", "2026-03-01 to 2046-03-01"} {
		if !strings.Contains(said, want) {
			t.Errorf("keys init does not say %q:\n%s", want, said)
		}
	}
	o.must("keys", "station", "stick 7")
	o.must("keys", "station", "stick 8", "--protect")
	list := o.lines(o.must("keys", "list", "--json"))
	var got []string
	for _, v := range list {
		line := v["role"].(string) + " " + v["name"].(string)
		if v["current"] == true {
			line += " signs"
		}
		got = append(got, line)
	}
	want := []string{"organisation Depot AS", "station stick 7", "station stick 8 signs", "trusted Depot AS"}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if runtime.GOOS != "windows" {
		keys, _ := filepath.Glob(filepath.Join(o.dir, "stations", "*.key"))
		for _, path := range append(keys, filepath.Join(o.dir, "organisation.key")) {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v, want mode 0600", path, info.Mode(), err)
			}
		}
	}
}

func TestKeysRefuse(t *testing.T) {
	o := withStation(t)
	organisation := filepath.Join(o.dir, "organisation.pem")
	station, _ := filepath.Glob(filepath.Join(o.dir, "stations", "*.pem"))
	stationKey := strings.TrimSuffix(station[0], ".pem") + ".key"
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a second organisation", []string{"keys", "init", "--org", "Other", "--orgnr", "974760673"}, exitError, "exists already"},
		{"no name", []string{"keys", "init", "--orgnr", "974760673"}, exitUsage, "--org and --orgnr"},
		{"a wrong check digit", []string{"--keys", t.TempDir(), "keys", "init", "--org", "X", "--orgnr", "974760674"}, exitError, "check digit"},
		{"a station without an organisation", []string{"--keys", t.TempDir(), "keys", "station", "x"}, exitError, "no organisation key here"},
		{"a wrong passphrase", []string{"--passphrase-file", o.write("p", "jordbær"), "keys", "station", "x"}, exitError, "organisation.key: wrong passphrase"},
		{"the organisation's name for a station", []string{"keys", "station", "Depot AS"}, exitError, "is the organisation's"},
		{"a control character in a name", []string{"keys", "station", "a\x1b[2Jb"}, exitError, `a\x1b[2Jb`},
		{"a station's certificate to trust", []string{"keys", "trust", station[0]}, exitError, "not the certificate of an authority"},
		{"a key to trust", []string{"keys", "trust", stationKey}, exitError, `holds "PRIVATE KEY"`},
		{"something else to trust", []string{"keys", "trust", o.write("x", "hello")}, exitError, "neither a certificate nor a revocation list"},
		{"a device to trust", []string{"keys", "trust", os.DevNull}, exitError, "not a regular file"},
		{"nothing to trust", []string{"keys", "trust", filepath.Join(o.dir, "nothing")}, exitError, "no such file"},
		{"an unknown reason", []string{"keys", "revoke", "stick 7", "--reason", "because"}, exitUsage, `--reason "because" is not known`},
		{"no reason", []string{"keys", "revoke", "stick 7"}, exitUsage, "--reason is needed"},
		{"an unknown station", []string{"keys", "revoke", "stick 9", "--reason", "keyCompromise"}, exitError, "no station of that name"},
		{"a date that is none", []string{"keys", "revoke", "stick 7", "--reason", "superseded", "--since", "yesterday"}, exitUsage, "neither a date nor a time"},
		{"a date to come", []string{"keys", "revoke", "stick 7", "--reason", "superseded", "--since", "2027-01-01"}, exitError, "in the future"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := o.run(tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("got exit %d, want %d, and %q in\n%s%s", code, tt.code, tt.want, stdout, stderr)
			}
			if strings.ContainsRune(stderr, '\x1b') {
				t.Errorf("an escape reached the terminal: %q", stderr)
			}
		})
	}
	// Trusting again what is trusted is no harm.
	o.must("keys", "trust", organisation)
}

func TestRevokedStationCannotSign(t *testing.T) {
	o := withStation(t)
	line := o.lines(o.must("keys", "revoke", "stick 7", "--reason", "keyCompromise", "--since", "2026-03-01", "--json"))
	if len(line) != 1 || line[0]["type"] != "key" || line[0]["revoked"] != "keyCompromise" || line[0]["revoked_since"] != "2026-03-01T00:00:00Z" {
		t.Errorf("got %v", line)
	}
	if said := o.must("keys", "list"); !strings.Contains(said, "REVOKED since 2026-03-01T00:00:00Z (keyCompromise)") {
		t.Errorf("keys list does not show it:\n%s", said)
	}
	if _, _, err := certs.OpenKeys(o.dir).Signer(nil, o.now, strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a revoked key signs: %v", err)
	}
}
