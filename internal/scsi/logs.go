package scsi

import "fmt"

// The log pages that are read (SPC-5, 7.3; SBC-4, 6.4).
const (
	LogSupported    = 0x00
	LogWriteErrors  = 0x02
	LogReadErrors   = 0x03
	LogVerifyErrors = 0x05
	LogTemperature  = 0x0d
	LogStartStop    = 0x0e
	LogSolidState   = 0x11
	LogBackground   = 0x15
	LogATAResults   = 0x16 // SAT-4, 12.3.2
	LogInformation  = 0x2f
)

// Parameters are the parameters of a log page by their code.
type Parameters map[uint16][]byte

// ParseLog reads the parameters of a log page (SPC-5, 7.3.2). What was cut off
// is left out.
func ParseLog(b []byte, page byte) (Parameters, error) {
	if len(b) < 4 || b[0]&0x3f != page {
		return nil, malformed(fmt.Sprintf("log page %02Xh", page), b)
	}
	body := b[4:min(len(b), 4+int(be16(b[2:])))]
	p := Parameters{}
	for len(body) >= 4 {
		n := 4 + int(body[3])
		if n > len(body) {
			break
		}
		p[be16(body)] = body[4:n]
		body = body[n:]
	}
	return p, nil
}

// ParseSupportedLogs gives the pages of log page 00h (SPC-5, 7.3.20).
func ParseSupportedLogs(b []byte) ([]byte, error) {
	if len(b) < 4 || b[0]&0x7f != LogSupported {
		return nil, malformed("log page 00h", b)
	}
	return b[4:min(len(b), 4+int(be16(b[2:])))], nil
}

// Number is a parameter as a number of whatever length; nil when it is missing,
// empty, or too long.
func (p Parameters) Number(code uint16) *int64 {
	data, ok := p[code]
	for len(data) > 0 && data[0] == 0 {
		data = data[1:]
	}
	if !ok || len(p[code]) == 0 || len(data) > 8 || len(data) == 8 && data[0] > 0x7f {
		return nil
	}
	n := int64(0)
	for _, d := range data {
		n = n<<8 | int64(d)
	}
	return &n
}

// byteOf is one byte of a parameter; nil when it is not there.
func (p Parameters) byteOf(code uint16, at int) *int64 {
	if data := p[code]; len(data) > at {
		n := int64(data[at])
		return &n
	}
	return nil
}

// Temperature of page 0Dh in degrees Celsius; nil when the drive has no sensor
// (FFh) (SPC-5, 7.3.22).
func (p Parameters) Temperature() *int64 {
	if n := p.byteOf(0, 1); n != nil && *n != 0xff && len(p[0]) >= 2 {
		return n
	}
	return nil
}

// PercentUsed of page 11h, of rated endurance (SBC-4, 6.4.10).
func (p Parameters) PercentUsed() *int64 { return p.byteOf(1, 3) }

// Starts of page 0Eh: how often the drive was started (SPC-5, 7.3.19, parameter 4).
func (p Parameters) Starts() *int64 { return p.Number(4) }

// PoweredMinutes of page 15h (SBC-4, 6.4.2, parameter 0).
func (p Parameters) PoweredMinutes() *int64 {
	if data := p[0]; len(data) >= 4 {
		n := int64(be32(data))
		return &n
	}
	return nil
}

// Uncorrected of the error counter pages 02h, 03h and 05h (SPC-5, 7.3.8).
func (p Parameters) Uncorrected() *int64 { return p.Number(6) }

// Bytes of the error counter pages: how many the drive has processed.
func (p Parameters) Bytes() *int64 { return p.Number(5) }

// Predicts of page 2Fh reports whether the drive predicts its failure (SPC-5,
// 7.3.11: additional sense code 5Dh, 0Bh is a warning); nil when it tells nothing.
func (p Parameters) Predicts() *bool {
	data := p[0]
	if len(data) < 2 {
		return nil
	}
	fails := data[0] == 0x5d
	return &fails
}
