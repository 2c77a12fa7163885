package inventory

import (
	"regexp"
	"slices"
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
	case 16, 33, 34, 35, 36: // lunch box, IoT gateway, embedded, mini, stick
		return "mini"
	default:
		return "other"
	}
}

// A classRule gives machines of a name a class, if their chassis says one of
// only, or whatever it says (only is nil).
type classRule struct {
	maker string         // empty: any
	model *regexp.Regexp // nil: any, also none
	class string
	only  []string
}

func rule(maker, model, class string, only ...string) classRule {
	r := classRule{maker: maker, class: class, only: only}
	if model != "" {
		r.model = regexp.MustCompile(`(?i)` + model)
	}
	return r
}

// fits reports whether the rule speaks of this machine.
func (r classRule) fits(maker, model, class string) bool {
	return (r.maker == "" || r.maker == maker) && (r.only == nil || slices.Contains(r.only, class)) && (r.model == nil || r.model.MatchString(model))
}

// classRules are read in order; the first that fits decides. They exist since
// makers give chassis types that are wrong, or too coarse: a workstation has no
// type of its own, and a tablet that can be laid on a keyboard is a "laptop".
// The names are those of series, as makers and linux-hardware.org list them.
var classRules = []classRule{
	// Microsoft calls all of them laptops.
	rule("Microsoft", `^Surface Laptop Studio`, "convertible"),
	rule("Microsoft", `^Surface Laptop`, "laptop"),
	rule("Microsoft", `^Surface Book`, "convertible"),
	rule("Microsoft", `^Surface Studio`, "all-in-one"),
	rule("Microsoft", `^Surface Hub`, "other"),
	rule("Microsoft", `^Surface\b`, "tablet"),

	rule("Apple", `^(MacBook|PowerBook|iBook)`, "laptop"),
	rule("Apple", `^iMac`, "all-in-one"),
	rule("Apple", `^Mac ?mini`, "mini"),
	rule("Apple", `^(Mac ?Pro|Mac Studio|PowerMac)`, "workstation"),
	rule("Apple", `^Xserve`, "server"),

	// Servers stand in towers, too.
	rule("", `^(PowerEdge|PowerVault|ProLiant|Synergy|Integrity|PRIMERGY|PRIMEQUEST|ThinkServer|ThinkSystem|System [xi]\d|BladeCenter|eServer|xSeries|UCS[BCX]-|Sun Fire)|^Super ?Server|\bServer$`, "server"),
	rule("ASRock Rack", ``, "server"),
	rule("Intel", `^S\d{4}[A-Z]`, "server"),
	rule("ASUS", `^(ESC\d{4}|[RT]S\d{3})`, "server"),
	rule("Supermicro", `^X\d{1,2}([SD]A|S[CR]A|SWA|DCA)|^SYS-\d{4}A-`, "workstation", "desktop", "other"),
	rule("Supermicro", `^C\d`, "desktop", "desktop", "other"),
	// Its boards are sold by themselves, too, and some say Desktop.
	rule("Supermicro", `^[XH]\d`, "server", "other"),
	rule("Supermicro", `^[XH]\d`, "desktop", "desktop"),
	rule("Supermicro", ``, "server"),

	// All-in-ones.
	rule("", `\bAIO\b|\bAll[- ]in[- ]One\b|^(EliteOne|ProOne|XPS One)|\bTouchSmart \d{3}-`, "all-in-one", "desktop", "mini", "other", "laptop"),
	rule("Lenovo", `^ThinkCentre (M\d+[az]|neo \d+a|Edge \d+z|X1)\b`, "all-in-one", "desktop", "mini", "other"),
	rule("Lenovo", `^IdeaCentre ([ABC]\d{3}|C\d\d-)`, "all-in-one", "desktop", "mini", "other"),
	rule("MSI", `^MS-A`, "all-in-one", "desktop", "other"),
	rule("Fujitsu", `^ESPRIMO [KX]\d`, "all-in-one", "desktop", "mini", "other"),
	rule("Acer", `^(Veriton Z|Aspire (Z|C\d\d-))`, "all-in-one", "desktop", "mini", "other"),

	// Tablets and detachables.
	rule("", `^(Slate \d|Venue\b|STYLISTIC|ElitePad|ProTablet|Elite x2|Pro x2|Spectre x2|MIIX|IdeaPad (MIIX|Duet)|Aspire Switch|Switch (\d|SW)|Iconia|Galaxy Tab)|^ThinkPad (8|10|Tablet|Helix|X1 Tablet|X12 Detachable)\b|^Latitude (10|ST|5175|5179|7212|7220|7230)\b|\bDetachable\b`, "tablet", "laptop", "desktop", "convertible", "other"),
	rule("", `\bTablet( PC)?$`, "tablet", "desktop", "other"),
	rule("Dell", `^Latitude (5285|5290|7200|7210|7285) 2-in-1`, "tablet", "laptop", "other"),

	// Convertibles.
	rule("", `\bx360\b|\b2-?( ?in ?|n)-?1\b|\bConvertible( PC)?( \d|$)|\bFlip\b|\bSpin \w|^EliteBook (Revolve|27\d0p)`, "convertible", "laptop", "other"),
	rule("Lenovo", `^Think(Pad|Book) .*\bYoga\b|^ThinkPad Yoga|^ThinkPad X\d+T?( Tablet)$|^(IdeaPad ?)?Flex\b|^IdeaPad.* Flex\b|^(IdeaPad )?Yoga (\d\d?|C\d+|[357]\d\d|9\d\d|A\d+|Book|Duet)\b`, "convertible", "laptop", "other"),
	rule("Fujitsu", `^LIFEBOOK (T\d|U\d+X\b)`, "convertible", "laptop", "other"),

	// Minis stand in a "desktop".
	rule("", `\b(Tiny|Desktop Mini|Mini ?PC|Thin Client|USFF|NUC|Chromebox)\b|^(Elite|Pro|EliteDesk|ProDesk|Z2)\b.*\bMini\b|\bDM( \d\dW)?$|^(Elite Slice|NUC\d|Wyse \d|FUTRO|ZBOX|VivoMini)|^OptiPlex .*\bMicro\b|^OptiPlex Micro|^Precision .*\bCompact\b|^Pro Micro\b`, "mini", "desktop", "other"),
	rule("Lenovo", `^ThinkCentre (M\d+[a-z]?[nq]|neo \d+q|.*\bNano)\b|^IdeaCentre (Mini|Q\d|Stick)`, "mini", "desktop", "other"),
	rule("Lenovo", `^IdeaCentre Stick`, "mini"),
	rule("Fujitsu", `^ESPRIMO [QG]\d`, "mini", "desktop", "other"),
	rule("Acer", `^(Veriton N|Revo)`, "mini", "desktop", "other"),
	rule("HP", `^t\d{3,4}w?\b`, "mini", "desktop", "other"),
	rule("Gigabyte", `^(GB-|BRIX)`, "mini", "desktop", "other"),
	rule("Beelink", ``, "mini", "desktop", "other"),
	rule("Minisforum", ``, "mini", "desktop", "other"),
	// Boxes without fans, of which some call themselves notebooks.
	rule("CompuLab", ``, "mini"),
	rule("Compulab", ``, "mini"),
	rule("Neousys Technology", `^(Nuvo|POC)-`, "mini"),

	// Workstations stand in desktops and towers.
	rule("ASUS", `^WS[- ]C\d`, "workstation", "desktop"),
	rule("", `\bWorkStation\b|^ThinkStation|^Precision\b|^xw\d{4}`, "workstation", "desktop"),
	rule("HP", `^Z\d`, "workstation", "desktop"),
	rule("Dell", `^Pro Max\b`, "workstation", "desktop"),
	rule("Fujitsu", `^CELSIUS [A-GI-LN-Z]|^CELSIUS M\d`, "workstation", "desktop", "other"),
	rule("Fujitsu Siemens", `^CELSIUS [A-GI-LN-Z]|^CELSIUS M\d`, "workstation", "desktop", "other"),
	rule("Lenovo", `^IdeaCentre`, "desktop", "other"),
	rule("Lenovo", `^ThinkStation`, "workstation", "server", "other"),
	rule("Dell", `^Precision (Tower|WorkStation|Rack|[TR]\d|\d{4} (Tower|Rack))`, "workstation", "laptop", "server", "other"),
	rule("HP", `^(Z\d.* |xw\d{4} )Workstation`, "workstation", "server", "other"),

	// Laptops, though the chassis says something else: series of which there
	// is nothing but laptops.
	rule("", `^(ThinkPad|ThinkBook|IdeaPad|Latitude|EliteBook|ProBook|ZBook|LIFEBOOK|TravelMate|ExpertBook|Vivobook|Zenbook|Chromebook|Satellite|Tecra|Portege|ESPRIMO Mobile|LapBook|Pinebook)\b|\b(Laptop|Notebook)\b|\bMobile Workstation\b|^CELSIUS (Mobile|H\d)|^Precision M\d`, "laptop", "desktop", "server", "other"),
	// Coreboot calls every Chromebook a desktop where nobody told it better. The
	// boxes are few, and go by the names of their boards.
	rule("Google", `^(Stumpy|Panther|Tricky|Zako|McCloud|Beltino|Guado|Rikku|Tidus|Buddy|Teemo|Sion|Wukong|Kench|Fizz|Karma|Bleemo|Excelsior|Jax|Endeavour|Puff|Kaisa|Noibat|Wyvern|Duffy|Faffy|Dooly|Ambassador|Genesis|Moonbuggy|Scout|Brask|Moli|Kinox|Lisbon|Gladios|Aurash|Kuldax|Constitution|Sumo|Lapis|Dexi|Deku|Moxie|Nova)\b`, "desktop", "desktop"),
	rule("Google", `.`, "laptop", "desktop"),
	// Laptops, where the chassis says nothing.
	rule("", `^(Precision \d{4}$|XPS (1[3-7]\b|[ML]\d)|Extensa|Swift |Nitro AN|Predator (G\d-|PH|Helios)|Studio 1|MM0\d|Dynabook)|^Inspiron (1\d{3}\b|1[1-7]\b|[NM]\d{4})|^Vostro (1\d{3}\b|1[1-7]\b|V\d)|^AMILO (Li|Pi|Pa|Xa|Xi|Si|Sa|M|A|D|L|K|Pro)\b|^Aspire (\d{4}|[AEFRSV]\d|ES|One|Timeline)|^Pavilion (dv|dm|g\d|tx|zd|zv|ze)`, "laptop", "other"),
}

// virtualMachines are the makers and products of machines that are none.
var virtualMachines = regexp.MustCompile(`(?i)^(qemu|vmware|virtualbox|xen|bochs|parallels|amazon ec2|ahv)\b|\b(virtual machine|virtual platform|virtual ?mac|kvm|hvm domu|google compute engine|openstack|ovirt|bhyve|droplet)\b|^standard pc \(`)

// class is what kind of machine it is: by its chassis type, corrected where
// the name, the maker's own words or the parts tell better; "other" when none
// of them tells.
func (e evidence) class(s System) string {
	for _, name := range []string{s.Manufacturer, s.Model, e.raw["product_family"]} {
		if e.virtual || virtualMachines.MatchString(name) {
			return "other"
		}
	}
	class := chassisClass(e.chassis)
	for _, r := range classRules {
		if r.fits(s.Manufacturer, s.Model, class) {
			return r.class
		}
	}
	switch {
	case class == "laptop" && strings.HasPrefix(e.raw["product_sku"], "ASUS-Tablet"):
		return "tablet" // ASUS writes what it is into the SKU
	case class == "desktop" && e.modules == "SODIMM" && (strings.HasPrefix(s.Model, "OptiPlex") || strings.HasPrefix(s.Model, "ThinkCentre")):
		return "mini" // of these lines only the smallest case takes small modules
	case class == "desktop" && e.battery && e.pointing:
		return "laptop" // boards without a maker's care call everything a desktop
	case class == "other":
		return e.classByParts(s)
	}
	return class
}

// mobileCPU are the names of processors for laptops: Intel's of before 2010 by
// the letter in front of the number, later ones by those behind, AMD's by word.
var mobileCPU = regexp.MustCompile(`\b(Core\(TM\)|Pentium\(R\)|Celeron\(R\)|Genuine Intel\(R\)).* S?[TPLU]\d{4}\b|CPU +[MLUQ] +\d{3}\b|\bi[3579]-\d{3,5}(M|U|UM|LM|QM|XM|MQ|MX|HQ|Y|H|HK|HX|G\d|P)\b|\bTurion|\bMobile\b|Celeron\(R\) M\b`)

// classByParts judges a machine whose chassis says nothing: by HP's code of
// the product group, a battery, a built-in pointing device, a laptop's
// processor with a laptop's memory, or a board that is sold by name.
func (e evidence) classByParts(s System) string {
	if family := e.raw["product_family"]; s.Manufacturer == "HP" {
		for _, group := range []struct{ code, class string }{
			{"103C_5336AN", "laptop"}, {"103C_5335KV", "laptop"}, {"103C_53307F", "desktop"}, {"103C_53316J", "desktop"}, {"103C_53311M", "desktop"}, {"103C_53335X", "workstation"},
		} {
			if strings.HasPrefix(family, group.code) {
				return group.class
			}
		}
	}
	switch {
	case e.battery || e.pointing || e.modules == "SODIMM" && mobileCPU.MatchString(e.cpu):
		return "laptop"
	case e.modules == "DIMM" && known(e.raw["product_name"]) == "" && makesBoards(s.Manufacturer) && !mobileCPU.MatchString(e.cpu):
		return "desktop"
	}
	return "other"
}
