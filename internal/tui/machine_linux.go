package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// machinePage shows what the machine is and what is odd about it.
type machinePage struct {
	blank
	m *Model
}

func (p *machinePage) actions() []action {
	m := p.m
	back := action{key: "esc", label: m.say("action.back", nil), do: func() tea.Cmd { return m.goTo(atStart) }}
	switch {
	case m.machineErr != nil:
		return []action{{key: "r", label: m.say("action.try-again", nil), do: m.lookAtMachine}, back}
	case m.machine == nil:
		return []action{back}
	}
	return []action{{key: "enter", label: m.say("action.continue", nil), do: func() tea.Cmd { return m.goTo(atDrives) }}, back}
}

func (p *machinePage) help() string { return "screen.help.machine" }

func (p *machinePage) body(w, _ int) (lines []string, focus int) {
	m := p.m
	lines = append(lines, "")
	add := func(ll ...string) {
		for _, l := range ll {
			lines = append(lines, " "+l)
		}
	}
	if m.machineErr != nil {
		add(m.look.said(bad, errorText(m.machineErr), w-2)...)
		return lines, 0
	}
	if m.machine == nil {
		add(wrap(m.say("machine.reading", nil), w-2)...)
		return lines, 0
	}
	if m.in.AssetTag == "" {
		add(m.look.said(notice, m.say("machine.no-asset", nil), w-2)...)
	}
	for _, odd := range m.machine.Odd {
		add(m.look.said(notice, printable(odd), w-2)...)
	}
	if len(lines) > 1 {
		add("")
	} else {
		add(m.look.said(good, m.say("machine.nothing-odd", nil), w-2)...)
		add("")
	}
	s := m.machine.System
	rows := [][2]string{
		{"field.manufacturer", s.Manufacturer},
		{"field.model", s.Model},
		{"field.serial", s.Serial},
		{"field.class", p.class(s.Class)},
	}
	for _, c := range m.machine.CPU {
		rows = append(rows, [2]string{"field.cpu", c.Model})
	}
	if n := m.machine.Memory.TotalBytes; n > 0 {
		rows = append(rows, [2]string{"field.memory", m.text.MemoryBytes(n)})
	}
	if v := s.Raw["bios_version"]; v != "" {
		rows = append(rows, [2]string{"field.firmware", strings.TrimSpace(v + " " + s.Raw["bios_date"])})
	}
	if f := m.machine.Firmware; f.Boot != "" {
		started := strings.ToUpper(f.Boot)
		if f.Boot == "uefi" {
			started += ", " + m.say("machine.secure-boot."+f.SecureBoot, nil)
		}
		rows = append(rows, [2]string{"screen.machine.boot", started})
	}
	labels := 0
	for _, r := range rows {
		labels = max(labels, width(m.text.Get(r[0], nil)))
	}
	for _, r := range rows {
		value := printable(r[1])
		if value == "" {
			value = m.text.Get("value.not-stated", nil)
		}
		add(indented(m.look.fill(m.text.Get(r[0], nil), labels)+"  ", value, w-2)...)
	}
	return lines, 0
}

func (p *machinePage) class(class string) string {
	if s, ok := p.m.text.Try("class."+class, nil); ok {
		return s
	}
	return class
}
