package main

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/terminal"
)

// The passphrase of a station's key is asked for before there are fields that
// it could be typed into, and again when it was wrong. Nothing shows it.
func TestAPassphraseEndsUpInNoField(t *testing.T) {
	text, err := lang.For("en")
	if err != nil {
		t.Fatal(err)
	}
	const passphrase = "rips og solbær"
	dir := t.TempDir()
	p := &technician{t: t, text: text, out: filepath.Join(dir, "ombruk-out")}
	home := filepath.Join(dir, "home")
	keys := certs.OpenKeys(filepath.Join(home, "keys"))
	p.must(keys.InitOrganisation("Depot AS", "974760673", []byte(passphrase), time.Now(), rand.Reader))
	p.must(keys.NewStation("stick 7", []byte(passphrase), true, time.Now(), rand.Reader))
	cmd := exec.Command("ombruk", "--lang", "en", "--out", filepath.Base(p.out), "--order", "2026-117", "--simulate", "sas-ssd")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OMBRUK_HOME="+home, "TERM=xterm-256color", "COLORTERM=truecolor")
	p.Terminal, err = terminal.Start(cmd, terminal.Options{Columns: 80, Rows: 24})
	p.must(err)
	t.Cleanup(func() { _ = p.Close() })

	p.reads(text.Get("boot.passphrase", nil))
	p.must(p.Type("solbær og rips\r"))
	p.reads(text.Get("boot.passphrase.wrong", nil))
	p.must(p.Type(passphrase + "\r"))
	p.startScreen("TAG-1", "", "Kari Nordmann")
	if shown := strings.Join(p.Text(), "\n"); strings.Contains(shown, "rips") || strings.Contains(shown, "solb") {
		t.Errorf("what was typed as passphrase is shown:\n%s", shown)
	}
	p.toConfirm()
	p.confirms()
	p.finishes()
	if got := len(p.records()[certs.KindSanitization]); got != 1 {
		t.Errorf("%d records", got)
	}
}
