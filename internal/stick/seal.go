package stick

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ombruk/ombruk/certs"
)

// What is found wrong with the settings of a stick; see [Load].
var (
	ErrNoSeal        = errors.New("is not sealed")
	ErrBadSeal       = errors.New("the seal is damaged")
	ErrChanged       = errors.New("changed since it was sealed")
	ErrMissing       = errors.New("missing, though it was sealed")
	ErrExtra         = errors.New("was not there when it was sealed")
	ErrUnknownSealer = errors.New("sealed by somebody this stick does not know")
	ErrRevokedSealer = errors.New("sealed by a key that was revoked")
	ErrEndedSealer   = errors.New("sealed by a key whose time is over")
	ErrInvalid       = errors.New("makes no sense")
)

// SealError is what is wrong with the settings of a stick.
type SealError struct {
	File   string // in [SettingsDir]
	Reason error  // one of the sentinels above
	Detail string // more for a person; may be empty
}

// Error names the file and says what is wrong with it.
func (e *SealError) Error() string {
	text := fmt.Sprintf("settings of the stick: %s: %v", e.File, e.Reason)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// Unwrap gives the sentinel.
func (e *SealError) Unwrap() error { return e.Reason }

// Bounds on what a folder of settings may hold.
const (
	maxFileBytes = 4 << 20
	maxFiles     = 1000
)

// Contents are what goes into the settings of a stick.
type Contents struct {
	Settings Settings
	// Contract and Policy are the files' bytes, nil where there is none, with
	// the names inside them.
	Contract, Policy         []byte
	ContractName, PolicyName string
	// Keys are the files of the station's folder of keys, by slash-separated
	// path (certs.Keys.StationFiles), and Station is its name.
	Keys    map[string][]byte
	Station string
	// Tool is what builds the stick.
	Tool certs.Tool
}

// Pack gives the files of [SettingsDir] by slash-separated path, sealed by the
// signer. What [Load] would refuse is an error, at the time the settings are
// built. Everything below [KeysDir] is to be readable by its owner alone.
func Pack(c Contents, signer *certs.Signer) (map[string][]byte, error) {
	c.Settings.Version = c.Tool.Version
	settings, err := c.Settings.encode()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{SettingsFile: settings}
	if c.Contract != nil {
		files[ContractFile] = c.Contract
	}
	if c.Policy != nil {
		files[PolicyFile] = c.Policy
	}
	for name, data := range c.Keys {
		files[path.Join(KeysDir, name)] = data
	}
	files[SealFile], err = certs.SealFiles(signer, files, certs.Sealed{
		Built: c.Settings.Built, Tool: c.Tool, Sealer: certs.Station{ID: signer.ID(), Name: signer.Name()},
		Station: c.Station, Contract: c.ContractName, Policy: c.PolicyName,
	})
	if err != nil {
		return nil, err
	}
	if _, err := check(files, nil, c.Settings.Built); err != nil {
		return nil, err
	}
	return files, nil
}

// Loaded is what a stick was built with, after its seal was checked.
type Loaded struct {
	Settings Settings
	// Contract and Policy are the files' bytes, nil where the stick has none.
	Contract, Policy []byte
	// Seal is who sealed it, when and with what.
	Seal *certs.FileList
	// SelfMade means that the key that sealed it was made by the machine that
	// built the stick: no organisation vouches for it.
	SelfMade bool
}

// Load reads and checks the settings in fsys, whose root is [SettingsDir]. The
// seal must be there and whole, by a key of an organisation that is trusted;
// every file it names must be there with its digest, and no other may be. Trust
// is nil on the stick itself, which then believes the list it carries and the
// station's own key: whoever can write to the stick could change those too, so
// the seal catches accidents and casual changes. With the list of the office it
// tells who made the stick. An error is a [SealError], or says what could not be read.
func Load(fsys fs.FS, trust *certs.Trust, now time.Time) (*Loaded, error) {
	files, err := read(fsys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &SealError{File: SealFile, Reason: ErrNoSeal, Detail: "there are no settings at all"}
	}
	if err != nil {
		return nil, fmt.Errorf("read settings of the stick: %w", err)
	}
	return check(files, trust, now)
}

// read reads all files. What is neither a folder nor a regular file is an error.
func read(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s: not a regular file", name)
		case len(files) == maxFiles:
			return fmt.Errorf("more than %d files", maxFiles)
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if len(data) > maxFileBytes {
			return fmt.Errorf("%s: larger than %d bytes", name, maxFileBytes)
		}
		files[name] = data
		return nil
	})
	return files, err
}

func check(files map[string][]byte, trust *certs.Trust, now time.Time) (*Loaded, error) {
	sealed, ok := files[SealFile]
	if !ok {
		return nil, &SealError{File: SealFile, Reason: ErrNoSeal, Detail: "the file is not there"}
	}
	list, err := certs.OpenFiles(sealed)
	if err != nil {
		return nil, &SealError{File: SealFile, Reason: ErrBadSeal, Detail: err.Error()}
	}
	// What was changed is said before who sealed it: a changed trust list
	// would else pass for a strange key.
	for _, name := range slices.Sorted(maps.Keys(list.Digests)) {
		data, ok := files[name]
		switch {
		case !ok:
			return nil, &SealError{File: name, Reason: ErrMissing}
		case certs.Digest(data) != list.Digests[name]:
			return nil, &SealError{File: name, Reason: ErrChanged}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, ok := list.Digests[name]; !ok && name != SealFile {
			return nil, &SealError{File: name, Reason: ErrExtra}
		}
	}
	l := &Loaded{Contract: files[ContractFile], Policy: files[PolicyFile], Seal: list, SelfMade: len(list.Chain) == 1}
	byStation := false
	if trust == nil {
		if trust, err = ownTrust(files); err != nil {
			return nil, err
		}
		byStation = strings.TrimSpace(string(files[KeysDir+"/current"])) == list.Sealed.Sealer.ID
	}
	if err := checkSealer(list, trust, byStation, now); err != nil {
		return nil, err
	}
	if l.Settings, err = decode(files[SettingsFile]); err != nil {
		return nil, &SealError{File: SettingsFile, Reason: ErrInvalid, Detail: err.Error()}
	}
	if l.Settings.Unattended && l.Policy == nil {
		return nil, &SealError{File: PolicyFile, Reason: ErrInvalid, Detail: "the stick is to work unattended and has no policy that says how"}
	}
	if !l.Settings.Built.Equal(list.Sealed.Built) {
		return nil, &SealError{File: SettingsFile, Reason: ErrInvalid, Detail: "it was built at another time than the seal says"}
	}
	return l, nil
}

// ownTrust is the list of whom the stick trusts.
func ownTrust(files map[string][]byte) (*certs.Trust, error) {
	trust := &certs.Trust{}
	for _, folder := range []string{"trusted", "revoked"} { // a list needs its organisation first
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if !strings.HasPrefix(name, KeysDir+"/"+folder+"/") {
				continue
			}
			if _, err := trust.Add(name, files[name]); err != nil {
				return nil, &SealError{File: name, Reason: ErrInvalid, Detail: err.Error()}
			}
		}
	}
	return trust, nil
}

// checkSealer decides whether the key that sealed the files may. The station's
// own may, even if nobody vouches for it.
func checkSealer(list *certs.FileList, trust *certs.Trust, byStation bool, now time.Time) error {
	leaf := list.Chain[0]
	refuse := func(reason error, detail string) error {
		return &SealError{File: SealFile, Reason: reason, Detail: fmt.Sprintf("%q: %s", leaf.Subject.CommonName, detail)}
	}
	switch issuer, why := trust.JudgeFiles(list, now); {
	case issuer == certs.IssuerRevoked:
		return refuse(ErrRevokedSealer, why)
	case issuer == certs.IssuerExpired, now.After(leaf.NotAfter):
		return refuse(ErrEndedSealer, fmt.Sprintf("valid from %s to %s, and the clock says %s",
			leaf.NotBefore.UTC().Format(time.DateOnly), leaf.NotAfter.UTC().Format(time.DateOnly), now.UTC().Format(time.DateOnly)))
	case issuer != certs.IssuerTrusted && !byStation:
		return refuse(ErrUnknownSealer, why)
	}
	return nil
}
