package certs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

// Bounds on a payload, so that a stranger's file cannot make the canonicalizer
// (whose work grows with the square of both) run for hours.
const (
	maxDepth     = 32
	maxNames     = 4096 // in one object
	exactInteger = 1 << 53
)

// canonical gives the canonical JSON (RFC 8785) of a value. It is an error when
// a number would not survive, which happens to integers above 2^53.
func canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out, err := jcs.Transform(plain)
	if err != nil {
		return nil, err
	}
	before, err := tree(plain)
	if err != nil {
		return nil, err
	}
	after, err := tree(out)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(before, after) {
		return nil, fmt.Errorf("a number does not survive canonical JSON (integers reach to %d)", exactInteger)
	}
	return out, nil
}

func tree(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// checkCanonical reports whether data is one value of canonical JSON in which
// no object has two names that differ in nothing but case (encoding/json takes
// them for the same field, other readers do not).
func checkCanonical(data []byte) error {
	if !utf8.Valid(data) || !json.Valid(data) {
		return errors.New("not valid JSON in UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := checkNames(dec, 0); err != nil {
		return err
	}
	again, err := jcs.Transform(data)
	if err != nil {
		return fmt.Errorf("not canonical JSON: %w", err)
	}
	if !bytes.Equal(again, data) {
		return errors.New("not canonical JSON (RFC 8785)")
	}
	return nil
}

// checkNames walks one value.
func checkNames(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("JSON nested deeper than %d", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	names := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			token, err := dec.Token()
			if err != nil {
				return err
			}
			name := fold(token.(string))
			if names[name] {
				return fmt.Errorf("JSON object with two names like %q", name)
			}
			if names[name] = true; len(names) > maxNames {
				return fmt.Errorf("JSON object with more than %d names", maxNames)
			}
		}
		if err := checkNames(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token() // the closing bracket
	return err
}

// fold maps names that strings.EqualFold takes for equal to the same string:
// each letter becomes the least of its fellows.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}
