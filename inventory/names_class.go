package inventory

import (
	"regexp"
	"strings"
)

// chassisClass turns a chassis type (DSP0134 3.7.0, table 17) into a class.
func chassisClass(code int) string {
	switch code {
	case 3, 4, 5, 6, 7, 15, 24:
		return "desktop"
	case 8, 9, 10, 14:
		return "laptop"
	case 11, 30, 32: // hand held, tablet, detachable
		return "tablet"
	case 13:
		return "all-in-one"
	case 17, 22, 23, 25, 28, 29:
		return "server"
	case 31:
		return "convertible"
	case 16, 34, 35, 36: // lunch box, embedded, mini, stick
		return "mini"
	default:
		return "other"
	}
}

// A classRule gives machines of a name a class, whatever their chassis says
// (only nil) or when their chassis says one of only.
type classRule struct {
	maker string // empty: any
	model *regexp.Regexp
	class string
	only  []string
}

func rule(maker, model, class string, only ...string) classRule {
	return classRule{maker, regexp.MustCompile(`(?i)` + model), class, only}
}

// classRules are read in order; the first that fits decides. They exist since
// makers give chassis types that are wrong, or too coarse: a workstation has no
// type of its own, and a tablet that can be laid on a keyboard is a "laptop".
var classRules = []classRule{
	// Microsoft calls all of them laptops.
	rule("Microsoft", `^Surface Laptop Studio`, "convertible"),
	rule("Microsoft", `^Surface Laptop`, "laptop"),
	rule("Microsoft", `^Surface Book`, "convertible"),
	rule("Microsoft", `^Surface Studio`, "all-in-one"),
	rule("Microsoft", `^Surface Hub`, "other"),
	rule("Microsoft", `^Surface\b`, "tablet"),
	rule("Microsoft", `^Virtual Machine`, "other"),

	rule("Apple", `^MacBook|^PowerBook|^iBook`, "laptop"),
	rule("Apple", `^iMac`, "all-in-one"),
	rule("Apple", `^Macmini`, "mini"),
	rule("Apple", `^MacPro|^PowerMac`, "workstation"),
	rule("Apple", `^Xserve`, "server"),

	// Servers stand in towers, too.
	rule("", `^PowerEdge|^PowerVault|^ProLiant|^Synergy|^Integrity|^PRIMERGY|^PRIMEQUEST|^ThinkServer|^ThinkSystem|^System [xi]\d|^BladeCenter|^Super ?Server|^eServer|^xSeries|^IBM eServer|\bServer$`, "server"),
	rule("ASRock Rack", ``, "server"),
	rule("Intel", `^S\d{4}[A-Z]`, "server"),
	rule("Supermicro", `^C\d[A-Z]`, "desktop", "desktop", "other"),
	rule("Supermicro", ``, "server"),

	// All-in-ones, whatever they stand in.
	rule("", `\bAIO\b|\bAll[- ]in[- ]One\b|^EliteOne|^ProOne|\bTouchSmart \d{3}-|^XPS One|^iMac`, "all-in-one", "desktop", "mini", "other", "laptop"),
	rule("Lenovo", `^ThinkCentre (M\d+z|Edge \d+z|X1\b)`, "all-in-one", "desktop", "mini", "other"),
	rule("Fujitsu", `^ESPRIMO K\d`, "all-in-one", "desktop", "mini", "other"),

	// Tablets and detachables that call themselves laptops.
	rule("", `^Slate \d|^Venue\b|^STYLISTIC|^ElitePad|^ProTablet|^ThinkPad (10|Tablet|X1 Tablet|8)\b|^Elite x2|^Pro x2|^Spectre x2|^Latitude (10\b|ST\b|5175|5179|7200 2|7210 2|7212|7220|7230|7320 Detachable|7350 Detachable)|^MIIX|^IdeaPad (MIIX|Duet)|^Switch \d|^Iconia|^Galaxy Tab`, "tablet", "laptop", "other", "desktop", "convertible"),

	// Convertibles that call themselves laptops.
	rule("", `\bx360\b|\b2[- ]in[- ]1\b|\bConvertible( PC)?( \d|$)|^EliteBook Revolve|\bThinkPad .*Yoga\b|^(IdeaPad ?)?Flex\b|^IdeaPad.* Flex\b|^(Lenovo |IdeaPad )?Yoga (\d|C\d|[AS]?\d{3}-\d\dI[SKT]|Tab|Book|Duet)|^Spin |\bSpin \d|\bFlip\b`, "convertible", "laptop", "other"),

	// Minis that stand in a "desktop".
	rule("", `\bTiny\b|\bDesktop Mini\b|\bMini (PC|Desktop|IPC)\b|\b(Elite|Pro|ProDesk|EliteDesk|Z2) .*\bMini\b|\b(35|65|95)W\b.*\bDM\b|\bDM (35|65|95)W\b|^(Elite|Pro) Mini\b|^Elite Slice|^OptiPlex .*\bMicro\b|^OptiPlex Micro|\bUSFF\b|^NUC\d|\bNUC\b|^Chromebox|^Mini Conference|^Precision .*\bCompact\b`, "mini", "desktop", "other", "workstation"),
	rule("Lenovo", `^ThinkCentre M\d+[a-z]?q\b|^ThinkCentre neo \d+q\b`, "mini", "desktop", "other"),
	rule("Fujitsu", `^ESPRIMO [QG]\d`, "mini", "desktop", "other"),
	rule("Acer", `^Veriton N`, "mini", "desktop", "other"),
	rule("Intel", `^NUC|Client Systems|^D[0-9A-Z]+NUC|^LAP`, "mini", "desktop", "other"),
	rule("Gigabyte", `^GB-B|^BRIX|^MZ?[A-Z]+\d*-?\d*NU?C?$`, "mini", "other"),

	// Workstations stand in desktops and towers.
	rule("", `\bWorkStation\b|^ThinkStation|^Precision\b|^Z[1-9]\b|^Z[1248]\d0\b|^Z[2468] ?G\d|^xw\d{4}`, "workstation", "desktop", "other-desktop"),
	rule("Fujitsu", `^CELSIUS`, "workstation", "desktop"),
	rule("Fujitsu Siemens", `^CELSIUS`, "workstation", "desktop"),
	rule("Lenovo", `^ThinkStation`, "workstation", "other", "server"),
	rule("Dell", `^Precision (Tower|WorkStation|Rack|T\d|R\d|\d{4} (Tower|Rack))`, "workstation", "other", "server", "laptop"),
	rule("HP", `^Z\d.* Workstation|^xw\d{4}`, "workstation", "other", "server"),

	// Laptops whose chassis is something else, or not told.
	rule("", `^ThinkPad|^ThinkBook|^Latitude|^EliteBook|^ProBook|^ZBook|^LIFEBOOK|^TravelMate|^ExpertBook|^VivoBook|^Zen[Bb]ook|^Chromebook|^Satellite|^Tecra|^Portege|^Dynabook|^AMILO (Li|Pi|Pa|Xa|Xi|Si|Sa|M|A|D|L|K|Pro)\b|^ESPRIMO Mobile|^CELSIUS (Mobile|H)\d?|\bLaptop\b|\bNotebook( PC)?\b|\bMobile Workstation\b|^Precision (M\d|\d{4}$)|^IdeaPad|^XPS 1[3-7]\b|^XPS [ML]\d|^Extensa|^Swift |^Nitro AN|^Predator (G\d-|PH|Helios)|^Inspiron (1[1-7]|N\d{4}|M\d{4})|^Studio 1|^Vostro (1\d{3}|V\d)|^MM0\d|^Aspire (\d{4}|[AEFRSV]\d|ES|One|Timeline)|^Pavilion (dv|dm|g\d|tx|zd|zv|ze)|^Gigabook`, "laptop", "desktop", "other", "server"),
}

// virtualMachines are the makers and products of machines that are none.
var virtualMachines = regexp.MustCompile(`(?i)^(qemu|vmware|virtualbox|xen|bochs|parallels|amazon ec2)\b|\b(virtual machine|virtual platform|vmware|virtualbox|kvm|hvm domu|google compute engine|openstack|ovirt|bhyve|virtualmac|droplet)\b|^standard pc \(`)

// class is what kind of machine it is: by its chassis type, corrected where
// the name, the maker's own words or the parts say better; "other" when none
// of them tells.
func (e evidence) class(s System) string {
	if e.virtual || virtualMachines.MatchString(s.Manufacturer) || virtualMachines.MatchString(s.Model) || virtualMachines.MatchString(e.raw["product_family"]) {
		return "other"
	}
	class := chassisClass(e.chassis)
	for _, r := range classRules {
		if r.fits(s.Manufacturer, s.Model, class) {
			return r.class
		}
	}
	// ASUS writes what it is into the SKU.
	if class == "laptop" && strings.HasPrefix(e.raw["product_sku"], "ASUS-Tablet") {
		return "tablet"
	}
	// Of these lines only the smallest case takes small memory modules.
	if class == "desktop" && e.sodimm && (s.Manufacturer == "Dell" && strings.HasPrefix(s.Model, "OptiPlex") || s.Manufacturer == "Lenovo" && strings.HasPrefix(s.Model, "ThinkCentre")) {
		return "mini"
	}
	if class == "other" {
		return e.classByParts(s)
	}
	return class
}

// fits reports whether the rule speaks of this machine.
func (r classRule) fits(maker, model, class string) bool {
	if r.maker != "" && r.maker != maker || model == "" && r.model.String() != "(?i)" || !r.model.MatchString(model) {
		return false
	}
	if r.only == nil {
		return true
	}
	for _, c := range r.only {
		if c == class {
			return true
		}
	}
	return false
}

// classByParts judges a machine whose chassis says nothing: by HP's code of
// the product group, a battery or a built-in pointing device.
func (e evidence) classByParts(s System) string {
	family := e.raw["product_family"]
	switch {
	case strings.HasPrefix(family, "103C_") && strings.Contains(family, "G=N"), strings.HasPrefix(family, "103C_5336AN"), strings.HasPrefix(family, "103C_5335KV"):
		if s.Manufacturer == "HP" {
			return "laptop"
		}
	case strings.HasPrefix(family, "103C_") && strings.Contains(family, "G=D"), strings.HasPrefix(family, "103C_53307F"), strings.HasPrefix(family, "103C_53316J"):
		if s.Manufacturer == "HP" {
			return "desktop"
		}
	}
	if e.battery || e.pointing {
		return "laptop"
	}
	return "other"
}
