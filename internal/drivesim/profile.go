package drivesim

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

//go:embed profiles/*.json
var embedded embed.FS

// Profile describes one kind of simulated drive. See the package comment for
// how to add one.
type Profile struct {
	// Name is the file's name without .json.
	Name string `json:"-"`
	// Title is one line in plain words.
	Title string `json:"title"`
	// Honest is true when the drive does what it says, well or badly.
	Honest bool `json:"honest"`
	// Unmasked is what it takes to catch a liar; empty for honest drives.
	Unmasked Unmasking `json:"unmasked,omitempty"`
	// Expect is what a run must come to, in words.
	Expect string `json:"expect"`

	Bus inventory.Bus `json:"bus"`
	// Protocol is the command set of the drive itself: nvme, ata, scsi, mmc.
	Protocol     string          `json:"protocol"`
	Media        inventory.Media `json:"media"`
	Manufacturer string          `json:"manufacturer,omitempty"`
	Model        string          `json:"model"`
	// Serial is made up from the path when empty.
	Serial    string `json:"serial,omitempty"`
	Firmware  string `json:"firmware"`
	NoWWN     bool   `json:"no_wwn,omitempty"`
	Removable bool   `json:"removable,omitempty"`

	// Units are the namespaces or logical units, Boot the boot partitions.
	Units   []UnitProfile `json:"units"`
	Boot    []UnitProfile `json:"boot,omitempty"`
	RPMBKiB int64         `json:"rpmb_kib,omitempty"`
	// LogicalBlockBytes is 512 when not given, PhysicalBlockBytes the same.
	LogicalBlockBytes  int `json:"logical_block_bytes,omitempty"`
	PhysicalBlockBytes int `json:"physical_block_bytes,omitempty"`
	// SpareKiB is flash or tracks beyond what can be addressed, RetiredKiB
	// and StaleKiB what of it holds old copies of original data, in blocks
	// that are no longer used and in such that will be used again.
	SpareKiB   int64 `json:"spare_kib"`
	RetiredKiB int64 `json:"retired_kib"`
	StaleKiB   int64 `json:"stale_kib,omitempty"`
	// Encrypts is true when everything on the medium is under a key.
	Encrypts bool `json:"encrypts,omitempty"`
	// ReadOnly is true for a drive so worn that it takes no writes any more.
	ReadOnly bool `json:"read_only,omitempty"`
	// WriteCache is true when there is one that a power cut empties.
	WriteCache bool `json:"write_cache,omitempty"`
	// ErasedReads and UnmappedReads are what erased and deallocated blocks
	// read as, 1 to 8 bytes in hexadecimal; 00 when not given.
	ErasedReads   string `json:"erased_reads,omitempty"`
	UnmappedReads string `json:"unmapped_reads,omitempty"`
	// CryptoUnreadable makes reads fail whose key was destroyed.
	CryptoUnreadable bool     `json:"crypto_unreadable,omitempty"`
	Defects          []Defect `json:"defects,omitempty"`

	// Erasers are the erase commands it says it has.
	Erasers map[inventory.EraseCommand]EraserProfile `json:"erasers"`
	// Sanitize is the state its sanitize engine comes in.
	Sanitize *SanitizeProfile `json:"sanitize,omitempty"`
	Lies     []Lie            `json:"lies,omitempty"`
	Faults   []Fault          `json:"faults,omitempty"`

	NVMe *NVMeProfile `json:"nvme,omitempty"`
	ATA  *ATAProfile  `json:"ata,omitempty"`
	SCSI *SCSIProfile `json:"scsi,omitempty"`
	MMC  *MMCProfile  `json:"mmc,omitempty"`
	USB  *USBProfile  `json:"usb,omitempty"`
	TCG  *TCGProfile  `json:"tcg,omitempty"`
}

// UnitProfile is one namespace, logical unit or boot partition.
type UnitProfile struct {
	// KiB is what a host can address when the drive comes to us, HiddenKiB
	// what lies beyond (HPA, DCO, AMA).
	KiB       int64 `json:"kib"`
	HiddenKiB int64 `json:"hidden_kib,omitempty"`
	// BlankKiB is how much at its end was never written.
	BlankKiB int64 `json:"blank_kib,omitempty"`
	// BlockBytes is the size of a formatted block where it is not the drive's.
	BlockBytes int `json:"block_bytes,omitempty"`
	// Detached is true for a namespace that no controller shows.
	Detached bool `json:"detached,omitempty"`
	// Late is true for a namespace that is made by somebody else while we
	// are at it: by a fault of that name.
	Late bool `json:"late,omitempty"`
}

// Unmasking is what it takes to catch a liar.
type Unmasking string

// The ways to catch a liar.
const (
	// ByStatus: what it answers is enough.
	ByStatus Unmasking = "status"
	// BySample: reading a stratified sample back is enough.
	BySample Unmasking = "sample"
	// ByFullReading: only reading everything back is sure to find it.
	ByFullReading Unmasking = "full-reading"
	// ByNothing: no reading tells it from an honest drive.
	ByNothing Unmasking = "nothing"
)

// Unmaskable reports whether reading back, everything or a sample, is sure to
// unmask the drive. An honest one is never unmasked, and false.
func (p Profile) Unmaskable(everything bool) bool {
	switch p.Unmasked {
	case ByStatus, BySample:
		return true
	case ByFullReading:
		return everything
	}
	return false
}

// Profiles are the profiles that come with the package, by name.
func Profiles() ([]Profile, error) {
	names, err := fs.Glob(embedded, "profiles/*.json")
	if err != nil {
		return nil, err
	}
	var all []Profile
	for _, name := range names {
		p, err := FindProfile(strings.TrimSuffix(path.Base(name), ".json"))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// FindProfile is the profile of that name. The error lists which there are.
func FindProfile(name string) (Profile, error) {
	b, err := embedded.ReadFile("profiles/" + name + ".json")
	if err != nil {
		names, _ := fs.Glob(embedded, "profiles/*.json")
		for i := range names {
			names[i] = strings.TrimSuffix(path.Base(names[i]), ".json")
		}
		return Profile{}, fmt.Errorf("simulate %q: no such profile; there are %s", name, strings.Join(names, ", "))
	}
	return ParseProfile(name, b)
}

// ParseProfile reads a profile strictly: unknown fields, impossible
// combinations and anything behind the end are errors.
func ParseProfile(name string, b []byte) (Profile, error) {
	p := Profile{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("more behind the end")
		}
	}
	p.Name = name
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Profile{}, fmt.Errorf("read profile %s: %w", name, err)
	}
	return p, nil
}

// limitKiB bounds what a profile can ask for, so that a bad one cannot eat
// the memory of the machine.
const limitKiB = 1 << 20

// check fills in what was left out and says what makes no sense.
func (p *Profile) check() error {
	if p.LogicalBlockBytes == 0 {
		p.LogicalBlockBytes = sectorBytes
	}
	p.PhysicalBlockBytes = max(p.PhysicalBlockBytes, p.LogicalBlockBytes)
	for _, c := range []struct {
		bad bool
		why string
	}{
		{p.Title == "" || p.Expect == "" || p.Model == "" || p.Bus == "", "title, expect, model and bus are needed"},
		{!strings.HasPrefix(p.Model, "SIM"), "the model must begin with SIM"},
		{p.Serial != "" && !strings.HasPrefix(p.Serial, "SIM"), "the serial must begin with SIM"},
		{p.Honest != (p.Unmasked == ""), "unmasked is for liars, and they need it"},
		{!slices.Contains([]Unmasking{"", ByStatus, BySample, ByFullReading, ByNothing}, p.Unmasked), "unmasked is none of status, sample, full-reading, nothing"},
		{!slices.Contains([]string{"nvme", "ata", "scsi", "mmc"}, p.Protocol), "protocol is none of nvme, ata, scsi, mmc"},
		{p.Media != inventory.MediaFlash && p.Media != inventory.MediaMagnetic && p.Media != inventory.MediaUnknown, "media is none of flash, magnetic, unknown"},
		{p.LogicalBlockBytes != 512 && p.LogicalBlockBytes != 4096, "logical_block_bytes is neither 512 nor 4096"},
		{p.PhysicalBlockBytes != 512 && p.PhysicalBlockBytes != 4096 && p.PhysicalBlockBytes != 16384, "physical_block_bytes is none of 512, 4096, 16384"},
		{len(p.Units) == 0 || len(p.Units)+len(p.Boot) > 32, "want 1 to 32 units"},
		{p.SpareKiB < 0 || p.RetiredKiB < 0 || p.StaleKiB < 0 || p.SpareKiB > limitKiB || p.RetiredKiB > limitKiB || p.StaleKiB > limitKiB || p.RPMBKiB < 0 || p.RPMBKiB > limitKiB, "spare, retired, stale or rpmb size out of range"},
		{p.Sanitize != nil && (p.Sanitize.ProgressPPM < 0 || p.Sanitize.ProgressPPM >= 1e6), "progress of the sanitize out of range"},
	} {
		if c.bad {
			return fmt.Errorf("%s", c.why)
		}
	}
	total := p.RPMBKiB
	for _, u := range slices.Concat(p.Units, p.Boot) {
		if u.KiB <= 0 || u.HiddenKiB < 0 || u.KiB%4 != 0 || u.HiddenKiB%4 != 0 || u.KiB > limitKiB || u.HiddenKiB > limitKiB {
			return fmt.Errorf("unit of %d + %d KiB: want multiples of 4, up to %d", u.KiB, u.HiddenKiB, limitKiB)
		}
		if u.BlankKiB < 0 || u.BlankKiB%4 != 0 || u.BlankKiB > u.KiB+u.HiddenKiB {
			return fmt.Errorf("unit of %d + %d KiB with %d KiB blank", u.KiB, u.HiddenKiB, u.BlankKiB)
		}
		if !slices.Contains([]int{0, 512, 520, 528, 4096, 4104, 4160, 4224}, u.BlockBytes) {
			return fmt.Errorf("unit with blocks of %d bytes", u.BlockBytes)
		}
		total += u.KiB + u.HiddenKiB
	}
	if total > limitKiB {
		return fmt.Errorf("%d KiB is more than %d", total, limitKiB)
	}
	for _, l := range p.Lies {
		if !slices.Contains(lieNames(), l) {
			return fmt.Errorf("unknown lie %q", l)
		}
	}
	for e, x := range p.Erasers {
		if x.Seconds < 0 || x.Seconds > 1e7 || x.EstimateSeconds != nil && *x.EstimateSeconds < 0 {
			return fmt.Errorf("%s: seconds out of range", e)
		}
		if strings.Contains(string(e), "crypto") && !p.Encrypts {
			return fmt.Errorf("%s on a drive that does not encrypt", e)
		}
	}
	for _, f := range p.Faults {
		if f.EraseAtPPM < 0 || f.EraseAtPPM > 1e6 || f.AfterBytes < 0 || f.AfterCommands < 0 || f.Seconds < 0 || f.Seconds > 1e6 ||
			!slices.Contains([]FaultKind{FaultPowerLoss, FaultReset, FaultVanish, FaultNewSerial, FaultNamespace}, f.Kind) {
			return fmt.Errorf("fault %+v makes no sense", f)
		}
	}
	for _, d := range p.Defects {
		if d.Unit < 0 || d.Unit >= len(p.Units) || d.Sector < 0 {
			return fmt.Errorf("defect in unit %d, sector %d", d.Unit, d.Sector)
		}
	}
	for _, hex := range []string{p.ErasedReads, p.UnmappedReads} {
		if hex != "" {
			if _, err := pattern8(hex); err != nil {
				return err
			}
		}
	}
	return nil
}

// medium makes the medium of a profile, full of original data.
func (p Profile) medium(owner string) (*medium, error) {
	var areas []*area
	add := func(kind areaKind, name string, number uint32, u UnitProfile) {
		block := u.BlockBytes
		if block == 0 {
			block = p.LogicalBlockBytes
		}
		areas = append(areas, &area{
			id: len(areas), name: name, number: number, kind: kind, blockBytes: block, attached: !u.Detached && !u.Late, late: u.Late,
			sizeBytes: (u.KiB + u.HiddenKiB) << 10, visibleBytes: u.KiB << 10, shippedBytes: u.KiB << 10,
		})
	}
	for i, u := range p.Units {
		name, number := fmt.Sprintf("unit %d", i), uint32(i)
		if p.Protocol == "nvme" {
			name, number = fmt.Sprintf("namespace %d", i+1), uint32(i+1)
		}
		add(userArea, name, number, u)
	}
	for i, u := range p.Boot {
		add(bootArea, fmt.Sprintf("boot partition %d", i+1), uint32(i+1), u)
	}
	if p.RPMBKiB > 0 {
		add(rpmbArea, "RPMB", 0, UnitProfile{KiB: p.RPMBKiB})
	}
	pages := func(kib int64) int { return int(kib / 4) }
	m := newMedium(areas, p.Media != inventory.MediaMagnetic, p.Encrypts, pages(p.SpareKiB), pages(p.RetiredKiB), pages(p.StaleKiB), owner)
	m.cryptoUnreadable = p.CryptoUnreadable
	m.cache = &cache{}
	if p.WriteCache {
		m.cache.policy = writeBack
	}
	for _, x := range []struct {
		hex string
		to  *uint64
	}{{p.ErasedReads, &m.erased}, {p.UnmappedReads, &m.deallocated}} {
		if x.hex == "" {
			continue
		}
		var err error
		if *x.to, err = pattern8(x.hex); err != nil {
			return nil, err
		}
	}
	for i, u := range p.Units {
		table := areas[i].table
		for _, at := range table[len(table)-pages(u.BlankKiB):] {
			m.erase(at, m.erased)
		}
	}
	for _, d := range p.Defects {
		m.defects[sector{d.Unit, d.Sector}] = d
	}
	return m, nil
}
