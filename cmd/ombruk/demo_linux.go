package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/session"
	"github.com/ombruk/ombruk/inventory"
)

func newDemoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "The main job with no preparation, in one folder, marked as a demo",
		Long: `Takes the inventory of this machine, makes a scratch disk image full of
made-up patient records, really sanitizes it by nist-800-88r2-clear, writes the
signed certificate, and shows that verify accepts it and refuses a forged copy.
Everything is in the output folder, including a key made for the demo. No drive
of this machine is touched.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd) },
	}
}

// The demo's scratch image and what is written in it.
const (
	demoImageName    = "scratch.img"
	demoImageBytes   = 64 << 20
	demoSecret       = "PATIENT RECORD (made up): Ola Nordmann, blood type 0+\n"
	demoOrganisation = "Demo Return Scheme"
	demoOrgnr        = "123456785" // synthetic, with a right check digit
)

func (a *app) demo(cmd *cobra.Command) error {
	ctx := cmd.Context()
	if err := a.demoKeys(); err != nil {
		return err
	}
	machine, err := inventory.Source{}.Machine(ctx)
	if err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	facts, err := json.MarshalIndent(machine, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(a.flags.out, "inventory.json"), append(facts, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	if err := a.inventorySheet(filepath.Join(a.flags.out, "datasheet.pdf"), nil, machine); err != nil {
		return err
	}
	a.say("1. Inventory of this machine: %s, %d drives; in inventory.json and datasheet.pdf", printable(demoMachine(machine)), len(machine.Drives))

	image := filepath.Join(a.flags.out, demoImageName)
	if err := writeScratch(image); err != nil {
		return err
	}
	before, err := countSecret(image)
	if err != nil {
		return err
	}
	a.say("2. A scratch disk of %s with %d made-up patient records: %s", decimalBytes(demoImageBytes), before, demoImageName)

	a.say("3. Sanitized by nist-800-88r2-clear, and read back:")
	b, err := a.demoErase(cmd, image, machine)
	if err != nil {
		return err
	}
	after, err := countSecret(image)
	if err != nil {
		return err
	}
	a.say("   patient records found in the image now: %d", after)

	page := b.run.Done[0].PagePath
	forged, err := forge(page)
	if err != nil {
		return err
	}
	a.say("4. The certificate, and a copy whose date was moved back a year (%s), before the verifier:", filepath.Base(forged))
	trust, err := certs.OpenKeys(a.flags.keys).Trust()
	if err != nil {
		return err
	}
	accepted := make([]bool, 2)
	for i, name := range []string{page, forged} {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		v := certs.Verify(name, data, trust, a.now())
		accepted[i] = v.OK()
		if err := a.showVerdict(v); err != nil {
			return err
		}
	}
	if !accepted[0] || accepted[1] || after != 0 {
		return fail(exitEvidence, "please report this", errors.New("the demo did not come out as it must"))
	}
	a.say(`
Look further (in %s):
  the certificate          %s
  check it                 ombruk verify --keys %s %s
  what it says, in JSON    jq -r .payload %s | base64 -d | jq .
  the forged copy          ombruk verify --keys %s %s
  this machine             ombruk inventory; ombruk drives; ombruk grade
  your own disk image      ombruk plan IMAGE --standard nist-800-88r2-clear`,
		b.station.Folder.Dir(), page, a.flags.keys, page, b.run.Done[0].EvidencePath, a.flags.keys, forged)
	return nil
}

// demoKeys makes the demo's organisation and station in the output folder,
// under a passphrase that nobody knows.
func (a *app) demoKeys() error {
	out, err := filepath.Abs(a.flags.out)
	if err != nil {
		return fmt.Errorf("find the output folder: %w", err)
	}
	a.flags.out, a.flags.keys = out, filepath.Join(out, "keys")
	keys := certs.OpenKeys(a.flags.keys)
	if _, err := os.Stat(a.flags.keys); err == nil {
		return nil // of an earlier demo
	}
	if err := os.MkdirAll(a.flags.out, 0o755); err != nil {
		return fmt.Errorf("make the output folder: %w", err)
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return err
	}
	passphrase := []byte(hex.EncodeToString(b[:]))
	if err := keys.InitOrganisation(demoOrganisation, demoOrgnr, passphrase, a.now(), rand.Reader); err != nil {
		return err
	}
	return keys.NewStation("demo station", passphrase, false, a.now(), rand.Reader)
}

func demoMachine(m inventory.Machine) string {
	if name := strings.TrimSpace(m.System.Manufacturer + " " + m.System.Model); name != "" {
		return name
	}
	return "maker and model not readable here"
}

// demoErase sanitizes the image as `ombruk erase` would, in demo mode.
func (a *app) demoErase(cmd *cobra.Command, image string, m inventory.Machine) (*batch, error) {
	ctx := cmd.Context()
	p := policy.Default()
	f := &jobFlags{standard: "nist-800-88r2-clear"}
	order, err := a.orderOf(f, p)
	if err != nil {
		return nil, err
	}
	r := session.Machine()
	sitting := a.session(r)
	_, drives, err := a.targets(ctx, r, []string{image}, false)
	if err != nil {
		return nil, err
	}
	works, err := a.prepare(ctx, sitting, f, order, drives)
	if err != nil {
		return nil, err
	}
	if err := session.Refusal(works); err != nil {
		return nil, refused(err)
	}
	b := new(batch)
	if b.station, err = a.station(certs.ModeDemo); err != nil {
		return nil, err
	}
	b.machine = m
	if b.order, err = a.order(f, p, certs.Agency{}, b); err != nil {
		return nil, err
	}
	return b, a.runAll(ctx, sitting, b, works)
}

// writeScratch makes an image full of known content.
func writeScratch(name string) error {
	content := bytes.Repeat([]byte(demoSecret), demoImageBytes/len(demoSecret)+1)[:demoImageBytes]
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return fmt.Errorf("make the scratch image: %w", err)
	}
	return nil
}

func countSecret(name string) (int, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("read the scratch image: %w", err)
	}
	return bytes.Count(b, []byte(demoSecret)), nil
}

// forge makes a copy of a page with its date moved back a year.
func forge(page string) (string, error) {
	b, err := os.ReadFile(page)
	if err != nil {
		return "", err
	}
	date := regexp.MustCompile(`/CreationDate \(D:(\d{4})`).FindSubmatchIndex(b)
	if date == nil {
		return "", fmt.Errorf("forge %s: it has no date", page)
	}
	year, err := strconv.Atoi(string(b[date[2]:date[3]]))
	if err != nil {
		return "", err
	}
	copy(b[date[2]:date[3]], fmt.Sprintf("%04d", year-1))
	forged := filepath.Join(filepath.Dir(page), "forged.pdf")
	return forged, os.WriteFile(forged, b, 0o644)
}
