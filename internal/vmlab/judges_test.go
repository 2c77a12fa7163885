//go:build vm && linux

package vmlab

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// said is what somebody says of a drive, in words: fact by name.
type said map[string]string

// number puts a number down, where there is one.
func (s said) number(name string, n *int64) {
	if n != nil {
		s[name] = fmt.Sprint(*n)
	}
}

// ours is what ombruk says of a drive, in the judges' words.
func ours(d listed) said {
	s := said{
		"model": d.Model, "serial": d.Serial, "firmware": d.Firmware, "bytes": fmt.Sprint(d.CapacityBytes),
		"wwn": strings.ToLower(strings.TrimPrefix(d.WWN, "naa.")),
	}
	a := d.Abilities
	if a == nil {
		return s
	}
	lock := a.Security
	if lock.Kind != "ata" { // a lock that only TCG's own tools know
		lock = inventory.Security{}
	}
	s["lock"] = fmt.Sprintf("supported %v, enabled %v, locked %v, frozen %v", lock.Supported, lock.Enabled, lock.Locked, lock.Frozen)
	var sanitizers []string
	for _, e := range a.Erasers {
		switch e.Command {
		case inventory.ATASanitizeCrypto, inventory.NVMeSanitizeCrypto:
			sanitizers = append(sanitizers, "crypto")
		case inventory.ATASanitizeBlock, inventory.NVMeSanitizeBlock:
			sanitizers = append(sanitizers, "block")
		case inventory.ATASanitizeOverwrite, inventory.NVMeSanitizeOverwrite:
			sanitizers = append(sanitizers, "overwrite")
		case inventory.ATASecurityErase:
			s["security erase minutes"] = fmt.Sprint(e.EstimateSeconds / 60)
		case inventory.ATASecurityEraseEnhanced:
			s["enhanced erase minutes"] = fmt.Sprint(e.EstimateSeconds / 60)
		}
	}
	slices.Sort(sanitizers)
	s["sanitize"] = strings.Join(sanitizers, " ")
	s["sanitize status"], _, _ = strings.Cut(a.Sanitize.Raw, " SSI")
	if h := a.Health; h != nil {
		if h.Passed != nil {
			s["passed"] = fmt.Sprint(*h.Passed)
		}
		s.number("hours", h.PowerOnHours)
		s.number("cycles", h.PowerCycles)
		s.number("reallocated", h.Reallocated)
		s.number("pending", h.Pending)
		s.number("percent used", h.PercentUsed)
		s.number("celsius", h.TemperatureCelsius)
	}
	return s
}

// agrees compares what ombruk says with what a judge says, for every fact that
// the judge tells.
func agrees(t *testing.T, judge string, ours, theirs said) {
	t.Helper()
	if len(theirs) == 0 {
		t.Errorf("%s says nothing", judge)
	}
	for what, want := range theirs {
		if got := ours[what]; got != want {
			t.Errorf("%s: ombruk says %q, %s %q", what, got, judge, want)
		}
	}
}

// lines are facts that a judge prints one a line: name and pattern, whose first
// group is the fact.
func lines(t *testing.T, text string, patterns map[string]string) said {
	t.Helper()
	s := said{}
	for name, pattern := range patterns {
		found := regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(text)
		if found == nil {
			t.Errorf("no line with the %s in\n%s", name, text)
			continue
		}
		s[name] = strings.TrimSpace(found[1])
	}
	return s
}

// byHdparm is what hdparm reads of an ATA drive.
func (b *bench) byHdparm(t *testing.T, name string) said {
	t.Helper()
	text := b.run(t, 0, "hdparm", "-I", b.paths[name]).Stdout
	s := lines(t, text, map[string]string{
		"model": `Model Number:(.*)$`, "serial": `Serial Number:(.*)$`, "firmware": `Firmware Revision:(.*)$`,
		"bytes": `LBA48\s+user addressable sectors:\s+(\d+)$`, "wwn": `Logical Unit WWN Device Identifier: (\w+)$`,
	})
	var sectors int64
	_, _ = fmt.Sscan(s["bytes"], &sectors)
	s["bytes"] = fmt.Sprint(sectors * 512)
	var sanitizers []string
	for command, word := range map[string]string{"BLOCK_ERASE_EXT": "block", "CRYPTO_SCRAMBLE_EXT": "crypto", "OVERWRITE_EXT": "overwrite"} {
		if strings.Contains(text, command+" command") {
			sanitizers = append(sanitizers, word)
		}
	}
	slices.Sort(sanitizers)
	s["sanitize"] = strings.Join(sanitizers, " ")
	_, security, _ := strings.Cut(text, "Security:")
	has := func(word string) bool { return regexp.MustCompile(`(?m)^\t\t?` + word + `$`).MatchString(security) }
	s["lock"] = fmt.Sprintf("supported %v, enabled %v, locked %v, frozen %v", has("supported"), has("enabled"), has("locked"), has("frozen"))
	for name, pattern := range map[string]string{"security erase minutes": `(\d+)min for SECURITY`, "enhanced erase minutes": `(\d+)min for ENHANCED`} {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(security); found != nil {
			s[name] = found[1]
		}
	}
	return s
}

// bySmartctl is what smartctl reads of any drive. Its exit code is about logs
// that a drive need not have.
func (b *bench) bySmartctl(t *testing.T, name string) said {
	t.Helper()
	out, err := b.m.Run("smartctl", "-x", "-j", b.paths[name])
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Model    string                   `json:"model_name"`
		Serial   string                   `json:"serial_number"`
		Firmware string                   `json:"firmware_version"`
		Capacity struct{ Bytes int64 }    `json:"user_capacity"`
		Status   *struct{ Passed bool }   `json:"smart_status"`
		On       *struct{ Hours int64 }   `json:"power_on_time"`
		Cycles   *int64                   `json:"power_cycle_count"`
		Degrees  *struct{ Current int64 } `json:"temperature"`
		ATA      struct {
			Table []struct {
				ID  int
				Raw struct{ Value int64 }
			}
		} `json:"ata_smart_attributes"`
		NVMe *struct {
			Used int64 `json:"percentage_used"`
		} `json:"nvme_smart_health_information_log"`
	}
	if err := json.Unmarshal([]byte(out.Stdout), &r); err != nil {
		t.Fatalf("smartctl: %v\n%s", err, out.Stdout)
	}
	s := said{"serial": r.Serial, "bytes": fmt.Sprint(r.Capacity.Bytes)}
	if r.Firmware != "" { // ATA and NVMe
		s["model"], s["firmware"] = r.Model, r.Firmware
	}
	if r.Status != nil {
		s["passed"] = fmt.Sprint(r.Status.Passed)
	}
	if r.On != nil {
		s.number("hours", &r.On.Hours)
	}
	if r.Degrees != nil {
		s.number("celsius", &r.Degrees.Current)
	}
	s.number("cycles", r.Cycles)
	for _, row := range r.ATA.Table {
		switch row.ID {
		case 5:
			s.number("reallocated", &row.Raw.Value)
		case 197:
			s.number("pending", &row.Raw.Value)
		}
	}
	if r.NVMe != nil {
		s.number("percent used", &r.NVMe.Used)
	}
	return s
}

// bySgVpd is what sg_vpd reads of an ATA or SCSI drive.
func (b *bench) bySgVpd(t *testing.T, name string) said {
	t.Helper()
	text := b.run(t, 0, "sg_vpd", "--all", b.paths[name]).Stdout
	return lines(t, text, map[string]string{"serial": `Unit serial number: (.*)$`, "wwn": `^\s+0x([0-9a-f]{16})$`})
}

// byNVMe is what nvme-cli reads of an NVMe drive.
func (b *bench) byNVMe(t *testing.T, name string) said {
	t.Helper()
	var id struct {
		SN, MN, FR string
		SANICAP    int
	}
	if err := json.Unmarshal([]byte(b.run(t, 0, "nvme", "id-ctrl", "-o", "json", b.paths[name]).Stdout), &id); err != nil {
		t.Fatalf("nvme id-ctrl: %v", err)
	}
	s := said{"serial": strings.TrimSpace(id.SN), "model": strings.TrimSpace(id.MN), "firmware": strings.TrimSpace(id.FR)}
	var sanitizers []string
	for bit, word := range []string{"crypto", "block", "overwrite"} { // SANICAP
		if id.SANICAP>>bit&1 == 1 {
			sanitizers = append(sanitizers, word)
		}
	}
	slices.Sort(sanitizers)
	s["sanitize"] = strings.Join(sanitizers, " ")
	if id.SANICAP != 0 {
		raw := b.run(t, 0, "nvme", "sanitize-log", "-b", b.paths[name]).Stdout
		if len(raw) < 8 {
			t.Fatalf("nvme sanitize-log gave %d bytes", len(raw))
		}
		s["sanitize status"] = fmt.Sprintf("SSTAT %02X%02Xh SPROG %02X%02Xh SCDW10 %02X%02X%02X%02Xh", raw[3], raw[2], raw[1], raw[0], raw[7], raw[6], raw[5], raw[4])
	}
	return s
}
