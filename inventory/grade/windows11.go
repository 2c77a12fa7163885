package grade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// What an [Eligibility] and a [Fit] can say. AfterChange is of an eligibility
// only.
const (
	Yes          = "yes"
	No           = "no"
	Undetermined = "undetermined"
	AfterChange  = "after-change"
)

// The requirements of "Windows 11 specifications" (Microsoft), as the rule of a
// reason names them.
const (
	win11Processor  = "Windows 11 requirements: processor"
	win11Cores      = "Windows 11 requirements: 2 cores"
	win11Memory     = "Windows 11 requirements: 4 GB of memory"
	win11Storage    = "Windows 11 requirements: 64 GB of storage"
	win11Firmware   = "Windows 11 requirements: UEFI"
	win11SecureBoot = "Windows 11 requirements: Secure Boot capable"
	win11TPM        = "Windows 11 requirements: TPM 2.0"
)

const (
	gibibyte = 1 << 30
	gigabyte = 1_000_000_000
)

// finding is what one requirement came to.
type finding struct {
	verdict string
	reason  Reason
}

// Windows11 says whether m, as it stands, can run Windows 11 by Microsoft's own
// requirements: a supported 64-bit processor with two cores, 4 GB of memory,
// 64 GB of storage, UEFI that is capable of Secure Boot, TPM 2.0. One
// requirement that is certainly not met is a no, whatever else is unknown; one
// that is unknown leaves it undetermined; what a setting of the firmware would
// mend makes it after-change. The reasons are those that decided, and below
// them what else is to be known.
//
// The processor is judged as Microsoft's script HardwareReadiness.ps1 (2021)
// does it, see [cpuEligibility]. The speed of 1 GHz and the 64 bits are not
// looked at by themselves: every processor that passes has both.
//
// Some things are judged with less certainty than the script has it, since it
// takes what Windows sees on one day for what the machine is:
//   - No TPM in sight, or a TPM 1.2, on a processor that passes leaves it
//     undetermined: such processors come with a TPM 2.0 of their own (Intel
//     PTT, AMD fTPM) that may be off, and then nothing shows it.
//   - No drive in sight leaves it undetermined: one can be put in.
//   - A drive sold as 64 GB has 58 to 60 GiB. The requirement says 64 GB, the
//     script counts in GiB: undetermined.
//
// Secure Boot that is off is enough, as for the script: the requirement is to
// be capable of it. The list of reasons then says that it is off.
func Windows11(m inventory.Machine) Eligibility {
	found := []finding{
		processorFinding(m), coresFinding(m), tpmFinding(m), firmwareFinding(m), secureBootFinding(m),
		memoryFinding(m), storageFinding(m),
	}
	for _, verdict := range []string{No, Undetermined, AfterChange} {
		if !slices.ContainsFunc(found, func(f finding) bool { return f.verdict == verdict }) {
			continue
		}
		e := Eligibility{Eligible: verdict, Reasons: []Reason{}}
		for _, v := range []string{No, Undetermined, AfterChange} {
			for _, f := range found {
				if f.verdict == v {
					e.Reasons = append(e.Reasons, f.reason)
				}
			}
		}
		return e
	}
	e := Eligibility{Eligible: Yes, Reasons: []Reason{}}
	for _, f := range found {
		if f.reason.Code != "" {
			e.Reasons = append(e.Reasons, f.reason)
		}
	}
	return e
}

func processorFinding(m inventory.Machine) finding {
	if len(m.CPU) == 0 {
		return finding{Undetermined, Reason{Code: "win11-cpu-unknown", Rule: win11Processor, Text: "the processor is not known"}}
	}
	worst, label := "", ""
	for _, c := range m.CPU {
		if verdict := cpuEligibility(c, m.System); worst == "" || severity(verdict) > severity(worst) {
			worst, label = verdict, cpuLabel(c)
		}
	}
	r := Reason{Rule: win11Processor, Args: map[string]string{"CPU": label}}
	switch worst {
	case Yes:
		r.Code, r.Text = "win11-cpu-yes", "Windows 11 supports the processor ("+label+")"
	case No:
		r.Code, r.Text = "win11-cpu-no", "Windows 11 does not support the processor ("+label+")"
	default:
		r.Code, r.Text = "win11-cpu-unsure", "it cannot be told whether Windows 11 supports the processor ("+label+")"
	}
	return finding{worst, r}
}

func severity(verdict string) int {
	return slices.Index([]string{Yes, AfterChange, Undetermined, No}, verdict)
}

// cpuEligibility judges one processor as HardwareReadiness.ps1 (Microsoft,
// 2021, https://aka.ms/HWReadinessScript) does, by family, model and stepping:
//   - Intel: no for models up to 95 of family 6, except 85. Models 142 and 158
//     with stepping 9 pass only on platform 16 and 8: those are Amber Lake Y,
//     sold as 8th generation, and Kaby Lake G; all others of that stepping are
//     7th generation (Intel's microcode release notes have AML-Y22 as
//     6-8e-9/10, KBL-U/Y as 6-8e-9/c0, KBL-G/H/S/X/E3 as 6-9e-9/2a).
//   - A Core i7-7820HQ passes in Surface Studio 2 and Precision 5520.
//   - AMD: no below family 0x17, and for models 0x01 and 0x11 of it: the first
//     Ryzen and EPYC, and the first Ryzen with graphics.
//   - No other maker's x86 processor passes; Qualcomm's do by name, the script
//     asking them for the atomic instructions of ARM 8.1.
//
// Where numbers or platform are not known the name decides, if it is certain
// what it means; see [cpuByName].
//
// Microsoft's lists of supported processors (all editions up to Windows 11
// 25H2, read in October 2025) refuse more than the script. Of the thousand
// processors under testdata/windows11 the script passes 33 that are in no
// list, and refuses none that is: Ryzen Threadripper 2000 and 3000, Ryzen 3
// 3300X, the later Ryzen 3 1200 and 5 1600 (AF), Ryzen Embedded R1000, some
// Ryzen PRO 4000, Core i3-7020U of stepping 10, Core i3-8121U and i5-L16G7, Xeon
// D-2100, and what Intel made for one customer only. The script is followed: it
// is what is run on a machine in use, while the lists are addressed to makers
// of new ones.
//
// AMD's families after those of 2021 pass by the script, as all that is newer
// does. Of Intel's it would refuse new families for their low model numbers,
// which cannot be meant: those are undetermined.
func cpuEligibility(c inventory.CPU, s inventory.System) string {
	verdict := cpuByNumbers(c)
	if verdict == Yes {
		return Yes
	}
	name := cpuByName(c.Model)
	switch {
	case name == onlyInSome:
		return inSome(s)
	case verdict == No, name == byStepping && c.Family == 6 && c.Stepping == 9:
		return No
	case name == Yes || name == No:
		return name
	}
	return Undetermined
}

// cpuByNumbers is [Undetermined] where the numbers are not known or do not
// suffice.
func cpuByNumbers(c inventory.CPU) string {
	passes := func(ok bool) string {
		if ok {
			return Yes
		}
		return No
	}
	switch cpuMaker(c) {
	case "intel":
		switch {
		case c.Family <= 0 || c.Family == 6 && c.ModelNumber <= 0:
			return Undetermined
		case c.Family < 6 || c.Family == 15:
			return No // Pentium and Pentium 4, some of which have 32 bits only
		case c.Family != 6:
			return Undetermined
		case c.Stepping == 9 && (c.ModelNumber == 142 || c.ModelNumber == 158):
			if c.PlatformFlags == 0 {
				return Undetermined
			}
			return passes(c.ModelNumber == 142 && c.PlatformFlags == 16 || c.ModelNumber == 158 && c.PlatformFlags == 8)
		}
		return passes(c.ModelNumber > 95 || c.ModelNumber == 85)
	case "amd":
		if c.Family <= 0 || c.Family == 0x17 && c.ModelNumber <= 0 {
			return Undetermined
		}
		return passes(c.Family > 0x17 || c.Family == 0x17 && c.ModelNumber != 0x01 && c.ModelNumber != 0x11)
	case "other":
		return No
	}
	return Undetermined
}

// cpuMaker is intel, amd, other for another maker of x86 processors, or empty.
func cpuMaker(c inventory.CPU) string {
	// What a virtual machine calls its processor says nothing of the maker.
	for _, text := range []string{c.Vendor, c.Model} {
		text = strings.ToLower(text)
		for _, m := range []struct{ word, maker string }{
			{"qualcomm", ""},
			{"intel", "intel"}, {"advanced micro", "amd"}, {"amd", "amd"},
			{"centaur", "other"}, {"zhaoxin", "other"}, {"shanghai", "other"}, {"hygon", "other"},
			{"transmeta", "other"}, {"via tech", "other"},
		} {
			if strings.Contains(text, m.word) {
				return m.maker
			}
		}
	}
	return ""
}

// cpuLabel names a processor to a person, with what it is judged by: family,
// model and stepping.
func cpuLabel(c inventory.CPU) string {
	label := strings.Join(strings.Fields(c.Model), " ")
	if label == "" {
		label = strings.TrimSpace(c.Vendor)
	}
	if c.Family > 0 {
		label = strings.TrimPrefix(fmt.Sprintf("%s, CPUID %d-%d-%d", label, c.Family, c.ModelNumber, c.Stepping), ", ")
	}
	return label
}

// inSome judges a Core i7-7820HQ, which Microsoft supports in two machines.
func inSome(s inventory.System) string {
	if s.Model == "" {
		return Undetermined
	}
	model := strings.ToLower(s.Model)
	if strings.Contains(model, "surface studio 2") || strings.Contains(model, "precision 5520") {
		return Yes
	}
	return No
}

func coresFinding(m inventory.Machine) finding {
	cores := 0
	for _, c := range m.CPU {
		if c.Cores <= 0 {
			return finding{Undetermined, Reason{Code: "win11-cores-unknown", Rule: win11Cores, Text: "the number of cores is not known"}}
		}
		cores += c.Cores
	}
	switch {
	case len(m.CPU) == 0, cores > 1: // without a processor that is the reason already
		return finding{verdict: Yes}
	}
	return finding{No, Reason{Code: "win11-cores-one", Rule: win11Cores, Text: "the processor has one core"}}
}

func tpmFinding(m inventory.Machine) finding {
	r := Reason{Rule: win11TPM, Args: map[string]string{}}
	switch {
	case m.Firmware.TPMDisabled:
		r.Code, r.Text = "win11-tpm-off", "the TPM is switched off in the firmware"
		if m.Firmware.TPM == "1.2" {
			break // switching it on is not enough
		}
		return finding{AfterChange, r}
	case m.Firmware.TPM == "2.0":
		return finding{verdict: Yes}
	}
	switch m.Firmware.TPM {
	case "1.2":
		r.Code, r.Text = "win11-tpm-old", "the TPM is a 1.2; the processor's own may be off in the firmware, or an update makes it a 2.0"
	case "none":
		r.Code, r.Text = "win11-tpm-none", "no TPM is seen; the processor's own may be off in the firmware"
	default:
		r.Code, r.Text = "win11-tpm-unknown", "it is not known which TPM there is"
	}
	return finding{Undetermined, r}
}

func firmwareFinding(m inventory.Machine) finding {
	f, r := m.Firmware, Reason{Rule: win11Firmware}
	switch {
	case f.Boot == "uefi":
		return finding{verdict: Yes}
	case f.UEFI != nil && !*f.UEFI:
		r.Code, r.Text = "win11-no-uefi", "the firmware cannot start by UEFI"
		return finding{No, r}
	case f.Boot == "bios":
		r.Code, r.Text = "win11-legacy-boot", "the machine was started the old way (BIOS): UEFI is to be chosen in the firmware"
		return finding{AfterChange, r}
	case f.UEFI != nil: // what is chosen cannot be seen, and is a setting
		return finding{verdict: Yes}
	}
	r.Code, r.Text = "win11-uefi-unknown", "it is not known whether the firmware starts by UEFI"
	return finding{Undetermined, r}
}

func secureBootFinding(m inventory.Machine) finding {
	f, r := m.Firmware, Reason{Rule: win11SecureBoot}
	capable := f.SecureBootCapable
	switch {
	case f.SecureBoot == "on":
		return finding{verdict: Yes}
	case capable != nil && !*capable:
		r.Code, r.Text = "win11-no-secure-boot", "the firmware has no Secure Boot"
		return finding{No, r}
	case f.SecureBoot == "off": // the firmware has it, or it could not be off
		r.Code, r.Text = "win11-secure-boot-off", "Secure Boot is off, which Windows 11 puts up with"
		return finding{Yes, r}
	case capable != nil:
		return finding{verdict: Yes}
	case f.Boot == "bios":
		return finding{verdict: AfterChange, reason: Reason{
			Code: "win11-secure-boot-hidden", Rule: win11SecureBoot,
			Text: "whether there is Secure Boot shows when the machine starts by UEFI",
		}}
	}
	r.Code, r.Text = "win11-secure-boot-unknown", "it is not known whether the firmware has Secure Boot"
	return finding{Undetermined, r}
}

func memoryFinding(m inventory.Machine) finding {
	total := m.Memory.TotalBytes
	switch {
	case total >= 4*gibibyte:
		return finding{verdict: Yes}
	// Without a list of modules it is what the kernel has left of it.
	case total <= 0, len(m.Memory.Modules) == 0 && total >= 3*gibibyte:
		return finding{Undetermined, Reason{
			Code: "win11-memory-unknown", Rule: win11Memory, Text: "it is not known how much memory is installed",
		}}
	}
	return finding{No, Reason{
		Code: "win11-memory-short", Rule: win11Memory, Text: memoryText(total) + " of memory is installed",
		Args: map[string]string{"Have": memoryText(total)},
	}}
}

func storageFinding(m inventory.Machine) finding {
	var largest int64
	unread := false
	for _, d := range m.Drives {
		if isInternal(d) {
			largest = max(largest, d.CapacityBytes)
			unread = unread || d.CapacityBytes <= 0
		}
	}
	r := Reason{Rule: win11Storage, Args: map[string]string{"Have": driveText(largest)}}
	switch {
	case largest >= 127*gibibyte/2: // the script rounds to whole GiB
		return finding{verdict: Yes}
	case unread, largest == 0:
		r.Code, r.Text, r.Args = "win11-storage-none", "no drive is seen, or its size is not known", nil
		return finding{Undetermined, r}
	case largest >= 62*gigabyte:
		r.Code, r.Text = "win11-storage-close", "the largest drive has "+driveText(largest)+", which Microsoft's own check counts as less than 64 GB"
		return finding{Undetermined, r}
	}
	r.Code, r.Text = "win11-storage-short", "the largest drive has "+driveText(largest)
	return finding{No, r}
}

// isInternal reports whether a drive can hold the machine's system.
func isInternal(d inventory.Drive) bool {
	switch d.Bus {
	case inventory.BusUSB, inventory.BusFabric, inventory.BusLoop:
		return false
	}
	return !d.Removable && d.Media != inventory.MediaOptical && d.PartitionOf == ""
}

// memoryText writes an amount of memory the way it is sold.
func memoryText(bytes int64) string {
	if bytes < gibibyte {
		return strconv.FormatInt(bytes>>20, 10) + " MB"
	}
	return decimal(float64(bytes)/gibibyte) + " GB"
}

// driveText writes the size of a drive the way it is sold.
func driveText(bytes int64) string {
	if bytes >= 1000*gigabyte {
		return decimal(float64(bytes)/(1000*gigabyte)) + " TB"
	}
	return decimal(float64(bytes)/gigabyte) + " GB"
}

// decimal has one place, and none where that is 0.
func decimal(n float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
}
