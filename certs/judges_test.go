package certs_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
)

// judge runs a tool that we did not write and gives all it said.
func judge(t *testing.T, pkg, name string, args ...string) (string, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("outside judges are left out of -short")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("needs %s: apt-get install %s", name, pkg)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err
}

func mustJudge(t *testing.T, pkg, name string, args ...string) string {
	t.Helper()
	out, err := judge(t, pkg, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	check(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestPDFReadersAcceptTheSignature(t *testing.T) {
	k := depot(t)
	dir := t.TempDir()
	signed := certificate(t, signer(t, k))
	pdf := write(t, dir, "x.pdf", signed)
	ca := organisationFile(t, k)

	nss := "sql:" + dir
	mustJudge(t, "libnss3-tools", "certutil", "-N", "-d", nss, "--empty-password")
	mustJudge(t, "libnss3-tools", "certutil", "-A", "-d", nss, "-n", "ca", "-t", "CT,C,C", "-i", ca)
	said := mustJudge(t, "poppler-utils", "pdfsig", "-nssdir", nss, pdf)
	for _, want := range []string{"Signature is Valid", "Certificate is Trusted", "Total document signed", "ETSI.CAdES.detached", station} {
		if !strings.Contains(said, want) {
			t.Errorf("pdfsig does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "Signature #2") {
		t.Errorf("pdfsig sees a second signature:\n%s", said)
	}
	mustJudge(t, "qpdf", "qpdf", "--check", pdf)

	// OpenSSL on the byte range and the signature cut out of /Contents.
	at := bytes.Index(signed, []byte("/Contents <30")) + len("/Contents ")
	end := at + bytes.IndexByte(signed[at:], '>')
	der, err := hex.DecodeString(string(signed[at+1 : end]))
	check(t, err)
	content := write(t, dir, "content", append(bytes.Clone(signed[:at]), signed[end+1:]...))
	sig := write(t, dir, "sig.der", der)
	mustJudge(t, "openssl", "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", sig, "-content", content, "-CAfile", ca, "-purpose", "any", "-out", os.DevNull)
	mustJudge(t, "openssl", "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", sig, "-content", content, "-CAfile", ca, "-out", os.DevNull)
}

func organisationFile(t *testing.T, k *certs.Keys) string {
	t.Helper()
	list, err := k.List()
	check(t, err)
	if len(list) == 0 || list[0].Role != certs.RoleOrganisation {
		t.Fatalf("no organisation in %+v", list)
	}
	return list[0].File
}

func TestOpenSSLReadsKeysCertificatesAndLists(t *testing.T) {
	dir := t.TempDir()
	k := certs.OpenKeys(dir)
	check(t, k.InitOrganisation(org, orgnr, []byte(passphrase), monday(), newRandom()))
	check(t, k.NewStation(station, []byte(passphrase), true, monday(), newRandom()))
	list, err := k.List()
	check(t, err)
	ca, leaf := list[0].File, list[1].File
	for _, key := range []string{filepath.Join(dir, "organisation.key"), strings.TrimSuffix(leaf, ".pem") + ".key"} {
		mustJudge(t, "openssl", "openssl", "ec", "-in", key, "-passin", "pass:"+passphrase, "-noout", "-check")
		if out, err := judge(t, "openssl", "openssl", "ec", "-in", key, "-passin", "pass:wrong", "-noout"); err == nil {
			t.Errorf("%s opens with a wrong passphrase: %s", key, out)
		}
	}
	text := mustJudge(t, "openssl", "openssl", "x509", "-in", ca, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus")
	for _, want := range []string{"NTRNO-974760673", "C=NO", "O=" + org, "CA:TRUE, pathlen:0", "secp384r1", "ecdsa-with-SHA384"} {
		if !strings.Contains(text, want) {
			t.Errorf("organisation's certificate lacks %q:\n%s", want, text)
		}
	}
	text = mustJudge(t, "openssl", "openssl", "x509", "-in", leaf, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus")
	for _, want := range []string{"CN=" + station, "NTRNO-974760673", "CA:FALSE", "Digital Signature, Non Repudiation", "E-mail Protection", "1.3.6.1.5.5.7.3.36", "prime256v1"} {
		if !strings.Contains(text, want) {
			t.Errorf("station's certificate lacks %q:\n%s", want, text)
		}
	}
	at := []string{"verify", "-attime", "1772500000", "-x509_strict", "-CAfile", ca}
	mustJudge(t, "openssl", "openssl", append(at, leaf)...)

	revoked, err := k.Revoke(station, certs.KeyCompromise, monday(), []byte(passphrase), monday().Add(time.Hour))
	check(t, err)
	text = mustJudge(t, "openssl", "openssl", "crl", "-in", revoked.File, "-CAfile", ca, "-noout", "-text")
	for _, want := range []string{"verify OK", "Key Compromise", "Mar  2 09:30:00 2026", strings.ToUpper(revoked.Serial)} {
		if !strings.Contains(text, want) {
			t.Errorf("revocation list lacks %q:\n%s", want, text)
		}
	}
	if said, err := judge(t, "openssl", "openssl", append(at, "-crl_check", "-CRLfile", revoked.File, leaf)...); err == nil || !strings.Contains(said, "certificate revoked") {
		t.Errorf("openssl verify does not see the revocation: %s", said)
	}
}

// TestOpenSSLChecksTheEnvelope checks the record's signature by the DSSE rules
// with jq's sort and OpenSSL alone.
func TestOpenSSLChecksTheEnvelope(t *testing.T) {
	k := depot(t)
	s := signer(t, k)
	dir := t.TempDir()
	file := write(t, dir, "e.json", seal(t, s, certs.KindSanitization, wiped(s)))
	sh := func(script string) string { return mustJudge(t, "bash", "bash", "-euc", "cd "+dir+"; "+script) }
	sh(`jq -r .payload ` + file + ` | base64 -d > payload`)
	sh(`jq -r '.signatures[0].sig' ` + file + ` | base64 -d > sig; jq -r '.signatures[0].cert' ` + file + ` > chain.pem; openssl x509 -in chain.pem -pubkey -noout > pub.pem`)
	sh(`{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $(stat -c %s payload); cat payload; } > pae; openssl dgst -sha256 -verify pub.pem -signature sig pae`)
	sh(`test "$(jq -r '.signatures[0].keyid' ` + file + `)" = "$(openssl pkey -pubin -in pub.pem -outform DER | sha256sum | cut -d' ' -f1)"`)
	sh(`test "$(jq -cSj . payload | sha256sum)" = "$(sha256sum < payload)"`)
	sh(`test "$(jq -r '.predicateType' payload)" = https://github.com/ombruk/ombruk/evidence/sanitization/v1`)
	sh(`test "$(jq -r '.subject[0].name' payload)" = 'drive:WX-123 <æ>'`)
}
