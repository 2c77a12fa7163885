package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
	"github.com/ombruk/ombruk/inventory/grade"
)

// maxItems bounds a list of parts on a page; what is more is counted.
const maxItems = 12

// grouped joins what is said twice into one item with its number, in the order
// first seen.
func (s *sheet) grouped(list []string) []string {
	counts := map[string]int{}
	var out []string
	for _, text := range list {
		if text == "" {
			continue
		}
		if counts[text]++; counts[text] == 1 {
			out = append(out, text)
		}
	}
	for i, text := range out {
		if n := counts[text]; n > 1 {
			out[i] = s.t.Get("value.times", map[string]any{"Count": s.t.Number(int64(n)), "What": text})
		}
	}
	return s.firstOf(out)
}

// firstOf is a list that is not without end.
func (s *sheet) firstOf(list []string) []string {
	if more := len(list) - maxItems; more > 0 {
		return append(list[:maxItems:maxItems], s.t.Count("value.more", int64(more), nil))
	}
	return list
}

// each is what say makes of each thing, equal ones counted.
func each[T any](s *sheet, things []T, say func(T) string) []string {
	list := make([]string, len(things))
	for i, thing := range things {
		list[i] = say(thing)
	}
	return s.grouped(list)
}

// identity draws what the machine is called.
func (k *stack) identity(sys inventory.System, board inventory.Board) {
	class := ""
	if sys.Class != "" {
		class = capital(k.s.known("class", sys.Class))
	}
	model := sys.Model
	if sys.SKU != "" && !strings.Contains(model, sys.SKU) {
		model = joined(" ", model, "("+sys.SKU+")")
	}
	k.section("machine")
	k.field("manufacturer", sys.Manufacturer)
	k.field("model", model)
	k.field("class", class)
	k.field("serial", sys.Serial)
	if sys.UUID != "" {
		k.field("uuid", sys.UUID)
	}
	if text := joined(" ", board.Manufacturer, board.Model, board.Version); text != "" && sys.Model == "" {
		k.field("board", text)
	}
}

// hardware draws what is in the machine, and last what could not be read of
// what a machine of its kind has.
func (k *stack) hardware(m inventory.Machine) {
	s := k.s
	k.section("components")
	var silent []string
	add := func(key string, expected bool, list []string) {
		if len(list) == 0 && expected {
			silent = append(silent, strings.ToLower(s.t.Get("field."+key, nil)))
		}
		k.items(key, list)
	}
	class := m.System.Class
	monitor := class == "monitor"
	portable := slices.Contains([]string{"laptop", "convertible", "tablet"}, class)
	add("cpu", !monitor, each(s, m.CPU, s.cpu))
	add("memory", !monitor, s.memory(m))
	add("graphics", portable, each(s, m.Graphics, func(g inventory.Graphics) string {
		if g.Model == "" {
			return g.PCIID
		}
		return g.Model
	}))
	add("display", portable || monitor || class == "all-in-one", each(s, m.Displays, s.display))
	add("battery", portable, each(s, m.Batteries, s.battery))
	add("network", !monitor, s.network(m.Network))
	add("camera", portable, each(s, m.Cameras, itself))
	add("sound", portable, each(s, m.Sound, itself))
	add("fingerprint", false, each(s, m.Fingerprint, itself))
	add("touch", false, each(s, m.Touch, itself))
	if ports := each(s, m.Ports, func(p inventory.Port) string { return p.Type }); len(ports) > 0 {
		k.field("ports", strings.Join(ports, ", "))
	}
	if len(silent) > 0 {
		k.field("not-stated", strings.Join(silent, ", "))
	}
}

func itself(text string) string { return text }

// missingFrom is the maker, unless the model begins with it.
func missingFrom(model, maker string) string {
	if len(model) >= len(maker) && strings.EqualFold(model[:len(maker)], maker) {
		return ""
	}
	return maker
}

func (s *sheet) cpu(c inventory.CPU) string {
	model := strings.Join(strings.Fields(c.Model), " ") // brand strings are padded
	if c.Cores == 0 || model == "" {
		return model
	}
	return s.t.Count("value.cpu", int64(c.Cores), map[string]any{"Model": model})
}

// memory is the whole of it first, then the modules, equal ones together.
func (s *sheet) memory(m inventory.Machine) []string {
	var out []string
	modules := m.Memory.Modules
	if total := m.Memory.TotalBytes; total > 0 {
		text := s.t.MemoryBytes(total)
		if free := m.Board.MemorySlots - len(modules); len(modules) > 0 && free > 0 {
			text = joined("; ", text, s.t.Count("value.slots-free", int64(free), map[string]any{"All": s.t.Number(int64(m.Board.MemorySlots))}))
		}
		if n := m.Board.MaxMemoryBytes; n > total {
			text = joined("; ", text, s.t.Get("value.memory-max", map[string]any{"Size": s.t.MemoryBytes(n)}))
		}
		if n := m.Board.SolderedBytes; n > 0 {
			text = joined("; ", text, s.t.Get("value.soldered", map[string]any{"Size": s.t.MemoryBytes(n)}))
		}
		out = append(out, text)
	}
	serials := map[string][]string{}
	var kinds []string
	for _, module := range modules {
		kind := s.module(module)
		if _, ok := serials[kind]; !ok {
			kinds = append(kinds, kind)
		}
		serials[kind] = append(serials[kind], joined(" ", module.Slot, module.Serial))
	}
	for i, kind := range kinds {
		text := kind
		if n := len(serials[kind]); n > 1 {
			text = s.t.Get("value.times", map[string]any{"Count": s.t.Number(int64(n)), "What": kind})
		}
		const named = 4 // modules whose slots and serial numbers are told
		if where := strings.Join(slices.DeleteFunc(serials[kind], func(t string) bool { return t == "" }), "; "); where != "" && len(serials[kind]) <= named {
			text += " (" + where + ")"
		}
		kinds[i] = text
	}
	return append(out, s.firstOf(kinds)...)
}

// module is what modules of one kind have in common.
func (s *sheet) module(m inventory.MemoryModule) string {
	speed, size := "", ""
	if m.SpeedMTs > 0 {
		speed = s.t.Get("value.speed", map[string]any{"Number": m.SpeedMTs})
	}
	if m.SizeBytes > 0 {
		size = s.t.MemoryBytes(m.SizeBytes)
	}
	return joined(", ", joined(" ", size, m.Type), speed, joined(" ", m.Manufacturer, m.PartNumber))
}

func (s *sheet) display(d inventory.Display) string {
	size, pixels, where, made, serial := "", "", d.Connector, "", ""
	if d.DiagonalInches > 0 {
		size = s.t.Get("value.inches", map[string]any{"Number": s.t.Decimal(d.DiagonalInches, 1)})
	}
	if d.WidthPixels > 0 && d.HeightPixels > 0 {
		pixels = fmt.Sprintf("%d \u00d7 %d", d.WidthPixels, d.HeightPixels)
	}
	if d.Internal {
		where = s.t.Get("value.built-in", nil)
	}
	if d.Year > 0 {
		made = fmt.Sprint(d.Year)
	}
	if d.Serial != "" {
		serial = s.t.Get("value.serial", map[string]any{"Serial": d.Serial})
	}
	return joined(", ", size, pixels, joined(" ", missingFrom(d.Model, d.Manufacturer), d.Model), where, serial, made)
}

func (s *sheet) battery(b inventory.Battery) string {
	health, cycles, charge, serial := s.t.Get("value.battery-unknown", nil), "", "", ""
	if b.HealthPercent > 0 {
		health = s.t.Get("value.battery-health", map[string]any{"Percent": s.t.Percent(int64(b.HealthPercent) * 10_000)})
	}
	if b.Cycles > 0 {
		cycles = s.t.Count("value.cycles", int64(b.Cycles), nil)
	}
	if b.FullMilliwattHours > 0 && b.DesignMilliwattHours > 0 {
		charge = s.t.Get("value.charge", map[string]any{"Full": s.t.Number(b.FullMilliwattHours), "Design": s.t.Number(b.DesignMilliwattHours)})
	}
	if b.Serial != "" {
		serial = s.t.Get("value.serial", map[string]any{"Serial": b.Serial})
	}
	return joined(", ", health, cycles, charge, joined(" ", missingFrom(b.Model, b.Manufacturer), b.Model), b.Chemistry, serial)
}

// network is the interfaces, equal ones together.
func (s *sheet) network(list []inventory.NIC) []string {
	addresses := map[string][]string{}
	var kinds []string
	for _, n := range list {
		kind := s.nic(n)
		if _, ok := addresses[kind]; !ok {
			kinds = append(kinds, kind)
		}
		addresses[kind] = append(addresses[kind], n.MAC)
	}
	for i, kind := range kinds {
		macs := addresses[kind]
		if n := len(macs); n > 1 {
			kinds[i] = s.t.Get("value.times", map[string]any{"Count": s.t.Number(int64(n)), "What": kind})
		}
		kinds[i] = joined(": ", kinds[i], joined("; ", s.firstOf(macs)...))
	}
	return s.firstOf(kinds)
}

func (s *sheet) nic(n inventory.NIC) string {
	kind := ""
	switch {
	case n.WWAN:
		kind = s.t.Get("value.modem", nil)
	case n.WiFiGeneration != "":
		kind = s.t.Get("value.wifi", map[string]any{"Generation": n.WiFiGeneration})
	case n.Wireless:
		kind = s.t.Get("value.wireless", nil)
	}
	name := n.Model
	if name == "" {
		name = n.Name
	}
	return joined(", ", name, kind)
}

// firmware draws what the machine starts with, and in one row what is not told
// of that. A screen has none of it.
func (k *stack) firmware(f inventory.Firmware, eligible *grade.Eligibility) {
	s := k.s
	var known []field
	var silent []string
	add := func(key, text string) {
		if text == "" {
			silent = append(silent, s.t.Get("field."+key, nil))
		} else {
			known = append(known, field{key, text})
		}
	}
	version := joined(" ", f.Vendor, f.Version)
	if f.Date != "" {
		version = joined(", ", version, f.Date)
	}
	add("firmware", version)
	boot := ""
	if f.Boot != "" {
		boot = s.known("boot", f.Boot)
	} else if f.UEFI != nil && *f.UEFI {
		boot = s.t.Get("boot.capable", nil)
	}
	add("boot", boot)
	secure := ""
	switch {
	case f.SecureBoot == "on" || f.SecureBoot == "off":
		secure = s.known("secure-boot", f.SecureBoot)
	case f.SecureBootCapable != nil && *f.SecureBootCapable:
		secure = s.t.Get("secure-boot.capable", nil)
	}
	add("secure-boot", secure)
	tpm := f.TPM
	if tpm == "none" {
		tpm = s.t.Get("value.none", nil)
	}
	if f.TPMDisabled {
		tpm = joined(", ", tpm, s.t.Get("value.switched-off", nil))
	}
	add("tpm", tpm)
	key := ""
	if w := f.WindowsKey; w != nil {
		key = joined(", ", joined(" ", "Windows", w.Edition), s.t.Get("value.last-five", map[string]any{"Five": lastFive(w.LastFive)}))
	}
	add("windows-key", key)
	judged := eligible != nil && eligible.Eligible != ""
	if len(known) == 0 && !judged {
		return
	}
	k.section("firmware")
	for _, f := range known {
		k.field(f.key, f.value)
	}
	if judged {
		says := s.known("eligible", eligible.Eligible)
		// One thing that is missing decides; what else is missing does not help.
		reasons := eligible.Reasons
		if eligible.Eligible == "no" {
			reasons = reasons[:min(len(reasons), 1)]
		}
		if len(reasons) > 0 {
			says = joined(": ", says, s.judgedAll(reasons))
		}
		k.field("windows11", says)
	}
	if len(silent) > 0 {
		k.field("not-stated", strings.Join(silent, ", "))
	}
}

// lastFive is no more than five characters, whatever a record holds: a whole
// key is on no page.
func lastFive(text string) string {
	runes := []rune(text)
	return string(runes[max(len(runes)-5, 0):])
}

// locks draws what may keep a next owner out: what was found, what was looked
// for in vain, and what nobody can tell.
func (k *stack) locks(list []inventory.Lock) {
	s := k.s
	k.section("locks")
	names := map[inventory.LockState][]string{}
	for _, l := range list {
		name := s.lock(l.Code)
		if l.State == inventory.LockSet {
			k.warning(joined(": ", name, s.lockFound(l.Text)))
			continue
		}
		if l.State != inventory.LockClear {
			l.State = inventory.LockUnknown
		}
		names[l.State] = append(names[l.State], name)
	}
	if len(list) == 0 {
		k.text(s.t.Get("locks.nobody-looked", nil), fact)
		return
	}
	for _, state := range []inventory.LockState{inventory.LockClear, inventory.LockUnknown} {
		if len(names[state]) > 0 {
			k.field("lock-"+string(state), strings.Join(s.firstOf(names[state]), "; "))
		}
	}
}

// lockFound is where a lock was read, in the record's English, or that somebody
// said so.
func (s *sheet) lockFound(text string) string {
	switch text {
	case inventory.LockSaid:
		return s.t.Get("lock-found.said", nil)
	case inventory.LockSeen:
		return s.t.Get("lock-found.seen", nil)
	}
	return text
}

// lock is the name of a lock, or its code where a newer record has a newer one.
func (s *sheet) lock(code string) string { return s.known("lock", code) }

// remains draws what else holds data or credentials and what became of it.
func (k *stack) remains(list []certs.Remain) {
	if len(list) == 0 {
		return
	}
	s := k.s
	k.section("remains")
	type group struct{ state, by string }
	names := map[group][]string{}
	var order []group
	for _, r := range list {
		name := s.known("remain", r.Thing)
		if r.State == certs.RemainLeft {
			says := joined(" \u2013 ", capital(name), s.known("remain-state", string(r.State)))
			if r.By == certs.ByPerson { // what its text says too, in English
				k.warning(joined(", ", says, s.t.Get("remain-state.by-person", nil)))
			} else {
				k.warning(joined(": ", says, r.Text))
			}
			continue
		}
		g := group{state: string(r.State)}
		if g.state == "" {
			g.state = "not-asked"
		}
		if r.By == certs.ByPerson {
			g.by = s.t.Get("remain-state.by-person", nil)
		}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], name)
	}
	for _, g := range order {
		k.text(joined(": ", joined(", ", capital(s.known("remain-state", g.state)), g.by), strings.Join(names[g], "; ")), fact)
	}
}

// checks draws what a person found when checking the machine's parts: what
// failed one by one, the others together.
func (k *stack) checks(list []certs.Check) {
	if len(list) == 0 {
		return
	}
	s := k.s
	k.section("checks")
	names := map[certs.CheckVerdict][]string{}
	for _, c := range list {
		name := s.known("part", c.Part)
		if c.Part == "damage" && c.Verdict == certs.CheckPass { // "passed: damage" would be misread
			name = s.t.Get("check.no-damage", nil)
		}
		if c.Grade != "" {
			name = joined(", ", name, s.t.Get("check.graded", map[string]any{"Grade": c.Grade}))
		}
		if c.Verdict == certs.CheckFail {
			k.warning(joined(": ", joined(" ", name, s.known("check", string(c.Verdict))), c.Note))
			continue
		}
		if c.Note != "" {
			name = joined(" ", name, "("+c.Note+")")
		}
		names[c.Verdict] = append(names[c.Verdict], name)
	}
	for _, verdict := range []certs.CheckVerdict{certs.CheckPass, certs.CheckSkip, certs.CheckNotDone} {
		if len(names[verdict]) > 0 {
			k.text(joined(": ", capital(s.known("check", string(verdict))), strings.Join(names[verdict], "; ")), fact)
		}
	}
}

// notes draws what could not be read about the machine.
func (s *sheet) notes(list []string) {
	if len(list) == 0 {
		return
	}
	s.section("notes")
	for _, n := range s.firstOf(list) {
		s.put(makeRow(s.cell(left, right-left, "\u2013 "+n, cramped)))
	}
}
