package erase

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ombruk/ombruk/inventory"
)

// Rules are the parts of a policy that shape a plan.
type Rules struct {
	// Purge says on which media a command counts as Purge. A command that is
	// not listed, or on other media, counts as Clear.
	Purge map[inventory.EraseCommand][]inventory.Media
	// ReadBack is how much is read back after a technique; one that is not
	// listed: full.
	ReadBack map[Technique]VerifyMode
	// OverwriteAfter are commands that are followed by one overwriting pass,
	// so that everything can be compared with what was written.
	OverwriteAfter []inventory.EraseCommand
	// GoOn is which overwrites go on where an earlier run was cut off.
	GoOn GoOn
	// Policy is the digest of the policy that the rules are of. An overwrite
	// goes on only under the policy it was begun under.
	Policy string
}

// GoOn is which overwrites may go on where an earlier run was cut off, for
// example by a power cut.
type GoOn string

// Reading the whole drive back proves its last pass, whoever wrote what of it.
// That earlier passes were done is known only from the station's own sealed
// journal.
const (
	GoOnNever     GoOn = "never"      // also when empty
	GoOnOnePass   GoOn = "one-pass"   // standards of one pass
	GoOnAllPasses GoOn = "all-passes" // those of several passes too
)

// purges reports whether a command counts as Purge on a medium. Media that
// nobody knows count as flash, because that claims less.
func (r Rules) purges(c inventory.EraseCommand, m inventory.Media) bool {
	if m == inventory.MediaUnknown {
		m = inventory.MediaFlash
	}
	return CheckPurge(c, m) == nil && slices.Contains(r.Purge[c], m)
}

func (r Rules) readBack(t Technique) VerifyMode {
	switch m := r.ReadBack[t]; m {
	case VerifySample, VerifyNone:
		return m
	}
	return VerifyFull
}

// CheckPurge says why no policy can let a command count as Purge on a medium;
// nil when one can.
func CheckPurge(c inventory.EraseCommand, m inventory.Media) error {
	f, ok := commandFacts(c)
	switch {
	case !ok:
		return fmt.Errorf("command %.40q is not known", c)
	case m != inventory.MediaMagnetic && m != inventory.MediaFlash:
		return fmt.Errorf("media %.40q: want magnetic or flash", m)
	case f.clearAtMost != "":
		return fmt.Errorf("%s is Clear at most: %s", c, f.clearAtMost)
	}
	return nil
}

// pace orders techniques by how long they take where the drive gives no
// estimate of its own.
type pace uint8

const (
	instant  pace = iota // a key is destroyed
	quick                // blocks are erased all at once
	moderate             // blocks are formatted or the drive is set up anew
	slow                 // the drive goes through its medium
	slower               // the drive overwrites its medium, spare area included
	slowest              // the host overwrites it
)

// facts are what the specifications say of an erase command.
type facts struct {
	technique Technique
	words     string // what it does, for a technician
	name      string // what the specification calls it
	pace      pace
	// hidden is true when it also erases what HPA or AMA hide.
	hidden bool
	// clearAtMost is why no policy can make it Purge; empty when one can.
	clearAtMost string
	// agreed are the media on which IEEE 2883-2022 has it as a purge
	// technique without dispute; elsewhere a Purge is the policy's word.
	agreed []inventory.Media
}

// commandFacts looks a command up. The names are those of ACS-4, SBC-4, NVMe
// Base 2.0, the TCG Storage specifications, JESD84-B51 and SD Physical Layer.
//
// Hidden areas: a sanitize operation works on all user data areas, those that
// are not accessible included, and so does the enhanced mode of SECURITY ERASE
// UNIT (ACS-4, Sanitize Device and Security feature sets). For sectors that a
// DCO has taken away neither is certain.
func commandFacts(c inventory.EraseCommand) (facts, bool) {
	magnetic, flash := inventory.MediaMagnetic, inventory.MediaFlash
	var f facts
	switch c {
	case inventory.ATASanitizeCrypto, inventory.SCSISanitizeCrypto, inventory.NVMeSanitizeCrypto:
		f = facts{technique: CryptoErase, words: "crypto erase by the drive itself", pace: instant, hidden: true, agreed: []inventory.Media{magnetic, flash}}
	case inventory.ATASanitizeBlock, inventory.SCSISanitizeBlock, inventory.NVMeSanitizeBlock:
		f = facts{technique: BlockErase, words: "block erase by the drive itself", pace: quick, hidden: true, agreed: []inventory.Media{flash}}
	case inventory.ATASanitizeOverwrite, inventory.SCSISanitizeOverwrite, inventory.NVMeSanitizeOverwrite:
		f = facts{technique: SanitizeOverwrite, words: "overwriting by the drive itself", pace: slower, hidden: true, agreed: []inventory.Media{magnetic}}
	case inventory.ATASecurityErase:
		f = facts{technique: SecurityErase, words: "security erase by the drive itself", pace: slow, clearAtMost: "its normal mode leaves reallocated sectors"}
	case inventory.ATASecurityEraseEnhanced:
		f = facts{technique: SecurityErase, words: "enhanced security erase by the drive itself", pace: slow, hidden: true, agreed: []inventory.Media{magnetic}}
	case inventory.SCSIFormat:
		f = facts{technique: Format, words: "formatting by the drive itself", pace: moderate, clearAtMost: "it need not touch the data of every block"}
	case inventory.NVMeFormatUser:
		f = facts{technique: Format, words: "formatting with erasure by the drive itself", pace: moderate, clearAtMost: "it need not reach what the namespace no longer uses"}
	case inventory.NVMeFormatCrypto:
		f = facts{technique: CryptoErase, words: "formatting with crypto erase by the drive itself", pace: moderate}
	case inventory.TCGRevert:
		f = facts{technique: Revert, words: "revert to factory state", pace: moderate}
	case inventory.TCGPSIDRevert:
		f = facts{technique: Revert, words: "revert to factory state with the PSID of the label", pace: moderate}
	case inventory.MMCSanitize:
		f = facts{technique: BlockErase, words: "erase and sanitize by the chip itself", pace: quick, agreed: []inventory.Media{flash}}
	case inventory.MMCSecureErase:
		f = facts{technique: BlockErase, words: "secure erase by the chip itself", pace: quick}
	case inventory.MMCErase:
		f = facts{technique: BlockErase, words: "erase by the chip itself", pace: quick, clearAtMost: "it need not reach what is no longer mapped"}
	case inventory.SDErase:
		f = facts{technique: BlockErase, words: "erase by the card itself", pace: quick, clearAtMost: "it need not reach what is no longer mapped"}
	default:
		return facts{}, false
	}
	f.name = SpecificationName(c)
	return f, true
}

// SpecificationName is what the specification of a command calls it; a command
// that is not known keeps its own word.
func SpecificationName(c inventory.EraseCommand) string {
	switch c {
	case inventory.ATASanitizeCrypto:
		return "SANITIZE CRYPTO SCRAMBLE EXT"
	case inventory.ATASanitizeBlock:
		return "SANITIZE BLOCK ERASE EXT"
	case inventory.ATASanitizeOverwrite:
		return "SANITIZE OVERWRITE EXT"
	case inventory.ATASecurityErase:
		return "SECURITY ERASE UNIT, normal mode"
	case inventory.ATASecurityEraseEnhanced:
		return "SECURITY ERASE UNIT, enhanced mode"
	case inventory.SCSISanitizeCrypto:
		return "SANITIZE, CRYPTOGRAPHIC ERASE"
	case inventory.SCSISanitizeBlock:
		return "SANITIZE, BLOCK ERASE"
	case inventory.SCSISanitizeOverwrite:
		return "SANITIZE, OVERWRITE"
	case inventory.SCSIFormat:
		return "FORMAT UNIT"
	case inventory.NVMeSanitizeCrypto:
		return "Sanitize, Crypto Erase"
	case inventory.NVMeSanitizeBlock:
		return "Sanitize, Block Erase"
	case inventory.NVMeSanitizeOverwrite:
		return "Sanitize, Overwrite"
	case inventory.NVMeFormatUser:
		return "Format NVM, User Data Erase"
	case inventory.NVMeFormatCrypto:
		return "Format NVM, Cryptographic Erase"
	case inventory.TCGRevert:
		return "TCG Revert"
	case inventory.TCGPSIDRevert:
		return "TCG Revert by PSID"
	case inventory.MMCSanitize:
		return "ERASE and SANITIZE_START"
	case inventory.MMCSecureErase:
		return "SECURE ERASE"
	case inventory.MMCErase:
		return "ERASE"
	case inventory.SDErase:
		return "ERASE_WR_BLK and ERASE"
	}
	return string(c)
}

// Reach lists the techniques this drive offers with the method each reaches
// under a policy's rules, strongest first; what reaches none is left out.
// Overwriting by the host is Clear on every medium: on flash it misses the
// spare area and reallocated blocks, on magnetic media the reallocated sectors
// (IEEE 2883-2022, host overwrite).
func Reach(d inventory.Drive, rules Rules) []Fallback {
	out := []Fallback{}
	if d.Media == inventory.MediaOptical || d.CapacityBytes <= 0 && !d.OddBlocks() {
		return out
	}
	return fallbacks(candidates(d, Order{Rules: rules}), nil)
}

func overwriteLimit(m inventory.Media) string {
	switch m {
	case inventory.MediaMagnetic:
		return "overwriting reaches every addressable block but not reallocated sectors: Clear"
	case inventory.MediaImage:
		return "overwriting reaches every byte of the image but not what the storage beneath may keep: Clear"
	case inventory.MediaFlash:
		return "overwriting flash misses its spare area and reallocated blocks, however many passes: Clear"
	default:
		return "what holds the data is not known, so overwriting counts as on flash: Clear"
	}
}

// methodOf is the method a command of the drive's firmware reaches when it
// works, and why.
func methodOf(d inventory.Drive, a *inventory.Abilities, e inventory.Eraser, f facts, rules Rules) (Method, string) {
	method, why := Clear, fmt.Sprintf("on %s media it counts as Clear by the policy", mediaWord(d.Media))
	switch {
	case f.clearAtMost != "":
		why = f.clearAtMost + ": Clear"
	case rules.purges(e.Command, d.Media):
		method, why = Purge, fmt.Sprintf("on %s media it counts as Purge by the policy", mediaWord(d.Media))
	}
	bridged := a.Through == "usb bridge" && strings.HasPrefix(string(e.Command), "scsi-")
	switch {
	case bridged && e.Command == inventory.SCSIFormat:
		return MethodNone, "a USB bridge answers for the drive and need not format anything"
	case bridged && method == Purge:
		method, why = Clear, "a USB bridge answers for the drive, so how it is carried out is not known: Clear"
	case f.technique == Revert:
		if method, why = methodOfRevert(a, method, why); method == MethodNone {
			return method, why
		}
	}
	if left := outOfReach(a, f.hidden, e.WholeDrive); left != "" {
		return MethodNone, left
	}
	if left := beyond(a); method == Purge && !e.WholeDrive && len(left) > 0 {
		return Clear, fmt.Sprintf("it does not reach the %s: Clear", list(left))
	}
	return method, why
}

// methodOfRevert judges a TCG Revert, which destroys a key, where there is one.
// On a drive whose locking was never activated it may destroy nothing, and data
// have been seen to survive it; so it reaches Purge only on drives that always
// encrypt, and only by markers that were written before and are gone after.
func methodOfRevert(a *inventory.Abilities, byPolicy Method, why string) (Method, string) {
	switch {
	case a.Security.Kind == "tcg-pyrite-1":
		return MethodNone, "Pyrite 1 drives do not encrypt, and a revert erases nothing"
	case a.Security.Kind == "tcg-pyrite-2":
		return Clear, "Pyrite 2 drives do not encrypt; a revert erases by the drive's data removal mechanism: Clear"
	case !a.Encrypts:
		return MethodNone, "the drive does not say that it always encrypts, so a revert may erase nothing"
	case byPolicy == Purge && !takesMarkers(a):
		return Clear, "a revert is Purge only when markers can be written before it, and this drive takes none: Clear"
	case byPolicy == Purge:
		return Purge, "the drive always encrypts, and the markers must be gone afterwards: Purge by the policy"
	}
	return byPolicy, why
}

// outOfReach is which part of the drive a technique does not get at although
// somebody's data may be there; empty when there is none.
func outOfReach(a *inventory.Abilities, hidden, whole bool) string {
	if n := a.Hidden.Bytes(); n > 0 && a.Hidden.Stuck != "" {
		dco := a.Hidden.DCOBytes != nil && *a.Hidden.DCOBytes > 0
		if !hidden || dco {
			return fmt.Sprintf("it does not reach the %s that are hidden and cannot be restored", amount(n))
		}
	}
	if whole {
		return ""
	}
	if left := unattached(a); len(left) > 0 {
		return fmt.Sprintf("it does not reach %s, which is not attached to this machine", list(left))
	}
	return ""
}

// takesMarkers reports whether the drive can be written here and there.
func takesMarkers(a *inventory.Abilities) bool { return !inOrder(a) }

// inOrder reports whether the drive must be written zone by zone, which
// neither markers nor overwriting do.
func inOrder(a *inventory.Abilities) bool { return a.Zoned == "host-managed" || a.Zoned == "zns" }

func isBootPartition(s inventory.Space) bool { return strings.HasPrefix(s.Name, "boot") }

func isNamespace(s inventory.Space) bool { return strings.HasPrefix(s.Name, "namespace") }

// unattached are the namespaces that have no node here and may hold data.
func unattached(a *inventory.Abilities) []string {
	return spaces(a, isNamespace)
}

// beyond are parts of the drive that no host can address, and that only
// commands for the whole drive erase: capacity in no namespace.
func beyond(a *inventory.Abilities) []string {
	return spaces(a, func(s inventory.Space) bool { return !isNamespace(s) && !isBootPartition(s) })
}

// spaces are those that only commands for the whole drive reach.
func spaces(a *inventory.Abilities, fits func(inventory.Space) bool) []string {
	var names []string
	for _, s := range a.Spaces {
		if s.Reach == "drive" && s.Path == "" && fits(s) {
			names = append(names, s.Name)
		}
	}
	return names
}

// neighbours are the nodes that a command for the whole drive erases besides
// the target, so that they must be named too.
func neighbours(d inventory.Drive, a *inventory.Abilities) []string {
	var names []string
	boot := map[string]bool{d.Path: true}
	for _, s := range a.Spaces {
		if isBootPartition(s) {
			boot[s.Path] = true
		}
	}
	add := func(path, name string) {
		if path != "" && !boot[path] {
			boot[path] = true
			names = append(names, name)
		}
	}
	for _, s := range a.Spaces {
		if s.Reach != "none" {
			add(s.Path, fmt.Sprintf("%s (%s)", s.Path, s.Name))
		}
	}
	if d.Bus != inventory.BusMMC { // whose siblings are boot partitions
		for _, path := range d.Siblings {
			add(path, path)
		}
	}
	return names
}

func mediaWord(m inventory.Media) string {
	if m == inventory.MediaUnknown {
		return "unknown (counted as flash)"
	}
	return string(m)
}

// list joins names for a sentence.
func list(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// amount is a number of bytes in the unit that drives are sold by.
func amount(n int64) string {
	switch {
	case n >= 1e12:
		return fmt.Sprintf("%.1f TB", float64(n)/1e12)
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}

// about is a duration as a technician says it.
func about(seconds int64) string {
	d := time.Duration(min(seconds, maxEstimateSeconds)) * time.Second
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("about %d s", seconds)
	case d < 100*time.Minute:
		return fmt.Sprintf("about %d min", int64((d+time.Minute/2)/time.Minute))
	}
	return fmt.Sprintf("about %d h", int64((d+time.Hour/2)/time.Hour))
}

// maxEstimateSeconds is a year; a drive that says more is not believed.
const maxEstimateSeconds = 365 * 24 * 3600
