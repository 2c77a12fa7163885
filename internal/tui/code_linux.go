package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"rsc.io/qr"
)

// qrQuiet is the quiet zone around a QR code in modules (ISO/IEC 18004).
const qrQuiet = 4

// qrText is what the QR code of a record holds: what that of its page does, in
// capitals, which make the code small enough for a screen of 24 lines. Number
// and digest are hexadecimal, so nothing is lost by it.
func qrText(id, sha256 string) string {
	return strings.ToUpper(fmt.Sprintf("OMBRUK:1:%s:%s", id, sha256))
}

// qrLines draws a QR code with its quiet zone, dark on light whatever the
// terminal's colours are. Two modules share a character, upper and lower half;
// where there are no half blocks a module is two characters wide.
func (l look) qrLines(text string) ([]string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	dark := func(x, y int) bool { return code.Black(x-qrQuiet, y-qrQuiet) }
	size := code.Size + 2*qrQuiet
	// Light is bright white wherever there are colours; without them reverse
	// video is the only light there is.
	light := ansi.Style{}.ForegroundColor(ansi.Black).BackgroundColor(ansi.BrightWhite)
	if l.mono() {
		light = ansi.Style{}.Reverse(true)
	}
	var out []string
	if l.ascii {
		for y := range size {
			var b strings.Builder
			for x := range size {
				if dark(x, y) {
					b.WriteString("  ")
				} else {
					b.WriteString(light.Styled("  "))
				}
			}
			out = append(out, b.String())
		}
		return out, nil
	}
	for y := 0; y < size; y += 2 {
		var b strings.Builder
		for x := range size {
			switch upper, lower := dark(x, y), dark(x, y+1); {
			case upper && lower:
				b.WriteString("█")
			case upper:
				b.WriteString("▀")
			case lower:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		line := b.String()
		if y+1 == size {
			// The last row has no lower half; it is quiet zone all the same.
			line = strings.Repeat(" ", size)
		}
		out = append(out, light.Styled(line))
	}
	return out, nil
}
