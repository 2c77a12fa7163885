package inventory

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
)

// pnpIDs is the registry of makers' letters; pnp.ids.README has its origin.
//
//go:embed pnp.ids.gz
var pnpIDs []byte

// pnpMaker is the name of the maker with these three letters, as people say
// it; the letters themselves where nobody has registered a name for them.
func pnpMaker(id string) string {
	if name := knownPNP(id); name != "" || id == "" {
		return name
	}
	z, err := gzip.NewReader(bytes.NewReader(pnpIDs))
	if err != nil {
		return id
	}
	lines := bufio.NewScanner(io.LimitReader(z, 1<<20))
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), id+"\t"); ok {
			return cleaned(name)
		}
	}
	return id
}

// knownPNP has the names that people use where the registry has a company that
// was renamed, its whole legal name or, of panels, somebody else: makers of
// panels often never registered their letters. The letters of monitors are
// those of the EDID reports of linux-hardware.org.
func knownPNP(id string) string {
	switch id {
	case "ACR":
		return "Acer"
	case "ACI", "AUS":
		return "ASUS"
	case "AOC":
		return "AOC"
	case "APP":
		return "Apple"
	case "AUO":
		return "AU Optronics"
	case "BNQ":
		return "BenQ"
	case "BOE":
		return "BOE"
	case "CMN", "INL", "INX":
		return "Innolux"
	case "CMO":
		return "Chi Mei Optoelectronics"
	case "CPQ":
		return "Compaq"
	case "CSO", "CSW":
		return "CSOT"
	case "DEL":
		return "Dell"
	case "EIZ", "ENC":
		return "EIZO"
	case "EPI":
		return "Envision"
	case "FUS", "FUJ":
		return "Fujitsu"
	case "GBT":
		return "Gigabyte"
	case "GSM":
		return "LG"
	case "HEC", "HSE":
		return "Hisense"
	case "HPC", "HPD", "HPN", "HPQ", "HWP":
		return "HP"
	case "HSD":
		return "HannStar"
	case "HWV":
		return "Huawei"
	case "IVM":
		return "iiyama"
	case "IVO":
		return "InfoVision"
	case "LEN":
		return "Lenovo"
	case "LGD":
		return "LG Display"
	case "LPL":
		return "LG.Philips LCD"
	case "MEL":
		return "Mitsubishi"
	case "MEI":
		return "Panasonic"
	case "MSI":
		return "MSI"
	case "NCP":
		return "Panda"
	case "NEC":
		return "NEC"
	case "PHL":
		return "Philips"
	case "QDS":
		return "Quanta Display"
	case "SAM", "SDC", "SEC", "STN":
		return "Samsung"
	case "SHP":
		return "Sharp"
	case "SNY":
		return "Sony"
	case "TMA", "TMX":
		return "Tianma"
	case "TOS", "TSB":
		return "Toshiba"
	case "VSC":
		return "ViewSonic"
	case "WAC":
		return "Wacom"
	case "XMI":
		return "Xiaomi"
	}
	return ""
}

// isPanelMaker reports whether a maker with these letters makes panels that
// others build into notebooks, and no monitors of its own.
func isPanelMaker(id string) bool {
	switch id {
	case "AUO", "BOE", "CMN", "CMO", "CPT", "CSO", "CSW", "HSD", "INL", "INX", "IVO", "LGD", "LPL", "NCP", "QDS", "SDC", "SHP", "TMA", "TMX":
		return true
	}
	return false
}
