package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/internal/policy"
	"github.com/ombruk/ombruk/inventory"
)

// driveMethod is one way in which a drive can be sanitized.
type driveMethod struct {
	Method    erase.Method    `json:"method"`
	Technique erase.Technique `json:"technique"`
	// Command is the drive's own; empty for overwriting.
	Command inventory.EraseCommand `json:"command,omitempty"`
}

// blockedReason is why a drive may not be touched, empty when it may.
func blockedReason(d inventory.Drive, all []inventory.Drive) string {
	err := erase.Blocked(d, all, false)
	if err == nil {
		return ""
	}
	var refused *erase.RefusedError
	if errors.As(err, &refused) {
		return refused.Detail
	}
	return err.Error()
}

func driveMethods(d inventory.Drive) []driveMethod {
	methods := []driveMethod{}
	for _, f := range erase.Reach(d, policy.Default().Rules) {
		methods = append(methods, driveMethod{f.Method, f.Technique, f.Command})
	}
	return methods
}

// The columns of the drive table fill 80 characters. The serial comes last and
// is never cut, because a person has to type it.
const (
	pathWidth, busWidth, mediaWidth, sizeWidth, modelWidth, serialWidth = 13, 7, 8, 7, 20, 20
)

var driveHeader = fmt.Sprintf("%-*s %-*s %-*s %*s %-*s %s",
	pathWidth, "DRIVE", busWidth, "BUS", mediaWidth, "MEDIA", sizeWidth, "SIZE", modelWidth, "MODEL", "SERIAL")

// driveFacts is what a drive is: a row of the table and, beneath it, what else
// there is to say.
func driveFacts(d inventory.Drive) []string {
	var lines []string
	path, serial := cell(d.Path), orDash(cell(d.Serial))
	if utf8.RuneCountInString(path) > pathWidth {
		lines = append(lines, path)
		path = ""
	}
	below := ""
	if utf8.RuneCountInString(serial) > serialWidth {
		below, serial = serial, "(below)"
	}
	lines = append(lines, fmt.Sprintf("%s %s %s %*s %s %s",
		pad(path, pathWidth), pad(string(d.Bus), busWidth), pad(string(d.Media), mediaWidth),
		sizeWidth, decimalSize(d.CapacityBytes), pad(orDash(modelText(d)), modelWidth), serial))
	add := func(format string, args ...any) { lines = append(lines, under(fmt.Sprintf(format, args...))...) }
	if below != "" {
		add("serial %s", below)
	}
	if len(d.AlsoAt) > 0 {
		add("the same drive as %s", cell(strings.Join(d.AlsoAt, ", ")))
	}
	if len(d.Siblings) > 0 {
		add("behind the same controller: %s", cell(strings.Join(d.Siblings, ", ")))
	}
	for _, fact := range answered(d.Abilities) {
		add("%s", cell(fact))
	}
	return lines
}

// driveWays is what can be done to a drive of this machine, or why nothing may.
func driveWays(d inventory.Drive, all []inventory.Drive) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, under(fmt.Sprintf(format, args...))...) }
	reason := blockedReason(d, all)
	if reason == "" {
		var ways []string
		for _, m := range driveMethods(d) {
			way := fmt.Sprintf("%s by %s", m.Method, m.Technique)
			if m.Command != "" {
				way += fmt.Sprintf(" (%s)", m.Command)
			}
			ways = append(ways, way)
		}
		add("can be erased: %s", strings.Join(ways, ", "))
		return lines
	}
	add("must not be touched: %s", cell(reason))
	for _, u := range d.Uses {
		if also := "it is " + u.String(); also != reason {
			add("also: %s", cell(also))
		}
	}
	return lines
}

// under is a line beneath the row of a drive.
func under(line string) []string { return wrap("    "+line, 80, "      ") }

// answered is what a person should know of what a drive answered.
func answered(a *inventory.Abilities) []string {
	if a == nil {
		return nil
	}
	var facts []string
	s := a.Security
	for _, f := range []struct {
		is   bool
		text string
	}{
		{s.Frozen, "frozen: takes no security command until it was without power or the machine suspended (--thaw)"},
		{s.Locked && s.MasterOnly, "locked with a password at its maximum level: the master password erases but does not open it"},
		{s.Locked && !s.MasterOnly, "locked with a password (--drive-password or --psid opens it)"},
		{s.Enabled && !s.Locked, "a password is set"},
		{s.AttemptsUsedUp, "takes no password until it was without power"},
		{s.BlockedSID, "the machine's firmware blocks the drive's owner until it was without power"},
		{a.Encrypts, "always encrypts what it stores"},
		{a.Through != "", "reached through a " + a.Through},
		{a.Zoned != "", "zoned (" + a.Zoned + ")"},
		{a.BlockBytes != 0, fmt.Sprintf("formatted with blocks of %d bytes", a.BlockBytes)},
		{a.Hidden.Bytes() > 0, "hides " + decimalBytes(a.Hidden.Bytes()) + " (HPA, DCO or AMA)"},
		{a.Hidden.Stuck != "", "what it hides cannot be restored now: " + a.Hidden.Stuck},
	} {
		if f.is {
			facts = append(facts, f.text)
		}
	}
	switch z := a.Sanitize; z.State {
	case inventory.SanitizeRunning, inventory.SanitizeFailed, inventory.SanitizeVerifying, inventory.SanitizeUnknown:
		facts = append(facts, strings.TrimSpace(fmt.Sprintf("sanitize: %s %s %s", z.State, z.Command, z.Raw)))
	}
	for _, p := range a.Spaces {
		facts = append(facts, strings.TrimSpace(fmt.Sprintf("also has %s, %s %s", p.Name, decimalBytes(p.SizeBytes), p.Path)))
	}
	return append(facts, a.Notes...)
}

// modelText is maker and model, without the maker twice.
func modelText(d inventory.Drive) string {
	maker, model := cell(d.Manufacturer), cell(d.Model)
	if maker == "" || strings.HasPrefix(strings.ToUpper(model), strings.ToUpper(maker)) {
		return model
	}
	return strings.TrimSpace(maker + " " + model)
}

// cell makes untrusted text fit into one line of a table.
func cell(s string) string {
	return strings.NewReplacer("\n", "{U+000A}", "\t", "{U+0009}").Replace(printable(s))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// pad cuts or fills a text to a width in characters.
func pad(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n > width {
		return string([]rune(s)[:width-1]) + "…"
	}
	return s + strings.Repeat(" ", width-n)
}

// wrap breaks a line at spaces. A word longer than the width stays whole.
func wrap(line string, width int, indent string) []string {
	var lines []string
	for utf8.RuneCountInString(line) > width {
		runes := []rune(line)
		at := width
		for at > len(indent) && runes[at] != ' ' {
			at--
		}
		if at <= len(indent) {
			break
		}
		lines = append(lines, string(runes[:at]))
		line = indent + strings.TrimLeft(string(runes[at:]), " ")
	}
	return append(lines, line)
}

// decimalSize writes a size as it is printed on drives: three digits, powers
// of ten.
func decimalSize(bytes int64) string {
	if bytes < 1000 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	value, unit := float64(bytes), 0
	for value >= 999.5 && unit < 6 {
		value /= 1000
		unit++
	}
	decimals := 0
	switch {
	case value < 9.995:
		decimals = 2
	case value < 99.95:
		decimals = 1
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}[unit]
}

// decimalBytes is a size as it is printed on drives.
func decimalBytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %cB", value, units[unit])
	}
	return fmt.Sprintf("%.0f %cB", value, units[unit])
}
