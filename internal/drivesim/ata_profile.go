package drivesim

import (
	"errors"
	"fmt"
)

// ATAProfile is what an ATA drive has beside a medium.
type ATAProfile struct {
	Security *ATASecurityProfile `json:"security,omitempty"`
	// Antifreeze is true when SANITIZE ANTIFREEZE LOCK EXT is supported, and
	// SanitizeFrozen when the machine's firmware freezes sanitize at power-on.
	Antifreeze     bool `json:"antifreeze,omitempty"`
	SanitizeFrozen bool `json:"sanitize_frozen,omitempty"`
	// The hidden part of the unit is hidden by an Accessible Max Address
	// (AMA), or by HPA and DCOKiB by a device configuration overlay and the rest
	// by a host protected area.
	HPA    bool  `json:"hpa,omitempty"`
	DCO    bool  `json:"dco,omitempty"`
	DCOKiB int64 `json:"dco_kib,omitempty"`
	AMA    bool  `json:"ama,omitempty"`
	// HiddenFrozen says that firmware locks HPA, DCO and AMA at power-on.
	HiddenFrozen bool `json:"hidden_frozen,omitempty"`
	// Registers is how the layer before the drive reports ATA registers:
	// "libata-6.1" (when empty), "descriptor", "fixed" or "none".
	Registers string `json:"registers,omitempty"`
	// NoTrusted says that the kernel was started without libata.allow_tpm.
	NoTrusted bool   `json:"no_trusted,omitempty"`
	RPM       uint16 `json:"rpm,omitempty"`
	Trim      bool   `json:"trim,omitempty"`
	// ZoneKiB makes it a host-managed zoned drive.
	ZoneKiB int64 `json:"zone_kib,omitempty"`
	// SASAdapter is true when a SAS adapter translates, not the kernel.
	SASAdapter bool          `json:"sas_adapter,omitempty"`
	Health     HealthProfile `json:"health"`
}

// ATASecurityProfile is the state of the drive's lock.
type ATASecurityProfile struct {
	// User and Master are passwords that are set; empty for none.
	User   string `json:"user,omitempty"`
	Master string `json:"master,omitempty"`
	// Maximum is the Master Password Capability: the master password erases
	// but does not unlock.
	Maximum bool `json:"maximum,omitempty"`
	// Unlocked is true when somebody has unlocked it since power-on.
	Unlocked bool `json:"unlocked,omitempty"`
	// Frozen is "until-suspend" when the machine's firmware freezes at
	// start, "always" when it does so after a suspend too.
	Frozen string `json:"frozen,omitempty"`
	// Expired is true when no more attempts are taken until a power cycle.
	Expired bool `json:"expired,omitempty"`
	// KeepsPassword is a drive that erases and then stays locked.
	KeepsPassword bool `json:"keeps_password,omitempty"`
}

// HealthProfile is what a drive tells of its health.
type HealthProfile struct {
	Hours         int64 `json:"hours,omitempty"`
	Cycles        int64 `json:"cycles,omitempty"`
	Reallocated   int64 `json:"reallocated,omitempty"`
	Pending       int64 `json:"pending,omitempty"`
	Uncorrectable int64 `json:"uncorrectable,omitempty"`
	// Offline is what its own scan could not read, CRC what arrived damaged;
	// a SCSI drive counts Reallocated as its grown defects.
	Offline     int64 `json:"offline,omitempty"`
	CRC         int64 `json:"crc,omitempty"`
	PercentUsed int64 `json:"percent_used,omitempty"`
	// SelfTestFailedAt is the power-on hour at which an extended self-test
	// failed; 0: none did.
	SelfTestFailedAt int64 `json:"self_test_failed_at,omitempty"`
	Failing          bool  `json:"failing,omitempty"`
	// Nonsense makes an ATA drive answer with all bits set where others count.
	Nonsense bool `json:"nonsense,omitempty"`
}

func (p *ATAProfile) check(u UnitProfile) error {
	if s := p.Security; s != nil {
		if len(s.User) > ataPasswordBytes || len(s.Master) > ataPasswordBytes {
			return errors.New("ata: password longer than 32 bytes")
		}
		if s.Frozen != "" && s.Frozen != "until-suspend" && s.Frozen != "always" {
			return fmt.Errorf("ata: frozen %q is neither until-suspend nor always", s.Frozen)
		}
	}
	switch {
	case p.AMA && (p.HPA || p.DCO):
		return errors.New("ata: AMA and HPA or DCO in one drive")
	case p.DCOKiB < 0 || p.DCOKiB > u.HiddenKiB || p.DCOKiB > 0 && !p.DCO:
		return errors.New("ata: dco_kib out of range")
	case u.HiddenKiB > p.DCOKiB && !p.HPA && !p.AMA:
		return errors.New("ata: something is hidden and nothing hides it")
	case u.HiddenKiB == u.KiB+u.HiddenKiB:
		return errors.New("ata: nothing is accessible")
	case p.ZoneKiB < 0 || p.ZoneKiB%4 != 0:
		return errors.New("ata: zone_kib is no multiple of 4")
	}
	switch satDialect(p.Registers) {
	case "", satLibata61, satDescriptor, satFixed, satSilent:
		return nil
	}
	return fmt.Errorf("ata: registers %q", p.Registers)
}

// ataPassword is a password as the 32 bytes that go over the wire; nil for none.
func ataPassword(s string) []byte {
	if s == "" {
		return nil
	}
	b := make([]byte, ataPasswordBytes)
	copy(b, s)
	return b
}
