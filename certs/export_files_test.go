package certs

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The path of a folder of keys is no pattern: who is trusted and which keys
// were revoked is found in it whatever it is called. A folder of lists that
// cannot be read is no empty one.
func TestAFolderOfKeysByAnyName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys [old] *")
	k := OpenKeys(dir)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for _, err := range []error{
		k.InitOrganisation("Depot AS", "974760673", []byte("rips og solbær"), now, rand.Reader),
		k.NewStation("stick 7", []byte("rips og solbær"), false, now, rand.Reader),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	trust, err := k.Trust()
	if err != nil || len(trust.authorities) != 1 {
		t.Fatalf("trusts %+v, %v", trust, err)
	}
	files, _, err := k.StationFiles("stick 7", now)
	if err != nil || len(files) != 4 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "revoked"), []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Trust(); err == nil {
		t.Error("revocations that cannot be read pass for none")
	}
	if _, _, err := k.StationFiles("stick 7", now); err == nil {
		t.Error("a stick would be built without the revocations")
	}
}
