package inventory

import (
	"encoding/binary"
	"strings"
	"testing"
)

// msdm builds the table as Microsoft's specification lays it out.
func msdm(version, kind uint32, data string) []byte {
	table := make([]byte, acpiHeaderBytes, acpiHeaderBytes+20+len(data))
	copy(table, "MSDM")
	table[8] = 1
	copy(table[10:], "OMBRUKTESTTREE")
	for _, word := range []uint32{version, 0, kind, 0, uint32(len(data))} {
		table = binary.LittleEndian.AppendUint32(table, word)
	}
	return sealed(append(table, data...))
}

// sealed puts length and checksum into an ACPI table.
func sealed(table []byte) []byte {
	binary.LittleEndian.PutUint32(table[4:], uint32(len(table)))
	table[9] = 0
	var sum byte
	for _, c := range table {
		sum += c
	}
	table[9] = -sum
	return table
}

func TestTheLicenceInTheFirmware(t *testing.T) {
	const key = "BCDFG-HJKMN-PQRTV-WXY23-46789" // nobody's
	good := msdm(1, 1, key)
	tampered := append([]byte{}, good...)
	tampered[60]++
	for _, c := range []struct {
		name  string
		table []byte
		want  string
		err   string
	}{
		{"a key", good, key, ""},
		{"a machine sold without Windows", msdm(1, 0, ""), "", "no product key"},
		{"29 zeros", msdm(1, 1, strings.Repeat("\x00", 29)), "", "no product key"},
		{"spaces", msdm(1, 1, strings.Repeat(" ", 29)), "", "no product key"},
		{"a header alone", sealed(msdm(1, 1, "")[:acpiHeaderBytes]), "", "no product key"},
		{"a placeholder", msdm(1, 1, "XXXXX-XXXXX-XXXXX-XXXXX-XXXXA"), "", "is no product key"},
		{"lower case", msdm(1, 1, strings.ToLower(key)), "", "is no product key"},
		{"no dashes", msdm(1, 1, strings.ReplaceAll(key, "-", "B")), "", "is no product key"},
		{"too short", msdm(1, 1, key[:20]), "", "of 20 bytes"},
		{"too long", msdm(1, 1, key+"-BBBBB"), "", "of 35 bytes"},
		{"a newer version", msdm(2, 1, key), "", "version 2"},
		{"another table", sealed(append([]byte("SLIC"), good[4:]...)), "", "no such header"},
		{"a wrong checksum", tampered, "", "checksum"},
		{"cut off", good[:70], "", "it says 85 bytes and has 70"},
		{"empty", nil, "", "no such header"},
	} {
		got, err := parseMSDM(c.table)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %q", c.name, got, err, c.want, c.err)
		}
	}
}

// The whole key is for whoever asks for it and must be nowhere else.
func FuzzMSDM(f *testing.F) {
	f.Add(msdm(1, 1, "BCDFG-HJKMN-PQRTV-WXY23-46789"))
	f.Add(msdm(1, 0, ""))
	f.Add([]byte("MSDM"))
	f.Fuzz(func(t *testing.T, table []byte) {
		if len(table) >= acpiHeaderBytes {
			table = sealed(table) // else nothing gets past the checksum
		}
		key, err := parseMSDM(table)
		if err == nil && !isProductKey(key) {
			t.Errorf("%q passes for a key", key)
		}
		if err != nil && key != "" {
			t.Errorf("%q with %v", key, err)
		}
	})
}
