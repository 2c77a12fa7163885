package tui

import (
	"strings"
	"unicode"
)

// letterRows is how high the block letters are.
const letterRows = 5

// letter is a block letter, row by row; what it has none of is a blank.
func letter(r rune) []string {
	rows := map[rune]string{
		'A': " ## |#  #|####|#  #|#  #", 'B': "### |#  #|### |#  #|### ", 'C': " ###|#   |#   |#   | ###",
		'D': "### |#  #|#  #|#  #|### ", 'E': "####|#   |### |#   |####", 'F': "####|#   |### |#   |#   ",
		'G': " ###|#   |# ##|#  #| ###", 'H': "#  #|#  #|####|#  #|#  #", 'I': "#|#|#|#|#",
		'J': "  ##|   #|   #|#  #| ## ", 'K': "#  #|# # |##  |# # |#  #", 'L': "#   |#   |#   |#   |####",
		'M': "#   #|## ##|# # #|#   #|#   #", 'N': "#   #|##  #|# # #|#  ##|#   #", 'O': " ## |#  #|#  #|#  #| ## ",
		'P': "### |#  #|### |#   |#   ", 'Q': " ## |#  #|#  #|# ##| ###", 'R': "### |#  #|### |# # |#  #",
		'S': " ###|#   | ## |   #|### ", 'T': "#####|  #  |  #  |  #  |  #  ", 'U': "#  #|#  #|#  #|#  #| ## ",
		'V': "#   #|#   #| # # | # # |  #  ", 'W': "#   #|#   #|# # #|## ##|#   #", 'X': "#   #| # # |  #  | # # |#   #",
		'Y': "#   #| # # |  #  |  #  |  #  ", 'Z': "####|   #| ## |#   |####",
		'Æ': " ### ##|#  #   |#######|#  #   |#  ####", 'Ø': " ## #|#  # |# ## |##  |# ## ", 'Å': " ## | ## |#  #|####|#  #",
		'0': " ## |#  #|#  #|#  #| ## ", '1': " # |## | # | # |###", '2': "### |   #| ## |#   |####", '3': "### |   #| ## |   #|### ",
		'4': "#  #|#  #|####|   #|   #", '5': "####|#   |### |   #|### ", '6': " ## |#   |### |#  #| ## ", '7': "####|   #|  # | #  | #  ",
		'8': " ## |#  #| ## |#  #| ## ", '9': " ## |#  #| ###|   #| ## ",
		',': "  |  |  | #|# ", '.': " | | | |#", '!': "#|#|#| |#", ' ': "  |  |  |  |  ",
	}
	rows['Ø'] = " ### |#  ##|# # #|##  #| ### "
	if s, ok := rows[r]; ok {
		return strings.Split(s, "|")
	}
	return strings.Split(rows[' '], "|")
}

// letters writes a text in block letters, as many words in a line of w columns
// as fit; nil where a word alone is too wide.
func (m *Model) letters(s string, w int) []string {
	var out []string
	var line []string
	spell := func(words []string) []string {
		rows := make([]string, letterRows)
		for i, r := range strings.ToUpper(strings.Join(words, " ")) {
			for n, row := range letter(unicode.ToUpper(r)) {
				if i > 0 {
					rows[n] += " "
				}
				rows[n] += row
			}
		}
		for n := range rows {
			rows[n] = strings.TrimRight(strings.ReplaceAll(rows[n], "#", m.look.pick("█", "#")), " ")
		}
		return rows
	}
	wide := func(words []string) bool {
		for _, row := range spell(words) {
			if width(row) > w {
				return true
			}
		}
		return false
	}
	end := func() {
		if len(out) > 0 {
			out = append(out, "")
		}
		out = append(out, spell(line)...)
	}
	for _, word := range strings.Fields(s) {
		if wide([]string{word}) {
			return nil
		}
		if len(line) > 0 && wide(append(line[:len(line):len(line)], word)) {
			end()
			line = nil
		}
		line = append(line, word)
	}
	if len(line) > 0 {
		end()
	}
	return out
}
