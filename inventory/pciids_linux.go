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

// pciName gives the vendor and device name of a PCI device, ids being four
// lower-case hex digits; "PCI 8086:15bc" when the database does not know it.
func pciName(vendor, device string) string {
	fallback := "PCI " + vendor + ":" + device
	z, err := gzip.NewReader(bytes.NewReader(pciIDs))
	if err != nil {
		return fallback
	}
	vendorName := ""
	lines := bufio.NewScanner(io.LimitReader(z, 8<<20))
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, "\t"):
			if vendorName != "" {
				return vendorName + " " + device
			}
			if rest, ok := strings.CutPrefix(line, vendor+"  "); ok {
				vendorName = rest
			}
		case vendorName != "":
			if rest, ok := strings.CutPrefix(line, "\t"+device+"  "); ok {
				return vendorName + " " + rest
			}
		}
	}
	return fallback
}
