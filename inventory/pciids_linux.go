package inventory

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
)

// pciIDs is a shortened PCI ID database; pci.ids.README has its origin. It is
// carried because a boot stick has none, and ghw knows names only through one.
//
//go:embed pci.ids.gz
var pciIDs []byte

// pciNames gives the vendor and device names of PCI devices by their ids, two
// times four lower-case hex digits (8086:15bc), in one pass, for the database is
// long and packed; "PCI 8086:15bc" of one that it does not know.
func pciNames(ids ...string) map[string]string {
	names, vendors := map[string]string{}, map[string]bool{}
	for _, id := range ids {
		names[id] = "PCI " + id
		vendor, _, _ := strings.Cut(id, ":")
		vendors[vendor] = true
	}
	z, err := gzip.NewReader(bytes.NewReader(pciIDs))
	if err != nil || len(ids) == 0 {
		return names
	}
	vendor, vendorName := "", ""
	lines := bufio.NewScanner(io.LimitReader(z, 8<<20))
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if line[0] != '\t' {
			id, name, ok := strings.Cut(string(line), "  ")
			vendor, vendorName = "", ""
			if ok && vendors[id] {
				vendor, vendorName = id, name
				for known := range names {
					if v, device, _ := strings.Cut(known, ":"); v == id {
						names[known] = vendorName + " " + device
					}
				}
			}
			continue
		}
		if vendor == "" {
			continue
		}
		device, name, ok := strings.Cut(string(line[1:]), "  ")
		if id := vendor + ":" + device; ok && names[id] != "" {
			names[id] = vendorName + " " + name
		}
	}
	return names
}
