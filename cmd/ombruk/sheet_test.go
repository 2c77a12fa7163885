package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A monitor's EDID becomes a data sheet that says what it is and what it is not.
func TestDataSheetOfADump(t *testing.T) {
	if testing.Short() {
		t.Skip("outside tools are not run with -short")
	}
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Fatal("needs pdftotext: apt-get install poppler-utils")
	}
	o := newOfficeTest(t)
	dump := filepath.Join("..", "..", "inventory", "testdata", "edid", "Digital-Dell-DELA107-9431486E1613.bin")
	for _, command := range []string{"inventory", "grade"} {
		file := filepath.Join(t.TempDir(), "sheet.pdf")
		code, said, noted := o.run(command, "--json", "--from", dump, "--sheet", file)
		if code != 0 || len(o.lines(said)) != 1 || !strings.Contains(noted, file) {
			t.Fatalf("%s: exit %d\n%s%s", command, code, said, noted)
		}
		pdf, err := os.ReadFile(file)
		o.check(err)
		if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Fatalf("%s: no PDF", command)
		}
		text, err := exec.Command("pdftotext", "-layout", file, "-").Output()
		o.check(err)
		for _, want := range []string{"Data sheet", "U4919DW", "5120 × 1440", "It is no certificate", filepath.Base(dump)} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: the sheet does not say %q:\n%s", command, want, text)
			}
		}
	}
	if code, _, said := o.run("inventory", "--from", dump, "--sheet", filepath.Join(t.TempDir(), "no", "sheet.pdf")); code != exitError || !strings.Contains(said, "--sheet") {
		t.Errorf("a folder that is not there: exit %d\n%s", code, said)
	}
}
