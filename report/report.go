// Package report draws records as pages that people read: the certificate (or
// record) of one drive and the report on one machine, as PDF. It decides which
// word stands on top and nothing else: every fact comes from the record, and a
// record that contradicts itself is refused rather than drawn.
package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"regexp"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/internal/lang"
	"github.com/ombruk/ombruk/inventory/grade"
)

//go:embed fonts/Inter-Regular.ttf
var regularTTF []byte

//go:embed fonts/Inter-SemiBold.ttf
var semiBoldTTF []byte

// Issuer is who stands behind a page.
type Issuer struct {
	Name  string // as in the signing certificate; empty for a local key
	Orgnr string // organisation number, empty when there is none
	// Established is true when the key belongs to a trusted organisation;
	// when false the page says so in plain sight.
	Established bool
	Fingerprint string // key id: SHA-256 of the public key info, hex
	Logo        []byte // PNG of at most 4000 x 4000 pixels, or nil
}

// Page is what a page needs besides its record.
type Page struct {
	Language string // one of lang.Tags
	Mode     certs.Mode
	Issuer   Issuer
	// Envelope is the signed record, attached to the page as evidence.json;
	// EnvelopeSHA256 is its digest in hex, which the QR code carries.
	Envelope       []byte
	EnvelopeSHA256 string
}

// Renderer draws pages. It holds the languages and what the faces can print,
// so that a program makes it once. It is safe for concurrent use.
type Renderer struct {
	texts   map[string]*lang.Text
	regular glyphs
	bold    glyphs
	// boldFace gives the outlines of the watermark.
	boldFace *sfnt.Font
}

// New makes a Renderer of pages in the given languages.
func New(languages ...*lang.Text) (*Renderer, error) {
	r := &Renderer{texts: map[string]*lang.Text{}}
	for _, text := range languages {
		r.texts[text.Tag()] = text
	}
	regular, err := sfnt.Parse(regularTTF)
	if err != nil {
		return nil, fmt.Errorf("read regular face: %w", err)
	}
	if r.boldFace, err = sfnt.Parse(semiBoldTTF); err != nil {
		return nil, fmt.Errorf("read semi-bold face: %w", err)
	}
	if r.regular, err = readGlyphs(regular); err != nil {
		return nil, fmt.Errorf("read regular face: %w", err)
	}
	if r.bold, err = readGlyphs(r.boldFace); err != nil {
		return nil, fmt.Errorf("read semi-bold face: %w", err)
	}
	return r, nil
}

// Sanitization draws the page of one drive's record: titled a certificate if
// the drive is clean at the accepted method, a record otherwise. The bytes are
// an unsigned PDF, the same for the same input.
func (r *Renderer) Sanitization(rec certs.Sanitization, p Page) ([]byte, error) {
	if err := rec.Check(); err != nil {
		return nil, fmt.Errorf("draw record %s: %w", rec.ID, err)
	}
	return r.draw(rec.Header, p, judge(rec), func(s *sheet) {
		s.firstHead()
		s.foot(&rec.Policy, rec.RandomKeySHA256)
		s.drawBand(sanitizationBand(s, rec))
		s.unitAndDrive(rec)
		s.work(rec)
		s.verification(rec)
		s.exceptions(rec.Exceptions, readAsErased(rec))
		s.people(verified(s.t, rec), rec.Operator, rec.Clock)
	})
}

// Unit draws the report on one machine.
func (r *Renderer) Unit(rec certs.Unit, p Page) ([]byte, error) {
	if err := rec.Check(); err != nil {
		return nil, fmt.Errorf("draw record %s: %w", rec.ID, err)
	}
	return r.draw(rec.Header, p, judgeUnit(rec), func(s *sheet) {
		s.firstHead()
		s.foot(policyOf(rec.Grade), "")
		s.drawBand(unitBand(s, rec))
		s.storage(rec.Storage)
		if g := rec.Grade; g != nil {
			s.strip(*g, grade.Disposition(rec.Disposition), settled(rec))
		}
		s.body(rec)
		s.drives(rec)
		if g := rec.Grade; g != nil {
			s.because(*g)
		}
		s.notes(rec.Machine.Notes)
		s.hands(rec.People, rec.Operator, rec.Clock)
	})
}

// draw lays a record out and writes the document.
func (r *Renderer) draw(h certs.Header, p Page, v verdict, layout func(*sheet)) ([]byte, error) {
	if p.Mode != certs.ModeReal && p.Mode != certs.ModeDemo {
		// Nothing about a drive that does not exist is titled a certificate.
		v.title = "title.simulated"
	}
	best, err := r.tightest(func(tight density) (*sheet, error) {
		s, err := r.open(h, p, v, tight)
		if err == nil {
			layout(s)
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("draw record %s: %w", h.ID, err)
	}
	if err := best.drawFoot(); err != nil {
		return nil, fmt.Errorf("draw record %s: %w", h.ID, err)
	}
	best.numberPages()
	if err := best.err(); err != nil {
		return nil, fmt.Errorf("draw record %s: %w", h.ID, err)
	}
	var b bytes.Buffer
	if err := best.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("draw record %s: %w", h.ID, err)
	}
	return b.Bytes(), nil
}

// tightest lays a document out, and what does not fit on one page a little
// tighter, and keeps that if it saves a page.
func (r *Renderer) tightest(layout func(density) (*sheet, error)) (*sheet, error) {
	var best *sheet
	for _, d := range []density{{1, 1}, {0.97, 0.94}, {0.95, 0.88}, {0.93, 0.84}, {0.91, 0.79}, {0.9, 0.75}} {
		s, err := layout(d)
		if err != nil {
			return nil, err
		}
		if best == nil || s.pdf.PageCount() < best.pdf.PageCount() {
			best = s
		}
		if best.pdf.PageCount() == 1 {
			break
		}
	}
	return best, nil
}

// idText is what a record's id may look like, up to maxIDBytes: it becomes part
// of a command line on the page.
var idText = regexp.MustCompile(`^[0-9A-Za-z-]+$`)

const maxIDBytes = 64

// digest is the digest of the envelope, and an error if the page was given
// another one than the envelope has.
func digest(p Page) (string, error) {
	if len(p.Envelope) == 0 {
		return p.EnvelopeSHA256, nil
	}
	sum := sha256.Sum256(p.Envelope)
	got := hex.EncodeToString(sum[:])
	if p.EnvelopeSHA256 != "" && p.EnvelopeSHA256 != got {
		return "", fmt.Errorf("attach envelope: its SHA-256 is %s, not %s", got, p.EnvelopeSHA256)
	}
	return got, nil
}

// open starts a document with its metadata and its first, empty sheet.
func (r *Renderer) open(h certs.Header, p Page, v verdict, d density) (*sheet, error) {
	if len(h.ID) > maxIDBytes || !idText.MatchString(h.ID) {
		return nil, fmt.Errorf("id %q: want up to 64 letters, digits and hyphens", h.ID)
	}
	s, err := r.blank(p.Language, fpdf.SizeType{Wd: pageWidth, Ht: pageHeight})
	if err != nil {
		return nil, err
	}
	s.verdict, s.header, s.page, s.density = v, h, p, d
	if s.digest, err = digest(p); err != nil {
		return nil, err
	}
	if len(p.Issuer.Logo) > 0 {
		if s.logo, s.logoAspect, err = readLogo(p.Issuer.Logo); err != nil {
			return nil, fmt.Errorf("read logo of the issuer: %w", err)
		}
	}
	// The PDF's own dates must not be the time of drawing; the writer takes
	// the zero time for now.
	at := h.Clock.WallFinished.UTC()
	if at.IsZero() {
		at = time.Unix(0, 0).UTC()
	}
	f := s.pdf
	f.SetCreationDate(at)
	f.SetModificationDate(at)
	f.SetTitle(s.clean(s.t.Get(v.title, nil)+" "+h.ID, false), true)
	f.SetAuthor(s.clean(s.issuerName(), false), true)
	f.SetSubject(s.clean(s.word(), false), true)
	tool := s.clean(h.Tool.Name+" "+h.Tool.Version, false)
	f.SetCreator(tool, true)
	f.SetProducer(tool, true)
	if len(p.Envelope) > 0 {
		f.SetAttachments([]fpdf.Attachment{{
			Content: p.Envelope, Filename: "evidence.json", Description: s.t.Get("attachment.description", nil),
		}})
	}
	s.addPage()
	return s, s.err()
}

// blank is a document without a page, of pages of a size in millimetres. It is
// dated 1970 unless somebody knows better.
func (r *Renderer) blank(language string, size fpdf.SizeType) (*sheet, error) {
	t, ok := r.texts[language]
	if !ok {
		return nil, fmt.Errorf("language %q: it was not given to the renderer", language)
	}
	f := fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: size})
	at := time.Unix(0, 0).UTC()
	f.SetCatalogSort(true)
	f.SetCreationDate(at)
	f.SetModificationDate(at)
	f.SetLang(t.Tag())
	f.SetAutoPageBreak(false, 0)
	f.SetMargins(0, 0, 0)
	f.AddUTF8FontFromBytes(family, "", regularTTF)
	f.AddUTF8FontFromBytes(family, "B", semiBoldTTF)
	return &sheet{pdf: f, t: t, r: r, height: size.Ht, density: density{1, 1}}, nil
}

const maxLogoPixels = 4000

// readLogo decodes a PNG and writes it anew with 8 bits a channel and without
// interlacing, which is all the PDF writer takes. The aspect is width / height.
func readLogo(b []byte) (out []byte, aspect float64, err error) {
	c, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, 0, err
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxLogoPixels || c.Height > maxLogoPixels {
		return nil, 0, fmt.Errorf("it has %d x %d pixels, want at most %d x %d", c.Width, c.Height, maxLogoPixels, maxLogoPixels)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, 0, err
	}
	plain := image.NewNRGBA(img.Bounds())
	draw.Draw(plain, plain.Bounds(), img, img.Bounds().Min, draw.Src)
	var buf bytes.Buffer
	if err := png.Encode(&buf, plain); err != nil {
		return nil, 0, err
	}
	return buf.Bytes(), float64(c.Width) / float64(c.Height), nil
}
