package inventory

import (
	"slices"
	"strings"
)

// makerOf gives the manufacturer that a model names, in words or by the form of
// its number; empty when it does neither. ATA and NVMe have no field of their
// own for it. Drives that a maker of machines sells under its own numbers are
// that maker's.
func makerOf(model string) string {
	upper := strings.ToUpper(strings.TrimSpace(model))
	for _, m := range driveMakerWords() {
		if strings.HasPrefix(upper, m.begins) {
			return m.name
		}
	}
	words := strings.FieldsFunc(upper, func(r rune) bool { return r == ' ' || r == '_' || r == '-' })
	for _, m := range driveMakersWithin() {
		if slices.Contains(words, m.begins) {
			return m.name
		}
	}
	if isHPE(upper) {
		return "HPE"
	}
	for _, m := range driveMakerNumbers() {
		rest, ok := strings.CutPrefix(upper, m.begins)
		if ok && len(rest) > m.digits && (m.digits == 0 || isDigits(rest[:m.digits])) {
			return m.name
		}
	}
	return ""
}

// driveMaker is a maker by how a model begins, and by how many digits follow.
type driveMaker struct {
	begins, name string
	digits       int
}

// driveMakerWords are the names that models begin with.
func driveMakerWords() []driveMaker {
	return []driveMaker{
		{"SAMSUNG", "Samsung", 0}, {"TOSHIBA", "Toshiba", 0}, {"KIOXIA", "KIOXIA", 0},
		{"WDC ", "Western Digital", 0}, {"WD ", "Western Digital", 0}, {"WD_", "Western Digital", 0}, {"WESTERN DIGITAL", "Western Digital", 0},
		{"HGST", "HGST", 0}, {"HITACHI", "Hitachi", 0}, {"IBM", "IBM", 0}, {"IC25N", "IBM", 0}, {"IC35L", "IBM", 0},
		{"SEAGATE", "Seagate", 0}, {"MAXTOR", "Maxtor", 0}, {"QUANTUM", "Quantum", 0}, {"INTEL", "Intel", 0}, {"SOLIDIGM", "Solidigm", 0},
		{"MICRON", "Micron", 0}, {"CRUCIAL", "Crucial", 0}, {"SK HYNIX", "SK hynix", 0}, {"SKHYNIX", "SK hynix", 0}, {"HYNIX", "SK hynix", 0},
		{"KINGSTON", "Kingston", 0}, {"SANDISK", "SanDisk", 0}, {"LITEON", "LITE-ON", 0}, {"LITE-ON", "LITE-ON", 0}, {"FUJITSU", "Fujitsu", 0},
		{"TRANSCEND", "Transcend", 0}, {"ADATA", "ADATA", 0}, {"XPG", "ADATA", 0}, {"CORSAIR", "Corsair", 0}, {"OCZ", "OCZ", 0}, {"PLEXTOR", "Plextor", 0},
		{"PATRIOT", "Patriot", 0}, {"APPLE", "Apple", 0}, {"APACER", "Apacer", 0}, {"INNODISK", "Innodisk", 0}, {"PHISON", "Phison", 0},
		{"GIGABYTE", "Gigabyte", 0}, {"LENOVO", "Lenovo", 0}, {"UMIS", "Union Memory", 0}, {"YMTC", "YMTC", 0}, {"SSSTC", "SSSTC", 0}, {"QEMU", "QEMU", 0},
		{"DELL", "Dell", 0}, {"HP ", "HP", 0}, {"HPE ", "HPE", 0}, {"GOODRAM", "Goodram", 0}, {"SABRENT", "Sabrent", 0}, {"SYNOLOGY", "Synology", 0},
		{"SPCC", "Silicon Power", 0}, {"SILICON POWER", "Silicon Power", 0}, {"INTENSO", "Intenso", 0}, {"PNY", "PNY", 0}, {"TEAM", "Team Group", 0},
		{"LEXAR", "Lexar", 0}, {"NETAC", "Netac", 0}, {"KINGSPEC", "KingSpec", 0}, {"VERBATIM", "Verbatim", 0}, {"MUSHKIN", "Mushkin", 0}, {"ATP ", "ATP", 0},
		{"SWISSBIT", "Swissbit", 0}, {"SUPERMICRO", "Supermicro", 0}, {"FORCE MP", "Corsair", 0}, {"AMD ", "AMD", 0}, {"COLORFUL", "Colorful", 0}, {"DEXP", "DEXP", 0},
		{"EMTEC", "Emtec", 0}, {"KINGDIAN", "KingDian", 0}, {"ORTIAL", "Ortial", 0}, {"TMI ", "TMI", 0}, {"SATADOM", "Innodisk", 0}, {"BIWIN", "BIWIN", 0}, {"FORESEE", "Foresee", 0}, {"ACER", "Acer", 0},
	}
}

// driveMakersWithin are names that models hold somewhere.
func driveMakersWithin() []driveMaker {
	return []driveMaker{{"TOSHIBA", "Toshiba", 0}, {"KIOXIA", "KIOXIA", 0}, {"HYNIX", "SK hynix", 0}, {"SAMSUNG", "Samsung", 0}, {"WD", "Western Digital", 0},
		{"WDC", "Western Digital", 0}, {"SEAGATE", "Seagate", 0}, {"MICRON", "Micron", 0}, {"SANDISK", "SanDisk", 0}, {"INTEL", "Intel", 0}}
}

// driveMakerNumbers are the beginnings of model numbers that name nobody.
func driveMakerNumbers() []driveMaker {
	return []driveMaker{
		{"ST", "Seagate", 3}, {"XA", "Seagate", 3}, {"ZA", "Seagate", 3}, {"XF12", "Seagate", 2},
		{"CT", "Crucial", 3}, {"MTFD", "Micron", 0}, {"5100_", "Micron", 0}, {"5200_", "Micron", 0}, {"5210_", "Micron", 0}, {"5300_", "Micron", 0}, {"5400_", "Micron", 0},
		{"MZ1", "Samsung", 0}, {"MZ7", "Samsung", 0}, {"MZA", "Samsung", 0}, {"MZM", "Samsung", 0}, {"MZN", "Samsung", 0}, {"MZP", "Samsung", 0}, {"MZQ", "Samsung", 0},
		{"MZV", "Samsung", 0}, {"MZW", "Samsung", 0}, {"SSDSC", "Intel", 0}, {"SSDPE", "Intel", 0}, {"SSDPF", "Intel", 0}, {"SSDSA", "Intel", 0},
		{"WUS", "Western Digital", 0}, {"WUH", "Western Digital", 0}, {"WDS", "Western Digital", 3}, {"WD", "Western Digital", 2},
		{"HUS", "HGST", 0}, {"HUH", "HGST", 0}, {"HUC", "HGST", 0}, {"HUA", "Hitachi", 0}, {"HDN", "HGST", 0}, {"HTS", "HGST", 0}, {"HTE", "HGST", 0},
		{"HDS", "Hitachi", 0}, {"HDT", "Hitachi", 0}, {"HDP", "Hitachi", 0}, {"THNS", "Toshiba", 0}, {"MK", "Toshiba", 4}, {"MG0", "Toshiba", 1}, {"MQ0", "Toshiba", 1}, {"DT01", "Toshiba", 0},
		{"KXG", "KIOXIA", 0}, {"KBG", "KIOXIA", 0}, {"KCD", "KIOXIA", 0}, {"KPM", "KIOXIA", 0}, {"KCM", "KIOXIA", 0},
		{"HFS", "SK hynix", 0}, {"HFM", "SK hynix", 0}, {"HFB", "SK hynix", 0}, {"TS", "Transcend", 1}, {"SSDPR-", "Goodram", 0}, {"IR-SSDPR", "Goodram", 0}, {"HWE", "Huawei", 2}, {"SHGS", "SK hynix", 0}, {"SDSSD", "SanDisk", 0},
	}
}

// isHPE reports whether a model number has the form of HP's own: two letters
// for the kind of drive, its size in six digits or four, and five letters.
func isHPE(model string) bool {
	if len(model) < 9 || !slices.Contains([]string{"MB", "MM", "EG", "EH", "EF", "EO", "ES", "VK", "VO", "VR", "MO", "LK", "LO", "MT", "MR", "MK", "GB"}, model[:2]) {
		return false
	}
	letters := strings.TrimLeft(model[2:], "0123456789")
	sizes := len(model) - 2 - len(letters)
	return (sizes == 4 || sizes == 6) && len(letters) >= 4 && len(letters) <= 6 && strings.Trim(letters, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
