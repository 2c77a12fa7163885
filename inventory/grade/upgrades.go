package grade

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// option is a part that can be put into a unit, and the unit that has it.
type option struct {
	part  string
	text  string
	cost  *int64
	args  map[string]string
	code  string
	bytes int64 // of memory or drive that the unit then has
	apply func(Facts) Facts
}

// Upgrades says which part would lift the unit to a better grade, and which
// would make it fit a profile of the market. Where no single part lifts it,
// the fewest that do so together are named, each with the grade that all of
// them come to.
//
// Grade judges a unit and gives its grade; scale is all grades, the best
// first; health are the verdicts on the unit's drives as they are. A part is
// only named where it certainly can be put in: memory of the kind that is in
// the slots, within the number of slots and the maximum of the board; a drive
// in place of one on the same connector; a battery in a laptop; a Wi-Fi card
// in a free slot of a desktop. The cheapest of the market's prices that will do
// is taken; where there is none, the cost is not known.
func Upgrades(f Facts, health []DriveState, market Market, scale []string, grade func(Facts) string) []Upgrade {
	all := []Upgrade{}
	from := grade(f)
	for _, set := range lifting(f, health, market, scale, from, grade) {
		all = append(all, set...)
	}
	for _, fit := range Fits(f, health, market) {
		for _, u := range fit.Upgrades {
			same := func(has Upgrade) bool { return has.Part == u.Part && has.Text == u.Text }
			if !slices.ContainsFunc(all, same) {
				u.From, u.To = from, from
				all = append(all, u)
			}
		}
	}
	return all
}

// lifting gives what lifts the unit's grade: every single part that does, else
// the first set of parts that does together.
func lifting(f Facts, health []DriveState, market Market, scale []string, from string, grade func(Facts) string) [][]Upgrade {
	at := slices.Index(scale, from)
	if at <= 0 { // the best there is, or not known
		return nil
	}
	better := func(f Facts) (to string, ok bool) {
		to = grade(f)
		i := slices.Index(scale, to)
		return to, i >= 0 && i < at
	}
	bad := func(d inventory.Drive) bool {
		v := verdictOf(health, d.Path)
		return dataState(f, d.Path) == DataDestroy || v == HealthReject || v == HealthWarn
	}
	parts := [][]option{memoryOptions(f, market), driveOptions(f, market, bad), batteryOptions(f, market)}
	var found [][]Upgrade
	for _, options := range parts {
		for _, o := range options {
			if to, ok := better(o.apply(f)); ok {
				found = append(found, []Upgrade{o.upgrade(from, to, market, nil)})
				break
			}
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, set := range [][]int{{1, 2}, {0, 1}, {0, 2}, {0, 1, 2}} {
		chosen, ok := together(f, parts, set, better)
		if !ok {
			continue
		}
		with := f
		for _, o := range chosen {
			with = o.apply(with)
		}
		to, _ := better(with)
		var ups []Upgrade
		for i, o := range chosen {
			ups = append(ups, o.upgrade(from, to, market, slices.Delete(slices.Clone(chosen), i, i+1)))
		}
		return [][]Upgrade{ups}
	}
	return nil
}

// together takes of each part in the set the least that will do when the others
// are as good as they can be.
func together(f Facts, parts [][]option, set []int, better func(Facts) (string, bool)) ([]option, bool) {
	chosen := make([]option, len(set))
	for i, part := range set {
		if len(parts[part]) == 0 {
			return nil, false
		}
		chosen[i] = slices.MaxFunc(parts[part], func(a, b option) int { return cmp.Compare(a.bytes, b.bytes) })
	}
	does := func() bool {
		with := f
		for _, o := range chosen {
			with = o.apply(with)
		}
		_, ok := better(with)
		return ok
	}
	if !does() {
		return nil, false
	}
	for i, part := range set {
		most := chosen[i]
		for _, o := range parts[part] {
			if chosen[i] = o; does() {
				break
			}
			chosen[i] = most
		}
	}
	return chosen, true
}

// upgrade is the option as it is advised; others are what must be put in
// besides.
func (o option) upgrade(from, to string, market Market, others []option) Upgrade {
	u := Upgrade{Part: o.part, Text: o.text, From: from, To: to, CostMinor: o.cost}
	u.Reason = Reason{Code: o.code, Rule: "parts", Text: o.text, Args: o.args}
	if o.cost != nil {
		u.Currency = market.Currency
	} else {
		u.Text += " (no price in the contract's list)"
	}
	for _, other := range others {
		u.With = append(u.With, other.part)
	}
	if len(u.With) > 0 {
		u.Text += ", together with " + strings.Join(u.With, " and ")
	}
	return u
}

// upgradesTo gives the parts that make a unit fit a profile. Where something is
// not known that no part would settle, such as the Wi-Fi in a dump, they are
// those that mend all that certainly fails. It gives nothing when they do not
// certainly do, or when something else fails.
func upgradesTo(p Profile, f Facts, health []DriveState, market Market) []Upgrade {
	if ups := mending(p, f, health, market, []string{No, Undetermined}, []string{Yes}); len(ups) > 0 {
		return ups
	}
	return mending(p, f, health, market, []string{No}, []string{Yes, Undetermined})
}

// mending gives the parts that meet the demands with one of these verdicts, if
// the unit with all of them then fits as wanted.
func mending(p Profile, f Facts, health []DriveState, market Market, verdicts, wanted []string) []Upgrade {
	with, states := f, health
	ups := []Upgrade{}
	for _, d := range p.demands(f, health, market) {
		if !slices.Contains(verdicts, d.verdict) {
			continue
		}
		var options []option
		switch d.part {
		case UpgradeMemory:
			options = memoryOptions(f, market)
		case UpgradeDrive:
			options = driveOptions(f, market, func(inventory.Drive) bool { return true })
		case UpgradeBattery:
			options = batteryOptions(f, market)
		case UpgradeWiFi:
			options = wifiOptions(f, p.WiFi, market)
		}
		// Nothing helps here by itself; Windows 11 may be helped by what the
		// other demands bring, which the last look decides.
		if d.part == "" {
			continue
		}
		i := slices.IndexFunc(options, func(o option) bool { return p.meets(o.apply(f), healthWith(health), market, d.part) })
		if slices.ContainsFunc(ups, func(u Upgrade) bool { return u.Part == d.part }) {
			continue // chosen for another demand, and for all that it helps
		}
		if i < 0 {
			return []Upgrade{}
		}
		with, states = options[i].apply(with), healthWith(states)
		ups = append(ups, options[i].upgrade("", "", market, nil))
	}
	if !slices.Contains(wanted, p.fit(with, states, market).Fits) {
		return []Upgrade{}
	}
	return ups
}

// meets reports whether the unit meets the profile's demand on one part.
func (p Profile) meets(f Facts, health []DriveState, market Market, part string) bool {
	return !slices.ContainsFunc(p.demands(f, health, market), func(d demand) bool { return d.part == part && d.verdict != Yes })
}

// newPath stands for a drive that is put in.
const newPath = "new drive"

// healthWith adds the verdict on a new drive.
func healthWith(health []DriveState) []DriveState {
	return append(slices.Clone(health), DriveState{Path: newPath, Health: Health{Verdict: HealthOK}})
}

// MemorySizes are those of the modules that are sold, in bytes.
func MemorySizes() []int64 {
	return []int64{2 * gibibyte, 4 * gibibyte, 8 * gibibyte, 16 * gibibyte, 32 * gibibyte, 64 * gibibyte}
}

// memoryOptions are the ways to more memory, those with the least first. There
// are none where it is not certain what fits: no list of modules, a mix of
// kinds, memory on the board that the list does not show, a board that does
// not tell its slots or its maximum, and processors that may want registered
// modules.
func memoryOptions(f Facts, market Market) []option {
	m := f.Machine
	var inSlots []inventory.MemoryModule
	var soldered int64
	for _, module := range m.Memory.Modules {
		if isSoldered(module) {
			soldered += module.SizeBytes
			continue
		}
		inSlots = append(inSlots, module)
	}
	slots := m.Board.MemorySlots
	room := m.Board.MaxMemoryBytes - soldered
	if len(inSlots) == 0 || slots < len(inSlots) || slots > maxSlots || room <= 0 || soldered != m.Board.SolderedBytes || registered(m) {
		return nil
	}
	kind := strings.ToUpper(inSlots[0].Type)
	form := formOf(inSlots[0], m.System.Class)
	for _, module := range inSlots {
		if strings.ToUpper(module.Type) != kind || formOf(module, m.System.Class) != form {
			return nil
		}
	}
	if form == "" || !slices.Contains([]string{"DDR3", "DDR4", "DDR5"}, kind) {
		return nil
	}
	var options []option
	for _, size := range MemorySizes() {
		if size > room/int64(slots) {
			break
		}
		for n := 1; n <= slots; n++ {
			for _, replace := range []bool{false, true} {
				if o, ok := memoryOption(m, market, kind, form, size, n, replace, len(inSlots), soldered); ok {
					options = append(options, o)
				}
			}
		}
	}
	return cheapestFirst(options)
}

// memoryOption puts n modules of a size into free slots, or in place of all that
// are there.
func memoryOption(m inventory.Machine, market Market, kind, form string, size int64, n int, replace bool, inSlots int, soldered int64) (option, bool) {
	total := m.Memory.TotalBytes + int64(n)*size
	if replace {
		total = soldered + int64(n)*size
	}
	if total <= m.Memory.TotalBytes || total > m.Board.MaxMemoryBytes || !replace && inSlots+n > m.Board.MemorySlots {
		return option{}, false
	}
	o := option{part: UpgradeMemory, code: "upgrade-memory-add", bytes: total}
	sold, price := priceOfMemory(market, kind, form, size, m.System.Class)
	o.text = fmt.Sprintf("%d × %s %s %s into free slots, %s in all", n, memoryText(size), sold, form, memoryText(total))
	if replace {
		o.code = "upgrade-memory-replace"
		o.text = fmt.Sprintf("%d × %s %s %s in place of the modules that are there, %s in all", n, memoryText(size), sold, form, memoryText(total))
	}
	o.args = map[string]string{"Count": strconv.Itoa(n), "Size": memoryText(size), "Type": sold + " " + form, "Total": memoryText(total)}
	if price != nil {
		cost := *price * int64(n)
		o.cost = &cost
	}
	o.apply = func(f Facts) Facts {
		modules := slices.Clone(f.Machine.Memory.Modules)
		if replace {
			modules = slices.DeleteFunc(modules, func(have inventory.MemoryModule) bool { return !isSoldered(have) })
		}
		for range n {
			modules = append(modules, inventory.MemoryModule{SizeBytes: size, Type: kind, Form: form})
		}
		f.Machine.Memory = inventory.Memory{TotalBytes: total, Modules: modules}
		return f
	}
	return o, true
}

func isSoldered(m inventory.MemoryModule) bool {
	return m.Form == "soldered" || strings.HasPrefix(strings.ToUpper(m.Type), "LPDDR")
}

// registered reports whether the machine may want registered modules or such
// with error correction, which the list of modules does not tell apart.
func registered(m inventory.Machine) bool {
	return m.System.Class == "server" || slices.ContainsFunc(m.CPU, func(c inventory.CPU) bool {
		name := strings.ToLower(c.Model)
		return strings.Contains(name, "xeon") || strings.Contains(name, "epyc") || strings.Contains(name, "opteron") || strings.Contains(name, "threadripper")
	})
}

// formOf is the form of a module, which the kind of machine tells where the
// module does not.
func formOf(m inventory.MemoryModule, class string) string {
	if m.Form != "" {
		return strings.ToUpper(m.Form)
	}
	switch class {
	case "laptop", "convertible":
		return "SODIMM"
	case "desktop", "workstation":
		return "DIMM"
	}
	return ""
}

// priceOfMemory gives the price of one module and what it is sold as; nil when
// there is none. What is small and says DDR3 may want the lower voltage, which
// all take: only DDR3L will do there.
func priceOfMemory(market Market, kind, form string, size int64, class string) (sold string, price *int64) {
	kinds := []string{kind}
	if kind == "DDR3" {
		kinds = []string{"DDR3L"}
		if class == "desktop" || class == "workstation" {
			kinds = []string{"DDR3", "DDR3L"}
		}
	}
	sold = kinds[0]
	for i, p := range market.Parts {
		if p.Part != UpgradeMemory || !slices.Contains(kinds, strings.ToUpper(p.Type)) || p.SizeBytes != size ||
			!strings.EqualFold(p.Form, form) || p.Class != "" && p.Class != class {
			continue
		}
		if price == nil || p.CostMinor < *price {
			sold, price = strings.ToUpper(p.Type), &market.Parts[i].CostMinor
		}
	}
	return sold, price
}

// maxDrives and maxSlots are more than any machine for people has.
const (
	maxDrives = 24
	maxSlots  = 16
)

// driveOptions are drives in place of one that is there and may go, those with
// the least first. A drive that is soldered, or on a connector of which no new
// ones are sold, stays. Nothing tells the form of a drive (2.5 inches, M.2), so
// the new one is to have the old one's; disks only take the place of disks.
func driveOptions(f Facts, market Market, mayGo func(inventory.Drive) bool) []option {
	var options []option
	for _, d := range f.Machine.Drives[:min(len(f.Machine.Drives), maxDrives)] {
		form := map[inventory.Bus]string{inventory.BusATA: "sata", inventory.BusNVMe: "nvme"}[d.Bus]
		if form == "" || !mayGo(d) || !isInternal(d) || len(d.Siblings) > 0 || isSolderedDrive(f, d.Path) {
			continue
		}
		priced := false
		for i, p := range market.Parts {
			if p.Part == UpgradeDrive && strings.EqualFold(p.Form, form) && (p.Type == "ssd" || p.Type == "hdd" && d.Media == inventory.MediaMagnetic) {
				priced = true
				options = append(options, driveOption(d, p.Type, form, p.SizeBytes, &market.Parts[i].CostMinor))
			}
		}
		if !priced {
			for _, size := range []int64{256 * gigabyte, 512 * gigabyte, 1024 * gigabyte} {
				options = append(options, driveOption(d, "ssd", form, size, nil))
			}
		}
	}
	return cheapestFirst(options)
}

func driveOption(old inventory.Drive, kind, form string, size int64, price *int64) option {
	name := strings.Join(strings.Fields(old.Model), " ")
	if name == "" {
		name = old.Path
	}
	what := driveText(size) + " " + strings.ToUpper(kind) + " (" + map[string]string{"sata": "SATA", "nvme": "NVMe"}[form] + ")"
	o := option{part: UpgradeDrive, code: "upgrade-drive", bytes: size, cost: price, text: what + " of the same form, in place of " + name}
	o.args = map[string]string{"What": what, "Old": name}
	media := inventory.MediaFlash
	if kind == "hdd" {
		media = inventory.MediaMagnetic
	}
	o.apply = func(f Facts) Facts {
		// That an old drive is not erased yet is no reason to buy a new one.
		state := DataClean
		if dataState(f, old.Path) == DataUnknown {
			state = DataUnknown
		}
		m := &f.Machine
		m.Drives = slices.DeleteFunc(slices.Clone(m.Drives), func(d inventory.Drive) bool { return d.Path == old.Path })
		f.Drives = slices.DeleteFunc(slices.Clone(f.Drives), func(d Drive) bool { return d.Path == old.Path })
		m.Drives = append(m.Drives, newDrive(old.Bus, media, size))
		f.Drives = append(f.Drives, Drive{Path: newPath, State: state})
		return f
	}
	return o
}

// newDrive is a drive as it comes from a shop: it tells that it is well.
func newDrive(bus inventory.Bus, media inventory.Media, size int64) inventory.Drive {
	passed, none := true, int64(0)
	smart := &inventory.SMART{
		Passed: &passed, PowerOnHours: &none, Reallocated: &none, Pending: &none, OfflineUncorrectable: &none, ReportedUncorrectable: &none,
		MediaErrors: &none,
	}
	if media == inventory.MediaFlash {
		smart.PercentUsed = &none
	}
	protocol := map[inventory.Bus]string{inventory.BusATA: "ata", inventory.BusNVMe: "nvme"}[bus]
	return inventory.Drive{
		Path: newPath, Bus: bus, Media: media, CapacityBytes: size, LogicalBlockBytes: 512,
		Abilities: &inventory.Abilities{Protocol: protocol, Health: smart},
	}
}

func isSolderedDrive(f Facts, path string) bool {
	return slices.ContainsFunc(f.Drives, func(d Drive) bool { return d.Path == path && d.Soldered })
}

// batteryOptions is a new battery, for a machine from which the old one can be
// taken. Microsoft's are glued in.
func batteryOptions(f Facts, market Market) []option {
	s := f.Machine.System
	if s.Class != "laptop" && s.Class != "convertible" || strings.Contains(strings.ToLower(s.Manufacturer), "microsoft") {
		return nil
	}
	o := option{part: UpgradeBattery, code: "upgrade-battery", text: "a new battery"}
	best := -1
	for i, p := range market.Parts {
		model := p.Model != "" && strings.Contains(strings.ToLower(s.Model), strings.ToLower(p.Model))
		if p.Part != UpgradeBattery || p.Class != "" && p.Class != s.Class || p.Model != "" && !model {
			continue
		}
		if best < 0 || closer(p, market.Parts[best]) {
			best = i
		}
	}
	if best >= 0 {
		o.cost = &market.Parts[best].CostMinor
	}
	o.apply = func(f Facts) Facts {
		f.Machine.Batteries = []inventory.Battery{{Name: "new", HealthPercent: 100, ChargePercent: 100}}
		f.Checks = slices.DeleteFunc(slices.Clone(f.Checks), func(c Check) bool { return c.Part == "battery" || c.Part == "battery-safety" })
		f.Checks = append(f.Checks, Check{Part: "battery", Verdict: "pass"}, Check{Part: "battery-safety", Verdict: "pass"})
		return f
	}
	return []option{o}
}

// closer reports whether a price is for fewer machines than another, or the
// same and lower.
func closer(p, than PartPrice) bool {
	narrow := func(p PartPrice) int {
		n := 2 * len(p.Model)
		if p.Class != "" {
			n++
		}
		return n
	}
	if narrow(p) != narrow(than) {
		return narrow(p) > narrow(than)
	}
	return p.CostMinor < than.CostMinor
}

// wifiOptions is a card in a free slot. A laptop's card may be soldered, or one
// that its firmware does not let be replaced, and nothing tells.
func wifiOptions(f Facts, generation string, market Market) []option {
	m := f.Machine
	free := slices.ContainsFunc(m.Slots, func(s inventory.Slot) bool {
		return s.Usage == "free" && strings.HasPrefix(s.Type, "PCI Express")
	})
	if m.System.Class != "desktop" && m.System.Class != "workstation" || !free {
		return nil
	}
	order := WiFiGenerations()
	o := option{part: UpgradeWiFi, code: "upgrade-wifi"}
	for i, p := range market.Parts {
		if p.Part == UpgradeWiFi && slices.Index(order, p.WiFi) >= slices.Index(order, generation) && (o.cost == nil || p.CostMinor < *o.cost) {
			o.cost, generation = &market.Parts[i].CostMinor, p.WiFi
		}
	}
	o.text = "a card for Wi-Fi " + generation + " in a free slot"
	o.args = map[string]string{"WiFi": generation}
	o.apply = func(f Facts) Facts {
		f.Machine.Network = append(slices.Clone(f.Machine.Network), inventory.NIC{Name: "new", Wireless: true, WiFiGeneration: generation})
		f.Checks = slices.DeleteFunc(slices.Clone(f.Checks), func(c Check) bool { return c.Part == "wifi" })
		return f
	}
	return []option{o}
}

// cheapestFirst sorts options by price, those without one last; among equals
// what brings least comes first.
func cheapestFirst(options []option) []option {
	slices.SortStableFunc(options, func(a, b option) int {
		switch {
		case a.cost == nil && b.cost == nil:
			return cmp.Compare(a.bytes, b.bytes)
		case a.cost == nil:
			return 1
		case b.cost == nil:
			return -1
		}
		return cmp.Or(cmp.Compare(*a.cost, *b.cost), cmp.Compare(a.bytes, b.bytes))
	})
	return options
}
