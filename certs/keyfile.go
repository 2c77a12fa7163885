package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/youmark/pkcs8"
)

// ErrPassphrase is the cause when a passphrase does not open a key.
var ErrPassphrase = errors.New("wrong passphrase")

// ErrExists is the cause when a key would be overwritten.
var ErrExists = errors.New("exists already")

// ErrOpenToOthers is the cause when others than its owner can read a key.
var ErrOpenToOthers = errors.New("others than its owner can read or write it")

// maxKeyFileBytes bounds files of keys, certificates and revocation lists.
const maxKeyFileBytes = 4 << 20

const (
	plainKeyType     = "PRIVATE KEY"
	encryptedKeyType = "ENCRYPTED PRIVATE KEY"
)

// scryptCost is N; OpenSSL 3 refuses the double with its default memory limit.
const scryptCost = 1 << 14

// encodeKey gives a PKCS#8 key in PEM; with a passphrase under PBES2 with scrypt
// and AES-256-CBC, which OpenSSL reads.
func encodeKey(key *ecdsa.PrivateKey, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pem.EncodeToMemory(&pem.Block{Type: plainKeyType, Bytes: der}), err
	}
	der, err := pkcs8.MarshalPrivateKey(key, passphrase, &pkcs8.Opts{
		Cipher:  pkcs8.AES256CBC,
		KDFOpts: pkcs8.ScryptOpts{SaltSize: 16, CostParameter: scryptCost, BlockSize: 8, ParallelizationParameter: 1},
	})
	return pem.EncodeToMemory(&pem.Block{Type: encryptedKeyType, Bytes: der}), err
}

// decodeKey reads an ECDSA key on curve. The passphrase is asked for only when
// the key is encrypted.
func decodeKey(data []byte, curve elliptic.Curve, passphrase func() ([]byte, error)) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode(data)
	if block == nil || len(rest) > 0 {
		return nil, errors.New("not one private key in PEM")
	}
	var key any
	var err error
	switch block.Type {
	case plainKeyType:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case encryptedKeyType:
		key, err = decryptKey(block.Bytes, passphrase)
	default:
		return nil, fmt.Errorf("holds %q: want a private key in PKCS#8", block.Type)
	}
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != curve {
		return nil, fmt.Errorf("not an ECDSA %s key", curve.Params().Name)
	}
	return private, nil
}

func decryptKey(der []byte, passphrase func() ([]byte, error)) (any, error) {
	if err := checkEncryption(der); err != nil {
		return nil, err
	}
	if passphrase == nil {
		return nil, errors.New("has a passphrase")
	}
	secret, err := passphrase()
	if err != nil {
		return nil, err
	}
	if len(secret) == 0 {
		return nil, ErrPassphrase
	}
	key, _, err := pkcs8.ParsePrivateKey(der, secret)
	if err != nil {
		return nil, ErrPassphrase
	}
	return key, nil
}

// checkEncryption takes only the parameters that encodeKey writes, or costlier
// ones within reason: the library would allocate whatever a file asks for.
func checkEncryption(der []byte) error {
	var info struct {
		Algorithm struct {
			PBES2  asn1.ObjectIdentifier
			Params struct{ KDF, Cipher pkix.AlgorithmIdentifier }
		}
		Data []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return errors.New("damaged encrypted private key")
	}
	var scrypt struct {
		Salt    []byte
		N, R, P int
	}
	var iv []byte
	params := info.Algorithm.Params
	scryptRest, scryptErr := asn1.Unmarshal(params.KDF.Parameters.FullBytes, &scrypt)
	ivRest, ivErr := asn1.Unmarshal(params.Cipher.Parameters.FullBytes, &iv)
	const blockBytes, maxN, maxR = 16, 1 << 18, 8
	switch {
	case scryptErr != nil || ivErr != nil || len(scryptRest)+len(ivRest) > 0,
		!params.KDF.Algorithm.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}),
		!params.Cipher.Algorithm.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}),
		scrypt.N < 2 || scrypt.N > maxN || scrypt.R < 1 || scrypt.R > maxR || scrypt.P != 1:
		return errors.New("encrypted in a way that is not known: want PBES2 with scrypt and AES-256-CBC")
	case len(iv) != blockBytes || len(info.Data) == 0 || len(info.Data)%blockBytes != 0:
		return errors.New("damaged encrypted private key")
	}
	return nil
}

// readKeyFile reads a private key that only its owner can read.
func readKeyFile(path string, curve elliptic.Curve, passphrase func() ([]byte, error)) (*ecdsa.PrivateKey, error) {
	data, mode, err := readSmallFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if runtime.GOOS != "windows" && mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read key %s: %w (mode %04o, want 0600)", path, ErrOpenToOthers, mode.Perm())
	}
	key, err := decodeKey(data, curve, passphrase)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	return key, nil
}

// readChainFile reads certificates in PEM, leaf first.
func readChainFile(path string) ([]*x509.Certificate, error) {
	data, _, err := readSmallFile(path)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	chain, err := parseChain(data)
	if err == nil && len(chain) == 0 {
		err = errors.New("no certificate in it")
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", path, err)
	}
	return chain, nil
}

// readSmallFile reads a regular file: opening a pipe would wait for ever.
func readSmallFile(path string) ([]byte, os.FileMode, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFileBytes+1))
	if err == nil && len(data) > maxKeyFileBytes {
		err = fmt.Errorf("%s: larger than %d bytes", path, maxKeyFileBytes)
	}
	return data, info.Mode(), err
}

// writeDurably puts a file in place whole and on stable storage. It replaces
// what is there only when told to; else that is [ErrExists].
func writeDurably(path string, data []byte, mode os.FileMode, replace bool) error {
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("write %s: %w", path, ErrExists)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once renamed
	defer f.Close()           // fails once closed
	if err := f.Chmod(mode); err != nil && runtime.GOOS != "windows" {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
