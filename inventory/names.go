package inventory

import (
	"regexp"
	"slices"
	"strings"
)

// evidence is all that the name and the class of a machine are told from.
type evidence struct {
	// raw is keyed by the names of /sys/class/dmi/e.
	raw     map[string]string
	chassis int // the code of DSP0134 3.7.0, table 17; 0 when absent
	// virtual, battery and pointing are true when the firmware says that it is
	// a virtual machine, and that there is a battery or a built-in pointing device.
	virtual, battery, pointing bool
	// modules is SODIMM or DIMM when all its memory is on such modules; cpu is
	// the name of the first processor.
	modules, cpu string
}

// system names the machine. Placeholders are left out; nothing is guessed: what
// no string tells stays empty.
func (e evidence) system() System {
	s := System{Serial: known(e.raw["product_serial"]), SKU: known(e.raw["product_sku"]), Family: known(e.raw["product_family"]), Raw: e.raw}
	if s.Raw == nil {
		s.Raw = map[string]string{}
	}
	s.Manufacturer, s.Model = e.names()
	switch {
	case s.Manufacturer == "Apple":
		if family := appleFamily(s.Model); family != "" {
			s.Family = family
		}
	case strings.HasPrefix(s.Family, "103C_"):
		// HP puts codes of its own here; a name may follow.
		_, s.Family, _ = strings.Cut(s.Family, " ")
		s.Family = strings.TrimPrefix(s.Family, "HP ")
		if strings.Contains(s.Family, "=") {
			s.Family = ""
		}
	}
	if strings.HasPrefix(s.SKU, "SKU=") { // Dell's servers: SKU=NotProvided;ModelName=...
		s.SKU, _, _ = strings.Cut(strings.TrimPrefix(s.SKU, "SKU="), ";")
		s.SKU = known(s.SKU)
	}
	if t := known(e.raw["product_name"]); s.Manufacturer == "Lenovo" && lenovoType.MatchString(t) && t != s.Model {
		s.SKU = t // the SKU only repeats parts of it
	}
	s.Family = known(strings.TrimSuffix(s.Family, "-FTS"))
	s.Class = e.class(s)
	if u := strings.ToLower(e.raw["product_uuid"]); !isPlaceholderUUID(u) {
		s.UUID = u
	}
	return s
}

// names picks maker and model of the same thing: of the system where it names
// itself, else of its board.
func (e evidence) names() (maker, model string) {
	vendor, board := computerMaker(known(e.raw["sys_vendor"])), computerMaker(known(e.raw["board_vendor"]))
	if vendor == "" {
		vendor = computerMaker(known(e.raw["chassis_vendor"]))
	}
	product := known(e.raw["product_name"])
	if vendor == "" && strings.HasPrefix(product, "Apple ") { // from a device tree
		vendor = "Apple"
	}
	switch vendor {
	case "Lenovo", "IBM":
		model = lenovoModel(e.raw)
	default:
		model = modelName(vendor, product, known(e.raw["product_sku"]))
	}
	if model != "" {
		if vendor == "" {
			vendor = board
		}
		return vendor, model
	}
	// A system that does not name itself is called after its board, and so is
	// its maker. A board that its maker put into its own machine has an inner
	// name there, and says nothing to anybody.
	model = modelName(board, known(e.raw["board_name"]), "")
	if model != "" && (vendor == "" || board == "" || vendor != board || makesBoards(board)) {
		if board == "" {
			board = vendor
		}
		return board, model
	}
	if vendor == "" {
		vendor = board
	}
	return vendor, ""
}

// makesBoards reports whether a maker sells boards by name.
func makesBoards(maker string) bool {
	return slices.Contains([]string{
		"ASUS", "ASRock", "ASRock Rack", "Gigabyte", "MSI", "Intel", "Supermicro", "Biostar", "ECS", "Foxconn", "Tyan", "NZXT", "EVGA", "Pegatron",
		"Zotac", "Shuttle", "Huanan", "Machinist", "Colorful", "Maxsun", "AOpen", "ABIT", "EPoX", "Jetway", "DFI", "Soyo",
	}, maker)
}

// makers are the names by which makers are known, by how the strings of their
// firmware begin (in lower case, without punctuation). The longest that fits
// counts. The strings are those of the DMI reports of linux-hardware.org.
var makers = map[string]string{
	"abit": "ABIT", "acer": "Acer", "alienware": "Alienware", "amazon ec2": "Amazon EC2", "aopen": "AOpen", "apple": "Apple", "asrock": "ASRock",
	"asrockrack": "ASRock Rack", "asrock rack": "ASRock Rack", "asus": "ASUS", "asustek": "ASUS", "at&t": "AT&T", "aquarius": "Aquarius",
	"averatec": "Averatec", "azw": "Beelink", "beelink": "Beelink", "benq": "BenQ", "biostar": "Biostar", "bochs": "Bochs", "bull": "Bull",
	"chuwi": "CHUWI", "cisco": "Cisco", "clevo": "Clevo", "colorful": "Colorful", "compal": "Compal", "compaq": "Compaq", "cray": "Cray",
	"dell": "Dell", "dell emc": "Dell", "depo": "DEPO Computers", "dfi": "DFI", "digma": "Digma", "dynabook": "Dynabook", "ecs": "ECS",
	"elitegroup": "ECS", "emachines": "eMachines", "epox": "EPoX", "evga": "EVGA", "exo": "EXO", "foxconn": "Foxconn", "framework": "Framework",
	"fujitsu": "Fujitsu", "fujitsu siemens": "Fujitsu Siemens", "fujitsu technology": "Fujitsu", "fujitsu client": "Fujitsu", "gateway": "Gateway",
	"getac": "Getac", "giga-byte": "Gigabyte", "gigabyte": "Gigabyte", "google": "Google", "gpd": "GPD", "haier": "Haier", "hasee": "Hasee",
	"hewlett packard": "HP", "hewlett-packard": "HP", "hewlett packard enterprise": "HPE", "hewlett-packard enterprise": "HPE", "hp": "HP",
	"hp-pavilion": "HP", "hpe": "HPE", "honor": "HONOR", "huanan": "Huanan", "huawei": "HUAWEI", "ibm": "IBM", "inspur": "Inspur", "insyde": "Insyde",
	"intel": "Intel", "innotek": "VirtualBox", "iru": "iRU", "jetway": "Jetway", "lenovo": "Lenovo", "lg electronics": "LG", "lge": "LG", "lg": "LG",
	"machinist": "Machinist", "maxsun": "Maxsun", "mecer": "Mecer", "medion": "Medion", "medionpc": "Medion", "microsoft": "Microsoft",
	"micro-star": "MSI", "micro star": "MSI", "minisforum": "Minisforum", "micro computer (hk) tech": "Minisforum", "mitac": "MiTAC",
	"motion computing": "Motion Computing", "msi": "MSI", "msi notebook": "MSI", "nec": "NEC", "notebook": "Clevo", "nutanix": "Nutanix", "nzxt": "NZXT",
	"olivetti": "Olivetti", "oracle": "Oracle", "packard bell": "Packard Bell", "panasonic": "Panasonic", "matsushita": "Panasonic",
	"parallels": "Parallels", "pc specialist": "PC Specialist", "pcspecialist": "PC Specialist", "pegatron": "Pegatron", "phytium": "Phytium",
	"positivo": "Positivo", "purism": "Purism", "qemu": "QEMU", "quanta": "Quanta", "raspberry pi": "Raspberry Pi", "razer": "Razer", "samsung": "Samsung",
	"schenker": "Schenker", "shuttle": "Shuttle", "siemens": "Siemens", "slimbook": "SLIMBOOK", "sony": "Sony", "sun microsystems": "Sun",
	"supermicro": "Supermicro", "super micro": "Supermicro", "system76": "System76", "terra": "Wortmann", "thirdwave": "Thirdwave", "timi": "Xiaomi",
	"toshiba": "Toshiba", "trekstor": "TrekStor", "tuxedo": "TUXEDO", "tyan": "Tyan", "valve": "Valve", "viewsonic": "ViewSonic", "vestel": "Vestel",
	"vmware": "VMware", "wortmann": "Wortmann", "wyse": "Wyse", "xen": "Xen", "xiaomi": "Xiaomi", "yadro": "YADRO", "zotac": "Zotac",
}

// companyForms end the names of companies and tell nobody anything.
var companyForms = map[string]bool{
	"inc": true, "incorporated": true, "corp": true, "corporation": true, "co": true, "company": true, "ltd": true, "limited": true,
	"llc": true, "gmbh": true, "bv": true, "b.v": true, "s.a": true, "sa": true, "ab": true, "a/s": true, "as": true, "oy": true, "plc": true, "(r)": true,
}

// computerMaker is the name by which a maker is known; the string itself, without
// the form of the company, for one that we have no name for.
func computerMaker(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	lower := strings.ToLower(s)
	best := ""
	for start := range makers {
		if len(start) > len(best) && strings.HasPrefix(lower, start) && (len(lower) == len(start) || !isWord(lower[len(start)])) {
			best = start
		}
	}
	if best != "" {
		return makers[best]
	}
	words := strings.Fields(s)
	for len(words) > 1 && companyForms[strings.ToLower(strings.Trim(words[len(words)-1], ".,"))] {
		words = words[:len(words)-1]
	}
	return strings.TrimRight(strings.Join(words, " "), ",")
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

var (
	// orderNumber is HP's order number in brackets, machineType Lenovo's in a
	// bracket of their own making; both stand in the SKU too.
	orderNumber = regexp.MustCompile(` *\([A-Z0-9]{5,8}(#[A-Z0-9]{3})?\)$`)
	machineType = regexp.MustCompile(`:? *-\[[^\]]*\]-? *$`)
	// doubledCode is ASUS' habit of writing the number of a model twice.
	doubledCode = regexp.MustCompile(`^(.* )?([A-Z0-9]{4,})_([A-Z0-9]{4,})$`)
	spaces      = regexp.MustCompile(`\s+`)
)

// seriesNames are the series whose names are written in several ways.
var seriesNames = map[string]string{
	"ideapad": "IdeaPad", "ideacentre": "IdeaCentre", "thinkpad": "ThinkPad", "thinkcentre": "ThinkCentre", "thinkstation": "ThinkStation",
	"thinkbook": "ThinkBook", "thinkserver": "ThinkServer", "thinksystem": "ThinkSystem", "yoga": "Yoga", "legion": "Legion", "satellite": "Satellite",
	"tecra": "Tecra", "portege": "Portege", "amilo": "AMILO", "lifebook": "LIFEBOOK", "esprimo": "ESPRIMO", "celsius": "CELSIUS",
	"primergy": "PRIMERGY", "stylistic": "STYLISTIC", "probook": "ProBook", "elitebook": "EliteBook", "latitude": "Latitude", "optiplex": "OptiPlex",
	"precision": "Precision", "inspiron": "Inspiron", "vostro": "Vostro", "aspire": "Aspire", "travelmate": "TravelMate", "extensa": "Extensa",
	"veriton": "Veriton",
}

// modelName is the model as people call it: without the maker in front, order
// numbers, and the several spellings of a series.
func modelName(maker, s, sku string) string {
	s = strings.TrimSpace(spaces.ReplaceAllString(s, " "))
	s = machineType.ReplaceAllString(s, "")
	s = orderNumber.ReplaceAllString(s, "")
	if order, _, _ := strings.Cut(strings.ToUpper(sku), "#"); len(order) >= 5 {
		// "GN553AA-ABA m9040n" with the SKU GN553AA#ABA.
		if first, rest, ok := strings.Cut(s, " "); ok && strings.HasPrefix(strings.ToUpper(first), order) && strings.Contains(first, "-") {
			s = rest
		}
	}
	s = withoutMaker(maker, s)
	if m := doubledCode.FindStringSubmatch(s); m != nil && (m[2] == m[3] || m[1] != "") {
		s = strings.TrimSuffix(s, "_"+m[3])
	}
	words := strings.Split(s, " ")
	for i, w := range words {
		for lower, name := range seriesNames {
			if head, rest, joined := strings.Cut(w, "_"); strings.EqualFold(w, lower) {
				words[i] = name
			} else if joined && strings.EqualFold(head, lower) {
				words[i] = name + " " + rest
			}
		}
	}
	if s = strings.Join(words, " "); isPlaceholder(s) {
		return ""
	}
	return s
}

// withoutMaker takes the maker's name off the front as often as it stands
// there. A model that is called as its maker keeps the name.
func withoutMaker(maker, s string) string {
	prefixes := map[string][]string{
		"HP":   {"HP", "Hewlett-Packard", "Hewlett Packard"},
		"HPE":  {"HPE", "HP"},
		"Dell": {"Dell System", "Dell", "DELL"},
		"IBM":  {"IBM"},
		"ASUS": {"ASUS", "ASUSTeK"},
	}[maker]
	if prefixes == nil && maker != "" {
		prefixes = []string{maker}
	}
	for changed := true; changed; {
		changed = false
		for _, p := range prefixes {
			if len(s) > len(p)+1 && strings.EqualFold(s[:len(p)], p) && (s[len(p)] == ' ' || s[len(p)] == '_') {
				s, changed = strings.TrimLeft(s[len(p)+1:], " "), true
			}
		}
	}
	return s
}

var (
	// versionOnly is a version or revision, lenovoType a machine type (four
	// characters) with or without the rest of an order number.
	versionOnly = regexp.MustCompile(`(?i)^(v|rev|ver|version)? *[.\d]+[a-z]?$`)
	lenovoType  = regexp.MustCompile(`^[0-9A-Z]{4,10}$`)
)

// lenovoModel is the name of a Lenovo (or IBM) machine. It stands in the
// version, in the family and within the SKU ("LENOVO_MT_20L5_BU_Think_FM_ThinkPad
// T480"), while the product name is the machine type; servers have it the
// other way round. The machine type is the last resort.
func lenovoModel(raw map[string]string) string {
	product := known(raw["product_name"])
	stripped := modelName("Lenovo", withoutMaker("IBM", product), "")
	if stripped != "" && !lenovoType.MatchString(stripped) && strings.ContainsAny(stripped, " abcdefghijklmnopqrstuvwxyz") && len(stripped) > 2 {
		return stripped
	}
	_, named, _ := strings.Cut(raw["product_sku"], "_FM_")
	for _, candidate := range []string{raw["product_version"], raw["product_family"], named} {
		name := modelName("Lenovo", known(candidate), "")
		// A name of a series alone, without a number, is no model.
		if len(name) < 3 || versionOnly.MatchString(name) || strings.EqualFold(name, "lenovo") || strings.EqualFold(name, "Lenovo Product") ||
			!strings.ContainsAny(name, "0123456789") || strings.HasPrefix(strings.ToUpper(name), "LENOVO_") || strings.EqualFold(name, product) {
			continue
		}
		return name
	}
	if len(stripped) > 2 {
		return stripped
	}
	return ""
}

// appleFamilies are the families by the letters of an identifier.
var appleFamilies = map[string]string{
	"MacBook": "MacBook", "MacBookAir": "MacBook Air", "MacBookPro": "MacBook Pro", "Macmini": "Mac mini", "MacPro": "Mac Pro", "iMac": "iMac",
	"iMacPro": "iMac Pro", "PowerMac": "Power Mac", "PowerBook": "PowerBook", "iBook": "iBook", "Xserve": "Xserve", "VirtualMac": "Virtual Mac",
}

// appleFamily is the family of an Apple identifier (MacBookPro16,1); empty for
// one that does not tell, such as Mac14,2.
func appleFamily(identifier string) string {
	return appleFamilies[strings.TrimRight(identifier, "0123456789,")]
}
