package stick

import "strings"

// Key is one key of a layout and the characters that it gives. 0 is none.
type Key struct {
	// Code is Linux's key code (linux/input-event-codes.h), the same for the
	// key at that place in every layout.
	Code                            uint8
	Plain, Shift, AltGr, ShiftAltGr rune
}

// extraKey is the key between the left Shift and Z, which American keyboards
// and therefore scanners do not have.
const extraKey = 86

// rows are the key codes of what gives characters, row by row from the upper left.
var rows = [...]struct {
	first uint8
	keys  int
}{{41, 1}, {2, 12}, {16, 12}, {30, 11}, {43, 1}, {extraKey, 1}, {44, 10}}

// board is a layout: what its keys give in the order of rows, a space for none.
type board struct{ plain, shift, altGr, shiftAltGr string }

// boards are the national layouts as keyboards are engraved, but no key is
// dead: accents stand alone. What a scanner types can then be told back.
func boards(layout string) (board, bool) {
	switch layout {
	case "us":
		return board{
			plain: "`" + `1234567890-=` + `qwertyuiop[]` + `asdfghjkl;'` + `\` + `<` + `zxcvbnm,./`,
			shift: `~` + `!@#$%^&*()_+` + `QWERTYUIOP{}` + `ASDFGHJKL:"` + `|` + `>` + `ZXCVBNM<>?`,
		}, true
	case "nb":
		return board{
			plain: `|` + `1234567890+\` + `qwertyuiopå¨` + `asdfghjkløæ` + `'` + `<` + `zxcvbnm,.-`,
			shift: `§` + `!"#¤%&/()=?` + "`" + `QWERTYUIOPÅ^` + `ASDFGHJKLØÆ` + `*` + `>` + `ZXCVBNM;:_`,
			altGr: ` ` + ` @£$€ {[]} ´` + `  €        ~` + `           ` + ` ` + ` ` + `      µ   `,
		}, true
	case "da":
		return board{
			plain: `½` + `1234567890+´` + `qwertyuiopå¨` + `asdfghjklæø` + `'` + `<` + `zxcvbnm,.-`,
			shift: `§` + `!"#¤%&/()=?` + "`" + `QWERTYUIOPÅ^` + `ASDFGHJKLÆØ` + `*` + `>` + `ZXCVBNM;:_`,
			altGr: ` ` + ` @£$€ {[]} |` + `  €        ~` + `           ` + ` ` + `\` + `      µ   `,
		}, true
	case "sv":
		return board{
			plain: `§` + `1234567890+´` + `qwertyuiopå¨` + `asdfghjklöä` + `'` + `<` + `zxcvbnm,.-`,
			shift: `½` + `!"#¤%&/()=?` + "`" + `QWERTYUIOPÅ^` + `ASDFGHJKLÖÄ` + `*` + `>` + `ZXCVBNM;:_`,
			altGr: ` ` + ` @£$€ {[]}\ ` + `  €        ~` + `           ` + ` ` + `|` + `      µ   `,
		}, true
	}
	return board{}, false
}

// Keyboard gives the keys of a layout; false for one that is not in [Keyboards].
func Keyboard(layout string) ([]Key, bool) {
	b, ok := boards(layout)
	if !ok {
		return nil, false
	}
	levels := [4][]rune{[]rune(b.plain), []rune(b.shift), []rune(b.altGr), []rune(b.shiftAltGr)}
	var keys []Key
	for _, row := range rows {
		for i := range row.keys {
			key := Key{Code: row.first + uint8(i)}
			for n, to := range []*rune{&key.Plain, &key.Shift, &key.AltGr, &key.ShiftAltGr} {
				if at := len(keys); at < len(levels[n]) && levels[n][at] != ' ' {
					*to = levels[n][at]
				}
			}
			keys = append(keys, key)
		}
	}
	return keys, true
}

// AsUS gives what the same keys would have typed on an American keyboard, which
// is what scanners think they are. Characters that such keys do not give under
// the layout stay as they are, and so does everything under an unknown layout.
func AsUS(layout, text string) string {
	keys, ok := Keyboard(layout)
	us, _ := Keyboard("us")
	if !ok {
		return text
	}
	struck := map[rune]rune{}
	for i, key := range keys {
		if key.Code == extraKey {
			continue
		}
		struck[key.Plain] = us[i].Plain
		struck[key.Shift] = us[i].Shift
	}
	return strings.Map(func(r rune) rune {
		if typed, ok := struck[r]; ok {
			return typed
		}
		return r
	}, text)
}
