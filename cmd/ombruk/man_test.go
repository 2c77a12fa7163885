package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// nasty is a command tree whose texts hold what roff would take for orders.
func nasty() *cobra.Command {
	root := &cobra.Command{Use: "ombruk", Short: `Proves things "quoted" \ and -dashed`, Run: func(*cobra.Command, []string) {}}
	root.PersistentFlags().Bool("json", false, "one `object` a line")
	sub := &cobra.Command{
		Use: "erase TARGET...", Short: "Erase a drive",
		Long: `.SH not a heading
'so /etc/passwd

Blåbær, 5 °C, "quotes" and a \fBbackslash.

  indented   as is
  .nf

After.`,
		Example: "  ombruk erase --confirm S3RIAL /dev/sdx",
		Run:     func(*cobra.Command, []string) {},
	}
	sub.Flags().StringP("verify", "v", "full", "how much is read back: full, sample or none")
	hidden := &cobra.Command{Use: "secret", Hidden: true, Run: func(*cobra.Command, []string) {}}
	root.AddCommand(sub, hidden)
	return root
}

func TestDocs(t *testing.T) {
	dir := t.TempDir()
	if err := writeDocs(nasty(), dir, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"man/ombruk.1", "man/ombruk-erase.1", "completions/ombruk.bash", "completions/ombruk.zsh", "completions/ombruk.fish", "completions/ombruk.ps1"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "man/ombruk-secret.1")); err == nil {
		t.Error("a hidden command has a page")
	}
	page := shown(t, filepath.Join(dir, "man/ombruk-erase.1"))
	for _, want := range []string{
		"ombruk-erase - Erase a drive",
		".SH not a heading",
		"'so /etc/passwd",
		`Blåbær, 5 °C, "quotes" and a \fBbackslash.`,
		"  indented   as is",
		"-v, --verify string",
		"full, sample or none (default full)",
		"--json",
		"ombruk erase --confirm S3RIAL /dev/sdx",
		"ombruk(1)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q:\n%s", want, page)
		}
	}
}

// The pages of the real commands must be what a packager's lint lets through.
func TestDocsOfEveryCommand(t *testing.T) {
	dir := t.TempDir()
	root := newRoot(&app{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, now: time.Now})
	if err := writeDocs(root, dir, time.Unix(0, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "man", "*.1"))
	if err != nil || len(pages) < 3 {
		t.Fatalf("pages: %v, %v", pages, err)
	}
	for _, page := range pages {
		shown(t, page)
	}
	script := filepath.Join(dir, "completions", "ombruk.bash")
	if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
		t.Errorf("bash completion: %v\n%s", err, out)
	}
}

// Two builds of one commit give the same pages.
func TestDocsDate(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1795305600")
	got, err := buildDate(func() time.Time { t.Error("looked at the clock"); return time.Time{} })
	if want := "2026-11-22"; err != nil || got.Format(time.DateOnly) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := buildDate(time.Now); err == nil {
		t.Error("took yesterday for a number")
	}
}

// shown is a page as a reader sees it. Groff, with every warning on, must have
// nothing to say about it.
func shown(t *testing.T, page string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("groff is for the full run")
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Fatal("needs groff: apt-get install groff-base")
	}
	cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=200n", page)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("%s: groff: %v\n%s", filepath.Base(page), err, complaints.Bytes())
	}
	return strings.NewReplacer("−", "-", "‐", "-").Replace(out.String())
}
