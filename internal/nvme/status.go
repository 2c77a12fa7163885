package nvme

import (
	"context"
	"fmt"
)

// The status codes that somebody decides by: status code type in bits 10:8,
// status code in bits 7:0 (NVMe Base 2.1 section 4.2.3).
const (
	InvalidOpcode         uint16 = 0x001
	InvalidField          uint16 = 0x002
	InvalidNamespace      uint16 = 0x00B
	OperationDenied       uint16 = 0x015
	SanitizeFailed        uint16 = 0x01C
	SanitizeInProgress    uint16 = 0x01D
	NamespaceWriteProtect uint16 = 0x020
	FormatInProgress      uint16 = 0x084
)

// statusName is the specification's name of a status code, in lower case;
// empty for one that is not known here.
func statusName(code uint16) string {
	switch code {
	case 0x000:
		return "successful completion"
	case InvalidOpcode:
		return "invalid command opcode"
	case InvalidField:
		return "invalid field in command"
	case 0x004:
		return "data transfer error"
	case 0x005:
		return "commands aborted due to power loss notification"
	case 0x006:
		return "internal error"
	case 0x007:
		return "command abort requested"
	case 0x008:
		return "command aborted due to SQ deletion"
	case InvalidNamespace:
		return "invalid namespace or format"
	case 0x00C:
		return "command sequence error"
	case OperationDenied:
		return "operation denied"
	case SanitizeFailed:
		return "sanitize failed"
	case SanitizeInProgress:
		return "sanitize in progress"
	case NamespaceWriteProtect:
		return "namespace is write protected"
	case 0x021:
		return "command interrupted"
	case 0x022:
		return "transient transport error"
	case 0x023:
		return "command prohibited by command and feature lockdown"
	case 0x024:
		return "admin command media not ready"
	case 0x082:
		return "namespace not ready"
	case 0x083:
		return "reservation conflict"
	case FormatInProgress:
		return "format in progress"
	case 0x109:
		return "invalid log page"
	case 0x10A:
		return "invalid format"
	case 0x10B:
		return "firmware activation requires conventional reset"
	case 0x10D:
		return "feature identifier not saveable"
	case 0x10E:
		return "feature not changeable"
	case 0x10F:
		return "feature not namespace specific"
	case 0x110:
		return "firmware activation requires NVM subsystem reset"
	case 0x111:
		return "firmware activation requires controller level reset"
	case 0x11A:
		return "namespace not attached"
	case 0x11D:
		return "device self-test in progress"
	case 0x123:
		return "sanitize prohibited while persistent memory region is enabled"
	case 0x139:
		return "controller suspended"
	case 0x280:
		return "write fault"
	case 0x281:
		return "unrecovered read error"
	case 0x286:
		return "access denied"
	case 0x287:
		return "deallocated or unwritten logical block"
	case 0x300:
		return "internal path error"
	case 0x370:
		return "host pathing error"
	case 0x371:
		return "command aborted by host"
	}
	return ""
}

// StatusText is a status field in numbers and words: "status 0h/1Dh sanitize
// in progress".
func StatusText(status uint16) string {
	text := fmt.Sprintf("status %Xh/%02Xh", status>>8&7, status&0xFF)
	if name := statusName(status & 0x7FF); name != "" {
		text += " " + name
	}
	return text
}

// StatusError is a controller's refusal of a command.
type StatusError struct {
	Status uint16 // as in [Completion]
}

// Error is StatusText.
func (e *StatusError) Error() string { return StatusText(e.Status) }

// Code is type and code without the bits that say whether to try again.
func (e *StatusError) Code() uint16 { return e.Status & 0x7FF }

// Passing reports whether the status speaks of the moment and not of the
// command: the way to the controller was interrupted, or it is not ready yet.
func (e *StatusError) Passing() bool {
	switch c := e.Code(); c {
	case 0x005, 0x007, 0x008, 0x021, 0x022, 0x024, 0x082:
		return true
	default:
		return c>>8 == 3 // path related
	}
}

// Do sends a command and makes a refusal a *StatusError. Any other error means
// that the command was not delivered, or its answer lost.
func Do(ctx context.Context, to Issuer, c Command) (Completion, error) {
	done, err := to.Admin(ctx, c)
	if err == nil && done.Status != 0 {
		err = &StatusError{done.Status}
	}
	return done, err
}
