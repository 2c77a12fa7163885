package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"
)

// CSV writes a table for spreadsheets of the Nordic countries: semicolons, a
// byte order mark, lines that end as RFC 4180 wants them. What a stranger wrote
// stays text there: a cell that a spreadsheet would calculate has an apostrophe
// in front, and control characters are written out.
func CSV(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, text := range row {
			safe[i] = safeCell(text)
		}
		if err := w.Write(safe); err != nil {
			return nil, fmt.Errorf("write table: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	return b.Bytes(), nil
}

// safeCell is a text that no spreadsheet calculates (OWASP, CSV Injection: what
// begins with = + - @, a tab or a line break), also behind spaces and in their
// full-width forms.
func safeCell(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		c, n := utf8.DecodeRuneInString(text)
		switch {
		case c == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "{0x%02X}", text[0])
		case c < 0x20, c >= 0x7f && c < 0xa0, c == 0x061c, c >= 0x200b && c <= 0x200f, c >= 0x2028 && c <= 0x202e, c >= 0x2060 && c <= 0x206f, c == 0xfeff:
			fmt.Fprintf(&b, "{U+%04X}", c)
		default:
			b.WriteRune(c)
		}
		text = text[n:]
	}
	safe := b.String()
	if begins := strings.TrimLeft(safe, " \u00a0\u3000"); begins != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", []rune(begins)[0]) {
		return "'" + safe
	}
	return safe
}
