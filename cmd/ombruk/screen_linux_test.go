package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/terminal"
)

// A technician sits at the real program on a terminal: what the hands and the
// scanner do, and what the screen shows.

// inTime is long for anything that a screen has to show.
const inTime = 40 * time.Second

// contractOfTests is the agreement that the technician works under.
const contractOfTests = `agreement:
  name: Ombruk av IKT 2026
  valid_from: 2026-01-01
agencies:
  - orgnr: 974760673
    name: Brønnøysundregistrene
  - orgnr: 971040238
    name: Kartverket
`

// technician is a person in front of the program.
type technician struct {
	*terminal.Terminal
	t    *testing.T
	text *lang.Text
	out  string
}

// sitDown starts the program with simulated drives.
func sitDown(t *testing.T, language string, columns, rows int, profiles ...string) *technician {
	t.Helper()
	text, err := lang.For(language)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &technician{t: t, text: text, out: filepath.Join(dir, "ombruk-out")}
	file := filepath.Join(dir, "contract.yaml")
	p.must(os.WriteFile(file, []byte(contractOfTests), 0o600))
	args := []string{"--lang", language, "--contract", file, "--out", filepath.Base(p.out), "--order", "2026-117"}
	for _, profile := range profiles {
		args = append(args, "--simulate", profile)
	}
	home := filepath.Join(dir, "home")
	keys := certs.OpenKeys(filepath.Join(home, "keys"))
	p.must(keys.InitOrganisation("Depot AS", "974760673", []byte("blåbærsyltetøy"), time.Now(), rand.Reader))
	p.must(keys.NewStation("stick 7", []byte("blåbærsyltetøy"), false, time.Now(), rand.Reader))
	cmd := exec.Command("ombruk", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OMBRUK_HOME="+home, "TERM=xterm-256color", "COLORTERM=truecolor")
	p.Terminal, err = terminal.Start(cmd, terminal.Options{Columns: columns, Rows: rows})
	p.must(err)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func (p *technician) must(errs ...error) {
	p.t.Helper()
	for _, err := range errs {
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// say is a text of the screens in their language.
func (p *technician) say(key string, args map[string]any) string {
	return p.text.Get("screen."+key, args)
}

// sees waits until these texts of the screens are there.
func (p *technician) sees(keys ...string) {
	p.t.Helper()
	var texts []string
	for _, key := range keys {
		texts = append(texts, p.say(key, nil))
	}
	p.must(p.UntilText(inTime, texts...))
}

// reads waits until these words are there.
func (p *technician) reads(words ...string) {
	p.t.Helper()
	p.must(p.UntilText(inTime, words...))
}

// presses presses keys by their names.
func (p *technician) presses(keys ...string) {
	p.t.Helper()
	p.must(p.Key(keys...))
}

// startScreen fills in the start screen and goes on to the machine's.
func (p *technician) startScreen(tag, agency, operator string) {
	p.t.Helper()
	p.sees("start.asset")
	p.must(p.Scan(tag + "\r"))
	p.reads(tag)
	if agency != "" {
		p.must(p.Type(agency[:3]))
		p.sees("start.agency-which")
		p.reads(agency)
		p.presses("enter")
	} else {
		p.presses("down")
	}
	p.reads("2026-117")
	p.presses("down")
	p.must(p.Type(operator))
	p.reads(operator)
	p.presses("down", p.say("key.no", nil))
	p.reads("(•) " + p.say("start.no", nil))
	p.presses("enter")
}

// toConfirm goes on from the start screen to the question.
func (p *technician) toConfirm() {
	p.t.Helper()
	p.presses("enter")
	p.sees("machine.nothing-odd")
	p.presses("enter")
	p.sees("action.standard")
	p.must(p.UntilGone(inTime, p.say("drives.planning", nil)))
	p.presses("enter")
	p.sees("action.back-nothing-done")
}

// code is what the confirm screen asks for.
func (p *technician) code() string {
	p.t.Helper()
	asks := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(p.say("confirm.type", map[string]any{"Code": "CODE"})), "CODE", `(\d{4})`))
	for _, line := range p.Text() {
		if m := asks.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	p.t.Fatalf("no code is asked for:\n%s", strings.Join(p.Text(), "\n"))
	return ""
}

// confirms types the code.
func (p *technician) confirms() {
	p.t.Helper()
	p.must(p.Type(p.code()))
}

// finishes waits for the drives and goes on to the result, without the checks
// that are not done.
func (p *technician) finishes() {
	p.t.Helper()
	p.sees("progress.all-done")
	p.presses("enter")
	asks := false
	p.must(p.Until(inTime, "it asked for the checks or showed the result", func(lines []string) bool {
		screen := strings.Join(lines, "\n")
		asks = strings.Contains(screen, p.say("progress.do-checks", nil))
		return asks || strings.Contains(screen, p.say("action.next-machine", nil))
	}))
	if asks {
		p.presses("down", "enter")
	}
	p.sees("action.next-machine")
	p.undisturbed()
}

// undisturbed says that nothing was written over the screen.
func (p *technician) undisturbed() {
	p.t.Helper()
	for _, line := range p.Text() {
		if strings.Contains(line, "ombruk: ") {
			p.t.Errorf("something was written over the screen: %s", line)
		}
	}
}

// records are the ids of the records by their kind.
func (p *technician) records() map[certs.Kind][]string {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.out, "*.evidence.json"))
	p.must(err)
	all := map[certs.Kind][]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		p.must(err)
		r, err := certs.Open(b)
		p.must(err)
		all[r.Kind] = append(all[r.Kind], strings.TrimSuffix(filepath.Base(name), ".evidence.json"))
	}
	return all
}

// From the asset tag to a green end, in both languages, on the smallest and on
// a large screen; with what a day brings: a question, a mistake, a scanner's
// Enter, a wrong code, a pause for checks, and a phone.
func TestTechnicianFromTagToClean(t *testing.T) {
	for _, tt := range []struct {
		language      string
		columns, rows int
	}{{"nb", 80, 24}, {"en", 120, 40}} {
		t.Run(fmt.Sprintf("%s %dx%d", tt.language, tt.columns, tt.rows), func(t *testing.T) {
			t.Parallel()
			p := sitDown(t, tt.language, tt.columns, tt.rows, "nvme-crypto", "ata-ssd-block")
			p.startScreen("T-10442", "Kartverket", "Kari Å")

			// A mistake: the tag of another machine. Esc goes back all the way.
			p.presses("enter")
			p.sees("machine.nothing-odd")
			p.presses("?")
			p.reads(strings.Fields(p.say("help.machine.1", nil))[0])
			p.presses("esc", "esc")
			p.sees("start.asset")
			p.presses("up", "up", "up", "up", "up", "up", "ctrl+u")
			p.must(p.UntilGone(inTime, "T-10442"))
			p.must(p.Scan("T-10443\r"))
			p.reads("T-10443")
			p.presses("down", "down", "down", "down", "down")
			p.toConfirm()

			// Neither a scanner nor Enter begins anything, nor a wrong code.
			code := p.code()
			p.must(p.Scan(code + "\r"))
			p.reads(firstWords(p.say("confirm.by-hand", nil)))
			p.presses("enter", "enter")
			wrong := "0000"
			if code == wrong {
				wrong = "1111"
			}
			p.must(p.Type(wrong))
			p.reads(firstWords(p.say("confirm.wrong", nil)))
			if n := len(p.records()[certs.KindStarted]); n > 0 {
				t.Fatalf("%d drives were begun without a word", n)
			}
			p.confirms()
			p.finishes()

			// The page that the QR code tells of is there, and says what the screen says.
			p.reads("T-10443", "SIM NVME 4TH", "SIM SATA SSD")
			p.presses("q")
			p.must(p.Until(inTime, "there was a QR code", func(lines []string) bool {
				return strings.Count(strings.Join(lines, ""), "▀")+strings.Count(strings.Join(lines, ""), "█") > 200
			}))
			unit := p.records()[certs.KindUnit]
			if len(unit) != 1 {
				t.Fatalf("%d unit records", len(unit))
			}
			record, err := os.ReadFile(filepath.Join(p.out, unit[0]+".evidence.json"))
			p.must(err)
			code = strings.ToLower(p.readsQR())
			if want := fmt.Sprintf("%s:%x", unit[0], sha256.Sum256(record)); !strings.Contains(code, want) {
				t.Errorf("a phone reads %q, and %s is not in it", code, want)
			}
			p.presses("esc")
			p.sees("action.next-machine")

			if n := len(p.records()[certs.KindSanitization]); n != 2 {
				t.Errorf("%d records of drives", n)
			}

			p.presses("n")
			p.sees("start.asset")
			p.reads("Kari Å")
			p.presses("f10")
			p.sees("leave.title")
			p.presses("down", "enter")
			p.must(p.Wait(inTime))
		})
	}
}

// A machine with graded information is not touched, and its record says so.
func TestTechnicianStopsAtGraded(t *testing.T) {
	t.Parallel()
	p := sitDown(t, "nb", 80, 24, "nvme-crypto")
	p.startScreen("T-1", "", "Kari Å")
	p.presses("up", "space", "enter")
	p.reads("(•) " + p.say("start.yes", nil))
	p.presses("enter")
	p.sees("stopped.what")
	p.undisturbed()
	if all := p.records(); len(all[certs.KindStarted])+len(all[certs.KindSanitization]) > 0 {
		t.Errorf("records: %v", all)
	}
}

// A drive that says it has erased itself and has not is no green end.
func TestTechnicianWithALyingDrive(t *testing.T) {
	t.Parallel()
	p := sitDown(t, "en", 80, 24, "liar-ata-no-effect", "nvme-crypto")
	p.startScreen("T-2", "", "Kari Å")
	p.toConfirm()
	p.confirms()
	p.finishes()
	screen := strings.Join(p.Text(), "\n")
	if strings.Contains(screen, "ALL DRIVES CLEAN") || !strings.Contains(screen, "DESTROY") {
		t.Errorf("the result is\n%s", screen)
	}
}

// A window that is made smaller and larger while drives are erased, down to
// where nothing can be shown, changes nothing.
func TestTechnicianInASmallWindow(t *testing.T) {
	t.Parallel()
	p := sitDown(t, "en", 40, 24, "nvme-crypto", "ata-hdd")
	p.startScreen("T-3", "", "Kari Å")
	p.toConfirm()
	p.confirms()
	p.sees("progress.by-itself-short")
	p.must(p.Resize(20, 8))
	p.must(p.UntilText(inTime, "too small"))
	p.must(p.Resize(80, 24))
	p.sees("progress.by-itself")
	p.undisturbed()
	p.presses("c")
	p.sees("progress.cancel-no", "progress.cancel-yes")
	p.presses("down", "enter")
	p.finishes()
	p.reads("NOT FINISHED")
}

// firstWords are the first three words of a text, which no screen breaks.
func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(3, len(words))], " ")
}

// readsQR has a phone look at the screen.
func (p *technician) readsQR() string {
	p.t.Helper()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		p.t.Fatal("needs zbarimg: apt-get install zbar-tools")
	}
	file := filepath.Join(p.t.TempDir(), "screen.png")
	p.draw(file)
	out, err := exec.Command("zbarimg", "-q", "--raw", file).Output()
	if err != nil {
		p.t.Fatalf("a phone does not read the screen: %v\n%s", err, strings.Join(p.Text(), "\n"))
	}
	return strings.TrimSpace(string(out))
}

// draw makes a picture of the screen.
func (p *technician) draw(file string) {
	p.t.Helper()
	var b bytes.Buffer
	p.must(p.PNG(&b), os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, b.Bytes(), 0o600))
}

var updatePictures = flag.Bool("update", false, "write the pictures of the docs anew")

// The pictures of the docs are those of the screens as they are: each can be
// drawn, and with -update they are drawn anew.
func TestPictures(t *testing.T) {
	if testing.Short() && !*updatePictures {
		t.Skip("pictures are left out of -short")
	}
	for _, language := range []string{"nb", "en"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			p := sitDown(t, language, 80, 24, "nvme-crypto", "ata-hdd", "ata-hdd-old")
			p.startScreen("T-10442", "Kartverket", "Kari Nordmann")
			p.kept("start", language)
			p.presses("enter")
			p.sees("machine.nothing-odd")
			p.kept("machine", language)
			p.presses("enter")
			p.reads("SIM NVME", "SIM SATA")
			p.presses("a")
			p.sees("drives.accept-on")
			p.kept("drives", language)
			p.presses("enter")
			p.sees("action.back-nothing-done")
			p.kept("confirm", language)
			p.confirms()
			p.sees("progress.by-itself-short")
			p.must(p.UntilText(inTime, " 2 %"))
			p.kept("progress", language)
			p.presses("tab")
			p.sees("check.do.skip")
			p.kept("checks", language)

			p = sitDown(t, language, 80, 24, "nvme-crypto", "ata-ssd-block")
			p.startScreen("T-10442", "Kartverket", "Kari Nordmann")
			p.toConfirm()
			p.confirms()
			p.finishes()
			p.kept("result", language)
		})
	}
}

// kept draws the screen for the docs.
func (p *technician) kept(name, language string) {
	p.t.Helper()
	dir := p.t.TempDir()
	if *updatePictures {
		dir = filepath.Join("..", "..", "docs", "screens")
	}
	p.draw(filepath.Join(dir, name+"-"+language+".png"))
}
