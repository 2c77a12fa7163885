package bootusb

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// sbsign makes the signatures; what it signed twice carries both.
func TestSignatures(t *testing.T) {
	first, second := newTestSigner(t, "First"), newTestSigner(t, "Second")
	plain := peProgram("program")
	once := first.sign(t, plain)
	twice := second.sign(t, once)
	for _, tt := range []struct {
		name string
		b    []byte
		want []string
	}{{"once", once, []string{"First"}}, {"twice", twice, []string{"First", "Second"}}} {
		got, err := signers(tt.b)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("signed %s: got %q, %v", tt.name, got, err)
		}
	}
	if _, err := signers(plain); !errors.Is(err, ErrUnsigned) {
		t.Errorf("unsigned: got %v", err)
	}
	// Any bit of what is signed.
	for at := range plain {
		if at >= 0x98 && at < 0x9c || at >= 0x58+144 && at < 0x58+152 {
			continue // checksum, and where the signatures are
		}
		damaged := bytes.Clone(once)
		damaged[at] ^= 1
		if got, err := signers(damaged); err == nil {
			t.Fatalf("a bit changed at byte %#x: still signed by %q", at, got)
		}
	}
	// And of the signature itself.
	silent := 0
	for at := len(plain) + 8; at < len(once); at += 7 {
		damaged := bytes.Clone(once)
		damaged[at] ^= 1
		if _, err := signers(damaged); err == nil {
			silent++ // in the certificate, where only its issuer would notice
		}
	}
	if all := (len(once) - len(plain)) / 7; silent > all*2/3 {
		t.Errorf("%d of %d changed bits of the signature were not noticed", silent, all)
	}
	// A signature taken from another program.
	other := first.sign(t, peProgram("another"))
	moved := append(bytes.Clone(once[:len(plain)]), other[len(plain):]...)
	if _, err := signers(moved); err == nil || !strings.Contains(err.Error(), "not the program that was signed") {
		t.Errorf("a signature of another program: got %v", err)
	}
}

func FuzzSigners(f *testing.F) {
	f.Add(peProgram("program"))
	f.Add([]byte("MZ"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = signers(b) })
}
