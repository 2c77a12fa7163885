package kernel

import (
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctls of the Linux console (linux/kd.h, linux/vt.h).
const (
	kdMkTone      = 0x4b30
	kdSkbMode     = 0x4b45
	kdSkbEnt      = 0x4b47
	pioUniMap     = 0x4b67
	pioUniMapClr  = 0x4b68
	kdFontOp      = 0x4b72
	vtLockSwitch  = 0x560b
	kbUnicode     = 3
	fontOpSet     = 0
	fontOpSetTall = 4
	// fontPitch is how many rows each glyph takes in KD_FONT_OP_SET.
	fontPitch = 32
	// pitClock drives the speaker, in hertz.
	pitClock = 1193182
)

// ConsoleFont is a bitmap font for the console. Each glyph is Height rows of
// whole bytes, the leftmost pixel in the highest bit.
type ConsoleFont struct {
	Width, Height int
	Glyphs        [][]byte // 256 or 512
	// Runes says which glyph shows a character of the basic plane.
	Runes map[rune]int
}

// consoleFontOp is struct console_font_op.
type consoleFontOp struct {
	op, flags, width, height, count uint32
	_                               uint32
	data                            unsafe.Pointer
}

// uniMapDesc is struct unimapdesc.
type uniMapDesc struct {
	count   uint16
	_       [3]uint16
	entries unsafe.Pointer
}

// uniPair is struct unipair.
type uniPair struct{ unicode, position uint16 }

// SetFont gives a virtual terminal a font (KDFONTOP, PIO_UNIMAP). Its size in
// characters changes with it. A display that has no fonts answers ENOSYS.
func SetFont(tty *os.File, font ConsoleFont) error {
	rowBytes := (font.Width + 7) / 8
	op := consoleFontOp{op: fontOpSet, width: uint32(font.Width), height: uint32(font.Height), count: uint32(len(font.Glyphs))}
	pitch := fontPitch
	if font.Height > fontPitch {
		op.op, pitch = fontOpSetTall, font.Height
	}
	data := make([]byte, len(font.Glyphs)*rowBytes*pitch)
	for n, glyph := range font.Glyphs {
		copy(data[n*rowBytes*pitch:][:rowBytes*pitch], glyph)
	}
	pairs := make([]uniPair, 0, len(font.Runes))
	for r, at := range font.Runes {
		if r > 0 && r <= 0xffff {
			pairs = append(pairs, uniPair{uint16(r), uint16(at)})
		}
	}
	if len(data) == 0 || len(pairs) == 0 || len(pairs) > 0xffff {
		return fmt.Errorf("set the font of %s: the font is empty", tty.Name())
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	op.data = unsafe.Pointer(&data[0])
	if err := ioctl(tty, kdFontOp, unsafe.Pointer(&op)); err != nil {
		return fmt.Errorf("set the font of %s: %w", tty.Name(), err)
	}
	var unimap [3]uint16 // struct unimapinit: the kernel's own choice
	if err := ioctl(tty, pioUniMapClr, unsafe.Pointer(&unimap)); err != nil {
		return fmt.Errorf("clear the characters of the font of %s: %w", tty.Name(), err)
	}
	pin.Pin(&pairs[0])
	desc := uniMapDesc{count: uint16(len(pairs)), entries: unsafe.Pointer(&pairs[0])}
	if err := ioctl(tty, pioUniMap, unsafe.Pointer(&desc)); err != nil {
		return fmt.Errorf("set the characters of the font of %s: %w", tty.Name(), err)
	}
	return nil
}

// The tables of the console's keyboard.
const (
	KeysPlain      = 0
	KeysShift      = 1
	KeysAltGr      = 2
	KeysShiftAltGr = 3
)

// SetKey says which character a key gives (KDSKBENT): table is one of the four
// above, code the kernel's key code. A letter follows Caps Lock. The keyboard
// must be in Unicode mode.
func SetKey(tty *os.File, table, code uint8, r rune, letter bool) error {
	const typeLetter = 0x0b00
	entry := struct {
		table, code uint8
		value       uint16
	}{table, code, uint16(r)}
	switch {
	case r < 0x100 && letter:
		entry.value |= typeLetter
	case r >= 0x100:
		// The kernel keeps other characters than Latin-1 turned around, so
		// that they differ from its key types.
		entry.value ^= 0xf000
	}
	if err := ioctl(tty, kdSkbEnt, unsafe.Pointer(&entry)); err != nil {
		return fmt.Errorf("set key %d of %s: %w", code, tty.Name(), err)
	}
	return nil
}

// UnicodeKeyboard makes a virtual terminal's keyboard give UTF-8.
func UnicodeKeyboard(tty *os.File) error {
	if err := consoleInt(tty, kdSkbMode, kbUnicode); err != nil {
		return fmt.Errorf("set the keyboard mode of %s: %w", tty.Name(), err)
	}
	return nil
}

// LockConsole keeps the keyboard from switching to another virtual terminal,
// where nothing is.
func LockConsole(tty *os.File) error {
	if err := consoleInt(tty, vtLockSwitch, 1); err != nil {
		return fmt.Errorf("lock %s: %w", tty.Name(), err)
	}
	return nil
}

// Beep starts a tone of the machine's speaker and returns at once. A machine
// without one, or without its driver, stays silent.
func Beep(tty *os.File, hertz int, d time.Duration) error {
	if hertz < 20 || hertz > 20000 {
		return fmt.Errorf("beep with %d Hz: outside of what can be heard", hertz)
	}
	ms := min(d.Milliseconds(), 0xffff)
	if err := consoleInt(tty, kdMkTone, int(ms)<<16|pitClock/hertz); err != nil {
		return fmt.Errorf("beep on %s: %w", tty.Name(), err)
	}
	return nil
}

// consoleInt is an ioctl whose argument is the number itself.
func consoleInt(tty *os.File, request uint, value int) error {
	return control(tty, func(fd int) error { return unix.IoctlSetInt(fd, request, value) })
}
