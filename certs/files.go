package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// settingsType is the predicate type of a sealed list of files. It is no
// record of a job, and [Open] and [Verify] refuse it.
const settingsType = PredicateBase + "settings/v1"

// Sealed says what a list of files was signed for.
type Sealed struct {
	Built  time.Time `json:"built"` // UTC
	Tool   Tool      `json:"tool"`
	Sealer Station   `json:"sealer"` // who signed; the instance is empty
	// Station is the name of the station whose key is among the files.
	Station string `json:"station"`
	// Contract and Policy are the names inside those files; empty where
	// there is none.
	Contract string `json:"contract"`
	Policy   string `json:"policy"`
}

// FileList is an opened list of files: what was signed, by whom.
type FileList struct {
	// Digests are the SHA-256 of the files, hex, by their slash-separated
	// paths.
	Digests map[string]string
	Sealed  Sealed
	// Chain holds the certificates that came with the list, leaf first. They
	// hold together; whether they are trusted is for [Trust.JudgeFiles].
	Chain  []*x509.Certificate
	SHA256 string // of the envelope's bytes, hex
}

// SealFiles signs the names and digests of files, and nothing of what is in
// them. What it is for must name the signer, as in [Seal]. The same files and
// the same key give the same bytes.
func SealFiles(s *Signer, files map[string][]byte, what Sealed) ([]byte, error) {
	what.Built = what.Built.UTC()
	digests := make(map[string]string, len(files))
	for name, data := range files {
		digests[name] = Digest(data)
	}
	payload, err := encodeFiles(digests, what)
	if err != nil {
		return nil, fmt.Errorf("seal files: %w", err)
	}
	// Without randomness the signature is that of RFC 6979: a seal is part of
	// images whose bytes are to come out the same.
	sig, err := s.signWith(nil, preAuthentication(payload))
	if err != nil {
		return nil, fmt.Errorf("seal files: %w", err)
	}
	sealed, err := s.envelope(payload, sig)
	if err != nil {
		return nil, fmt.Errorf("seal files: %w", err)
	}
	list, err := OpenFiles(sealed)
	if err != nil {
		return nil, fmt.Errorf("seal files: %w", err)
	}
	if !maps.Equal(list.Digests, digests) { // a name that is not UTF-8 has changed on the way
		return nil, errors.New("seal files: a name that is not UTF-8")
	}
	return sealed, nil
}

// encodeFiles is the payload for a list: one subject for each file, by name.
func encodeFiles(digests map[string]string, what Sealed) ([]byte, error) {
	predicate, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	about := make([]subject, 0, len(digests))
	for name, digest := range digests {
		about = append(about, subject{Name: name, Digest: map[string]string{"sha256": digest}})
	}
	slices.SortFunc(about, func(a, b subject) int { return strings.Compare(a.Name, b.Name) })
	return canonical(statement{Type: statementType, Subject: about, PredicateType: settingsType, Predicate: predicate})
}

// OpenFiles reads a list of files as strictly as [Open] reads a record, and
// checks its signature with the certificate that came with it; it says nothing
// about trust. What is not an envelope at all is [ErrNotEvidence].
func OpenFiles(data []byte) (*FileList, error) {
	list, err := openFiles(data)
	if err != nil {
		return nil, fmt.Errorf("open list of files: %w", err)
	}
	return list, nil
}

func openFiles(data []byte) (*FileList, error) {
	env, chain, err := openEnvelope(data)
	if err != nil {
		return nil, err
	}
	list, err := readFiles(env.Payload)
	if err != nil {
		return nil, err
	}
	leaf := chain[0]
	if list.Sealed.Sealer.ID != keyID(leaf) || list.Sealed.Sealer.Name != leaf.Subject.CommonName {
		return nil, fmt.Errorf("the list names station %q and was signed by %q", list.Sealed.Sealer.Name, leaf.Subject.CommonName)
	}
	list.Chain, list.SHA256 = chain, Digest(data)
	return list, nil
}

// readFiles reads a payload whose signature has been checked. It takes exactly
// what [encodeFiles] writes.
func readFiles(payload []byte) (*FileList, error) {
	if err := checkCanonical(payload); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	var st statement
	if err := json.Unmarshal(payload, &st); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if st.Type != statementType || st.PredicateType != settingsType {
		return nil, fmt.Errorf("predicate type %q: want %q", st.PredicateType, settingsType)
	}
	list := &FileList{Digests: make(map[string]string, len(st.Subject))}
	if err := json.Unmarshal(st.Predicate, &list.Sealed); err != nil {
		return nil, fmt.Errorf("predicate: %w", err)
	}
	for _, s := range st.Subject {
		digest := s.Digest["sha256"]
		if raw, err := hex.DecodeString(digest); err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("file %q: digest %q is no SHA-256", s.Name, digest)
		}
		if !fs.ValidPath(s.Name) || s.Name == "." {
			return nil, fmt.Errorf("file %q: not a path inside the folder", s.Name)
		}
		list.Digests[s.Name] = digest
	}
	if list.Sealed.Built.IsZero() {
		return nil, errors.New("predicate: built is missing")
	}
	if again, err := encodeFiles(list.Digests, list.Sealed); err != nil || !bytes.Equal(again, payload) {
		return nil, errors.New("the list holds something besides names, digests and what it is for, or not in order")
	}
	return list, nil
}

// JudgeFiles decides about who signed a list of files, and says why in a
// sentence (empty when there is nothing to say). The rules are those for
// records with a trusted clock; the time is now, or when the list was made if
// the clock says that this is still to come.
func (t *Trust) JudgeFiles(l *FileList, now time.Time) (Issuer, string) {
	at := l.Sealed.Built
	if now.After(at) {
		at = now
	}
	return t.judgeChain(l.Chain, at, true)
}
