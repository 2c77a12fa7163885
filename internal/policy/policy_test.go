package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/erase"
)

const looser = `name: Common practice
valid_from: 2026-01-01
accept: clear
verify: {after_overwrite: sample}
stall_minutes: 5
`

func TestDefault(t *testing.T) {
	p := Default()
	if p.Name == "" || p.ValidFrom.IsZero() || p.Accept != erase.MethodNone || p.VerifyAfterOverwrite != erase.VerifyFull || p.Stall != 0 {
		t.Errorf("got %+v, want one that lowers nothing and reads everything back", p)
	}
	onDisk, err := Load("default.yaml")
	if err != nil || !reflect.DeepEqual(onDisk, p) {
		t.Errorf("the file itself: got %+v, %v, want %+v", onDisk, err, p)
	}
}

func TestLoad(t *testing.T) {
	name := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(name, []byte(looser), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{
		Name:                 "Common practice",
		ValidFrom:            time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		SHA256:               fmt.Sprintf("%x", sha256.Sum256([]byte(looser))),
		Accept:               erase.Clear,
		VerifyAfterOverwrite: erase.VerifySample,
		Stall:                5 * time.Minute,
	}
	want.Rules = Default().Rules
	want.Rules.ReadBack[erase.Overwrite] = erase.VerifySample
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := Load(name + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: got %v, want %v", err, os.ErrNotExist)
	}
}

// Somebody who signed a policy must find that very file's digest on the page,
// byte order mark and all.
func TestDigestIsOfTheBytes(t *testing.T) {
	src := "\ufeff" + looser
	p, err := parse("p.yaml", []byte(src))
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(src))); err != nil || p.SHA256 != want {
		t.Errorf("got %s, %v, want %s", p.SHA256, err, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"no name", "name: Common practice\n", "", `p.yaml:1:1: name is missing`},
		{"a name of two lines", "Common practice", `"a\nb"`, `p.yaml:1:7: name: want one line`},
		{"no date", "valid_from: 2026-01-01\n", "", `p.yaml:1:1: valid_from is missing`},
		{"nothing is accepted as clean", "clear", "none", `p.yaml:3:9: accept: "none": want clear or purge`},
		{"destruction for lowering", "clear", "destruct", `accept: "destruct": want clear or purge`},
		{"capitals", "clear", "Clear", `accept: "Clear": want clear or purge`},
		{"reading back a little", "sample", "some", `p.yaml:4:27: verify.after_overwrite: "some": want full, sample or none`},
		{"no patience", "stall_minutes: 5", "stall_minutes: 0", `p.yaml:5:16: stall_minutes: 0: want 1 to 1440`},
		{"patience without end", "stall_minutes: 5", "stall_minutes: 99999", `stall_minutes: 99999: want`},
		{"half a minute", "stall_minutes: 5", "stall_minutes: 0.5", `p.yaml:5:16: stall_minutes: "0.5" is no whole number`},
		{"what a later version may know", "accept: clear", "techniques: {}", `p.yaml:3:1: unknown key "techniques"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("p.yaml", []byte(strings.Replace(looser, tt.from, tt.to, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(looser))
	f.Add(shipped)
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := parse("p.yaml", src)
		if err == nil && (p.Name == "" || p.ValidFrom.IsZero() || p.Accept > erase.Purge || p.VerifyAfterOverwrite == "") {
			t.Errorf("accepted %+v", p)
		}
	})
}
