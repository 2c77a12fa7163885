package lang

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/number"
)

// Number writes n with the language's grouping: 1,234 or 1 234 (no-break spaces).
func (t *Text) Number(n int64) string {
	return t.numbers.Sprint(number.Decimal(n))
}

// Decimal writes a number with the language's decimal mark and at most the
// given number of decimals.
func (t *Text) Decimal(x float64, places int) string {
	return t.numbers.Sprint(number.Decimal(x, number.MaxFractionDigits(places)))
}

// Bytes writes a size the way drive makers count, in steps of 1000 with one
// decimal: "512.1 GB", "999 bytes".
func (t *Text) Bytes(n int64) string {
	return t.size(n, 1000, []string{"kB", "MB", "GB", "TB", "PB", "EB"})
}

// MemoryBytes writes a size the way memory is counted, in steps of 1024:
// "16 GiB".
func (t *Text) MemoryBytes(n int64) string {
	return t.size(n, 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"})
}

// size rounds to the nearest tenth of the largest unit that leaves at least 1.
func (t *Text) size(n int64, step float64, units []string) string {
	x := float64(n)
	if math.Abs(x) < step {
		return t.Count("format.bytes", n, nil)
	}
	unit := -1
	for unit < len(units)-1 && math.Abs(x) >= step-0.05 {
		x, unit = x/step, unit+1
	}
	return t.Decimal(x, 1) + "\u00a0" + units[unit]
}

// Percent writes a share given in parts per million with at most two decimals.
// It is cut, not rounded, so that 100 % means all of it; a share above nothing
// that would be written as 0 is written as less than 0.01.
func (t *Text) Percent(ppm int64) string {
	if ppm > 0 && ppm < 100 {
		return t.Get("format.percent-below", map[string]any{"Number": t.Decimal(0.01, 2)})
	}
	return t.Get("format.percent", map[string]any{"Number": t.Decimal(float64(ppm/100)/100, 2)})
}

// Time writes a time in UTC to the minute, the way a letter would: "22
// November 2026, 14:02 UTC". The zero time is written as not recorded.
func (t *Text) Time(at time.Time) string { return t.moment("format.time", at) }

// Date writes the UTC date of a time: "22 November 2026".
func (t *Text) Date(at time.Time) string { return t.moment("format.date", at) }

// Timestamp writes a time in UTC to the second in figures, for tables:
// "2026-11-22 14:02:07".
func (t *Text) Timestamp(at time.Time) string {
	if at.IsZero() {
		return t.Get("format.no-time", nil)
	}
	return at.UTC().Format("2006-01-02 15:04:05")
}

func (t *Text) moment(key string, at time.Time) string {
	if at.IsZero() {
		return t.Get("format.no-time", nil)
	}
	at = at.UTC()
	return t.Get(key, map[string]any{
		"Day":    at.Day(),
		"Month":  t.Get("month."+strconv.Itoa(int(at.Month())), nil),
		"Year":   at.Year(),
		"Hour":   fmt.Sprintf("%02d", at.Hour()),
		"Minute": fmt.Sprintf("%02d", at.Minute()),
	})
}

// Duration writes a duration with its two largest units, cut to the second:
// "1 h 58 min", "12 min 5 s", "3 s". Below a second it is "less than 1 s".
func (t *Text) Duration(d time.Duration) string {
	if d < 0 {
		return "\u2212" + t.Duration(-max(d, math.MinInt64+1))
	}
	args := map[string]any{
		"Hours":   t.Number(int64(d / time.Hour)),
		"Minutes": int64(d/time.Minute) % 60,
		"Seconds": int64(d/time.Second) % 60,
	}
	switch {
	case d >= time.Hour:
		return t.Get("format.hours", args)
	case d >= time.Minute:
		return t.Get("format.minutes", args)
	case d >= time.Second:
		return t.Get("format.seconds", args)
	}
	return t.Get("format.below-second", nil)
}

// Money writes an amount given in minor units with its currency's code (ISO
// 4217): "NOK 1,450.00", "1 450,00 NOK". Crowns and euros have a hundred minor
// units, the Icelandic crown and the yen none of their own.
func (t *Text) Money(minor int64, currency string) string {
	amount := t.Number(minor)
	if currency != "ISK" && currency != "JPY" {
		sign, n := "", uint64(minor)
		if minor < 0 {
			sign, n = "\u2212", -n
		}
		mark := strings.Trim(t.Decimal(0.5, 1), "05")
		amount = fmt.Sprintf("%s%s%s%02d", sign, t.Number(int64(n/100)), mark, n%100)
	}
	return t.Get("format.money", map[string]any{"Amount": amount, "Currency": currency})
}
