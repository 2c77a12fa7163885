package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/ombruk/ombruk/erase"
)

// PredicateBase begins every predicate type: base + kind + "/v1" for a real
// job, base + kind + "/demo/v1" or "/simulated/v1" otherwise.
const PredicateBase = "https://github.com/ombruk/ombruk/evidence/"

const (
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateEnd  = "v1"
)

// MaxEnvelopeBytes is the size of the largest envelope that [Open] reads and
// [Seal] writes.
const MaxEnvelopeBytes = 4 << 20

// ErrNotEvidence is the cause when a file is no signed record at all, as
// opposed to one that was damaged.
var ErrNotEvidence = errors.New("no evidence: neither a signed record nor a signed page")

// envelope is a DSSE envelope (github.com/secure-systems-lab/dsse, version 1.0).
// The fields stand in canonical order, so that its bytes can be checked by
// writing it again.
type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	Cert  string `json:"cert"` // PEM, leaf first
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// statement is an in-toto Statement v1.
type statement struct {
	Type          string          `json:"_type"`
	Subject       []subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// Record is an opened envelope.
type Record struct {
	Kind   Kind
	Mode   Mode
	Header Header
	// Sanitization is set for the kinds sanitization and started, Unit for
	// the kind unit.
	Sanitization *Sanitization
	Unit         *Unit
	// Chain holds the certificates that came with the envelope, leaf first.
	// They hold together; whether they are trusted is for [Verify] to say.
	Chain  []*x509.Certificate
	SHA256 string // of the envelope's bytes, hex
}

// Digest is the SHA-256 of an envelope's bytes, hex.
func Digest(envelope []byte) string {
	sum := sha256.Sum256(envelope)
	return hex.EncodeToString(sum[:])
}

// Seal signs a record and gives the bytes of its evidence file. The predicate
// is a [Sanitization] (kinds sanitization and started) or a [Unit] (kind unit),
// or a pointer to one. Its station must name the signer: station.id is
// [Signer.ID] and station.name is [Signer.Name]. Times are written in UTC.
func Seal(s *Signer, kind Kind, mode Mode, predicate any) ([]byte, error) {
	sealed, err := seal(s, kind, mode, predicate)
	if err != nil {
		return nil, fmt.Errorf("seal %s record: %w", kind, err)
	}
	return sealed, nil
}

func seal(s *Signer, kind Kind, mode Mode, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	// Read back what was written: text that was not UTF-8 has changed on the
	// way, and the subject must speak of the record as a reader finds it.
	record := &Record{Kind: kind, Mode: mode}
	switch v.(type) {
	case Sanitization, *Sanitization:
		err = json.Unmarshal(plain, &record.Sanitization)
	case Unit, *Unit:
		err = json.Unmarshal(plain, &record.Unit)
	}
	if err != nil {
		return nil, err
	}
	if record.Sanitization == nil && record.Unit == nil {
		return nil, fmt.Errorf("a predicate of type %T", v)
	}
	inUTC(record)
	about, err := record.subject()
	if err != nil {
		return nil, err
	}
	predicate, err := json.Marshal(record.predicate())
	if err != nil {
		return nil, err
	}
	payload, err := canonical(statement{
		Type:          statementType,
		Subject:       []subject{about},
		PredicateType: predicateType(kind, mode),
		Predicate:     predicate,
	})
	if err != nil {
		return nil, err
	}
	sig, err := s.sign(preAuthentication(payload))
	if err != nil {
		return nil, err
	}
	sealed, err := s.envelope(payload, sig)
	if err != nil {
		return nil, err
	}
	// What cannot be opened must never leave the station.
	if _, err := Open(sealed); err != nil {
		return nil, err
	}
	return sealed, nil
}

// envelope gives the bytes of the envelope around a payload and the signer's
// signature of it.
func (s *Signer) envelope(payload, sig []byte) ([]byte, error) {
	return json.Marshal(envelope{
		Payload:     payload,
		PayloadType: payloadType,
		Signatures:  []signature{{Cert: string(encodeChain(s.chain)), KeyID: s.ID(), Sig: sig}},
	})
}

// inUTC turns the times of a record to UTC.
func inUTC(r *Record) {
	clock := &r.header().Clock
	clock.WallStarted, clock.WallFinished = clock.WallStarted.UTC(), clock.WallFinished.UTC()
	if p := r.Sanitization; p != nil {
		for i := range p.Steps {
			p.Steps[i].Started, p.Steps[i].Finished = p.Steps[i].Started.UTC(), p.Steps[i].Finished.UTC()
		}
	}
}

// Open reads an envelope strictly and checks its signature with the certificate
// that came with it; it says nothing about trust. Anything but the exact bytes
// that [Seal] writes is an error: unknown or doubled fields, a second value,
// white space, a payload that is not canonical, several signatures, more than
// [MaxEnvelopeBytes], certificates that do not hold together, a record that
// contradicts itself. What is not an envelope at all is [ErrNotEvidence].
func Open(data []byte) (*Record, error) {
	record, err := open(data)
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	return record, nil
}

func open(data []byte) (*Record, error) {
	env, chain, err := openEnvelope(data)
	if err != nil {
		return nil, err
	}
	record, err := readStatement(env.Payload)
	if err != nil {
		return nil, err
	}
	record.Chain, record.SHA256 = chain, Digest(data)
	return record, record.check()
}

// openEnvelope takes an envelope apart and checks that its signature and its
// certificates hold together.
func openEnvelope(data []byte) (envelope, []*x509.Certificate, error) {
	env, chain, err := readEnvelope(data)
	if err != nil {
		return env, nil, err
	}
	if err := verifySignature(chain[0], preAuthentication(env.Payload), env.Signatures[0].Sig); err != nil {
		return env, nil, err
	}
	return env, chain, checkChain(chain)
}

// readEnvelope takes an envelope apart and checks nothing but its form.
func readEnvelope(data []byte) (env envelope, chain []*x509.Certificate, err error) {
	if len(data) > MaxEnvelopeBytes {
		return env, nil, fmt.Errorf("larger than %d bytes", MaxEnvelopeBytes)
	}
	if err := json.Unmarshal(data, &env); err != nil || env.PayloadType == "" || len(env.Signatures) == 0 {
		return env, nil, ErrNotEvidence
	}
	if again, err := json.Marshal(env); err != nil || !bytes.Equal(again, data) {
		return env, nil, errors.New("the envelope holds something besides payload, payloadType and signatures, or is not in its canonical form")
	}
	if env.PayloadType != payloadType {
		return env, nil, fmt.Errorf("payload type %q is not known", env.PayloadType)
	}
	if len(env.Signatures) != 1 {
		return env, nil, fmt.Errorf("%d signatures: want one", len(env.Signatures))
	}
	sig := env.Signatures[0]
	if chain, err = parseChain([]byte(sig.Cert)); err != nil {
		return env, nil, err
	}
	if len(chain) == 0 || sig.KeyID != keyID(chain[0]) {
		return env, nil, errors.New("keyid is not that of the certificate")
	}
	return env, chain, nil
}

// preAuthentication is the DSSE pre-authentication encoding of a payload.
func preAuthentication(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}

func predicateType(kind Kind, mode Mode) string {
	parts := []string{string(kind), predicateEnd}
	if mode != ModeReal {
		parts = []string{string(kind), string(mode), predicateEnd}
	}
	return PredicateBase + strings.Join(parts, "/")
}

// readStatement reads a payload whose signature has been checked.
func readStatement(payload []byte) (*Record, error) {
	if err := checkCanonical(payload); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	var st statement
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&st); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if st.Type != statementType {
		return nil, fmt.Errorf("statement type %q is not known", st.Type)
	}
	record, err := readPredicateType(st.PredicateType)
	if err != nil {
		return nil, err
	}
	var target any
	if record.Kind == KindUnit {
		record.Unit = &Unit{}
		target = record.Unit
	} else {
		record.Sanitization = &Sanitization{}
		target = record.Sanitization
	}
	if err := requireNames(st.Predicate, record.Kind); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(st.Predicate, target); err != nil {
		return nil, fmt.Errorf("predicate: %w", err)
	}
	record.Header = *record.header()
	want, err := record.subject()
	if err != nil {
		return nil, err
	}
	if len(st.Subject) != 1 || st.Subject[0].Name != want.Name || len(st.Subject[0].Digest) != 1 || st.Subject[0].Digest["sha256"] != want.Digest["sha256"] {
		return nil, errors.New("the statement's subject is not what its predicate is about")
	}
	return record, nil
}

func readPredicateType(s string) (*Record, error) {
	parts := strings.Split(strings.TrimPrefix(s, PredicateBase), "/")
	record := &Record{Kind: Kind(parts[0])}
	if len(parts) == 3 {
		record.Mode = Mode(parts[1])
	}
	known := slices.Contains([]Kind{KindSanitization, KindStarted, KindUnit}, record.Kind) &&
		slices.Contains([]Mode{ModeReal, ModeDemo, ModeSimulated}, record.Mode)
	if !known || s != predicateType(record.Kind, record.Mode) {
		return nil, fmt.Errorf("predicate type %q is not known", s)
	}
	return record, nil
}

// requireNames makes sure that the fields a judgement rests on are there under
// their exact names: encoding/json would also take another case, and would let
// a missing one pass as its zero value.
func requireNames(predicate []byte, kind Kind) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(predicate, &fields); err != nil {
		return fmt.Errorf("predicate: %w", err)
	}
	names := []string{"id", "sequence", "previous", "station", "tool", "clock"}
	if kind == KindUnit {
		names = append(names, "machine", "drives")
	} else {
		names = append(names, "drive", "requested", "accepted", "achieved", "outcome", "fulfilled", "assurance", "disposition", "verification")
	}
	for _, name := range names {
		if _, ok := fields[name]; !ok {
			return fmt.Errorf("predicate: %s is missing", name)
		}
	}
	return nil
}

// check finds records that contradict themselves.
func (r *Record) check() error {
	h := r.Header
	if id, err := uuid.Parse(h.ID); err != nil || id.String() != h.ID {
		return fmt.Errorf("id %q is not a UUID in its usual form", h.ID)
	}
	leaf := r.Chain[0]
	if h.Station.ID != keyID(leaf) || h.Station.Name != leaf.Subject.CommonName {
		return fmt.Errorf("the record names station %q and was signed by %q", h.Station.Name, leaf.Subject.CommonName)
	}
	if r.Kind == KindStarted {
		if r.Sanitization.Outcome != erase.Unproven || r.Sanitization.Fulfilled {
			return errors.New("a started record claims an outcome")
		}
		return nil
	}
	if h.Sequence < 1 {
		return fmt.Errorf("sequence %d of a closed record: want 1 or more", h.Sequence)
	}
	if h.Clock.Trusted && h.Clock.WallFinished.IsZero() {
		return errors.New("the clock is called trusted and there is no time")
	}
	if r.Unit != nil {
		return r.Unit.Check()
	}
	return r.Sanitization.Check()
}

func (r *Record) header() *Header {
	if r.Unit != nil {
		return &r.Unit.Header
	}
	return &r.Sanitization.Header
}

func (r *Record) predicate() any {
	if r.Unit != nil {
		return r.Unit
	}
	return r.Sanitization
}

// driveIdentity is what the digest of a drive's subject is made of. The path
// stands in only where the drive told neither serial nor WWN.
type driveIdentity struct {
	Manufacturer  string `json:"manufacturer"`
	Model         string `json:"model"`
	Serial        string `json:"serial"`
	WWN           string `json:"wwn"`
	CapacityBytes string `json:"capacity_bytes"` // decimal
	Path          string `json:"path"`
}

// unitIdentity is what the digest of a unit's subject is made of.
type unitIdentity struct {
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Serial       string `json:"serial"`
	UUID         string `json:"uuid"`
	UnitID       string `json:"unit_id"`
}

// subject is what the record is about: "drive:" and the serial (else the path),
// or "unit:" and the serial (else the unit id), with the digest of the
// canonical JSON of its identity.
func (r *Record) subject() (subject, error) {
	var name string
	var identity any
	switch {
	case r.Kind == KindUnit && r.Unit != nil:
		system := r.Unit.Machine.System
		name = "unit:" + firstOf(system.Serial, r.Unit.UnitID)
		identity = unitIdentity{system.Manufacturer, system.Model, system.Serial, system.UUID, r.Unit.UnitID}
	case (r.Kind == KindSanitization || r.Kind == KindStarted) && r.Sanitization != nil:
		d := r.Sanitization.Drive
		name = "drive:" + firstOf(d.Serial, d.Path)
		id := driveIdentity{d.Manufacturer, d.Model, d.Serial, d.WWN, strconv.FormatInt(d.CapacityBytes, 10), ""}
		if d.Serial == "" && d.WWN == "" {
			id.Path = d.Path
		}
		identity = id
	default:
		return subject{}, fmt.Errorf("kind %q does not fit the predicate", r.Kind)
	}
	b, err := canonical(identity)
	if err != nil {
		return subject{}, err
	}
	return subject{Name: name, Digest: map[string]string{"sha256": Digest(b)}}, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
