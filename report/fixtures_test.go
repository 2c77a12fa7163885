package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory"
)

var began = time.Date(2026, 11, 22, 12, 3, 41, 0, time.UTC)

func hash(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func none() *int64 { return new(int64) }

func header() certs.Header {
	return certs.Header{
		ID: "019ab0c4-7d2e-7b41-9c1f-5a3e8d90b712", Sequence: 412, Previous: hash("previous"),
		Station: certs.Station{ID: hash("station"), Name: "Stasjon 3, Alnabru", Instance: "019a7f10-2b6c-7c55-8a11-03d9f4be6a20"},
		Tool:    certs.Tool{Name: "ombruk", Version: "1.0.0", Commit: "4e74287f03ab9917cc20"},
		Clock: certs.Clock{Source: "system-synchronized", Trusted: true, WallStarted: began,
			WallFinished: began.Add(118*time.Minute + 26*time.Second), MonotonicSeconds: 118*60 + 26},
		Agency: certs.Agency{Orgnr: "971040238", Name: "Kartverket", Agreement: "Ombruk og gjenvinning av IKT-utstyr", Subcontract: "D2"},
		Order:  "B-2026-00871", AssetTag: "T-10442", UnitID: "019ab0c3-11aa-7e02-8d6f-77aa01c4e9b3", Operator: "Kari Nordmann",
	}
}

func named() certs.People {
	return certs.People{
		PerformedBy: &certs.Person{Name: "Kari Nordmann", Title: "Tekniker", Organisation: "Depot AS", Date: "2026-11-22", Place: "Alnabru, Oslo", Contact: "kari@example.no"},
		VerifiedBy:  &certs.Person{Name: "Łukasz Žižka", Title: "Stasjonsleder", Organisation: "Depot AS", Date: "2026-11-22T14:10:00Z", Place: "Alnabru, Oslo", Contact: "+47 22 00 00 00"},
	}
}

// clean is a magnetic drive overwritten once and read back in full.
func clean() certs.Sanitization {
	const size = 1_000_204_886_016
	h := header()
	return certs.Sanitization{
		Header: h,
		Unit:   certs.UnitFacts{Manufacturer: "Dell Inc.", Model: "Latitude 7400", Class: "laptop", Serial: "5XK2P13", UUID: "4c4c4544-0058-4b10-8032-b5c04f503133"},
		Drive: certs.DriveFacts{Path: "/dev/sda", Bus: inventory.BusATA, Media: inventory.MediaMagnetic, Manufacturer: "Western Digital", Model: "WDC WD10SPZX-24Z10T0", Serial: "WXC1A88E4T2L",
			Firmware: "01.01A01", WWN: "naa.50014ee6b3a1c2d4", CapacityBytes: size, LogicalBlockBytes: 512, PhysicalBlockBytes: 4096,
			Hidden: certs.HiddenAreas{HPABytes: none(), DCOBytes: none()}, Health: certs.Health{Before: "ok", After: "ok"}},
		Requested: certs.Requested{Standard: "nist-800-88r2-clear", Method: erase.Clear},
		Accepted:  certs.Accepted{Method: erase.Clear, By: "order"},
		Achieved:  certs.Achieved{Method: erase.Clear, Technique: erase.Overwrite, Reference: "performed with overwriting, one pass; corresponds to Clear according to NIST SP 800-88 Rev. 2"},
		Policy:    certs.Policy{Name: "ombruk-default-2026", SHA256: hash("policy")},
		Outcome:   erase.Sanitized, Fulfilled: true, Assurance: erase.ReadBack, Disposition: erase.Reuse,
		Steps:        []certs.Step{step(0, 59, "00", size)},
		Verification: certs.Verification{Mode: erase.VerifyFull, BytesRead: size, Fraction: "1", Path: "direct"},
		Exceptions:   []erase.Exception{},
		Source:       "Kartverket, HR", Confidentiality: "Intern", People: named(),
	}
}

func step(from, minutes int, pattern string, size int64) certs.Step {
	start := began.Add(time.Duration(from) * time.Minute)
	return certs.Step{Kind: erase.StepOverwrite, Technique: erase.Overwrite, Started: start, Finished: start.Add(time.Duration(minutes)*time.Minute - time.Second),
		Bytes: size, Pattern: pattern, Passes: 1,
		Commands: []erase.Command{{Name: "WRITE", Status: fmt.Sprintf("%d transfers, 0 refused", size/1048576)}, {Name: "FLUSH", Status: "done"}}}
}

// byDrive is a step that the drive does itself, or that belongs to one.
func byDrive(from, seconds int, kind erase.StepKind, command inventory.EraseCommand, bytes int64, commands ...erase.Command) certs.Step {
	start := began.Add(time.Duration(from) * time.Second)
	return certs.Step{Kind: kind, Command: command, Started: start, Finished: start.Add(time.Duration(seconds) * time.Second),
		Bytes: bytes, Passes: 1, Commands: commands, Errors: []erase.BadRange{}}
}

// flash is a flash drive that its own firmware is to erase, and what all such
// records have in common.
func flash() certs.Sanitization {
	rec := clean()
	rec.Drive.Path, rec.Drive.Bus, rec.Drive.Media = "/dev/nvme0n1", inventory.BusNVMe, inventory.MediaFlash
	rec.Drive.Manufacturer, rec.Drive.Model, rec.Drive.Serial, rec.Drive.Firmware = "Samsung", "SAMSUNG MZVLB512HBJQ-000L7", "S4EXNX0R1I0O18", "5M2QEXF7"
	rec.Drive.WWN, rec.Drive.CapacityBytes, rec.Drive.LogicalBlockBytes, rec.Drive.PhysicalBlockBytes = "eui.0025388b01b4c3f1", 512_110_190_592, 512, 512
	rec.Drive.Hidden, rec.Drive.HiddenAfter = certs.HiddenAreas{AMABytes: none()}, certs.HiddenAreas{AMABytes: none()}
	rec.Drive.Health = certs.Health{Before: "passed, 12345 h, 0 uncorrectable, 3 % used, 100 % spare", After: "passed, 12345 h, 0 uncorrectable, 3 % used, 100 % spare"}
	rec.Requested = certs.Requested{Standard: "nist-800-88r2-purge", Method: erase.Purge}
	rec.Accepted.Method = erase.Purge
	rec.RandomKeySHA256 = hash("key")
	return rec
}

// ended sets the record's times by its steps and a read-back of so many seconds.
func ended(rec certs.Sanitization, readBack int) certs.Sanitization {
	last := rec.Steps[len(rec.Steps)-1].Finished.Add(time.Duration(readBack) * time.Second)
	rec.Clock.WallFinished, rec.Clock.MonotonicSeconds = last, int64(last.Sub(began)/time.Second)
	return rec
}

// purged is a flash drive that erased its blocks and opened its media.
func purged() certs.Sanitization {
	rec := flash()
	rec.Achieved = certs.Achieved{Method: erase.Purge, Technique: erase.BlockErase}
	rec.Steps = []certs.Step{
		byDrive(0, 9, erase.StepMark, "", 4098*4096),
		byDrive(10, 75, erase.StepErase, inventory.NVMeSanitizeBlock, rec.Drive.CapacityBytes,
			erase.Command{Name: "Sanitize, block erase", Code: "84h, CDW10 00000402h: SANACT 2, AUSE 0, NDAS 0, EMVS 1, PREQ 0", Status: "0h/00h success"},
			erase.Command{Name: "Get Log Page, Sanitize Status", Code: "02h/81h", Status: "SSTAT 0105h SPROG FFFFh SCDW10 00000402h"},
			erase.Command{Name: "Sanitize, exit media verification state", Code: "84h, CDW10 00000005h", Status: "0h/00h success"}),
	}
	rec.Steps[1].Technique = erase.BlockErase
	rec.Verification = certs.Verification{Mode: erase.VerifyFull, BytesRead: rec.Drive.CapacityBytes, Fraction: "1", Path: "direct",
		Markers: 4098, Remembered: 3981, Patterns: []string{"00"}}
	rec.Assurance = erase.MediaVerified
	return ended(rec, 214)
}

// crypto is the usual end of a laptop's drive: its key is destroyed.
func crypto() certs.Sanitization {
	rec := flash()
	rec.Achieved = certs.Achieved{Method: erase.Purge, Technique: erase.CryptoErase}
	rec.Steps = []certs.Step{
		byDrive(0, 4, erase.StepMark, "", 4098*4096),
		byDrive(5, 2, erase.StepErase, inventory.NVMeSanitizeCrypto, rec.Drive.CapacityBytes,
			erase.Command{Name: "Sanitize, crypto erase", Code: "84h, CDW10 00000204h: SANACT 4, AUSE 0, NDAS 1", Status: "0h/00h success"},
			erase.Command{Name: "Get Log Page, Sanitize Status", Code: "02h/81h", Status: "SSTAT 0101h SPROG FFFFh SCDW10 00000204h"}),
	}
	rec.Steps[1].Technique = erase.CryptoErase
	rec.Verification = certs.Verification{Mode: erase.VerifySample, BytesRead: (4098 + 3981) * 4096, Fraction: "0.000064", Path: "direct",
		Markers: 4098, Remembered: 3981, Patterns: []string{}}
	return ended(rec, 1)
}

// restored is a disk with a frozen lock and a hidden area, which then overwrote
// itself.
func restored() certs.Sanitization {
	rec := clean()
	before, gone := int64(1_048_576_000), none()
	rec.Drive.Hidden = certs.HiddenAreas{HPABytes: &before, DCOBytes: none()}
	rec.Drive.HiddenAfter = certs.HiddenAreas{HPABytes: gone, DCOBytes: gone}
	rec.Drive.Health = certs.Health{Before: "passed, 31207 h, 8 reallocated, 1 pending, 0 uncorrectable", After: "passed, 31210 h, 9 reallocated, 0 pending, 0 uncorrectable"}
	rec.Requested = certs.Requested{Standard: "ieee-2883-purge", Method: erase.Purge}
	rec.Accepted = certs.Accepted{Method: erase.Purge, By: "order"}
	rec.Achieved = certs.Achieved{Method: erase.Purge, Technique: erase.SanitizeOverwrite}
	rec.RandomKeySHA256 = hash("key")
	rec.Steps = []certs.Step{
		byDrive(0, 12, erase.StepThaw, "", 0, erase.Command{Name: "suspend to RAM", Status: "asleep for 5 s; no longer frozen"}),
		byDrive(13, 1, erase.StepReveal, "", before,
			erase.Command{Name: "READ NATIVE MAX ADDRESS EXT", Code: "27h", Status: "status 50h, 1953525168 sectors"},
			erase.Command{Name: "SET MAX ADDRESS EXT", Code: "37h", Status: "status 50h"}),
		byDrive(15, 41, erase.StepMark, "", 1026*4096),
		byDrive(57, 3*3600+1140, erase.StepErase, inventory.ATASanitizeOverwrite, rec.Drive.CapacityBytes,
			erase.Command{Name: "SANITIZE DEVICE, OVERWRITE EXT", Code: "B4h/0014h, count 0001h, LBA 4F5700000000h", Status: "status 50h"},
			erase.Command{Name: "SANITIZE DEVICE, SANITIZE STATUS EXT", Code: "B4h/0000h", Status: "status 50h, completed, progress FFFFh"}),
	}
	rec.Steps[3].Technique = erase.SanitizeOverwrite
	rec.Verification = certs.Verification{Mode: erase.VerifyFull, BytesRead: rec.Drive.CapacityBytes, Fraction: "1", Path: "direct",
		Markers: 1026, Remembered: 987, Patterns: []string{"00"}}
	return ended(rec, 7200)
}

// markersLeft is a drive that reports success and did nothing.
func markersLeft() certs.Sanitization {
	rec := crypto()
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Failed, false, erase.AssuranceNone, erase.Destroy
	rec.Achieved.Method = erase.MethodNone
	v := &rec.Verification
	v.MarkersLeft, v.Unchanged, v.Mismatches = 4098, 3981, (4098+3981)*8
	e := erase.Exception{Code: "mismatch", Params: map[string]string{"blocks": fmt.Sprint(v.Mismatches), "more": "yes"}, Text: "Blocks that held something else."}
	for i := range 200 {
		e.LBARanges = append(e.LBARanges, erase.BadRange{LBA: uint64(i) * 244_000, Count: 8, Kind: "mismatch"})
	}
	v.Errors = e.LBARanges
	rec.Exceptions = []erase.Exception{e}
	return rec
}

// atWork was cancelled while the drive was at work.
func atWork() certs.Sanitization {
	rec := restored()
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Interrupted, false, erase.AssuranceNone, erase.Hold
	rec.Achieved.Method = erase.MethodNone
	rec.Drive.HiddenAfter, rec.Drive.Health.After = certs.HiddenAreas{}, ""
	last := &rec.Steps[3]
	last.Finished, last.Bytes = last.Started.Add(47*time.Minute), 0
	last.Commands[1].Status = "status 50h, running, progress 3F00h"
	rec.Verification = certs.Verification{Mode: erase.VerifyNone, Fraction: "0"}
	rec.Exceptions = []erase.Exception{
		{Code: "goes-on", Text: "The drive goes on erasing by itself."},
		{Code: "interrupted", Params: map[string]string{"percent": "0", "cause": "context canceled"}, Text: "Cancelled."},
	}
	return ended(rec, 0)
}

// locksIfSwitchedOff was cancelled during a security erase, which a power cut
// stops, and which leaves our password on the drive.
func locksIfSwitchedOff() certs.Sanitization {
	rec := clean()
	rec.Requested = certs.Requested{Standard: "nist-800-88r2-purge", Method: erase.Purge}
	rec.Accepted.Method = erase.Purge
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Interrupted, false, erase.AssuranceNone, erase.Hold
	rec.Achieved = certs.Achieved{Technique: erase.SecurityErase}
	rec.Drive.Health = certs.Health{Before: "passed, 31207 h, 8 reallocated, 1 pending, 0 uncorrectable"}
	rec.RandomKeySHA256 = hash("key")
	rec.Steps = []certs.Step{
		byDrive(0, 41, erase.StepMark, "", 1026*4096),
		byDrive(42, 1860, erase.StepErase, inventory.ATASecurityEraseEnhanced, 0,
			erase.Command{Name: "SECURITY SET PASSWORD", Code: "F1h", Status: "status 50h error 00h count 0000h lba 000000000000h device 40h"},
			erase.Command{Name: "SECURITY ERASE PREPARE", Code: "F3h", Status: "status 50h error 00h count 0000h lba 000000000000h device 40h"},
			erase.Command{Name: "SECURITY ERASE UNIT, enhanced", Code: "F4h", Status: "sent; no answer yet"}),
	}
	rec.Steps[1].Technique = erase.SecurityErase
	rec.Verification = certs.Verification{Mode: erase.VerifyNone, Fraction: "0"}
	rec.Exceptions = []erase.Exception{
		{Code: "at-work-locked", Params: map[string]string{"password": erase.OwnPassword}, Text: "The drive must not be switched off."},
		{Code: "interrupted", Params: map[string]string{"percent": "31", "cause": "context canceled"}, Text: "Cancelled."},
	}
	rec.People.VerifiedBy = nil
	return ended(rec, 0)
}

// wornOut is a drive that is clean and of no use any more.
func wornOut() certs.Sanitization {
	rec := crypto()
	rec.Outcome, rec.Disposition = erase.SanitizedWithExceptions, erase.Destroy
	rec.Drive.Health = certs.Health{Before: "failing, 41022 h, 12 uncorrectable, 104 % used, 2 % spare", After: "failing, 41022 h, 12 uncorrectable, 104 % used, 2 % spare"}
	rec.Steps = rec.Steps[1:]
	rec.Verification.Markers, rec.Verification.Remembered = 0, 8079
	rec.Exceptions = []erase.Exception{
		{Code: "takes-no-writes", Text: "The drive takes no writes any more, as worn-out flash does."},
		{Code: "failing-health", Text: "The drive itself says that its health is failing."},
		{Code: "markers-refused", Params: map[string]string{"markers": "0", "places": "4098"}, Text: "Of 4098 markers the drive took 0 before the erase."},
	}
	same := *rec.People.PerformedBy
	rec.People.VerifiedBy = &same
	return rec
}

// frozen never got as far as an erase.
func frozen() certs.Sanitization {
	rec := restored()
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Failed, false, erase.AssuranceNone, erase.Hold
	rec.Achieved = certs.Achieved{Technique: erase.SecurityErase}
	rec.Steps = rec.Steps[2:3]
	rec.Verification = certs.Verification{Mode: erase.VerifyNone, Fraction: "0"}
	still := *rec.Drive.Hidden.HPABytes
	rec.Drive.HiddenAfter.HPABytes = &still
	rec.Exceptions = []erase.Exception{
		{Code: "frozen", Params: map[string]string{"percent": "0", "cause": "start ata-security-erase-enhanced: SECURITY SET PASSWORD: frozen: status 51h, error 04h (aborted)"}, Text: "Frozen."},
		{Code: "hidden-area-left", Params: map[string]string{"bytes": "1048576000", "cause": "SET MAX ADDRESS was given once since power-on, and there is no way to power-cycle the drive here"}, Text: "Hidden."},
		{Code: "not-reached", Params: map[string]string{"name": "boot partition 1", "bytes": "4194304"}, Text: "Not reached."},
	}
	return ended(rec, 0)
}

func withExceptions() certs.Sanitization {
	rec := clean()
	rec.Outcome = erase.SanitizedWithExceptions
	rec.Drive.Serial = ""
	rec.Drive.Hidden = certs.HiddenAreas{}
	rec.Exceptions = []erase.Exception{
		{Code: "missing-serial", Text: "The drive tells no serial number, so this page cannot be tied to it for certain."},
		{Code: "hidden-area-unknown", Text: "Whether the drive hides an area (HPA, DCO, AMA) was not asked."},
		{Code: "reallocated", Text: "Seven blocks were reallocated by the drive before this run; they are beyond the reach of overwriting."},
	}
	return rec
}

func badBlocks(ranges int) certs.Sanitization {
	rec := clean()
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Failed, false, erase.AssuranceNone, erase.Destroy
	rec.Achieved = certs.Achieved{Technique: erase.Overwrite}
	e := erase.Exception{Code: "bad-blocks", Params: map[string]string{"blocks": fmt.Sprint(ranges * 8)}, Text: "Blocks that could not be overwritten."}
	for i := range ranges {
		e.LBARanges = append(e.LBARanges, erase.BadRange{LBA: uint64(1953525168 - 4096*(ranges-i)), Count: uint64(8 - 7*(i%2)), Kind: "write"})
	}
	rec.Exceptions = []erase.Exception{e}
	rec.Steps[0].Errors = e.LBARanges
	rec.Steps[0].Commands[0].Status = fmt.Sprintf("953869 transfers, %d refused", ranges)
	rec.Drive.Health.After = "3 pending sectors"
	return rec
}

func belowLevel() certs.Sanitization {
	rec := clean()
	rec.Requested = certs.Requested{Standard: "nist-800-88r2-purge", Method: erase.Purge}
	rec.Accepted = certs.Accepted{Method: erase.Purge, By: "policy ombruk-default-2026"}
	rec.Fulfilled, rec.Disposition = false, erase.Destroy
	rec.Exceptions = []erase.Exception{{Code: "below-accepted", Params: map[string]string{"accepted": "purge", "achieved": "clear"}, Text: "Below."}}
	rec.Outcome = erase.SanitizedWithExceptions
	return rec
}

func held() certs.Sanitization {
	rec := clean()
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Failed, false, erase.AssuranceNone, erase.Hold
	rec.Achieved = certs.Achieved{Technique: erase.Overwrite}
	rec.Verification = certs.Verification{}
	rec.Exceptions = []erase.Exception{{Code: "device-gone", Params: map[string]string{"cause": "write at 120 GB: no such device", "percent": "12"}, Text: "Gone."}}
	return rec
}

func interrupted() certs.Sanitization {
	rec := held()
	rec.Outcome = erase.Interrupted
	rec.Exceptions = []erase.Exception{{Code: "interrupted", Params: map[string]string{"percent": "43", "cause": "context canceled"}, Text: "Cancelled."}}
	rec.Clock.Trusted, rec.Clock.Source = false, "system"
	rec.People = certs.People{}
	return rec
}

func unproven() certs.Sanitization {
	rec := clean()
	rec.Outcome, rec.Fulfilled, rec.Assurance, rec.Disposition = erase.Unproven, false, erase.DeviceReported, erase.Hold
	rec.Achieved = certs.Achieved{Technique: erase.Overwrite}
	rec.Verification = certs.Verification{Mode: erase.VerifyNone, Fraction: "0"}
	rec.Exceptions = []erase.Exception{{Code: "not-read-back", Text: "Nothing was read back."}}
	return rec
}

// gutmann is 35 passes in the order of one run.
func gutmann() certs.Sanitization {
	rec := clean()
	rec.Requested.Standard = "gutmann"
	rec.Steps = nil
	fixed := strings.Split("55,AA,92 49 24,49 24 92,24 92 49,00,11,22,33,44,55,66,77,88,99,AA,BB,CC,DD,EE,FF,92 49 24,49 24 92,24 92 49,6D B6 DB,B6 DB 6D,DB 6D B6", ",")
	var patterns []string
	for range 4 {
		patterns = append(patterns, "random (AES-128-CTR)")
	}
	for i := range fixed {
		patterns = append(patterns, fixed[(i*11)%len(fixed)])
	}
	for range 4 {
		patterns = append(patterns, "random (AES-128-CTR)")
	}
	for i, p := range patterns {
		rec.Steps = append(rec.Steps, step(i*140, 140, p, rec.Drive.CapacityBytes))
	}
	rec.Clock.WallFinished = began.Add(36 * 140 * time.Minute)
	rec.Clock.MonotonicSeconds = 36 * 140 * 60
	rec.RandomKeySHA256 = hash("key")
	rec.Unit.Manufacturer = "Hewlett-Packard Enterprise Development LP"
	rec.Agency.Name = "Direktoratet for forvaltning og økonomistyring, avdeling for anskaffelser"
	return rec
}

// hostile has strings from a stranger in every place that takes one.
func hostile() certs.Sanitization {
	rec := clean()
	rec.Drive.Serial = strings.Repeat("W0I1l", 40)
	rec.Drive.Model = "\x1b[2J\x1b]0;owned\x07evil\u202egpj.exe\u202c"
	rec.Drive.Manufacturer = "<script>alert(1)</script> (Tj) \\ ) endstream endobj"
	rec.Drive.Firmware = "\x00\x01\xff\xfe"
	rec.Unit.Model = "שלום עולם مرحبا 漢字 💾 {{.ID}}"
	rec.Unit.Serial = "A  B\u00ad\u200b\ufeffC"
	rec.AssetTag = "=HYPERLINK(\"http://x\")\r\nInjected: line"
	rec.Agency.Name = "Ås kommune (Å)"
	rec.People.PerformedBy.Name = strings.Repeat("Very Long Name ", 12)
	rec.People.PerformedBy.Contact = strings.Repeat("x", 90) + "@example.no"
	rec.Policy.Name = "policy\u2028name"
	rec.Tool.Version = "1.0\x9b31m"
	return rec
}

func unit() certs.Unit {
	rec := certs.Unit{
		Header: header(),
		Machine: inventory.Machine{
			System: inventory.System{Manufacturer: "Dell Inc.", Model: "Precision 3630 Tower", Class: "workstation", Serial: "8QW1K53", UUID: "4c4c4544-0051-5710-8031-b8c04f4b3533"},
			CPU:    []inventory.CPU{{Model: "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", Cores: 6, Threads: 12}},
			Memory: inventory.Memory{TotalBytes: 32 << 30, Modules: []inventory.MemoryModule{
				{Slot: "DIMM1", SizeBytes: 16 << 30, Type: "DDR4", SpeedMTs: 2666, Manufacturer: "SK Hynix", PartNumber: "HMA82GU6CJR8N-VK", Serial: "2F4A11C0"},
				{Slot: "DIMM2", SizeBytes: 16 << 30, Type: "DDR4", SpeedMTs: 2666, Manufacturer: "SK Hynix", PartNumber: "HMA82GU6CJR8N-VK", Serial: "2F4A11C7"}}},
			Network: []inventory.NIC{{Name: "eno1", MAC: "e4:54:e8:11:22:33", Model: "Intel I219-LM"}, {Name: "wlp2s0", MAC: "a0:51:0b:44:55:66", Model: "Intel AX200", Wireless: true}},
			Drives:  []inventory.Drive{{Path: "/dev/nvme0n1", CapacityBytes: 512_110_190_592}, {Path: "/dev/sda", CapacityBytes: 1_000_204_886_016}, {Path: "/dev/sdb", CapacityBytes: 31_914_983_424}},
		},
		Drives: []certs.UnitDrive{
			{Path: "/dev/nvme0n1", Model: "SAMSUNG MZVLB512HBJQ-000L7", Serial: "S4EXNX0R1I0O18", RecordID: "019ab0c4-7d2e-7b41-9c1f-5a3e8d90b712", SHA256: hash("a"), Outcome: erase.Sanitized, Achieved: erase.Purge, Disposition: erase.Reuse},
			{Path: "/dev/sda", Model: "WDC WD10SPZX-24Z10T0", Serial: "WXC1A88E4T2L", RecordID: "019ab0c4-9001-7aaa-8c1f-5a3e8d90b713", SHA256: hash("b"), Outcome: erase.Failed, Disposition: erase.Destroy},
			{Path: "/dev/sdb", Model: "OMBRUK-STICK", Serial: "4C530001", NotTouched: "the medium this system was started from"},
		},
		Disposition: "reuse", People: named(),
	}
	return rec
}

// page wraps a record the way the signer would, so that sizes are real.
func page(t testing.TB, language string, record any) Page {
	t.Helper()
	payload, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	chain := make([]byte, 1400)
	for i := range chain {
		chain[i] = byte(i*131 + i*i)
	}
	envelope, err := json.Marshal(map[string]any{
		"payloadType": "application/vnd.in-toto+json", "payload": base64.StdEncoding.EncodeToString(payload),
		"signatures": []any{map[string]any{"keyid": hash("station"), "sig": base64.StdEncoding.EncodeToString(chain[:72]), "cert": base64.StdEncoding.EncodeToString(chain)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(envelope)
	return Page{
		Language: language,
		Issuer:   Issuer{Name: "Depot AS", Orgnr: "913 825 475", Established: true, Fingerprint: hash("station")},
		Envelope: envelope, EnvelopeSHA256: hex.EncodeToString(sum[:]),
	}
}

func logo(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA64(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			if (x-w/2)*(x-w/2)+(y-h/2)*(y-h/2) < h*h/4 {
				img.Set(x, y, color.NRGBA{30, 90, 140, 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func renderer(t testing.TB) *Renderer {
	t.Helper()
	var texts []*lang.Text
	for _, tag := range lang.Tags() {
		text, err := lang.For(tag)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	r, err := New(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
