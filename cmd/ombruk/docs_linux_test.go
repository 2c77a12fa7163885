package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An auditor follows docs/evidence.md to the letter, without ombruk.
func TestEvidenceIsCheckedByHand(t *testing.T) {
	if testing.Short() {
		t.Skip("outside judges are left out of -short")
	}
	for tool, pkg := range map[string]string{"openssl": "openssl", "jq": "jq", "pdfdetach": "poppler-utils"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("needs %s: apt-get install %s", tool, pkg)
		}
	}
	recipe := shellBlock(t, filepath.Join("..", "..", "docs", "evidence.md"))

	o := newOfficeTest(t)
	o.now = time.Now()
	o.must("keys", "init", "--org", "Depot AS", "--orgnr", "974760673")
	o.must("keys", "station", "stick 7")
	dir := t.TempDir()
	image, out := filepath.Join(dir, "disk.img"), filepath.Join(dir, "out")
	if err := os.WriteFile(image, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	o.must("--out", out, "erase", image, "--standard", "nist-800-88r2-clear", "--confirm", "disk.img")
	pages, err := filepath.Glob(filepath.Join(out, "*.pdf"))
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages: %v, %v", pages, err)
	}
	copyTo(t, pages[0], filepath.Join(dir, "certificate.pdf"))
	copyTo(t, filepath.Join(o.dir, "organisation.pem"), filepath.Join(dir, "organisation.pem"))

	said, err := inShell(dir, recipe)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"Verified OK", "chain.pem: OK", "CN = stick 7", `"outcome": "sanitized"`} {
		if !strings.Contains(said, want) {
			t.Errorf("the recipe does not say %q:\n%s", want, said)
		}
	}
	id, err := inShell(dir, `openssl pkey -pubin -in pub.pem -outform DER | sha256sum | cut -d' ' -f1`)
	if err != nil || strings.Count(said, strings.TrimSpace(id)) != 2 {
		t.Errorf("the station's id is not the digest of its key: %v\n%s", err, said)
	}

	// The same recipe must tell a changed record.
	change := `jq -c '.payload |= (@base64d | sub("\"sanitized\"";"\"unharmed!\"") | @base64)' evidence.json > x && mv x evidence.json`
	if said, err := inShell(dir, change); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	_, withoutPage, _ := strings.Cut(recipe, "\n")
	if said, err := inShell(dir, withoutPage); err == nil || strings.Contains(said, "Verified OK") {
		t.Errorf("a changed record passes: %v\n%s", err, said)
	}
}

// shellBlock is the first shell block of a page.
func shellBlock(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```sh\n")
	block, _, ok := strings.Cut(rest, "```")
	if !ok || !strings.HasPrefix(block, "pdfdetach") {
		t.Fatalf("%s: no shell block that begins with pdfdetach", name)
	}
	return block
}

func inShell(dir, script string) (string, error) {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
