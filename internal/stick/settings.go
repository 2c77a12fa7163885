package stick

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ombruk/ombruk/erase"
)

// schema is the version of the form of [Settings].
const schema = 1

// maxLine is how long agency and order may be, in characters.
const maxLine = 100

// Languages are those of screens and pages.
func Languages() []string { return []string{"nb", "en"} }

// Check refuses settings that a stick could not work with.
func (s Settings) Check() error {
	oneOf := func(what, got string, words []string) error {
		if slices.Contains(words, got) {
			return nil
		}
		return fmt.Errorf("%s %q is not known: want one of %s", what, got, strings.Join(words, ", "))
	}
	if s.Schema != schema {
		return fmt.Errorf("schema %d: this program reads %d; make the stick with the version that runs from it", s.Schema, schema)
	}
	if s.Built.IsZero() || s.Version == "" {
		return errors.New("it does not say when and by which version it was built")
	}
	if err := oneOf("language", s.Language, Languages()); err != nil {
		return err
	}
	if err := oneOf("keyboard", s.Keyboard, Keyboards()); err != nil {
		return err
	}
	if s.Standard != "" {
		if _, err := erase.FindStandard(s.Standard); err != nil {
			return err
		}
	}
	if s.Status != "" {
		if err := oneOf("status", s.Status, []string{"product", "waste"}); err != nil {
			return err
		}
	}
	if err := checkLine(s.Agency); err != nil {
		return fmt.Errorf("agency: %w", err)
	}
	if err := checkLine(s.Order); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	if s.Unattended && s.Bench {
		return errors.New("a stick works unattended or begins with the bench, not both")
	}
	return nil
}

// checkLine refuses what does not fit a line of the screen.
func checkLine(s string) error {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%.40q has characters that cannot be shown", s)
	case utf8.RuneCountInString(s) > maxLine:
		return fmt.Errorf("longer than %d characters", maxLine)
	}
	return nil
}

// encode gives the bytes of [SettingsFile].
func (s Settings) encode() ([]byte, error) {
	s.Schema, s.Built = schema, s.Built.UTC()
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("settings of the stick: %w", err)
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("settings of the stick: %w", err)
	}
	return append(data, '\n'), nil
}

// decode reads [SettingsFile] strictly.
func decode(data []byte) (Settings, error) {
	var s Settings
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Settings{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Settings{}, errors.New("there is something after the settings")
	}
	return s, s.Check()
}
