package certs

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/ombruk/ombruk/erase"
)

// The findings about integrity.
const (
	IntegrityOK  = "ok"
	IntegrityBad = "bad"
)

// Verdict is what is known about one file. When the integrity is bad nothing the
// file claims is repeated: everything but File, SHA256, Issuer and Reason is empty.
type Verdict struct {
	Type   string `json:"type"` // "verification"
	Schema int    `json:"schema"`
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // of the file, hex; empty when it could not be read
	// EvidenceSHA256 is the digest of the envelope; that of the file itself
	// when it is an evidence file.
	EvidenceSHA256 string `json:"evidence_sha256"`

	ID        string `json:"id"`
	Kind      Kind   `json:"kind"`
	Mode      Mode   `json:"mode"`      // empty, demo or simulated
	Integrity string `json:"integrity"` // "ok" or "bad"
	Issuer    Issuer `json:"issuer"`

	// Outcome, Achieved and Requested are words of package erase; empty in
	// a unit record, whose drives have their own.
	Outcome   string `json:"outcome"`
	Achieved  string `json:"achieved"`
	Requested string `json:"requested"`
	Fulfilled bool   `json:"fulfilled"`
	// Reason says in English why the file is refused, or what else must be
	// known about it; empty when there is nothing to say.
	Reason string `json:"reason"`

	Signer          string `json:"signer"`       // name of the station
	Organisation    string `json:"organisation"` // empty for a key that a station made for itself
	KeyID           string `json:"keyid"`
	StationSequence int64  `json:"station_sequence"`
	Agency          string `json:"agency"`
	AssetTag        string `json:"asset_tag"`
	Model           string `json:"model"`  // of the drive, or of the unit
	Serial          string `json:"serial"` // of the drive, or of the unit
	Path            string `json:"path"`   // of the drive when it was treated; all that is known of an image
	// Time is when the record was closed (a started record: begun), RFC 3339.
	Time string `json:"time"`
	// TimeSource is "station-clock" when the station's clock was
	// trustworthy, else "not-established": Time is then only what it said.
	TimeSource string `json:"time_source"`
	// Drives are a unit record's; Storage is what became of all storage of
	// the unit, nil in other records and in those made before it was said.
	Drives  []UnitDrive `json:"drives,omitempty"`
	Storage *Storage    `json:"storage,omitempty"`
}

// The sources of a verdict's time.
const (
	TimeStationClock   = "station-clock"
	TimeNotEstablished = "not-established"
)

// OK reports whether the file is unchanged and from a trusted issuer. It says
// nothing about the outcome: a genuine record of a failure is OK too.
func (v Verdict) OK() bool { return v.Integrity == IntegrityOK && v.Issuer == IssuerTrusted }

// Unreadable is the verdict on a file that could not be read.
func Unreadable(file string, err error) Verdict {
	return Verdict{Type: "verification", Schema: 1, File: file, Integrity: IntegrityBad, Issuer: IssuerUntrusted, Reason: err.Error()}
}

// Verify judges one file, a signed page (PDF) or an evidence file, offline. The
// rules about time and revocation are those of the issuer: a record is judged by
// the time it was made where that is established (its clock was trustworthy),
// and never by now, which only serves to point out records from the future. See
// [Trust] for who is believed; a nil trust believes nobody.
func Verify(file string, data []byte, trust *Trust, now time.Time) Verdict {
	v, _ := VerifyRecord(file, data, trust, now)
	return v
}

// VerifyRecord is [Verify] that gives the record besides, for those who go on
// with what it says; nil when the integrity is bad. Whether it may be believed
// is for [Verdict.OK] to say.
func VerifyRecord(file string, data []byte, trust *Trust, now time.Time) (Verdict, *Record) {
	v := Verdict{Type: "verification", Schema: 1, File: file, SHA256: Digest(data), Integrity: IntegrityBad, Issuer: IssuerUntrusted}
	record, err := openAny(data)
	if err != nil {
		v.Reason = err.Error()
		return v, nil
	}
	v.Integrity = IntegrityOK
	v.describe(record)
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	issuer, why := trust.judge(record)
	v.Issuer = issuer
	if why != "" {
		note("%s", why)
	}
	made, established := record.time()
	if record.Kind == KindStarted {
		note("started at %s and never closed", v.Time)
	}
	if !established {
		note("the time is not established: the station's clock could not be trusted")
	} else if made.After(now.Add(24 * time.Hour)) {
		note("the record is from the future by this machine's clock")
	}
	if record.Mode != ModeReal {
		note("a %s record: it is about no real job", record.Mode)
	}
	v.Reason = strings.Join(notes, "; ")
	return v, record
}

// openAny tells a page from an evidence file and opens either.
func openAny(data []byte) (*Record, error) {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return Open(data)
	}
	record, err := openPage(data)
	if err != nil {
		return nil, fmt.Errorf("check page: %w", err)
	}
	return record, nil
}

// describe repeats what a record says about itself.
func (v *Verdict) describe(r *Record) {
	leaf := r.Chain[0]
	v.EvidenceSHA256 = r.SHA256
	v.ID, v.Kind, v.Mode = r.Header.ID, r.Kind, r.Mode
	v.Signer, v.KeyID = leaf.Subject.CommonName, keyID(leaf)
	v.Organisation = organisation(leaf)
	v.StationSequence = r.Header.Sequence
	v.Agency, v.AssetTag = firstOf(r.Header.Agency.Name, r.Header.Agency.Orgnr), r.Header.AssetTag
	v.TimeSource = TimeNotEstablished
	if r.Header.Clock.Trusted {
		v.TimeSource = TimeStationClock
	}
	if p := r.Sanitization; p != nil {
		v.Model, v.Serial, v.Path = p.Drive.Model, p.Drive.Serial, p.Drive.Path
		v.Outcome, v.Achieved, v.Requested, v.Fulfilled = p.Outcome.String(), p.Achieved.Method.String(), p.Requested.Method.String(), p.Fulfilled
	}
	if r.Kind == KindStarted {
		v.Outcome, v.Achieved = erase.Interrupted.String(), erase.MethodNone.String()
	}
	if p := r.Unit; p != nil {
		v.Model, v.Serial = p.Machine.System.Model, p.Machine.System.Serial
		v.Drives = p.Drives
		if p.Storage.State != "" {
			v.Storage = &p.Storage
		}
	}
	made, _ := r.time()
	v.Time = made.UTC().Format(time.RFC3339)
}
