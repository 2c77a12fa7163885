package stick_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/stick"
)

const passphrase = "blåbærsyltetøy"

func monday() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) }

// depot is the office's folder of keys: an organisation and two stations, of
// which "stick 7" signs.
func depot(t testing.TB, dir string) *certs.Keys {
	t.Helper()
	k := certs.OpenKeys(dir)
	check(t, k.InitOrganisation("Depot Ås AS", "974760673", []byte(passphrase), monday(), rand.Reader))
	check(t, k.NewStation("stick 6", []byte(passphrase), false, monday(), rand.Reader))
	check(t, k.NewStation("stick 7", []byte(passphrase), false, monday(), rand.Reader))
	return k
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func settings() stick.Settings {
	return stick.Settings{Built: monday(), Language: "nb", Keyboard: "nb", Standard: "ieee-2883-purge", Agency: "921234554"}
}

// contents are what the office would put on a stick for a station.
func contents(t testing.TB, k *certs.Keys, station string) stick.Contents {
	t.Helper()
	files, info, err := k.StationFiles(station, monday())
	check(t, err)
	return stick.Contents{
		Settings: settings(), Contract: []byte("agreement: {name: Rammeavtale}\n"), ContractName: "Rammeavtale",
		Keys: files, Station: info.Name, Tool: certs.Tool{Name: "ombruk", Version: "1.2.3", Commit: "unknown"},
	}
}

func pack(t testing.TB, k *certs.Keys, c stick.Contents) map[string][]byte {
	t.Helper()
	s, _, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	files, err := stick.Pack(c, s)
	check(t, err)
	return files
}

// built is a whole stick of the depot's.
func built(t testing.TB) (*certs.Keys, map[string][]byte) {
	k := depot(t, t.TempDir())
	return k, pack(t, k, contents(t, k, ""))
}

// onStick is how the files lie on a stick.
func onStick(files map[string][]byte) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: data, Mode: 0o600}
	}
	return fsys
}

func TestAStickLoadsWhatItWasBuiltWith(t *testing.T) {
	k, files := built(t)
	got, err := stick.Load(onStick(files), nil, monday().AddDate(0, 6, 0))
	check(t, err)
	want := settings()
	want.Schema, want.Version = 1, "1.2.3"
	if got.Settings != want || string(got.Contract) != "agreement: {name: Rammeavtale}\n" || got.Policy != nil || got.SelfMade {
		t.Errorf("got %+v", got)
	}
	if s := got.Seal.Sealed; s.Station != "stick 7" || s.Sealer.Name != "stick 7" || s.Contract != "Rammeavtale" || !s.Built.Equal(monday()) {
		t.Errorf("sealed %+v", s)
	}
	// The office believes its own list, not the stick's.
	trust, err := k.Trust()
	check(t, err)
	if _, err := stick.Load(onStick(files), trust, monday()); err != nil {
		t.Errorf("at the office: %v", err)
	}
	// The folder of keys works as it lies on the stick.
	dir := t.TempDir()
	check(t, os.CopyFS(dir, onStick(files)))
	check(t, filepath.WalkDir(filepath.Join(dir, stick.KeysDir), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(name, 0o600)
	}))
	s, created, err := certs.OpenKeys(filepath.Join(dir, stick.KeysDir)).Signer(nil, monday(), rand.Reader)
	if err != nil || created || s.Name() != "stick 7" || !s.Established() {
		t.Errorf("the key on the stick: %v, created %v, %v", s, created, err)
	}
}

func TestTheSameStickHasTheSameBytes(t *testing.T) {
	k, files := built(t)
	again := pack(t, k, contents(t, k, ""))
	for name := range files {
		if string(files[name]) != string(again[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// Only the one key that the stick needs leaves the office, and what is under a
// passphrase stays under it.
func TestNoOtherKeyGoesOnAStick(t *testing.T) {
	dir := t.TempDir()
	k := depot(t, dir)
	check(t, k.NewStation("guarded", []byte(passphrase), true, monday(), rand.Reader))
	for _, tt := range []struct{ station, want string }{{"", "guarded"}, {"stick 6", "stick 6"}, {"guarded", "guarded"}} {
		files, info, err := k.StationFiles(tt.station, monday())
		check(t, err)
		if info.Name != tt.want {
			t.Errorf("station %q: got %q", tt.station, info.Name)
		}
		private := map[string]string{}
		check(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".key" {
				return err
			}
			data, err := os.ReadFile(name)
			private[string(data)] = name
			return err
		}))
		var found []string
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if from, ok := private[string(files[name])]; ok {
				found = append(found, from)
			} else if strings.Contains(string(files[name]), "PRIVATE KEY") {
				t.Errorf("station %q: %s holds a key", tt.station, name)
			}
		}
		if len(private) != 4 || len(found) != 1 || !strings.HasSuffix(found[0], info.KeyID[:32]+".key") {
			t.Errorf("station %q: keys %v", tt.station, found)
		}
		encrypted := strings.Contains(string(files["stations/"+info.KeyID[:32]+".key"]), "ENCRYPTED")
		if encrypted != (tt.want == "guarded") {
			t.Errorf("station %q: encrypted is %v", tt.station, encrypted)
		}
	}
}

func TestAKeyThatCannotSignIsNotTaken(t *testing.T) {
	k := depot(t, t.TempDir())
	_, err := k.Revoke("stick 7", certs.KeyCompromise, monday(), []byte(passphrase), monday())
	check(t, err)
	for _, tt := range []struct {
		station string
		now     time.Time
		want    string
	}{
		{"stick 7", monday(), "was revoked on 2026-03-02"},
		{"", monday(), "was revoked on 2026-03-02"},
		{"stick 6", monday().AddDate(4, 0, 0), "its certificate ended on 2029-03-01"},
		{"stick 8", monday(), "no station of that name"},
	} {
		if _, _, err := k.StationFiles(tt.station, tt.now); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("station %q: got %v, want %s", tt.station, err, tt.want)
		}
	}
	// Its successor has the name from then on.
	check(t, k.NewStation("stick 7", []byte(passphrase), false, monday(), rand.Reader))
	if _, info, err := k.StationFiles("stick 7", monday()); err != nil || info.Revoked != "" {
		t.Errorf("the successor: %+v, %v", info, err)
	}
	if _, _, err := certs.OpenKeys(t.TempDir()).StationFiles("", monday()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestWhatIsWrongWithAStickIsSaid(t *testing.T) {
	k, files := built(t)
	stranger := depot(t, t.TempDir())
	strange := pack(t, stranger, contents(t, stranger, ""))
	tests := []struct {
		name   string
		change func(map[string][]byte)
		now    time.Time
		file   string
		want   error
	}{
		{"another agency typed into the contract", func(f map[string][]byte) { f[stick.ContractFile] = []byte("agreement: {name: En annen}\n") }, monday(), stick.ContractFile, stick.ErrChanged},
		{"made unattended with an editor", func(f map[string][]byte) {
			f[stick.SettingsFile] = []byte(strings.Replace(string(f[stick.SettingsFile]), `"unattended": false`, `"unattended": true`, 1))
		}, monday(), stick.SettingsFile, stick.ErrChanged},
		{"the contract deleted", func(f map[string][]byte) { delete(f, stick.ContractFile) }, monday(), stick.ContractFile, stick.ErrMissing},
		{"a policy slipped in", func(f map[string][]byte) { f[stick.PolicyFile] = []byte("name: mine\n") }, monday(), stick.PolicyFile, stick.ErrExtra},
		{"an organisation trusted besides", func(f map[string][]byte) { f["keys/trusted/x.pem"] = nil }, monday(), "keys/trusted/x.pem", stick.ErrExtra},
		{"the seal deleted", func(f map[string][]byte) { delete(f, stick.SealFile) }, monday(), stick.SealFile, stick.ErrNoSeal},
		{"nothing there", func(f map[string][]byte) { clear(f) }, monday(), stick.SealFile, stick.ErrNoSeal},
		{"a byte of the seal flipped", func(f map[string][]byte) {
			seal := slices.Clone(f[stick.SealFile])
			seal[40] ^= 1
			f[stick.SealFile] = seal
		}, monday(), stick.SealFile, stick.ErrBadSeal},
		{"half of the seal", func(f map[string][]byte) { f[stick.SealFile] = f[stick.SealFile][:100] }, monday(), stick.SealFile, stick.ErrBadSeal},
		{"another's seal", func(f map[string][]byte) { f[stick.SealFile] = strange[stick.SealFile] }, monday(), "", stick.ErrChanged},
		{"three years later", func(map[string][]byte) {}, monday().AddDate(3, 0, 1), stick.SealFile, stick.ErrEndedSealer},
		{"a clock in 1980", func(map[string][]byte) {}, time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := maps.Clone(files)
			tt.change(f)
			_, err := stick.Load(onStick(f), nil, tt.now)
			var se *stick.SealError
			if !errors.Is(err, tt.want) || tt.want != nil && (!errors.As(err, &se) || tt.file != "" && se.File != tt.file) {
				t.Errorf("got %v, want %s: %v", err, tt.file, tt.want)
			}
		})
	}
	// The office knows of a revocation before the stick does, and knows
	// strangers whatever list they carry.
	_, err := k.Revoke("stick 7", certs.KeyCompromise, monday(), []byte(passphrase), monday())
	check(t, err)
	trust, err := k.Trust()
	check(t, err)
	if _, err := stick.Load(onStick(files), trust, monday()); !errors.Is(err, stick.ErrRevokedSealer) {
		t.Errorf("a revoked key: got %v", err)
	}
	if _, err := stick.Load(onStick(strange), trust, monday()); !errors.Is(err, stick.ErrUnknownSealer) {
		t.Errorf("a stranger at the office: got %v", err)
	}
	// A stick that was sealed by an organisation it does not trust itself.
	c := contents(t, k, "stick 6")
	s, _, err := stranger.Signer(nil, monday(), rand.Reader)
	check(t, err)
	if _, err := stick.Pack(c, s); !errors.Is(err, stick.ErrUnknownSealer) {
		t.Errorf("a stranger's seal: got %v", err)
	}
}

// A machine without any key still seals, with one that it makes for itself.
func TestASelfMadeKeySeals(t *testing.T) {
	k := certs.OpenKeys(t.TempDir())
	s, created, err := k.Signer(nil, monday(), rand.Reader)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	files, err := stick.Pack(contents(t, k, ""), s)
	check(t, err)
	got, err := stick.Load(onStick(files), nil, monday())
	if err != nil || !got.SelfMade {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := stick.Load(onStick(files), &certs.Trust{}, monday()); !errors.Is(err, stick.ErrUnknownSealer) {
		t.Errorf("at the office: got %v", err)
	}
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	k := depot(t, t.TempDir())
	s, _, err := k.Signer(nil, monday(), rand.Reader)
	check(t, err)
	for _, tt := range []struct {
		name   string
		change func(*stick.Contents)
		want   string
	}{
		{"a language nobody wrote", func(c *stick.Contents) { c.Settings.Language = "fi" }, `language "fi" is not known: want one of nb, en`},
		{"a keyboard nobody drew", func(c *stick.Contents) { c.Settings.Keyboard = "de" }, `keyboard "de" is not known: want one of nb, sv, da, us`},
		{"neither product nor waste", func(c *stick.Contents) { c.Settings.Status = "gift" }, `status "gift"`},
		{"a standard that is none", func(c *stick.Contents) { c.Settings.Standard = "dod" }, `"dod"`},
		{"no date", func(c *stick.Contents) { c.Settings.Built = time.Time{} }, "when and by which version"},
		{"no version", func(c *stick.Contents) { c.Tool.Version = "" }, "when and by which version"},
		{"an order that clears the screen", func(c *stick.Contents) { c.Settings.Order = "\x1b[2J" }, "cannot be shown"},
		{"an order of a whole page", func(c *stick.Contents) { c.Settings.Order = strings.Repeat("ø", 101) }, "longer than 100 characters"},
		{"unattended without a policy", func(c *stick.Contents) { c.Settings.Unattended = true }, "no policy that says how"},
		{"unattended at a bench", func(c *stick.Contents) { c.Settings.Unattended, c.Settings.Bench = true, true }, "not both"},
	} {
		c := contents(t, k, "")
		tt.change(&c)
		if _, err := stick.Pack(c, s); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestOnlyOrdinaryFilesAreRead(t *testing.T) {
	_, files := built(t)
	for name, file := range map[string]*fstest.MapFile{
		"a link":       {Mode: fs.ModeSymlink, Data: []byte("settings.json")},
		"a pipe":       {Mode: fs.ModeNamedPipe},
		"a huge thing": {Data: make([]byte, 5<<20)},
	} {
		fsys := onStick(files)
		fsys[name] = file
		if _, err := stick.Load(fsys, nil, monday()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A stick that lost its settings altogether is one without a seal.
func TestNoSettingsAtAll(t *testing.T) {
	_, err := stick.Load(os.DirFS(filepath.Join(t.TempDir(), "ombruk")), nil, monday())
	var seal *stick.SealError
	if !errors.Is(err, stick.ErrNoSeal) || !errors.As(err, &seal) {
		t.Errorf("got %v", err)
	}
}

// Whatever loads is what was sealed.
func FuzzLoad(f *testing.F) {
	_, files := built(f)
	names := slices.Sorted(maps.Keys(files))
	for i, name := range names {
		f.Add(i, files[name])
	}
	f.Add(0, []byte(`{}`))
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		name := names[uint(which)%uint(len(names))]
		changed := maps.Clone(files)
		changed[name] = data
		if _, err := stick.Load(onStick(changed), nil, monday()); err == nil && string(files[name]) != string(data) {
			t.Errorf("%s: took %q", name, data)
		}
	})
}
