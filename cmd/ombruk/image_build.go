package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/bootusb"
	"github.com/ombruk/ombruk/internal/contract"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/internal/stick"
)

// imageFlags are the flags of image build and image pxe.
type imageFlags struct {
	packages, station, keyboard, standard string
	size, binary, time, sbom              string
	firmware, args                        []string
	status                                string
	unattended, bench, serial             bool
}

func (f *imageFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.packages, "packages", "", "folder with the Debian or Ubuntu packages (default: apt fetches them, on those systems)")
	fs.StringVar(&f.station, "station", "", "name of the station whose key goes on the stick (default: the one that signs here)")
	fs.StringVar(&f.keyboard, "keyboard", "", "layout of the keyboard: "+strings.Join(stick.Keyboards(), ", ")+" (default: by the language)")
	fs.StringVar(&f.standard, "standard", "", "standard that is chosen when the screen begins (default: the tool's own)")
	fs.BoolVar(&f.unattended, "unattended", false, "the stick works by itself, as the policy's section unattended says")
	fs.StringVar(&f.status, "status", "", "what machines come in as where nobody says otherwise: product or waste")
	fs.BoolVar(&f.bench, "bench", false, "the stick begins with the bench for loose drives")
	fs.BoolVar(&f.serial, "serial", false, "use the first serial port instead of screen and keyboard")
	fs.StringArrayVar(&f.firmware, "firmware", nil, "package with firmware for storage or graphics that goes on the stick too; once per package")
	fs.StringArrayVar(&f.args, "append", nil, "argument for the kernel; once per argument")
	fs.StringVar(&f.binary, "binary", "", "ombruk for Linux on x86-64 that goes on the stick (default: this program, where it is one)")
	fs.StringVar(&f.time, "time", "", "when the image was made, a date (UTC) or a time (default: SOURCE_DATE_EPOCH, else now)")
	fs.StringVar(&f.sbom, "sbom", "", "file for the list of what is on the stick (CycloneDX), which is also on it")
	_ = cmd.RegisterFlagCompletionFunc("keyboard", cobra.FixedCompletions(stick.Keyboards(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("packages", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
	_ = cmd.RegisterFlagCompletionFunc("standard", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, s := range erase.Standards() {
			ids = append(ids, s.ID+"\t"+s.Title)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
}

func newImageBuild(a *app) *cobra.Command {
	f := new(imageFlags)
	cmd := &cobra.Command{
		Use:   "build FILE",
		Short: "Make the image of a boot stick",
		Long: `Makes the image of a boot stick: starts with Secure Boot on and, where
grub-mkimage is at hand, on machines with a BIOS too. It needs no root and mounts
nothing. On Debian and Ubuntu the signed packages it is made from are fetched and
checked by apt and kept for the next time; elsewhere, put them into a folder and
pass --packages.

On the stick go: the key of one station and the list of who is trusted (see
'ombruk keys'), --contract and --policy, the language (--lang) and the keyboard,
and what the start screen is filled in with (--agency, --order, --standard,
--status).
Without any key one is made here, which nobody vouches for. The organisation's
key and other stations' keys never go on a stick. All of it is sealed with the
key that signs on this machine; 'ombruk image --help' says what that is worth.

The same inputs and --time give the same bytes. FILE holds the station's key:
keep it like one.

Exit status: 0 made; 1 error; 5 refused, FILE is there already; 64 usage;
130 cancelled.`,
		Example: `  ombruk image build stick.img --lang nb
  ombruk image build stick.img --station "stick 7" --contract agreement.yaml
  ombruk image build bench.img --bench --size 8G --firmware firmware-misc-nonfree
  ombruk image build stick.img --packages debs --binary ombruk-linux-amd64`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.imageBuild(cmd.Context(), f, args[0]) },
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.size, "size", "512M", "size of the image: a number and M or G")
	return cmd
}

// imageBuild does the whole of `ombruk image build`.
func (a *app) imageBuild(parent context.Context, f *imageFlags, name string) error {
	sizeBytes, err := parseSize(f.size)
	if err != nil {
		return fail(exitUsage, "write --size 512M or --size 8G", err)
	}
	for _, file := range []string{name, f.sbom} {
		if err := mustBeNew(file); err != nil {
			return err
		}
	}
	ctx, cancel := a.interruptible(parent, func() { a.note("stopping") })
	defer cancel()
	o, s, err := a.stickOptions(ctx, f)
	if err != nil {
		return err
	}
	o.SizeBytes = sizeBytes
	var r bootusb.Result
	err = writeNew(name, func(out *os.File) error {
		r, err = bootusb.Build(ctx, out, o, a.step)
		return err
	})
	if err != nil {
		return buildFail(err)
	}
	if err := writeSBOM(f.sbom, r.SBOM); err != nil {
		return err
	}
	return a.showImage(name, o, s, r)
}

// step tells how far a build is.
func (a *app) step(what string) { fmt.Fprintf(a.stderr, "%s\n", printable(what)) }

// buildFail adds the hint that belongs to an error about packages.
func buildFail(err error) error {
	var missing *bootusb.MissingError
	switch {
	case errors.Is(err, bootusb.ErrNoApt):
		return fail(exitUsage, "put the packages into a folder and pass --packages DIR; docs/image.md names them", err)
	case errors.As(err, &missing):
		return fail(exitError, "put them into that folder as well; docs/image.md says where they come from", err)
	case errors.Is(err, context.Canceled):
		return fail(exitCancelled, "", errors.New("stopped; nothing was made"))
	}
	return fail(exitError, "", err)
}

// onStick is what goes on a stick besides the system.
type onStick struct {
	settings stick.Settings
	key      certs.KeyInfo
	sealer   *certs.Signer
	contract string // names; empty without one
	policy   string
}

// stickOptions gathers what a stick is built from. Whatever can be wrong with
// the flags is found before packages are fetched.
func (a *app) stickOptions(ctx context.Context, f *imageFlags) (bootusb.Options, onStick, error) {
	var none bootusb.Options
	program, err := a.stickProgram(f.binary)
	if err != nil {
		return none, onStick{}, err
	}
	files, s, err := a.stickSettings(f)
	if err != nil {
		return none, s, err
	}
	var packages bootusb.Packages
	if f.packages != "" {
		packages, err = bootusb.Open(f.packages, f.firmware)
	} else {
		var cache string
		if cache, err = packagesDir(); err != nil {
			return none, s, err
		}
		packages, err = bootusb.Fetch(ctx, cache, f.firmware, a.step)
	}
	if err != nil {
		return none, s, buildFail(err)
	}
	return bootusb.Options{
		Packages: packages, Program: program, Settings: files, Args: f.args, Time: s.settings.Built,
		Unattended: f.unattended, Serial: f.serial,
	}, s, nil
}

// packagesDir is where fetched packages are kept.
func packagesDir() (string, error) {
	if home := os.Getenv("OMBRUK_HOME"); home != "" {
		return filepath.Join(home, "packages"), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fail(exitError, "set OMBRUK_HOME or pass --packages DIR", fmt.Errorf("find the folder for packages: %w", err))
	}
	return filepath.Join(dir, "ombruk", "packages"), nil
}

// stickProgram is the program that a stick runs.
func (a *app) stickProgram(name string) ([]byte, error) {
	hint := "pass a file that --binary accepts: ombruk for Linux on x86-64, as it is released"
	if name == "" {
		hint = "build it static for Linux on x86-64 (CGO_ENABLED=0, or make build), or pass a released one: --binary FILE"
		var err error
		if name, err = os.Executable(); err != nil {
			return nil, fail(exitUsage, hint, fmt.Errorf("find this program: %w", err))
		}
		if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
			return nil, fail(exitUsage, hint, fmt.Errorf("this program is for %s on %s, and a stick runs Linux on x86-64", runtime.GOOS, runtime.GOARCH))
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fail(exitUsage, hint, fmt.Errorf("read the program for the stick: %w", err))
	}
	if err := bootusb.CheckProgram(b); err != nil {
		return nil, fail(exitUsage, hint, fmt.Errorf("%s: %w", name, err))
	}
	info, err := buildinfo.Read(bytes.NewReader(b))
	if err != nil {
		a.note("%s does not say what it was built from: it is taken for ombruk", name)
	} else if info.Main.Path != "github.com/ombruk/ombruk" {
		return nil, fail(exitUsage, hint, fmt.Errorf("%s is %s, not ombruk", name, info.Main.Path))
	}
	return b, nil
}

// stickSettings gives the sealed files of a stick.
func (a *app) stickSettings(f *imageFlags) (map[string][]byte, onStick, error) {
	s := onStick{}
	var err error
	if s.settings, err = a.settings(f); err != nil {
		return nil, s, err
	}
	c := stick.Contents{Settings: s.settings, Tool: certs.Tool{Name: "ombruk", Version: toolVersion(), Commit: toolCommit()}}
	if _, err := a.agency(a.flags.agency); err != nil {
		return nil, s, err
	}
	if a.flags.contract != "" {
		agreement, err := contract.Load(a.flags.contract)
		if err != nil {
			return nil, s, err
		}
		if c.Contract, err = os.ReadFile(a.flags.contract); err != nil {
			return nil, s, fmt.Errorf("read contract: %w", err)
		}
		s.contract = agreement.Agreement.Name
	}
	if c.Policy, s.policy, err = a.stickPolicy(f); err != nil {
		return nil, s, err
	}
	c.ContractName, c.PolicyName = s.contract, s.policy
	if c.Keys, err = a.stickKeys(f.station, &s); err != nil {
		return nil, s, err
	}
	c.Station = s.key.Name
	files, err := stick.Pack(c, s.sealer)
	switch {
	case errors.Is(err, stick.ErrEndedSealer):
		return nil, s, fail(exitUsage, "choose a --time (or SOURCE_DATE_EPOCH) at which that key is valid, or issue another with 'ombruk keys station'", err)
	case errors.Is(err, stick.ErrUnknownSealer):
		return nil, s, fail(exitError, "'ombruk keys trust organisation.pem' trusts the organisation on this machine, and on the sticks it makes", err)
	case err != nil:
		return nil, s, fail(exitUsage, "", err)
	}
	return files, s, nil
}

// settings reads the flags.
func (a *app) settings(f *imageFlags) (stick.Settings, error) {
	s := stick.Settings{
		Schema: 1, Version: toolVersion(),
		Standard: f.standard, Agency: a.flags.agency, Order: a.flags.order, Status: f.status, Unattended: f.unattended, Bench: f.bench,
		Language: a.flags.lang, Keyboard: f.keyboard,
	}
	if a.flags.asset != "" || a.flags.operator != "" {
		return s, fail(exitUsage, "the start screen asks for them", errors.New("--asset and --operator are of one job and do not go on a stick"))
	}
	if s.Language == "" {
		s.Language = lang.Detect(os.Getenv)
	}
	if s.Keyboard == "" {
		if s.Keyboard = "us"; s.Language == "nb" {
			s.Keyboard = "nb"
		}
	}
	if f.unattended && f.standard != "" {
		return s, fail(exitUsage, "write it into the policy's section unattended", errors.New("--standard and --unattended exclude each other: the policy says the standard"))
	}
	var err error
	if s.Built, err = a.buildTime(f.time); err != nil {
		return s, err
	}
	if err := s.Check(); err != nil {
		return s, fail(exitUsage, "", err)
	}
	return s, nil
}

// buildTime is when the image is said to be made, to the second.
func (a *app) buildTime(flag string) (time.Time, error) {
	if flag == "" {
		t, err := buildDate(a.now)
		if err != nil {
			return t, fail(exitUsage, "it is a number of seconds since 1970", err)
		}
		return t.Truncate(time.Second), nil
	}
	t, err := parseWhen(flag)
	if err != nil {
		return t, fail(exitUsage, "write --time 2026-11-01 or --time 2026-11-01T08:00:00Z", fmt.Errorf("--time %w", err))
	}
	return t.UTC().Truncate(time.Second), nil
}

// stickPolicy gives the policy's bytes and name; nil and empty for the tool's
// own.
func (a *app) stickPolicy(f *imageFlags) ([]byte, string, error) {
	p, err := a.loadPolicy()
	if err != nil {
		return nil, "", err
	}
	if f.unattended && p.Unattended == nil {
		return nil, "", fail(exitUsage, "pass --policy FILE with a section unattended; docs/policy.md shows one", errors.New("--unattended needs a policy that says which machines, which standard and what then"))
	}
	if a.flags.policy == "" {
		return nil, "", nil
	}
	src, err := policy.Source(a.flags.policy)
	if err == nil && certs.Digest(src) != p.SHA256 {
		err = fmt.Errorf("policy %s: it changes while it is read", a.flags.policy)
	}
	return src, p.Name, err
}

// stickKeys takes the station's key and opens the one that seals.
func (a *app) stickKeys(station string, s *onStick) (map[string][]byte, error) {
	k, err := a.openKeys()
	if err != nil {
		return nil, err
	}
	now := a.now()
	if station != "" { // before a key is made that nobody asked for
		if _, _, err := k.StationFiles(station, now); err != nil {
			return nil, fail(exitUsage, "'ombruk keys list' shows the stations, 'ombruk keys station NAME' makes one", err)
		}
	}
	ask := func() ([]byte, error) { return a.passphrase("station key", false) }
	var created bool
	if s.sealer, created, err = k.Signer(ask, now, rand.Reader); err != nil {
		return nil, keysFail(err)
	}
	if created {
		a.note("no station key was here, so one was made: nobody vouches for it, and the records of the stick will be called untrusted. 'ombruk keys init' and 'ombruk keys station' make better ones")
	}
	files, info, err := k.StationFiles(station, now)
	if err != nil {
		return nil, keysFail(err)
	}
	s.key = info
	return files, nil
}

// sizePattern is what --size takes.
var sizePattern = regexp.MustCompile(`^([1-9][0-9]{0,6})([MG])$`)

// parseSize reads 512M or 8G, in MiB and GiB.
func parseSize(s string) (int64, error) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("--size %q: want a whole number and M or G", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("--size %q: %w", s, err)
	}
	unit, most := int64(1<<20), int64(2<<40)
	if m[2] == "G" {
		unit = 1 << 30
	}
	if n > most/unit {
		return 0, fmt.Errorf("--size %s: no stick is that large", s)
	}
	return n * unit, nil
}

// mustBeNew refuses a file that is there already. Empty names none.
func mustBeNew(name string) error {
	info, err := os.Lstat(name)
	switch {
	case name == "" || errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeDevice != 0:
		return fail(exitRefused, "make a file first; 'ombruk image write FILE "+name+"' then puts it on the stick", fmt.Errorf("refused: %s is a device", name))
	}
	return fail(exitRefused, "delete it first, or choose another name", fmt.Errorf("refused: %s: exists already", name))
}

// writeNew makes a file appear whole, readable by its owner alone, or not at all.
func writeNew(name string, write func(*os.File) error) (err error) {
	dir := filepath.Dir(name)
	out, err := os.CreateTemp(dir, ".ombruk-new-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = out.Close() // fails once closed
		if err != nil {
			_ = os.Remove(out.Name())
		}
	}()
	if err = write(out); err != nil {
		return err
	}
	if err = out.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err = out.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err = mustBeNew(name); err != nil { // it may have come meanwhile
		return err
	}
	if err = os.Rename(out.Name(), name); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeSBOM(name string, b []byte) error {
	if name == "" {
		return nil
	}
	return writeNew(name, func(out *os.File) error {
		_, err := out.Write(b)
		return err
	})
}

// showImage says what was made and what is on it.
func (a *app) showImage(name string, o bootusb.Options, s onStick, r bootusb.Result) error {
	if a.flags.json {
		return a.emit(struct {
			Type   string `json:"type"`
			Schema int    `json:"schema"`
			File   string `json:"file"`
			imageFacts
		}{"image", 1, name, factsOf(o, s, r)})
	}
	a.say("%s: %d MiB", oneLine(name), r.SizeBytes>>20)
	a.showFacts(factsOf(o, s, r))
	return nil
}

// imageFacts are what is said of an image.
type imageFacts struct {
	SizeBytes int64          `json:"size_bytes,omitempty"`
	SHA256    string         `json:"sha256,omitempty"`
	Built     time.Time      `json:"built"`
	Kernel    string         `json:"kernel"`
	Modules   int            `json:"modules"`
	Packages  []imagePackage `json:"packages"`
	Signers   []imageSigner  `json:"signers"`
	BIOS      bool           `json:"bios"`
	WhyNoBIOS string         `json:"why_no_bios"`
	Station   string         `json:"station"`
	KeyID     string         `json:"keyid"`
	KeyEnds   time.Time      `json:"key_ends"`
	Vouched   bool           `json:"vouched"` // an organisation issued the station's key
	SealedBy  string         `json:"sealed_by"`
	Contract  string         `json:"contract"`
	Policy    string         `json:"policy"`
	Settings  stick.Settings `json:"settings"`
}

type imagePackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

type imageSigner struct {
	Program string   `json:"program"`
	Names   []string `json:"names"`
}

func factsOf(o bootusb.Options, s onStick, r bootusb.Result) imageFacts {
	facts := imageFacts{
		SizeBytes: r.SizeBytes, SHA256: r.SHA256, Built: s.settings.Built, Kernel: r.Kernel, Modules: r.Modules, BIOS: r.BIOS, WhyNoBIOS: r.WhyNoBIOS,
		Station: s.key.Name, KeyID: s.key.KeyID, KeyEnds: s.key.NotAfter, Vouched: s.key.Established, SealedBy: s.sealer.Name(),
		Contract: s.contract, Policy: s.policy, Settings: s.settings,
	}
	for _, p := range o.Packages.List() {
		facts.Packages = append(facts.Packages, imagePackage{p.Name, p.Version, p.SHA256})
	}
	for _, p := range r.Signers {
		facts.Signers = append(facts.Signers, imageSigner{p.Program, append([]string{}, p.Names...)})
	}
	return facts
}

// showFacts shows them to a person.
func (a *app) showFacts(i imageFacts) {
	line := func(what, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			a.say("    %-12s %s", what, oneLine(text))
		}
	}
	line("starts with", "UEFI, also with Secure Boot on")
	if i.BIOS {
		line("", "BIOS")
	} else if i.WhyNoBIOS != "" {
		line("", "not BIOS: %s", i.WhyNoBIOS)
	}
	line("kernel", "%s, %d drivers", i.Kernel, i.Modules)
	for _, s := range i.Signers {
		line("signed", "%s by %s", s.Program, strings.Join(s.Names, " and "))
	}
	vouched := "nobody vouches for it"
	if i.Vouched {
		vouched = "ends on " + i.KeyEnds.Format(time.DateOnly)
	}
	line("station", "%s (%s)", i.Station, vouched)
	line("sealed by", "%s", i.SealedBy)
	line("contract", "%s", i.Contract)
	line("policy", "%s", i.Policy)
	line("language", "%s, keyboard %s", i.Settings.Language, i.Settings.Keyboard)
	line("agency", "%s", i.Settings.Agency)
	line("order", "%s", i.Settings.Order)
	line("standard", "%s", i.Settings.Standard)
	line("come in as", "%s", i.Settings.Status)
	switch {
	case i.Settings.Unattended:
		line("works", "by itself, as the policy says")
	case i.Settings.Bench:
		line("works", "as a bench for loose drives")
	}
	line("built", "%s", i.Built.Format(time.RFC3339))
	line("sha256", "%s", i.SHA256)
}
