package terminal

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	"github.com/hinshun/vt10x"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A cell is twice as high as wide, so that the half of one is a square and a QR
// code of half blocks has its shape.
const (
	cellWidth  = 10
	cellHeight = 20
	baseline   = 15
	margin     = 8
	// A letter of Go Mono is 1229/2048 em wide.
	facePoints = cellWidth * 2048.0 / 1229
)

// Of a cell's attributes those that show, as the emulator numbers them; it does
// not export them. Reversed cells come with their colours changed.
const (
	attrUnderline = 1 << 1
	attrBold      = 1 << 2
)

var (
	foreground = color.RGBA{0xd4, 0xd4, 0xd4, 0xff}
	background = color.RGBA{0x12, 0x12, 0x14, 0xff}
)

// spec is a colour as XParseColor reads it.
func spec(c color.RGBA) string {
	return fmt.Sprintf("%02x%02[1]x/%02x%02[2]x/%02x%02[3]x", c.R, c.G, c.B)
}

// ansi are the sixteen colours of the Linux console.
func ansi(i int) color.RGBA {
	bright := uint8(0)
	if i >= 8 {
		bright = 0x55
	}
	on := func(bit int) uint8 {
		if i&bit != 0 {
			return 0xaa + bright
		}
		return bright
	}
	if i == 3 {
		return color.RGBA{0xaa, 0x55, 0, 0xff} // its yellow is a brown
	}
	return color.RGBA{on(1), on(2), on(4), 0xff}
}

// rgb is a colour of the emulator: the default ones, the 256 of xterm, or any.
func rgb(c vt10x.Color) color.RGBA {
	switch {
	case c == vt10x.DefaultFG:
		return foreground
	case c == vt10x.DefaultBG:
		return background
	case c < 16:
		return ansi(int(c))
	case c < 232:
		level := func(n vt10x.Color) uint8 {
			if n == 0 {
				return 0
			}
			return uint8(55 + 40*n)
		}
		c -= 16
		return color.RGBA{level(c / 36), level(c / 6 % 6), level(c % 6), 0xff}
	case c < 256:
		grey := uint8(8 + 10*(c-232))
		return color.RGBA{grey, grey, grey, 0xff}
	}
	return color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff}
}

// faces are those that a screen is drawn with.
type faces struct {
	regular, bold font.Face
	font          *sfnt.Font // of the regular one
	buffer        sfnt.Buffer
}

func newFaces() (f *faces, err error) {
	f = &faces{}
	if f.font, f.regular, err = newFace(gomono.TTF); err == nil {
		_, f.bold, err = newFace(gomonobold.TTF)
	}
	return f, err
}

func newFace(data []byte) (*sfnt.Font, font.Face, error) {
	parsed, err := opentype.Parse(data)
	if err != nil {
		return nil, nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: facePoints, DPI: 72, Hinting: font.HintingFull})
	return parsed, face, err
}

// PNG draws the screen as it is. A character that neither the face has nor is
// drawn by lines is an error: no picture has a hole.
func (t *Terminal) PNG(w io.Writer) error {
	picture, err := t.picture()
	if err != nil {
		return fmt.Errorf("draw the screen: %w", err)
	}
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, picture)
}

func (t *Terminal) picture() (image.Image, error) {
	f, err := newFaces()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	columns, rows := t.vt.Size()
	picture := image.NewRGBA(image.Rect(0, 0, columns*cellWidth+2*margin, rows*cellHeight+2*margin))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	for y := range rows {
		for x := range columns {
			glyph := t.vt.Cell(x, y)
			if glyph.Char == 0 { // never written
				continue
			}
			at := image.Rect(0, 0, cellWidth, cellHeight).Add(image.Pt(margin+x*cellWidth, margin+y*cellHeight))
			if err := f.cell(picture, at, glyph); err != nil {
				return nil, fmt.Errorf("line %d, column %d: %w", y+1, x+1, err)
			}
		}
	}
	if at := t.vt.Cursor(); t.vt.CursorVisible() && at.X < columns && at.Y < rows {
		under := image.Rect(0, cellHeight-3, cellWidth, cellHeight).Add(image.Pt(margin+at.X*cellWidth, margin+at.Y*cellHeight))
		fill(picture, under, foreground)
	}
	return picture, nil
}

func (f *faces) cell(picture *image.RGBA, at image.Rectangle, glyph vt10x.Glyph) error {
	ink, paper := rgb(glyph.FG), rgb(glyph.BG)
	fill(picture, at, paper)
	if glyph.Mode&attrUnderline != 0 {
		fill(picture, image.Rect(at.Min.X, at.Min.Y+baseline+2, at.Max.X, at.Min.Y+baseline+3), ink)
	}
	if glyph.Char == ' ' || glyph.Char == '\u00a0' || drawn(picture, at, glyph.Char, ink, paper) {
		return nil
	}
	if index, err := f.font.GlyphIndex(&f.buffer, glyph.Char); err != nil || index == 0 {
		return fmt.Errorf("the face has no %q (%U)", glyph.Char, glyph.Char)
	}
	face := f.regular
	if glyph.Mode&attrBold != 0 {
		face = f.bold
	}
	(&font.Drawer{
		Dst: picture, Src: image.NewUniform(ink), Face: face,
		Dot: fixed.P(at.Min.X, at.Min.Y+baseline),
	}).DrawString(string(glyph.Char))
	return nil
}

func fill(picture *image.RGBA, r image.Rectangle, c color.RGBA) {
	draw.Draw(picture, r, image.NewUniform(c), image.Point{}, draw.Src)
}
