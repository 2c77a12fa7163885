package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// firmwareAttributes is where Linux shows the settings of the firmware of
// Dell, HP and Lenovo.
const firmwareAttributes = "/sys/class/firmware-attributes"

// locks looks for what may keep a next owner of the machine out, besides the
// passwords of its drives ([DriveLocks]). m has what was read so far, its locks
// those that the SMBIOS tables tell of.
func locks(t tree, m Machine, devices []pciDevice) []Lock {
	findings := append([]Lock{}, m.Locks...)
	add := func(code string, state LockState, format string, args ...any) {
		findings = append(findings, Lock{Code: code, State: state, Text: fmt.Sprintf(format, args...)})
	}
	attributeLocks(t, add)
	for _, code := range []string{LockFirmwareStart, LockFirmwareSetup} {
		add(code, LockUnknown, "neither SMBIOS nor a driver for the firmware's settings tells")
	}
	add(LockAbsolute, LockUnknown, "no setting of the firmware tells")

	switch _, err := t.list(acpiTables); {
	case t.exists(acpiTables, "WPBT"):
		add(LockPlatformBinary, LockSet, "the firmware has the ACPI table WPBT")
	case err == nil:
		add(LockPlatformBinary, LockClear, "the firmware has no ACPI table WPBT")
	case errors.Is(err, fs.ErrNotExist):
		add(LockPlatformBinary, LockUnknown, "there are no ACPI tables to be read")
	default:
		add(LockPlatformBinary, LockUnknown, "the ACPI tables cannot be listed")
	}

	// An enrolment that the kind of machine cannot have is clear.
	apple, chrome, maker := isApple(t, m), t.exists("/sys/firmware/vpd"), m.System.Manufacturer
	switch {
	case apple:
		appleLock(t, devices, add)
		add(LockAutopilot, LockClear, "it is a Mac")
		add(LockChromeEnrolment, LockClear, "it is a Mac")
	case chrome:
		switch t.word("/sys/firmware/vpd/rw/check_enrollment") {
		case "1":
			add(LockChromeEnrolment, LockSet, "the firmware's vital product data says check_enrollment=1")
		case "0":
			add(LockChromeEnrolment, LockClear, "the firmware's vital product data says check_enrollment=0")
		default:
			add(LockChromeEnrolment, LockUnknown, "the firmware's vital product data has no check_enrollment; only the maker's server knows")
		}
		add(LockAutopilot, LockClear, "it is made for ChromeOS")
		add(LockActivation, LockClear, "it is made for ChromeOS")
	case maker == "":
		for _, code := range []string{LockAutopilot, LockActivation, LockChromeEnrolment} {
			add(code, LockUnknown, "whose machine it is cannot be told, and nothing of an enrolment can be seen")
		}
	default:
		add(LockAutopilot, LockUnknown, "it is kept on Microsoft's servers; nothing of it can be seen from the machine")
		add(LockActivation, LockClear, "the maker is not Apple")
		add(LockChromeEnrolment, LockClear, "the firmware has no vital product data of ChromeOS")
	}
	if !apple && (maker == "" || strings.HasPrefix(strings.ToLower(maker), "samsung")) {
		add(LockKnox, LockUnknown, "it is kept on Samsung's servers; nothing of it can be seen from the machine")
	} else {
		add(LockKnox, LockClear, "the maker is not Samsung")
	}
	managementLock(t, m, devices, add)
	return mergedLocks(findings)
}

type addLock func(code string, state LockState, format string, args ...any)

// attributeLocks reads passwords and the Absolute module from the settings of
// the firmware.
func attributeLocks(t tree, add addLock) {
	for _, driver := range bounded64(t.names(firmwareAttributes)) {
		at := path.Join(firmwareAttributes, driver)
		for _, name := range bounded64(t.names(at, "authentication")) {
			code := passwordLock(t.word(at, "authentication", name, "role"))
			if code == "" {
				continue
			}
			where := fmt.Sprintf("%s, %s password", cleaned(driver), cleaned(name))
			switch t.word(at, "authentication", name, "is_enabled") {
			case "1":
				add(code, LockSet, "%s: it is set", where)
			case "0":
				add(code, LockClear, "%s: it is not set", where)
			default:
				add(code, LockUnknown, "%s: whether it is set cannot be read", where)
			}
		}
		for i, name := range t.names(at, "attributes") {
			if _, ok := absoluteState(name, ""); !ok || i == maxDevices {
				continue
			}
			value := t.word(at, "attributes", name, "current_value")
			state, _ := absoluteState(name, value)
			if value == "" {
				value = "not readable"
			}
			add(LockAbsolute, state, "%s, setting %s: %s", cleaned(driver), cleaned(name), cleaned(value))
		}
	}
}

// bounded64 cuts a list off that no machine has.
func bounded64(names []string) []string { return names[:min(len(names), 64)] }

func isApple(t tree, m Machine) bool {
	return strings.HasPrefix(m.System.Manufacturer, "Apple") || strings.HasPrefix(t.text("/sys/firmware/devicetree/base/compatible"), "apple,")
}

// appleLock says what can be known of Activation Lock, which needs Apple's
// security chip (Apple support document 102541).
func appleLock(t tree, devices []pciDevice, add addLock) {
	for _, d := range devices {
		if d.controllerMode("") == ModeT2 {
			add(LockActivation, LockUnknown, "a Mac with the T2 chip can have Activation Lock or be enrolled with Apple; only Apple's servers know")
			return
		}
	}
	if t.exists("/sys/firmware/devicetree/base/compatible") {
		add(LockActivation, LockUnknown, "a Mac with Apple silicon can have Activation Lock or be enrolled with Apple; only Apple's servers know")
		return
	}
	add(LockActivation, LockUnknown, "no T2 chip was found, without which a Mac has no Activation Lock; whether it is enrolled with Apple only Apple's servers know")
}

// managementLock looks for Intel's AMT: the engine it runs on, and the serial
// port and disk controller that it lends to somebody far away. Whether it has
// been set up only the engine itself could tell. AMD's counterpart shows
// nothing of itself.
func managementLock(t tree, m Machine, devices []pciDevice, add addLock) {
	engine := t.exists("/sys/class/mei") && len(t.names("/sys/class/mei")) > 0
	for _, d := range devices {
		vendor, _, _ := strings.Cut(d.id, ":")
		switch {
		case vendor == "8086" && d.class == "0700" && strings.HasPrefix(path.Ext(d.address), ".3"):
			add(LockManagement, LockUnknown, "the machine has Intel AMT (its serial port over the network, PCI %s); whether somebody has set it up cannot be seen from here", d.id)
			return
		case vendor == "8086" && d.class == "0780" || d.driver == "mei_me":
			engine = true
		}
	}
	switch {
	case engine:
		add(LockManagement, LockUnknown, "the machine has Intel's Management Engine; whether AMT is part of it, and set up, cannot be seen from here")
	case len(devices) == 0:
		add(LockManagement, LockUnknown, "no device on PCI can be seen")
	case slices.ContainsFunc(m.CPU, func(c CPU) bool { return c.Vendor == "AuthenticAMD" }):
		add(LockManagement, LockUnknown, "a machine with AMD's processor can have DASH; nothing of it can be seen from here")
	default:
		add(LockManagement, LockClear, "no Management Engine was found on PCI or by a driver")
	}
}
