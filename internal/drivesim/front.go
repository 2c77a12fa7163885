package drivesim

import (
	"errors"
	"fmt"
)

// newFront makes the front end that a profile asks for, with the TCG side of
// the drive where it has one. A front end may wrap another: a USB bridge
// speaks SCSI and has an ATA or NVMe drive behind it.
func newFront(c *core) (frontEnd, securityProtocol, error) {
	var tcg securityProtocol
	if c.profile.TCG != nil {
		var err error
		if tcg, err = newTCGFront(c); err != nil {
			return nil, nil, err
		}
	}
	fronts := map[string]func(*core) (frontEnd, error){
		"nvme": newNVMeFront,
		"ata":  newATAFront,
		"scsi": newSCSIFront,
		"mmc":  newMMCFront,
	}
	make, ok := fronts[c.profile.Protocol]
	if !ok {
		return nil, nil, fmt.Errorf("protocol %q: %w", c.profile.Protocol, errors.ErrUnsupported)
	}
	f, err := make(c)
	if err == nil && c.profile.USB != nil {
		f, err = newUSBFront(c, f)
	}
	return f, tcg, err
}
