package drivesim

import "errors"

// Sections of a profile whose front ends are still to come.
type (
	ATAProfile  struct{}
	SCSIProfile struct{}
	USBProfile  struct{}
	TCGProfile  struct{}
	MMCProfile  struct{}
)

func newATAFront(*core) (frontEnd, error)           { return nil, errors.ErrUnsupported }
func newSCSIFront(*core) (frontEnd, error)          { return nil, errors.ErrUnsupported }
func newUSBFront(*core, frontEnd) (frontEnd, error) { return nil, errors.ErrUnsupported }
func newMMCFront(*core) (frontEnd, error)           { return nil, errors.ErrUnsupported }
func newTCGFront(*core) (securityProtocol, error)   { return nil, errors.ErrUnsupported }
