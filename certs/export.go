package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// StationFiles gives the files of a folder of keys for one station alone, by
// slash-separated path: its key and certificates, the pointer to it, who is
// trusted and which keys were revoked. The organisation's key and other
// stations' keys are never among them, and a key that is under a passphrase
// stays under it.
//
// Which is a station's name, the start of its key id or its serial number; empty
// is the key that signs. A key that was revoked, or whose certificate ended
// before now, is an error. Of several keys of one name, as a station gets them
// over the years, those that can no longer sign do not count.
func (k *Keys) StationFiles(which string, now time.Time) (map[string][]byte, KeyInfo, error) {
	files, info, err := k.stationFiles(which, now)
	if err != nil {
		if which == "" {
			which = "that signs"
		}
		return nil, KeyInfo{}, fmt.Errorf("take the key of the station %s: %w", which, err)
	}
	return files, info, nil
}

func (k *Keys) stationFiles(which string, now time.Time) (map[string][]byte, KeyInfo, error) {
	info, err := k.stationToTake(which, now)
	if err != nil {
		return nil, KeyInfo{}, err
	}
	files := map[string][]byte{"current": []byte(info.KeyID + "\n")}
	id := short(info.KeyID)
	from := []string{k.path("stations", id+".key"), k.path("stations", id+".pem")}
	lists, err := k.trustFiles()
	if err != nil {
		return nil, KeyInfo{}, err
	}
	from = append(from, lists...)
	for _, name := range from {
		data, _, err := readSmallFile(name)
		if err != nil {
			return nil, KeyInfo{}, err
		}
		files[path.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name))] = data
	}
	return files, info, nil
}

// stationToTake finds the one key that which means and that can sign now.
func (k *Keys) stationToTake(which string, now time.Time) (KeyInfo, error) {
	stations, err := k.stations()
	if err != nil {
		return KeyInfo{}, err
	}
	over := func(s KeyInfo) error {
		switch {
		case s.Revoked != "":
			return fmt.Errorf("its key was revoked on %s (%s)", s.RevokedSince.Format(time.DateOnly), s.Revoked)
		case now.After(s.NotAfter):
			return fmt.Errorf("its certificate %w on %s, and this machine's clock says %s", ErrEnded, s.NotAfter.Format(time.DateOnly), now.UTC().Format(time.DateOnly))
		}
		return nil
	}
	matches := slices.DeleteFunc(slices.Clone(stations), func(s KeyInfo) bool {
		if which == "" {
			return !s.Current
		}
		return !s.means(which)
	})
	if len(matches) == 0 {
		if which == "" {
			return KeyInfo{}, fmt.Errorf("%s has no key: %w", k.dir, fs.ErrNotExist)
		}
		return KeyInfo{}, errNoStation()
	}
	good := slices.DeleteFunc(slices.Clone(matches), func(s KeyInfo) bool { return over(s) != nil })
	switch len(good) {
	case 0:
		return KeyInfo{}, over(matches[len(matches)-1])
	case 1:
		return good[0], nil
	}
	return KeyInfo{}, errSeveral(good)
}

// means reports whether a name, the start of a key id (8 digits or more) or a
// serial number is this station's.
func (i KeyInfo) means(which string) bool {
	const minDigits = 8
	id := strings.ToLower(which)
	return i.Name == which || i.Serial == id || len(id) >= minDigits && strings.HasPrefix(i.KeyID, id)
}

func errNoStation() error { return errors.New("no station of that name, key id or serial number") }

func errSeveral(found []KeyInfo) error {
	ids := make([]string, len(found))
	for i, s := range found {
		ids[i] = s.KeyID[:16]
	}
	return fmt.Errorf("%d keys have that name: say which by its key id (%s)", len(found), strings.Join(ids, ", "))
}
