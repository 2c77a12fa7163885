package terminal

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hinshun/vt10x"
)

// filter stands between a program and the emulator, which takes sequences that
// it does not know for others that it does: CSI > 4 m, the keyboard protocol of
// xterm, for CSI m, and CSI ? u, a question, for CSI u. What is no matter of the
// emulator is answered or dropped here.
type filter struct {
	screen vt10x.Terminal
	mute   bool
	// pending is the beginning of a sequence or of a character.
	pending []byte
	// frame is what came since the program said that a frame begins, which is
	// shown when it says that the frame has ended.
	frame    []byte
	inFrame  bool
	insert   bool // a character moves those behind it (IRM)
	last     rune // the last character shown, which REP repeats
	answered []byte
}

// Longer ones are no sequences; they are shown, so that the fault is seen.
const (
	longestCSI    = 256
	longestString = 64 << 10
	longestFrame  = 1 << 20
)

// feed shows what a program wrote and gives what it is answered.
func (f *filter) feed(p []byte) []byte {
	f.answered = nil
	b := append(f.pending, p...)
	for len(b) > 0 {
		n := f.next(b)
		if n == 0 {
			break
		}
		b = b[n:]
	}
	f.pending = bytes.Clone(b)
	return f.answered
}

// next handles what is at the beginning of b and gives its length, 0 when its
// end has not come yet.
func (f *filter) next(b []byte) int {
	if b[0] != 0x1b {
		return f.text(b)
	}
	if len(b) == 1 {
		return 0
	}
	switch b[1] {
	case '[':
		for i, c := range b[2:] {
			switch {
			case c >= 0x40 && c <= 0x7e:
				f.csi(b[:i+3])
				return i + 3
			case c < 0x20 || c > 0x7e || i > longestCSI:
				return i + 2 // broken off; what comes next begins anew
			}
		}
		return 0
	case ']', 'P', '_', '^', 'X', 'k':
		end, length := bytes.Index(b, []byte("\x1b\\")), 2
		if bell := bytes.IndexByte(b, '\a'); bell >= 0 && (end < 0 || bell < end) {
			end, length = bell, 1
		}
		if end < 0 && len(b) < longestString {
			return 0
		}
		if end < 0 {
			return 2
		}
		f.control(b[1], string(b[2:end]))
		return end + length
	case '(':
		if len(b) < 3 {
			return 0
		}
		f.show(b[:3])
		return 3
	case ')', '*', '+', '#', '%', ' ': // character sets, tests and conformance: nothing to see
		if len(b) < 3 {
			return 0
		}
		return 3
	case 0x1b:
		return 1
	case 'c': // RIS, of which the emulator forgets to clear the right of the screen
		f.show([]byte("\x1bc\x1b[2J"))
		return 2
	}
	f.show(b[:2])
	return 2
}

// text shows whole characters up to the next sequence.
func (f *filter) text(b []byte) int {
	if esc := bytes.IndexByte(b, 0x1b); esc >= 0 {
		b = b[:esc]
	} else {
		// The last character may not be whole.
		for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
			if utf8.RuneStart(b[i]) {
				if !utf8.FullRune(b[i:]) {
					b = b[:i]
				}
				break
			}
		}
	}
	if len(b) > 0 {
		if r, _ := utf8.DecodeLastRune(b); r >= ' ' {
			f.last = r
		}
		if f.insert {
			f.inserted(b)
		} else {
			f.show(b)
		}
	}
	return len(b)
}

// inserted shows text in insert mode, which the emulator does not know: room is
// made for each character before it is shown.
func (f *filter) inserted(b []byte) {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r >= ' ' {
			f.show([]byte("\x1b[@"))
		}
		f.show(b[:n])
		b = b[n:]
	}
}

// show gives something to the emulator, now or with its frame.
func (f *filter) show(b []byte) {
	if f.inFrame && len(f.frame) < longestFrame {
		f.frame = append(f.frame, b...)
		return
	}
	_, _ = f.screen.Write(b) // it gives no errors
}

func (f *filter) endFrame() {
	f.inFrame = false
	f.show(f.frame)
	f.frame = nil
}

func (f *filter) answer(format string, args ...any) {
	if !f.mute {
		f.answered = fmt.Appendf(f.answered, format, args...)
	}
}

// csi handles a control sequence (ECMA-48, 5.4): parameters, of which the first
// may be a mark of private use, intermediates, and a final byte.
func (f *filter) csi(sequence []byte) {
	final := sequence[len(sequence)-1]
	body := string(sequence[2 : len(sequence)-1])
	parameters := strings.TrimRight(body, " !\"#$%&'()*+,-./")
	intermediates := body[len(parameters):]
	mark := ""
	if parameters != "" && strings.Contains("<=>?", parameters[:1]) {
		mark, parameters = parameters[:1], parameters[1:]
	}
	switch what := mark + intermediates + string(final); what {
	case "c":
		f.answer("\x1b[?62;22c") // DA1: a VT220 with colours
	case ">c":
		f.answer("\x1b[>1;10;0c") // DA2
	case ">q":
		f.answer("\x1bP>|ombruk-lab 1\x1b\\") // XTVERSION
	case "?$p": // DECRQM: of its modes only synchronized output is told
		state := 0
		if parameters == "2026" {
			if state = 2; f.inFrame {
				state = 1
			}
		}
		f.answer("\x1b[?%s;%d$y", parameters, state)
	case "n", "?n":
		switch parameters {
		case "5":
			f.answer("\x1b[0n")
		case "6":
			at := f.screen.Cursor()
			f.answer("\x1b[%s%d;%dR", mark, at.Y+1, at.X+1)
		}
	case "t":
		if parameters == "18" {
			columns, rows := f.screen.Size()
			f.answer("\x1b[8;%d;%dt", rows, columns)
		}
	case "h", "l":
		if parameters == "4" {
			f.insert = final == 'h'
		} else {
			f.show(sequence)
		}
	case "?h", "?l":
		f.mode(parameters, final)
	case "?J", "?K":
		f.show([]byte("\x1b[" + parameters + string(final)))
	case "b": // REP
		n, err := strconv.Atoi(parameters)
		if err != nil {
			n = 1
		}
		columns, _ := f.screen.Size()
		if f.last != 0 {
			f.show([]byte(strings.Repeat(string(f.last), min(n, columns))))
		}
	case "m":
		if kept := attributes(parameters); kept != "" { // empty would be a reset
			f.show([]byte("\x1b[" + kept + "m"))
		}
	default:
		if mark == "" && intermediates == "" {
			f.show(sequence)
		}
	}
}

// mode sets and resets private modes.
func (f *filter) mode(parameters string, final byte) {
	var others []string
	for p := range strings.SplitSeq(parameters, ";") {
		switch {
		case p != "2026":
			others = append(others, p)
		case final == 'h':
			f.inFrame = true
		default:
			f.endFrame()
		}
	}
	if len(others) > 0 {
		f.show([]byte("\x1b[?" + strings.Join(others, ";") + string(final)))
	}
}

// attributes rewrites the parameters of SGR to those that the emulator knows:
// colours with colons (ITU-T T.416, 13.1.8) as colours with semicolons, and
// neither kinds nor colours of underlines.
func attributes(parameters string) string {
	var kept []string
	fields := strings.Split(parameters, ";")
	for i := 0; i < len(fields); i++ {
		parts := strings.Split(fields[i], ":")
		switch {
		case parts[0] == "58" && len(parts) == 1: // the colour follows
			if i+1 < len(fields) && fields[i+1] == "5" {
				i += 2
			} else {
				i += 4
			}
		case parts[0] == "58", parts[0] == "59":
		case parts[0] == "4" && len(parts) > 1:
			if parts[1] == "0" {
				kept = append(kept, "24")
			} else {
				kept = append(kept, "4")
			}
		case len(parts) == 6: // 38:2:SPACE:R:G:B
			kept = append(kept, parts[0], parts[1], parts[3], parts[4], parts[5])
		case parts[0] == "":
			kept = append(kept, "0")
		default:
			kept = append(kept, parts...)
		}
	}
	return strings.Join(kept, ";")
}

// control handles a control string: a question is answered, nothing is shown.
func (f *filter) control(kind byte, text string) {
	switch {
	case kind == ']' && text == "10;?":
		f.answer("\x1b]10;rgb:%s\x1b\\", spec(foreground))
	case kind == ']' && text == "11;?":
		f.answer("\x1b]11;rgb:%s\x1b\\", spec(background))
	case kind == 'P' && strings.HasPrefix(text, "+q"): // XTGETTCAP
		f.answer("\x1bP0+r\x1b\\")
	}
}
