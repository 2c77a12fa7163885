package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// acpiHeaderBytes is the length of an ACPI table's header, signature to
// creator revision (ACPI 6.5, 5.2.6).
const acpiHeaderBytes = 36

// acpiTable checks the header of an ACPI table and gives what follows it.
func acpiTable(table []byte, signature string) ([]byte, error) {
	if len(table) < acpiHeaderBytes || string(table[:4]) != signature {
		return nil, fmt.Errorf("read ACPI table %s: no such header", signature)
	}
	if length := binary.LittleEndian.Uint32(table[4:]); int64(length) != int64(len(table)) {
		return nil, fmt.Errorf("read ACPI table %s: it says %d bytes and has %d", signature, length, len(table))
	}
	var sum byte
	for _, c := range table {
		sum += c
	}
	if sum != 0 {
		return nil, fmt.Errorf("read ACPI table %s: the checksum is wrong", signature)
	}
	return table[acpiHeaderBytes:], nil
}

// productKeyBytes is the length of a Windows product key: five groups of five
// with dashes between.
const productKeyBytes = 29

// errNoKey is that a table holds no key; machines that were licensed by volume
// have such tables.
var errNoKey = errors.New("read ACPI table MSDM: it holds no product key")

// parseMSDM gives the product key of the table MSDM (Microsoft Software
// Licensing Tables, version 1.0: version, reserved, data type 1, reserved,
// length of the data, the data; five little-endian words after the header).
func parseMSDM(table []byte) (string, error) {
	body, err := acpiTable(table, "MSDM")
	if err != nil {
		return "", err
	}
	if len(body) < 20 {
		return "", errNoKey
	}
	word := func(n int) uint32 { return binary.LittleEndian.Uint32(body[4*n:]) }
	data := body[20:]
	switch version, kind, length := word(0), word(2), word(4); {
	case version != 1:
		return "", fmt.Errorf("read ACPI table MSDM: version %d is not known", version)
	case kind != 1 || length == 0:
		return "", errNoKey
	case length != productKeyBytes || len(data) < productKeyBytes:
		return "", fmt.Errorf("read ACPI table MSDM: a product key of %d bytes in %d", length, len(data))
	}
	key := string(data[:productKeyBytes])
	if strings.Trim(key, "\x00 ") == "" {
		return "", errNoKey
	}
	if !isProductKey(key) {
		return "", errors.New("read ACPI table MSDM: what it holds is no product key")
	}
	return key, nil
}

// isProductKey reports whether a text has the form of a Windows product key:
// its digits are those of base 24, and N since Windows 8.
func isProductKey(key string) bool {
	if len(key) != productKeyBytes {
		return false
	}
	for i := range len(key) {
		if i%6 == 5 {
			if key[i] != '-' {
				return false
			}
		} else if !strings.Contains("BCDFGHJKMNPQRTVWXY2346789", key[i:i+1]) {
			return false
		}
	}
	return true
}
