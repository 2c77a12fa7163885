package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
)

const (
	// maxTold is the longest list that is taken from somebody else's inventory.
	maxTold = 1024
	// maxEntriesTold is the longest list that may stand in one, and
	// maxAllEntriesTold how long all may be together: three bytes of JSON make
	// an entry of a kilobyte.
	maxEntriesTold    = 1 << 14
	maxAllEntriesTold = 1 << 16
)

// readInventory reads the JSON line of an inventory, also among other lines or
// laid out over several. Only what a machine can have is taken, and text as it
// would be taken from a device.
func readInventory(b []byte) (Machine, bool) {
	lines := json.NewDecoder(bytes.NewReader(b))
	for range maxTold {
		var line json.RawMessage
		if lines.Decode(&line) != nil {
			break
		}
		var head struct {
			Type   string `json:"type"`
			Schema int    `json:"schema"`
		}
		if json.Unmarshal(line, &head) != nil || head.Type != "inventory" || head.Schema != 1 {
			continue
		}
		m := unread()
		if !listsFit(line) || json.Unmarshal(line, &m) != nil {
			break
		}
		tame(reflect.ValueOf(&m).Elem())
		classes := []string{"laptop", "convertible", "tablet", "desktop", "mini", "all-in-one", "workstation", "server", "monitor", "phone"}
		if !slices.Contains(classes, m.System.Class) {
			m.System.Class = "other"
		}
		return m, true
	}
	return Machine{}, false
}

// listsFit reports whether the lists and objects in a JSON value are no longer
// than somebody's inventory can have them.
func listsFit(value []byte) bool {
	tokens := json.NewDecoder(bytes.NewReader(value))
	var entries []int // of each list or object that has not ended
	all := 0
	for {
		token, err := tokens.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if token == json.Delim(']') || token == json.Delim('}') {
			entries = entries[:len(entries)-1]
			continue
		}
		if len(entries) > 0 {
			if entries[len(entries)-1]++; entries[len(entries)-1] > maxEntriesTold {
				return false
			}
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			if all++; all > maxAllEntriesTold {
				return false
			}
			entries = append(entries, 0)
		}
	}
}

const (
	// maxFigure is more than any figure with a fraction that a machine has:
	// inches.
	maxFigure = 1e4
	// minFigure is less than any that is below zero: degrees Celsius, and -1
	// for what is not told.
	minFigure = -300
)

// tame cleans the texts in v, takes out numbers that no machine has, cuts its
// lists off and leaves none of them null.
func tame(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(cleaned(v.String()))
	case reflect.Float64:
		if f := v.Float(); f < 0 || f > maxFigure {
			v.SetFloat(0)
		}
	case reflect.Int, reflect.Int64:
		if v.Int() < minFigure {
			v.SetInt(0)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			tame(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				tame(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() > maxTold {
			v.SetLen(maxTold)
		}
		for i := range v.Len() {
			tame(v.Index(i))
		}
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
	case reflect.Map:
		for i, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			tame(value)
			if i >= maxTold {
				value = reflect.Value{} // deletes
			}
			v.SetMapIndex(key, value)
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	}
}
