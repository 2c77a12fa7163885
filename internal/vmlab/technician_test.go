//go:build vm && linux

package vmlab

import (
	"crypto/rand"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"
)

// stories says which stories of the boot stick are told.
var stories = flag.String("stories", "usual", "stories of the boot stick: usual, or all with the rarer ones")

func rare(t *testing.T) {
	t.Helper()
	if *stories != "all" {
		t.Skip("a rarer story: -args -stories all, or make vm STORIES=all")
	}
}

// office is where sticks are built and records come back to.
type office struct {
	ombruk, keys string
	stick        stick
}

// theOffice builds the stick of these tests, once: by the command that anybody
// uses, for a station of an organisation, on the serial line.
var theOffice = sync.OnceValues(func() (*office, error) {
	o := &office{ombruk: filepath.Join(partsDir, "ombruk"), keys: filepath.Join(partsDir, "keys")}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", o.ombruk, "../../cmd/ombruk")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if _, err := run(cmd); err != nil {
		return nil, err
	}
	k, now, word := certs.OpenKeys(o.keys), time.Now(), []byte("blåbærsyltetøy")
	if err := k.InitOrganisation("Depot AS", "974760673", word, now, rand.Reader); err != nil {
		return nil, err
	}
	if err := k.NewStation("stick 7", word, false, now, rand.Reader); err != nil {
		return nil, err
	}
	o.stick.file = filepath.Join(partsDir, "stick.img")
	return o, o.makes(o.stick.file, "--keyboard", "nb")
})

// makes builds a stick on the serial line.
func (o *office) makes(file string, flags ...string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	args := []string{"image", "build", file, "--serial", "--size", "256M", "--lang", "en", "--keys", o.keys}
	cmd := exec.Command(o.ombruk, append(args, flags...)...)
	cmd.Env = append(os.Environ(), "OMBRUK_HOME="+filepath.Join(cache, "ombruk-vmlab"))
	_, err = run(cmd)
	return err
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o, err := theOffice()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// technician sits at a station.
type technician struct {
	*station
	text *lang.Text
}

// sitDown turns a station on and waits for the start screen.
func sitDown(t *testing.T, by firmware, args ...string) *technician {
	t.Helper()
	p := newTechnician(t, boot(t, by, args...))
	p.must(p.UntilText(bootWithin, "Ombruk, large text"))
	p.presses("enter")
	menu := time.Since(p.began)
	p.must(p.UntilText(bootWithin, p.say("start.asset")))
	t.Logf("%s: boot menu after %s, start screen after %s", by, menu.Round(100*time.Millisecond), time.Since(p.began).Round(100*time.Millisecond))
	return p
}

func newTechnician(t *testing.T, s *station) *technician {
	t.Helper()
	text, err := lang.For("en")
	if err != nil {
		t.Fatal(err)
	}
	return &technician{station: s, text: text}
}

// say is a text of the screens.
func (p *technician) say(key string) string { return p.text.Get("screen."+key, nil) }

// sees waits until these texts of the screens are there.
func (p *technician) sees(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.must(p.UntilText(shortWithin, p.begins(key)))
	}
}

// begins is how a text of the screens begins: four words, which no screen
// breaks.
func (p *technician) begins(key string) string {
	words := strings.Fields(p.say(key))
	return strings.Join(words[:min(4, len(words))], " ")
}

func (p *technician) reads(words ...string) {
	p.t.Helper()
	p.must(p.UntilText(shortWithin, words...))
}

func (p *technician) presses(keys ...string) {
	p.t.Helper()
	p.must(p.Key(keys...))
}

// starts fills in the start screen and goes on to the drives, until these words
// are there.
func (p *technician) starts(tag string, drives ...string) {
	p.t.Helper()
	p.must(p.Scan(tag + "\r"))
	p.reads(tag)
	p.presses("down", "down")
	p.must(p.Type("Kari"))
	p.reads("Kari")
	p.presses("down", p.say("key.no"))
	p.must(p.Until(shortWithin, "no was ticked", func(lines []string) bool {
		return regexp.MustCompile(`\([^ ]\) ` + p.say("start.no")).MatchString(strings.Join(lines, "\n"))
	}))
	p.presses("enter")
	p.sees("action.continue")
	p.presses("enter")
	p.reads("Manufacturer")
	p.presses("enter")
	p.reads(drives...)
}

// accepts lowers what is accepted to Clear: QEMU's drives have nothing better.
func (p *technician) accepts() {
	p.t.Helper()
	p.presses("a")
	p.sees("drives.accept-on")
	p.must(p.UntilGone(shortWithin, p.say("drives.planning"), "Left alone: Purge"))
}

var asksCode = regexp.MustCompile(`Type the code (\d{4}) to erase`)

// confirms goes on from the drives and types the code.
func (p *technician) confirms() {
	p.t.Helper()
	p.presses("enter")
	p.sees("action.back-nothing-done")
	var m []string
	asked := func(lines []string) bool {
		m = asksCode.FindStringSubmatch(strings.Join(lines, "\n"))
		return m != nil
	}
	// The code stands below the list: a long one is read page by page.
	for range 20 {
		if p.Until(2*time.Second, "a code was asked for", asked) == nil {
			break
		}
		p.presses("pgdown")
	}
	p.must(p.Until(shortWithin, "a code was asked for", asked))
	p.must(p.Type(m[1]))
}

// finishes waits for the drives and goes on to the result, without checks.
func (p *technician) finishes(within time.Duration) {
	p.t.Helper()
	p.must(p.UntilText(within, p.say("progress.all-done")))
	p.presses("enter")
	asks := false
	p.must(p.Until(shortWithin, "it asked for the checks or showed the result", func(lines []string) bool {
		screen := strings.Join(lines, "\n")
		asks = strings.Contains(screen, p.say("progress.do-checks"))
		return asks || strings.Contains(screen, p.say("action.next-machine"))
	}))
	if asks {
		p.presses("down", "enter")
	}
	p.must(p.UntilText(shortWithin, p.say("action.next-machine")))
}

// powersOff ends the day.
func (p *technician) powersOff() {
	p.t.Helper()
	p.presses("o")
	p.must(p.Until(shortWithin, "it asked or went off", func(lines []string) bool {
		return !strings.Contains(strings.Join(lines, "\n"), p.say("action.next-machine")) || strings.Contains(strings.Join(lines, "\n"), p.say("leave.title"))
	}))
	p.must(p.untilOff(shortWithin))
}

// handedIn takes the records off a stick, has ombruk and a reader of PDFs that
// is not ours verify them, and gives the last of each drive by its serial number.
func (o *office) handedIn(t *testing.T, s stick) map[string]*certs.Sanitization {
	t.Helper()
	last := map[string]*certs.Sanitization{}
	for serial, all := range o.allHandedIn(t, s) {
		last[serial] = all[len(all)-1]
	}
	return last
}

// allHandedIn is handedIn with all records, in the order in which they were made.
func (o *office) allHandedIn(t *testing.T, s stick) map[string][]*certs.Sanitization {
	t.Helper()
	dir, names := s.fetched(dataName, "/records")
	if out, err := output(o.ombruk, "verify", dir, "--keys", o.keys); err != nil {
		t.Errorf("ombruk verify: %v\n%s", err, out)
	}
	records := map[string][]*certs.Sanitization{}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, ".pdf"):
			out, err := output("pdfsig", "-nocert", name)
			if err != nil || !strings.Contains(out, "Signature is Valid") {
				t.Errorf("pdfsig %s: %v\n%s", filepath.Base(name), err, out)
			}
		case strings.HasSuffix(name, ".evidence.json"):
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := certs.Open(content)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if s := r.Sanitization; s != nil {
				records[s.Drive.Serial] = append(records[s.Drive.Serial], s)
			}
		}
	}
	return records
}
