package inventory

import (
	"reflect"
	"testing"
)

// The same number means different things for different makers, and raw values
// hold more than one count.
func TestAttributesByMeaning(t *testing.T) {
	at := func(id, value int, raw uint64) ATAAttribute {
		return ATAAttribute{ID: id, Value: value, Worst: value, Threshold: 0, Raw: raw}
	}
	for _, c := range []struct {
		what, model string
		media       Media
		a           ATAAttribute
		of          func(SMART) *int64
		want        int64 // -1: not told
	}{
		{"temperature below its extremes", "WDC WD10EZEX", MediaMagnetic, at(194, 110, 0x003c_0012_0021), func(h SMART) *int64 { return h.TemperatureCelsius }, 33},
		{"hours below milliseconds", "ST4000DM004-2CV104", MediaMagnetic, at(9, 90, 0x1234<<32|9140), func(h SMART) *int64 { return h.PowerOnHours }, 9140},
		{"hours in minutes", "Maxtor 6Y080L0", MediaMagnetic, at(9, 90, 60*12345), func(h SMART) *int64 { return h.PowerOnHours }, 12345},
		{"hours in seconds", "FUJITSU MHV2080BH", MediaMagnetic, at(9, 90, 3600*777), func(h SMART) *int64 { return h.PowerOnHours }, 777},
		{"hours in half minutes", "SAMSUNG SP1213N", MediaMagnetic, at(9, 90, 120*31000), func(h SMART) *int64 { return h.PowerOnHours }, 31000},
		{"hours of a later Samsung", "SAMSUNG HD103SJ", MediaMagnetic, at(9, 90, 31000), func(h SMART) *int64 { return h.PowerOnHours }, 31000},
		{"reallocated below a spare count", "FUJITSU MHV2080BH", MediaMagnetic, at(5, 100, 2000<<32|3), func(h SMART) *int64 { return h.Reallocated }, 3},
		{"seventy thousand reallocated", "WDC WD40EFRX", MediaMagnetic, at(5, 1, 70000), func(h SMART) *int64 { return h.Reallocated }, 70000},
		{"Seagate's timeouts in three words", "ST3000DM001", MediaMagnetic, at(188, 100, 13<<32|13<<16|20), func(h SMART) *int64 { return h.CommandTimeouts }, 20},
		{"life left of a Samsung", "Samsung SSD 860 EVO", MediaFlash, at(177, 86, 240), func(h SMART) *int64 { return h.PercentUsed }, 14},
		{"177 of a disk", "WDC WD40EFRX", MediaMagnetic, at(177, 1, 240), func(h SMART) *int64 { return h.PercentUsed }, -1},
		{"life left of an Intel", "INTEL SSDSC2BB480G4", MediaFlash, at(233, 92, 0), func(h SMART) *int64 { return h.PercentUsed }, 8},
		{"233 of Dell's Intel counts writes", "SSDSC2BB480G7R", MediaFlash, at(233, 2, 95847), func(h SMART) *int64 { return h.PercentUsed }, -1},
		{"life left of Dell's Intel", "SSDSC2BB480G7R", MediaFlash, at(245, 95, 95), func(h SMART) *int64 { return h.PercentUsed }, 5},
		{"life used of a Crucial", "CT500MX500SSD1", MediaFlash, at(202, 76, 24), func(h SMART) *int64 { return h.PercentUsed }, 24},
		{"life used beyond the end", "Crucial_CT500MX200SSD1", MediaFlash, at(202, 0, 130), func(h SMART) *int64 { return h.PercentUsed }, 130},
		{"life left of a Kingston", "KINGSTON SA400S37240G", MediaFlash, at(231, 100, 88), func(h SMART) *int64 { return h.PercentUsed }, 12},
		{"231 of a disk", "WDC WD40EFRX", MediaMagnetic, at(231, 99, 1), func(h SMART) *int64 { return h.TemperatureCelsius }, -1},
		{"a pending sector that may be none", "CT500MX500SSD1", MediaFlash, at(197, 100, 1), func(h SMART) *int64 { return h.Pending }, -1},
		{"reads where others count sectors", "OCZ-VERTEX", MediaFlash, at(198, 100, 123456), func(h SMART) *int64 { return h.OfflineUncorrectable }, -1},
		{"all bits set", "WDC WD40EFRX", MediaMagnetic, at(197, 100, 1<<48-1), func(h SMART) *int64 { return h.Pending }, -1},
		{"more than there can be", "2E256-TU2-510B00", MediaFlash, at(198, 105, 51110110822400), func(h SMART) *int64 { return h.OfflineUncorrectable }, -1},
	} {
		var h SMART
		h.TakeAttributes(c.model, c.media, []ATAAttribute{c.a})
		if got := number(c.of(h)); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	var h SMART
	h.TakeAttributes("ST4000DM000", MediaMagnetic, []ATAAttribute{{ID: 184, Value: 97, Worst: 97, Threshold: 99, Raw: 3}, {ID: 190, Value: 60, Worst: 40, Threshold: 45}, {ID: 5, Value: 1, Worst: 1, Threshold: -1}})
	if want := []PastThreshold{{ID: 184, Now: true}, {ID: 190}}; !reflect.DeepEqual(h.PastThreshold, want) {
		t.Errorf("past: %+v", h.PastThreshold)
	}
}

func TestStatistics(t *testing.T) {
	var h SMART
	h.TakeStatistic(3, 32, true, 100, 512)
	if h.Reallocated != nil {
		t.Error("a normalised value is no count")
	}
	h = SMART{ReportedUncorrectable: told(0)}
	h.TakeStatistic(4, 8, false, 10656898, 512)
	if h.ReportedUncorrectable != nil || len(h.Senseless) != 1 {
		t.Errorf("contradicted: %+v", h)
	}
	h = SMART{ReportedUncorrectable: told(3)}
	h.TakeStatistic(4, 8, false, 15, 512)
	if number(h.ReportedUncorrectable) != 15 {
		t.Errorf("the larger: %+v", h)
	}
	h = SMART{PercentUsed: told(0)}
	h.TakeStatistic(7, 8, true, 255, 512)
	if number(h.PercentUsed) != 0 {
		t.Errorf("never filled in: %+v", h)
	}
	h = SMART{PercentUsed: told(99)}
	h.TakeStatistic(7, 8, true, 255, 512)
	if number(h.PercentUsed) != 255 {
		t.Errorf("beyond its end: %+v", h)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add("Samsung SSD 860", byte(177), byte(1), byte(5), uint64(1)<<47, byte(4), uint16(8), int64(7))
	f.Fuzz(func(t *testing.T, model string, id, value, threshold byte, raw uint64, page byte, offset uint16, n int64) {
		for _, media := range []Media{MediaFlash, MediaMagnetic} {
			var h SMART
			h.TakeAttributes(model, media, []ATAAttribute{{ID: int(id), Value: int(value), Worst: int(value), Threshold: int(threshold), Raw: raw}, {ID: int(id), Raw: raw >> 3}})
			h.TakeStatistic(page, int(offset), n&1 == 0, n, 512)
			h.TakePending(n)
			h.TakeMediaErrors(raw)
			h.Settle()
			v := reflect.ValueOf(h)
			for i := range v.NumField() {
				if p, ok := v.Field(i).Interface().(*int64); ok && p != nil && *p < 0 {
					t.Errorf("%s is %d", v.Type().Field(i).Name, *p)
				}
			}
			if past := threshold > 0 && value <= threshold; past != (len(h.PastThreshold) > 0 && h.PastThreshold[0].Now) {
				t.Errorf("past %v: %+v", past, h.PastThreshold)
			}
		}
	})
}
