package terminal

import (
	"image"
	"image/color"
	"strings"
)

// drawn draws the characters that must meet their neighbours, blocks and box
// lines, which faces draw with gaps. It reports whether r is one.
func drawn(picture *image.RGBA, at image.Rectangle, r rune, ink, paper color.RGBA) bool {
	part := func(x0, y0, x1, y1 int) { // in eighths of the cell
		fill(picture, image.Rect(
			at.Min.X+x0*cellWidth/8, at.Min.Y+y0*cellHeight/8,
			at.Min.X+x1*cellWidth/8, at.Min.Y+y1*cellHeight/8), ink)
	}
	switch {
	case r == '▀':
		part(0, 0, 8, 4)
	case r >= '▁' && r <= '█':
		part(0, 8-int(r-'▁'+1), 8, 8)
	case r >= '▉' && r <= '▏':
		part(0, 0, 8-int(r-'▉'+1), 8)
	case r == '▐':
		part(4, 0, 8, 8)
	case r >= '░' && r <= '▓':
		share := int(r-'░') + 1
		fill(picture, at, color.RGBA{mix(ink.R, paper.R, share), mix(ink.G, paper.G, share), mix(ink.B, paper.B, share), 0xff})
	case r == '▔':
		part(0, 0, 8, 1)
	case r == '▕':
		part(7, 0, 8, 8)
	case r >= '▖' && r <= '▟':
		// Which quarters: upper left 1, upper right 2, lower left 4, lower right 8.
		quarters := [...]int{4, 8, 1, 1 + 4 + 8, 1 + 8, 1 + 2 + 4, 1 + 2 + 8, 2, 2 + 4, 2 + 4 + 8}[r-'▖']
		for q := range 4 {
			if quarters&(1<<q) != 0 {
				part(q%2*4, q/2*4, q%2*4+4, q/2*4+4)
			}
		}
	default:
		return box(picture, at, r, ink)
	}
	return true
}

// mix gives share quarters of a and the rest of b.
func mix(a, b uint8, share int) uint8 {
	return uint8((int(a)*share + int(b)*(4-share)) / 4)
}

// boxes are the box lines: each has a line up, right, down and left of the
// middle where its mask has the bit 1, 2, 4 and 8.
const (
	lightBoxes  = "╵╶└╷│┌├╴┘─┴┐┤┬┼"
	roundBoxes  = "  ╰  ╭  ╯  ╮"
	heavyBoxes  = "╹╺┗╻┃┏┣╸┛━┻┓┫┳╋"
	doubleBoxes = "  ╚ ║╔╠ ╝═╩╗╣╦╬"
)

func box(picture *image.RGBA, at image.Rectangle, r rune, ink color.RGBA) bool {
	for _, kind := range []struct {
		boxes string
		// The lines are from one of these to the other beside the middle.
		strokes [][2]int
	}{
		{lightBoxes, [][2]int{{0, 1}}},
		{roundBoxes, [][2]int{{0, 1}}},
		{heavyBoxes, [][2]int{{-1, 2}}},
		{doubleBoxes, [][2]int{{-2, -1}, {1, 2}}},
	} {
		if r == ' ' || !strings.ContainsRune(kind.boxes, r) {
			continue
		}
		mask := 0
		for i, have := range []rune(kind.boxes) {
			if have == r {
				mask = i + 1
			}
		}
		near, far := kind.strokes[0][0], kind.strokes[len(kind.strokes)-1][1]
		x, y := at.Min.X+cellWidth/2, at.Min.Y+cellHeight/2
		for _, s := range kind.strokes {
			if mask&1 != 0 {
				fill(picture, image.Rect(x+s[0], at.Min.Y, x+s[1], y+far), ink)
			}
			if mask&2 != 0 {
				fill(picture, image.Rect(x+near, y+s[0], at.Max.X, y+s[1]), ink)
			}
			if mask&4 != 0 {
				fill(picture, image.Rect(x+s[0], y+near, x+s[1], at.Max.Y), ink)
			}
			if mask&8 != 0 {
				fill(picture, image.Rect(at.Min.X, y+s[0], x+far, y+s[1]), ink)
			}
		}
		return true
	}
	return false
}
