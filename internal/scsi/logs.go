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
	LogSelfTest     = 0x10
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
// 7.3.11: additional sense code 5Dh) or warns of something (0Bh) that is more
// than its temperature (0Bh/01h); nil when it tells nothing.
func (p Parameters) Predicts() *bool {
	data := p[0]
	if len(data) < 2 {
		return nil
	}
	fails := data[0] == 0x5d || data[0] == 0x0b && data[1] != 0x01
	return &fails
}

// SelfTest is one parameter of page 10h, Self-Test Results (SPC-5, 7.3).
type SelfTest struct {
	Kind   byte   // 1 and 5 short, 2 and 6 extended
	Result byte   // 0 passed, 3 to 7 failed, Fh running, else stopped
	Hours  uint16 // FFFFh for that many or more
}

// Passed reports that the test went to its end and found nothing.
func (t SelfTest) Passed() bool { return t.Result == 0 }

// Failed reports that it found something, or could not go on: results 3 to 7.
func (t SelfTest) Failed() bool { return t.Result >= 3 && t.Result <= 7 }

// Extended reports whether the test reads the whole medium.
func (t SelfTest) Extended() bool { return t.Kind == 2 || t.Kind == 6 }

// SelfTests of page 10h, the newest first; parameters that were never filled
// are zeros.
func (p Parameters) SelfTests() []SelfTest {
	var tests []SelfTest
	for code := uint16(1); code <= 20; code++ {
		data := p[code]
		if len(data) < 4 {
			continue
		}
		t := SelfTest{Kind: data[0] >> 5, Result: data[0] & 0x0f, Hours: be16(data[2:])}
		if t.Kind != 0 || t.Hours != 0 {
			tests = append(tests, t)
		}
	}
	return tests
}

// Unreplaced of page 15h counts what background scans found and nobody put
// right: reassign status 1h (waits for a write), 4h and 8h (could not be
// reassigned); nil when the drive tells of no scan (SBC-4, 6.4.2).
func (p Parameters) Unreplaced() *int64 {
	if len(p[0]) < 12 {
		return nil
	}
	n := int64(0)
	for code, data := range p {
		if code == 0 || code > 0x0800 || len(data) < 5 {
			continue
		}
		if status := data[4] >> 4; status == 1 || status == 4 || status == 8 {
			n++
		}
	}
	return &n
}
