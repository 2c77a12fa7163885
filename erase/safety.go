package erase

import (
	"errors"
	"fmt"

	"github.com/ombruk/ombruk/inventory"
)

// The reasons for which a drive is refused before anything is touched. They
// are found with errors.Is in what [Blocked], [MakePlan] and [Confirm] return.
var (
	ErrBootMedium      = errors.New("boot medium")
	ErrMounted         = errors.New("mounted")
	ErrInUse           = errors.New("in use")
	ErrReadOnly        = errors.New("read-only")
	ErrFabric          = errors.New("over a network")
	ErrNotADrive       = errors.New("not a whole drive")
	ErrEmpty           = errors.New("no capacity")
	ErrNotConfirmed    = errors.New("not confirmed")
	ErrIdentityChanged = errors.New("identity changed")
	ErrSharedSerial    = errors.New("serial not unique")
	ErrOutOfReach      = errors.New("method out of reach")
)

// RefusedError says why a drive is left alone. Reason is one of the sentinels
// above; Detail is the whole sentence for a person, naming the holder.
type RefusedError struct {
	Path   string
	Reason error
	Detail string
	Hint   string
}

// Error names the drive and the reason.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: %s", e.Path, e.Detail) }

// Unwrap gives the sentinel.
func (e *RefusedError) Unwrap() error { return e.Reason }

// Blocked says why a drive may not be erased, nil when it may. all is every
// drive of the machine that could be seen, for what one drive alone cannot
// show (a serial that two share). A drive that is reached over a network or a
// storage fabric is refused unless allowFabric is set.
//
// The first reason that applies is given, most dangerous first. The exclusive
// open that follows when a drive is really taken may still refuse.
func Blocked(d inventory.Drive, all []inventory.Drive, allowFabric bool) error {
	refuse := func(reason error, hint, format string, args ...any) error {
		return &RefusedError{Path: d.Path, Reason: reason, Hint: hint, Detail: fmt.Sprintf(format, args...)}
	}
	if d.PartitionOf != "" {
		return refuse(ErrNotADrive, "name the whole drive, "+d.PartitionOf, "this is a partition of %s, and only whole drives are erased", d.PartitionOf)
	}
	if d.Media == inventory.MediaOptical {
		return refuse(ErrNotADrive, "", "this is an optical drive")
	}
	if d.CapacityBytes <= 0 && !d.OddBlocks() {
		return refuse(ErrEmpty, "check that a medium is in it", "it has no capacity")
	}
	if len(d.Uses) > 0 {
		u := d.Uses[0]
		reason, hint := ErrInUse, "end what uses it, then try again"
		switch u.Kind {
		case inventory.UseBootMedium:
			reason, hint = ErrBootMedium, "start this machine from another medium to erase this one"
			if u.ByName() {
				hint = "a boot stick is written anew with 'ombruk image write'; to erase one for good, give it a new partition table first"
			}
		case inventory.UseMounted:
			reason, hint = ErrMounted, "unmount it, then try again"
		case inventory.UseSwap:
			hint = "run swapoff on it, then try again"
		case inventory.UseHolder:
			hint = "take apart what is built on it (LVM, RAID, encryption, loop), then try again"
		}
		return refuse(reason, hint, "it is %s", u)
	}
	if d.ReadOnly {
		return refuse(ErrReadOnly, "check its write-protect switch or file permissions; a worn-out flash drive also turns read-only: then destroy it", "it is read-only")
	}
	if d.Bus == inventory.BusFabric && !allowFabric {
		return refuse(ErrFabric, "if it really is to be erased, pass --allow-fabric", "it is reached over a network or storage fabric")
	}
	if d.Serial == "" {
		return nil
	}
	for _, other := range all {
		if other.Serial == d.Serial && other.DeviceNumber != d.DeviceNumber && !sameDrive(d, other) {
			return refuse(ErrSharedSerial, "disconnect the other drive and try again", "its serial %q is also that of %s, so the two cannot be told apart", d.Serial, other.Path)
		}
	}
	return nil
}

// sameDrive reports whether two entries are surely one drive, seen twice or
// divided into namespaces or logical units that share its serial.
func sameDrive(a, b inventory.Drive) bool {
	for _, path := range append(append([]string{}, a.AlsoAt...), a.Siblings...) {
		if path == b.Path {
			return true
		}
	}
	switch a.Bus {
	case inventory.BusSAS, inventory.BusSCSI, inventory.BusFabric:
		// Two ports of one drive. Cheap ATA and USB drives do share names
		// that should be world-wide, so for them this proves nothing.
		return a.WWN != "" && a.WWN == b.WWN && a.Model == b.Model && a.CapacityBytes == b.CapacityBytes
	}
	return false
}

// ConfirmToken is what a person types, or a script passes, to confirm that
// this drive is the one: its serial; without one its path; for an image file
// the file's base name.
func ConfirmToken(d inventory.Drive) string {
	switch {
	case d.Bus == inventory.BusImage:
		return baseName(d.Path)
	case d.Serial != "":
		return d.Serial
	default:
		return d.Path
	}
}

func baseName(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// Confirm matches the given tokens with the drives: one token for each drive
// and no token left over. Namespaces of one drive have one token together. A
// token that stands for two drives is refused.
func Confirm(drives []inventory.Drive, tokens []string) error {
	left := map[string]int{}
	for _, t := range tokens {
		left[t]++
	}
	owner := map[string]inventory.Drive{}
	for _, d := range drives {
		t := ConfirmToken(d)
		if other, ok := owner[t]; ok {
			if sameDrive(d, other) { // namespaces of one drive, all of them shown
				continue
			}
			return &RefusedError{Path: d.Path, Reason: ErrSharedSerial, Detail: fmt.Sprintf("%q would confirm both this and %s", t, other.Path), Hint: "erase them one at a time"}
		}
		owner[t] = d
		if left[t] > 1 {
			return &RefusedError{Path: d.Path, Reason: ErrNotConfirmed, Detail: fmt.Sprintf("it is confirmed %d times", left[t]), Hint: "check that no other drive was meant"}
		}
		if left[t] == 0 {
			return &RefusedError{Path: d.Path, Reason: ErrNotConfirmed, Detail: "it is not confirmed", Hint: fmt.Sprintf("pass --confirm %q, or type it when asked", t)}
		}
		delete(left, t)
	}
	for t := range left {
		return &RefusedError{Path: t, Reason: ErrNotConfirmed, Detail: "--confirm names a drive that is not among the targets", Hint: "check that the right drive is named"}
	}
	return nil
}
