package inventory

import (
	"errors"
	"io/fs"
	"path"
	"slices"
)

// The UEFI variables that are read, by name and the namespace of global
// variables (UEFI 2.10, 3.3). The kernel puts four bytes of attributes in front.
const (
	efivars    = "/sys/firmware/efi/efivars"
	secureBoot = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
)

// acpiTables is where the kernel shows the ACPI tables; only root may read them.
const acpiTables = "/sys/firmware/acpi/tables"

// readFirmwareFacts reads how the machine was started and what its firmware
// guards.
func readFirmwareFacts(t tree, note func(string, ...any)) Firmware {
	f := Firmware{Boot: "bios", SecureBoot: "off"}
	told := func(b bool) *bool { return &b }
	if t.exists("/sys/firmware/efi") {
		f = Firmware{Boot: "uefi", SecureBoot: "unknown", UEFI: told(true)}
		variable, err := t.head(path.Join(efivars, secureBoot), 16)
		switch names, _ := t.list(efivars); {
		case err == nil && len(variable) == 5 && variable[4] <= 1:
			f.SecureBoot = map[byte]string{0: "off", 1: "on"}[variable[4]]
			f.SecureBootCapable = told(true)
		case err == nil:
			note("firmware: the variable SecureBoot makes no sense")
		case errors.Is(err, fs.ErrNotExist) && len(names) > 0:
			// Firmware that has Secure Boot always has the variable.
			f.SecureBoot, f.SecureBootCapable = "off", told(false)
		default:
			note("firmware: the variable SecureBoot cannot be read")
		}
	} else if !t.exists("/sys/firmware/dmi") && !t.exists("/sys/firmware/acpi") {
		f = Firmware{SecureBoot: "unknown"} // no sign of either
	}
	f.TPM, f.TPMDisabled = tpm(t)
	table, err := t.head(path.Join(acpiTables, "MSDM"), maxACPITable)
	if err == nil {
		var key string
		if key, err = parseMSDM(table); err == nil {
			f.WindowsKey = &WindowsKey{LastFive: key[len(key)-5:]}
		}
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoKey):
	case errors.Is(err, fs.ErrPermission):
		note("firmware: only root may read the ACPI table MSDM, which holds a Windows licence")
	default:
		note("firmware: %v", err)
	}
	return f
}

// maxACPITable is the most that is read of a table of which only the first
// bytes matter.
const maxACPITable = 64 << 10

// tpm finds the trusted platform module: "2.0", "1.2", "none", or empty when
// that cannot be told. A chip that is there has a device, or a table of the
// firmware that speaks of it where no driver has taken it (TCG ACPI
// Specification 1.4).
func tpm(t tree) (version string, disabled bool) {
	const dir = "/sys/class/tpm"
	devices, err := t.list(dir)
	if len(devices) > 0 {
		slices.Sort(devices)
		device := path.Join(dir, devices[0])
		switch t.word(device, "tpm_version_major") {
		case "2":
			version = "2.0"
		case "1":
			version = "1.2"
		}
		// Only a TPM 1.2 has these files; until Linux 4.12 they were the
		// parent's (Documentation/ABI/stable/sysfs-class-tpm).
		for _, file := range []string{"enabled", "active"} {
			for _, at := range []string{device, path.Join(device, "device")} {
				if state := t.word(at, file); state != "" {
					disabled = disabled || state == "0"
					version = "1.2"
					break
				}
			}
		}
		return version, disabled
	}
	switch {
	case t.exists(acpiTables, "TPM2"):
		return "2.0", false
	case t.exists(acpiTables, "TCPA"):
		return "1.2", false
	case err == nil && t.exists(acpiTables):
		return "none", false
	}
	return "", false
}

// hidesTPM reports whether the firmware keeps a TPM off that its SMBIOS tables
// list (told is their version of it): then it gives the system neither the
// device nor the table by which a system would find it.
func hidesTPM(t tree, told string) bool {
	return told != "" && len(t.names("/sys/class/tpm")) == 0 && t.exists(acpiTables) && !t.exists(acpiTables, "TPM2") && !t.exists(acpiTables, "TCPA")
}

// ProductKey is the whole Windows product key that the firmware holds (ACPI
// table MSDM). It is for a person who asks for it and goes into no record.
// Errors: there is none, or the table cannot be read.
func (s Source) ProductKey() (string, error) {
	table, err := newTree(s.Root).head(path.Join(acpiTables, "MSDM"), maxACPITable)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotFound
	}
	if err != nil {
		return "", err
	}
	return parseMSDM(table)
}
