package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNoOrganisation is the cause when a folder has no organisation's key.
var ErrNoOrganisation = errors.New("no organisation key here")

// ErrEnded is the cause when a certificate is past its end.
var ErrEnded = errors.New("ended")

// Keys is a folder of keys:
//
//	organisation.key, organisation.pem   the organisation's key, always under a passphrase
//	stations/<id>.key, <id>.pem          stations' keys and certificates, id being the start of the key id
//	current                              key id of the station key that signs
//	trusted/<fingerprint>.pem            organisations whose stations are believed
//	revoked/<fingerprint>.crl.pem        the newest revocation list of each
//
// A station needs neither organisation.key nor other stations' keys. To stop
// trusting an organisation, delete its files from trusted and from revoked.
type Keys struct{ dir string }

// OpenKeys names a folder, which need not exist yet. It does no I/O.
func OpenKeys(dir string) *Keys { return &Keys{dir} }

// Role says what a [KeyInfo] describes.
type Role string

// The roles.
const (
	RoleOrganisation Role = "organisation" // the key in this folder
	RoleStation      Role = "station"
	RoleTrusted      Role = "trusted"     // another's certificate, or this one's, that is believed
	RoleRevocations  Role = "revocations" // a revocation list; the fields are its issuer's
)

// KeyInfo describes one certificate for people.
type KeyInfo struct {
	Role         Role      `json:"role"`
	Name         string    `json:"name"`
	Organisation string    `json:"organisation"` // empty for a key that a station made for itself
	Identifier   string    `json:"identifier"`   // organizationIdentifier, ETSI EN 319 412-1 section 5.1.4
	KeyID        string    `json:"keyid"`
	Fingerprint  string    `json:"fingerprint"` // SHA-256 of the certificate, hex
	Serial       string    `json:"serial"`      // hex
	NotBefore    time.Time `json:"not_before"`
	NotAfter     time.Time `json:"not_after"`
	// Current marks the station key that signs; Established is false for a
	// key that a station made for itself.
	Current     bool `json:"current"`
	Established bool `json:"established"`
	// Revoked is why, empty when it is not; RevokedSince is nil then.
	Revoked      Reason     `json:"revoked"`
	RevokedSince *time.Time `json:"revoked_since"`
	File         string     `json:"file"` // empty when it is not kept
}

func describe(role Role, cert *x509.Certificate) KeyInfo {
	info := KeyInfo{
		Role: role, Name: cert.Subject.CommonName, Organisation: organisation(cert),
		KeyID: keyID(cert), Fingerprint: fingerprint(cert), Serial: cert.SerialNumber.Text(16),
		NotBefore: cert.NotBefore.UTC(), NotAfter: cert.NotAfter.UTC(),
		Established: cert.IsCA || !bytes.Equal(cert.RawIssuer, cert.RawSubject),
	}
	for _, name := range cert.Subject.Names {
		if name.Type.Equal(oidOrganizationIdentifier) {
			info.Identifier, _ = name.Value.(string)
		}
	}
	return info
}

func (k *Keys) path(parts ...string) string {
	return filepath.Join(append([]string{k.dir}, parts...)...)
}

// short is the part of a digest that names a file.
func short(digest string) string { return digest[:32] }

// InitOrganisation makes the organisation's key (ECDSA P-384, valid 20 years,
// kept under the passphrase) and trusts it in this folder. A Norwegian
// organisation number (9 digits) is checked; others are taken as given. It never
// overwrites a key ([ErrExists]), and refuses to work by a clock that is plainly
// wrong. Random makes the serial number; the key's own randomness is the
// system's.
func (k *Keys) InitOrganisation(org, orgnr string, passphrase []byte, now time.Time, random io.Reader) error {
	keyPath, certPath := k.path("organisation.key"), k.path("organisation.pem")
	for _, path := range []string{keyPath, certPath} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("make organisation key: %s: %w", path, ErrExists)
		}
	}
	if len(passphrase) == 0 {
		return errors.New("make organisation key: the passphrase is empty")
	}
	subject, err := organisationSubject(org, orgnr)
	if err != nil {
		return fmt.Errorf("make organisation key: %w", err)
	}
	if now.Before(earliestClock()) {
		return fmt.Errorf("make organisation key: this machine's clock says %s, which cannot be", now.UTC().Format(time.DateOnly))
	}
	key, cert, err := newAuthority(subject, now, random)
	if err != nil {
		return fmt.Errorf("make organisation key: %w", err)
	}
	pemKey, err := encodeKey(key, passphrase)
	if err != nil {
		return fmt.Errorf("make organisation key: %w", err)
	}
	if err := writeDurably(keyPath, pemKey, 0o600, false); err != nil {
		return err
	}
	encoded := encodeChain([]*x509.Certificate{cert})
	if err := writeDurably(k.path("trusted", short(fingerprint(cert))+".pem"), encoded, 0o644, true); err != nil {
		return err
	}
	return writeDurably(certPath, encoded, 0o644, false)
}

// organisationCert reads the organisation's certificate; [ErrNoOrganisation]
// when there is none.
func (k *Keys) organisationCert() (*x509.Certificate, error) {
	path := k.path("organisation.pem")
	chain, err := readChainFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", k.dir, ErrNoOrganisation)
	case err != nil:
		return nil, err
	case len(chain) != 1:
		return nil, fmt.Errorf("read certificate %s: %d certificates, want one", path, len(chain))
	}
	if err := checkAuthority(chain[0]); err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", path, err)
	}
	return chain[0], nil
}

// unlockOrganisation reads the organisation's key and certificate.
func (k *Keys) unlockOrganisation(passphrase []byte) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	cert, err := k.organisationCert()
	if err != nil {
		return nil, nil, err
	}
	path := k.path("organisation.key")
	key, err := readKeyFile(path, elliptic.P384(), func() ([]byte, error) { return passphrase, nil })
	if err != nil {
		return nil, nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("read key %s: it does not belong to the certificate beside it", path)
	}
	return key, cert, nil
}

// NewStation makes a station's key (ECDSA P-256, valid 3 years) issued by the
// organisation, which becomes the one that signs. Passphrase opens the
// organisation's key; with protect the station's key is put under it too, else
// the file can be read by its owner alone. Where the clock is before the
// organisation's certificate, validity begins with that.
func (k *Keys) NewStation(name string, passphrase []byte, protect bool, now time.Time, random io.Reader) error {
	issuerKey, issuer, err := k.unlockOrganisation(passphrase)
	if err != nil {
		return fmt.Errorf("make station key: %w", err)
	}
	key, cert, err := newStation(name, issuer, issuerKey, now, random)
	if err != nil {
		return fmt.Errorf("make station key: %w", err)
	}
	if !protect {
		passphrase = nil
	}
	return k.addStation(key, []*x509.Certificate{cert, issuer}, passphrase)
}

// addStation stores a station's key and makes it the one that signs. The
// pointer comes last: a power cut before it leaves the old state.
func (k *Keys) addStation(key *ecdsa.PrivateKey, chain []*x509.Certificate, passphrase []byte) error {
	pemKey, err := encodeKey(key, passphrase)
	if err != nil {
		return fmt.Errorf("make station key: %w", err)
	}
	id := keyID(chain[0])
	base := k.path("stations", short(id))
	if err := writeDurably(base+".key", pemKey, 0o600, false); err != nil {
		return err
	}
	if err := writeDurably(base+".pem", encodeChain(chain), 0o644, false); err != nil {
		return err
	}
	return writeDurably(k.path("current"), []byte(id+"\n"), 0o644, true)
}

// Signer gives the station key that signs. Where the folder has none at all the
// station makes one for itself, and created is true: it proves that a record was
// not changed, nobody vouches for it, and [Verify] calls it untrusted everywhere.
// Passphrase is called only for a key that is under one, and may be nil. A key
// that is known to be revoked is an error, and so is one whose certificate ended
// before now: better refused here than by everybody who verifies.
func (k *Keys) Signer(passphrase func() ([]byte, error), now time.Time, random io.Reader) (s *Signer, created bool, err error) {
	id, err := k.current()
	if err != nil {
		return nil, false, fmt.Errorf("open station key: %w", err)
	}
	if id == "" {
		key, cert, err := newLocal(random)
		if err != nil {
			return nil, false, fmt.Errorf("make local station key: %w", err)
		}
		if err := k.addStation(key, []*x509.Certificate{cert}, nil); err != nil {
			return nil, false, fmt.Errorf("make local station key: %w", err)
		}
		id, created = short(keyID(cert)), true
	}
	s, err = k.load(id, passphrase)
	if err != nil {
		return nil, false, fmt.Errorf("open station key: %w", err)
	}
	if end := s.Certificate().NotAfter; now.After(end) {
		return nil, false, fmt.Errorf("open station key: the certificate of %q: %w on %s, and this machine's clock says %s",
			s.Name(), ErrEnded, end.UTC().Format(time.DateOnly), now.UTC().Format(time.DateOnly))
	}
	return s, created, nil
}

// load reads the station key whose files begin with id.
func (k *Keys) load(id string, passphrase func() ([]byte, error)) (*Signer, error) {
	base := k.path("stations", id)
	chain, err := readChainFile(base + ".pem")
	if err != nil {
		return nil, err
	}
	key, err := readKeyFile(base+".key", elliptic.P256(), passphrase)
	if err != nil {
		return nil, err
	}
	s, err := NewSigner(key, chain)
	if err != nil {
		return nil, fmt.Errorf("%s.pem: %w", base, err)
	}
	if !strings.HasPrefix(s.ID(), id) {
		return nil, fmt.Errorf("%s.pem: holds another key than its name says", base)
	}
	trust, err := k.Trust()
	if err != nil {
		return nil, err
	}
	if a := trust.find(chain[len(chain)-1]); a != nil {
		if entry := a.revoked(chain[0]); entry != nil {
			return nil, fmt.Errorf("%s.key: the key of %q was revoked on %s (%s)", base, s.Name(),
				entry.RevocationTime.UTC().Format(time.DateOnly), reasonOf(entry.ReasonCode))
		}
	}
	return s, nil
}

// current gives the start of the id of the key that signs, empty when there is
// no key. Without a pointer a single key is meant: it was cut off by a power cut,
// or the folder was filled by hand.
func (k *Keys) current() (string, error) {
	path := k.path("current")
	data, _, err := readSmallFile(path)
	if err == nil {
		id := strings.TrimSpace(string(data))
		if len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
			return "", fmt.Errorf("%s: not a key id", path)
		}
		return short(id), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	paths, err := k.files("stations", ".key")
	if err != nil {
		return "", err
	}
	// A key whose certificate was never written has never signed anything.
	paths = slices.DeleteFunc(paths, func(p string) bool {
		_, err := os.Stat(strings.TrimSuffix(p, ".key") + ".pem")
		return err != nil
	})
	switch len(paths) {
	case 0:
		return "", nil
	case 1:
		return strings.TrimSuffix(filepath.Base(paths[0]), ".key"), nil
	}
	return "", fmt.Errorf("%s: missing, and there are %d keys to choose from", path, len(paths))
}

// Trust gives the organisations trusted in this folder and their revocation
// lists. A damaged file is an error: a list that cannot be read must not pass
// for an empty one.
func (k *Keys) Trust() (*Trust, error) {
	trust := &Trust{}
	paths, err := k.trustFiles()
	if err != nil {
		return nil, fmt.Errorf("read trust list: %w", err)
	}
	for _, path := range paths {
		data, _, err := readSmallFile(path)
		if err != nil {
			return nil, fmt.Errorf("read trust list: %w", err)
		}
		if _, err := trust.Add(path, data); err != nil {
			return nil, err
		}
	}
	return trust, nil
}

// trustFiles are the certificates of who is trusted, and then their revocation
// lists.
func (k *Keys) trustFiles() ([]string, error) {
	trusted, err := k.files("trusted", ".pem")
	if err != nil {
		return nil, err
	}
	revoked, err := k.files("revoked", ".crl.pem")
	return append(trusted, revoked...), err
}

// files are those in a folder whose names end so, sorted. A folder that is not
// there has none; one that cannot be read must not pass for that, as it would
// with filepath.Glob, which besides takes a [ in the path for a pattern.
func (k *Keys) files(folder, suffix string) ([]string, error) {
	entries, err := os.ReadDir(k.path(folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, k.path(folder, e.Name()))
		}
	}
	return paths, nil
}

// TrustFile trusts from now on what a file holds; see [Trust.Add]. Whoever calls
// it must show the fingerprints, so that a person can compare them.
func (k *Keys) TrustFile(path string) ([]KeyInfo, error) {
	trust, err := k.Trust()
	if err != nil {
		return nil, err
	}
	data, _, err := readSmallFile(path)
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	added, err := trust.Add(path, data)
	if err != nil {
		return nil, err
	}
	for i := range added {
		for _, a := range trust.authorities {
			if fingerprint(a.cert) != added[i].Fingerprint {
				continue
			}
			if added[i].File, err = k.keep(added[i].Role, a); err != nil {
				return nil, err
			}
		}
	}
	return added, nil
}

// keep stores an authority's certificate or revocation list.
func (k *Keys) keep(role Role, a authority) (string, error) {
	path, data := k.path("trusted", short(fingerprint(a.cert))+".pem"), encodeChain([]*x509.Certificate{a.cert})
	if role == RoleRevocations {
		path, data = k.path("revoked", short(fingerprint(a.cert))+".crl.pem"), encodeList(a.crl.Raw)
	}
	return path, writeDurably(path, data, 0o644, true)
}

// List describes every key and certificate in the folder: the organisation's
// own, the stations' by name, the trusted.
func (k *Keys) List() ([]KeyInfo, error) {
	var list []KeyInfo
	cert, err := k.organisationCert()
	switch {
	case err == nil:
		info := describe(RoleOrganisation, cert)
		info.File = k.path("organisation.pem")
		list = append(list, info)
	case !errors.Is(err, ErrNoOrganisation):
		return nil, err
	}
	stations, err := k.stations()
	if err != nil {
		return nil, err
	}
	list = append(list, stations...)
	trust, err := k.Trust()
	if err != nil {
		return nil, err
	}
	for _, a := range trust.authorities {
		info := describe(RoleTrusted, a.cert)
		info.File = k.path("trusted", short(info.Fingerprint)+".pem")
		list = append(list, info)
	}
	return list, nil
}

// stations describes the stations' certificates, by name and then by age.
func (k *Keys) stations() ([]KeyInfo, error) {
	trust, err := k.Trust()
	if err != nil {
		return nil, err
	}
	current, err := k.current()
	if err != nil {
		return nil, err
	}
	paths, err := k.files("stations", ".pem")
	if err != nil {
		return nil, err
	}
	var list []KeyInfo
	for _, path := range paths {
		chain, err := readChainFile(path)
		if err != nil {
			return nil, err
		}
		info := describe(RoleStation, chain[0])
		info.File, info.Established, info.Current = path, len(chain) > 1, short(info.KeyID) == current
		if a := trust.find(chain[len(chain)-1]); a != nil {
			if entry := a.revoked(chain[0]); entry != nil {
				since := entry.RevocationTime.UTC()
				info.Revoked, info.RevokedSince = reasonOf(entry.ReasonCode), &since
			}
		}
		list = append(list, info)
	}
	slices.SortStableFunc(list, func(a, b KeyInfo) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return a.NotBefore.Compare(b.NotBefore)
	})
	return list, nil
}

// Revoke takes a station's certificate back: it makes a new X.509 revocation
// list, signed by the organisation, and keeps it; [KeyInfo.File] is the list, to
// be handed to everybody who verifies. Which is a station's name, the start of
// its key id (8 digits or more) or its serial number in hex. Since is when the
// key stopped being good, at most now. See the rules of [Verify] for what a
// reason does to records already made. A key revoked in good order may be
// revoked again for [KeyCompromise] or [Unspecified]; nothing takes that back.
func (k *Keys) Revoke(which string, reason Reason, since time.Time, passphrase []byte, now time.Time) (KeyInfo, error) {
	info, err := k.revoke(which, reason, since, passphrase, now)
	if err != nil {
		return KeyInfo{}, fmt.Errorf("revoke %s: %w", which, err)
	}
	return info, nil
}

func (k *Keys) revoke(which string, reason Reason, since time.Time, passphrase []byte, now time.Time) (KeyInfo, error) {
	code, err := reason.code()
	if err != nil {
		return KeyInfo{}, err
	}
	if since.After(now) {
		return KeyInfo{}, fmt.Errorf("since %s is in the future", since.UTC().Format(time.RFC3339))
	}
	info, err := k.findStation(which)
	if err != nil {
		return KeyInfo{}, err
	}
	key, cert, err := k.unlockOrganisation(passphrase)
	if err != nil {
		return KeyInfo{}, err
	}
	trust, err := k.Trust()
	if err != nil {
		return KeyInfo{}, err
	}
	a := trust.find(cert)
	if a == nil {
		a = &authority{cert: cert}
	}
	chain, err := readChainFile(info.File)
	if err != nil {
		return KeyInfo{}, err
	}
	if !chain[len(chain)-1].Equal(cert) {
		return KeyInfo{}, fmt.Errorf("the key of %q was not issued by the organisation of this folder", info.Name)
	}
	serial, _ := new(big.Int).SetString(info.Serial, 16)
	entries := []x509.RevocationListEntry{}
	if a.crl != nil {
		for _, old := range a.crl.RevokedCertificateEntries {
			if old.SerialNumber.Cmp(serial) == 0 {
				if !reasonOf(old.ReasonCode).orderly() || reason.orderly() {
					return KeyInfo{}, fmt.Errorf("it was revoked on %s already (%s)", old.RevocationTime.UTC().Format(time.DateOnly), reasonOf(old.ReasonCode))
				}
				continue
			}
			entries = append(entries, x509.RevocationListEntry{SerialNumber: old.SerialNumber, RevocationTime: old.RevocationTime, ReasonCode: old.ReasonCode})
		}
	}
	entries = append(entries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: since.UTC(), ReasonCode: code})
	if a.crl, err = newList(a, entries, key, now); err != nil {
		return KeyInfo{}, err
	}
	since = since.UTC().Truncate(time.Second)
	info.Revoked, info.RevokedSince = reason, &since
	info.File, err = k.keep(RoleRevocations, *a)
	return info, err
}

// findStation finds the one station that a name, key id or serial number means.
func (k *Keys) findStation(which string) (KeyInfo, error) {
	stations, err := k.stations()
	if err != nil {
		return KeyInfo{}, err
	}
	var found []KeyInfo
	for _, s := range stations {
		if s.means(which) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		return KeyInfo{}, errNoStation()
	case 1:
		return found[0], nil
	}
	return KeyInfo{}, errSeveral(found)
}
