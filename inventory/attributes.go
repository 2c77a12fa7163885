package inventory

import (
	"slices"
	"strings"
)

// ATAAttribute is one SMART attribute of an ATA drive. Neither the numbers nor
// what the raw value holds are in a standard: each maker has their own, and the
// same number means different things.
type ATAAttribute struct {
	ID int
	// Value and Worst are normalised, 1 to 253, and better the higher;
	// Threshold is where the maker expects failure, 0 for never. -1: not told.
	Value, Worst, Threshold int
	// Raw is 48 bits, as the drive gives it.
	Raw uint64
}

// meaning is what an attribute tells, whatever its number.
type meaning int

const (
	meansNothing meaning = iota
	meansReallocated
	meansPending
	meansOffline  // sectors its own scan could not read
	meansReported // errors told to the host
	meansTimeouts
	meansCRC
	meansHours
	meansCycles
	meansUnsafe
	meansTemperature
	meansLifeLeft      // the normalised value is percent left
	meansLifeLeftRaw   // the raw value is percent left
	meansLifeUsedRaw   // the raw value is percent used
	meansLifeUsedCount // the normalised value is percent left, the raw one percent used
	meansSpareLeft     // the normalised value is percent left
	meansWritten512    // units of 512 bytes
	meansWritten32MiB
	meansWrittenGiB
	meansBogusPending // a count of pending sectors that is known to err
)

// meaningOfName is what the names mean that smartctl gives to attributes of drives in
// its database; family is what it calls the model's. Names that say nothing by
// themselves, or that it gives to a number for want of a better, are not here.
func meaningOfName(id int, name, family string) meaning {
	has := func(part string) bool { return strings.Contains(name, part) }
	switch name {
	case "Reported_Uncorrect", "Uncorrectable_Error_Cnt", "Reported_UE_Counts", "Reported_Uncorr_Errors", "Uncorrectable_ECC_Ct",
		"Uncor_Read_Error_Ct", "Uncorrectable_Sectors", "Uncorrectable_Err_Ct", "UECC_Sector_Count":
		return meansReported
	case "Current_Pending_Sector", "Current_Pending_ECC_Cnt", "Pending_Sector_Count", "Total_Pending_Sectors":
		return meansPending
	case "Bogus_Current_Pend_Sect":
		return meansBogusPending
	case "Offline_Uncorrectable", "Offline_UErr_Media_Scan", "Uncorrectable_Sector_Ct", "Total_Offl_Uncorrectabl", "Offline_Scan_UNC_SectCt", "Off-line_Scan_UNC_Sector_Ct":
		return meansOffline
	case "Command_Timeout", "Command_Timeouts":
		return meansTimeouts
	case "POR_Recovery_Count", "Pwr_Cycle_Ct_Unplanned":
		return meansUnsafe
	case "Wear_Leveling_Count":
		if id == 177 && strings.Contains(family, "Samsung") {
			return meansLifeLeft
		}
	case "Media_Wearout_Indicator":
		if id == 233 && strings.Contains(family, "Intel") {
			return meansLifeLeft
		}
	case "SSD_Life_Left":
		return meansLifeLeft
	case "Percent_Lifetime_Remain", "Percent_Lifetime_Used", "Perc_Rated_Life_Used":
		if id == 202 {
			return meansLifeUsedCount
		}
		if name == "Percent_Lifetime_Remain" {
			return meansLifeLeftRaw
		}
		return meansLifeUsedRaw
	case "Remaining_Lifetime_Perc", "Lifetime_Remaining%", "Percent_Life_Remaining", "Lifetime_Left", "Life_Remaining_Percent", "Remaining_Life",
		"SSD_Remaining_Life_Perc", "Perc_Rated_Life_Remain", "PCT_Life_Remaining", "Drive_Life_Remaining%", "DriveLife_Remaining%", "SSD_Life_Left_Perc":
		return meansLifeLeftRaw
	case "Percent_Life_Used", "Drive_Life_Used%", "DriveLife_Used%":
		return meansLifeUsedRaw
	case "Available_Reservd_Space", "Perc_Avail_Resrvd_Space", "Used_Rsvd_Blk_Cnt_Tot", "Reserved_Block_Pct":
		return meansSpareLeft
	case "Host_Writes_32MiB":
		return meansWritten32MiB
	case "Host_Writes_GiB", "Lifetime_Writes_GiB", "Total_Writes_GiB":
		return meansWrittenGiB
	case "Total_Host_Sector_Write":
		return meansWritten512
	case "Total_LBAs_Written":
		if id == 246 {
			return meansWritten512
		}
	}
	switch {
	case id == 5:
		return meansReallocated
	case id == 9 && strings.HasPrefix(name, "Power_On_"):
		return meansHours
	case id == 12 && has("Power_Cycle"):
		return meansCycles
	case (id == 194 || id == 190) && has("Temp"):
		return meansTemperature
	case has("CRC_Err") || name == "SATA_CRC_Error":
		return meansCRC
	case has("Unexpect") || has("Unsafe_Shutdown"):
		return meansUnsafe
	}
	return meansNothing
}

// meaningOfNumber is what a number means for a drive that nothing else is known of
// than its model: the common convention, and what makers document or the drive
// database of smartmontools (7.5) notes of theirs.
func meaningOfNumber(id int, model string, flash bool) meaning {
	upper := strings.ToUpper(model)
	starts := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
	}
	if flash {
		switch {
		case starts("OCZ", "CORSAIR CSSD-V", "CORSAIR CMFSSD", "CRUCIAL_CT64M225", "CRUCIAL_CT128M225", "CRUCIAL_CT256M225", "G.SKILL FALCON", "RADEON R7"):
			// Indilinx: bytes read and written in place of sectors and CRC errors.
			if id == 187 || id == 197 || id == 198 || id == 199 {
				return meansNothing
			}
		case starts("XF1230") && id == 190:
			return meansNothing
		case starts("SMART A25", "ADTRON", "SMART S35", "SMART I25"):
			if id == 9 || id == 194 || id == 197 {
				return meansNothing
			}
		}
		if m := worn(id, upper, starts); m != meansNothing {
			return m
		}
	}
	switch id {
	case 5:
		return meansReallocated
	case 9:
		return meansHours
	case 12:
		return meansCycles
	case 187:
		return meansReported
	case 188:
		return meansTimeouts
	case 190, 194:
		return meansTemperature
	case 197:
		return meansPending
	case 198:
		return meansOffline
	case 199:
		return meansCRC
	}
	return meansNothing
}

// worn is what a maker of flash drives counts wear, spare and writes by.
func worn(id int, upper string, starts func(...string) bool) meaning {
	switch makerOf(upper) {
	case "Samsung":
		switch id {
		case 177:
			return meansLifeLeft
		case 179:
			return meansSpareLeft
		case 235:
			return meansUnsafe
		case 241:
			return meansWritten512
		}
	case "Intel", "Solidigm":
		if !starts("INTEL", "SOLIDIGM") { // as Dell has them made: 245 is percent left, 233 counts writes
			if id == 245 {
				return meansLifeLeft
			}
			return meansNothing
		}
		switch id {
		case 174, 192:
			return meansUnsafe
		case 225, 241:
			return meansWritten32MiB
		case 232:
			return meansSpareLeft
		case 233:
			return meansLifeLeft
		}
	case "Micron", "Crucial":
		switch {
		case id == 174:
			return meansUnsafe
		case id == 202:
			return meansLifeUsedCount
		case id == 246:
			return meansWritten512
		case id == 197 && starts("CT") && strings.Contains(upper, "MX500"):
			// Counts one for moments at a time; fixed in some firmware only.
			return meansBogusPending
		}
	case "Kingston":
		if id == 231 {
			return meansLifeLeftRaw
		}
	case "SanDisk":
		if id == 232 {
			return meansSpareLeft
		}
	}
	return meansNothing
}

// hoursDivisor is in what attribute 9 counts, per hour. The models are those of
// the drive database of smartmontools (7.5).
func hoursDivisor(model string) uint64 {
	const minutes, halfMinutes, seconds = 60, 120, 3600
	upper := strings.ToUpper(model)
	starts := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
	}
	switch {
	case strings.HasPrefix(upper, "FUJITSU MH") && strings.HasSuffix(upper, "FFS G2"):
		return minutes
	case starts("FUJITSU MHZ", "FUJITSU MHY", "FUJITSU MHX", "FUJITSU MHW"):
		return 1
	case starts("FUJITSU M"):
		return seconds
	case starts("MAXTOR", "HITACHI_DK", "HTA4220", "HEJ4230", "HEN4230", "HTC4260"):
		return minutes
	case starts("TOSHIBA MK") && (strings.Contains(upper, "51GSY") || strings.Contains(upper, "56GSY") || strings.Contains(upper, "61GSY") || strings.Contains(upper, "76GSX")):
		return minutes
	case starts("SAMSUNG SV", "SAMSUNG MP0", "SAMSUNG SP0", "SAMSUNG SP12", "SAMSUNG SP16", "SAMSUNG SP40A", "SAMSUNG SP80",
		"SAMSUNG HM04", "SAMSUNG HM06", "SAMSUNG HM08", "SAMSUNG HM100J", "SAMSUNG HM120", "SAMSUNG HM160J"):
		return halfMinutes
	}
	return 1
}

// attribute is one line of a table of attributes. A negative number was not told.
type attribute struct {
	id                      int
	name                    string
	value, worst, threshold int
	raw                     int64 // of what it counts, without what is packed beside it
	pastNow, pastEver       bool
}

// TakeAttributes adds what the attributes of an ATA drive of this model tell.
func (h *SMART) TakeAttributes(model string, media Media, as []ATAAttribute) {
	flash := media == MediaFlash
	for _, a := range as {
		raw := a.Raw & allBits
		m := meaningOfNumber(a.ID, model, flash)
		switch {
		case raw == allBits: // no part of it makes sense
		case m == meansReallocated:
			raw = lowWords(raw)
		case m == meansTimeouts: // Seagate: three counts of 16 bits, all of them lowest
			raw &= 0xffff
		case m == meansHours:
			if per := hoursDivisor(model); per > 1 {
				raw = raw & 0xffffffff / per
			} else {
				raw &= 0xffffff // above are minutes, milliseconds, or another count
			}
		case m == meansCycles:
			raw &= 0xffffffff
		case m == meansTemperature:
			raw &= 0xff // above are the lowest and the highest
		}
		past := func(v int) bool { return a.Threshold > 0 && v >= 0 && v <= a.Threshold }
		h.take(m, attribute{id: a.ID, value: a.Value, worst: a.Worst, threshold: a.Threshold, raw: int64(raw), pastNow: past(a.Value), pastEver: past(a.Worst)})
	}
	h.Settle()
}

// allBits is a raw value of ones only.
const allBits = 1<<48 - 1

// lowWords is a count of 16 bits below others, or of 32 with nothing above it.
func lowWords(raw uint64) uint64 {
	if raw > 0xffffffff {
		return raw & 0xffff
	}
	return raw
}

// What [SMART.Senseless] names.
const (
	senselessReallocated = "reallocated"
	senselessPending     = "pending"
	senselessOffline     = "offline-uncorrectable"
	senselessReported    = "reported-uncorrectable"
	senselessMedia       = "media-errors"
)

// mostHours is a hundred years.
const mostHours = 100 * 8766

// take adds one attribute.
func (h *SMART) take(m meaning, a attribute) {
	if a.pastNow || a.pastEver {
		h.PastThreshold = append(h.PastThreshold, PastThreshold{ID: a.id, Name: a.name, Now: a.pastNow})
	}
	percent := func(n int) int64 {
		if n < 1 || n > 100 {
			return -1
		}
		return int64(n)
	}
	switch m {
	case meansReallocated:
		h.count(&h.Reallocated, a.raw, senselessReallocated)
	case meansPending:
		h.count(&h.Pending, a.raw, senselessPending)
	case meansBogusPending:
		if a.raw > 0 {
			a.raw = 1<<32 - 1 // it may be none, and may be some
		}
		h.count(&h.Pending, a.raw, senselessPending)
	case meansOffline:
		h.count(&h.OfflineUncorrectable, a.raw, senselessOffline)
	case meansReported:
		h.count(&h.ReportedUncorrectable, a.raw, senselessReported)
	case meansTimeouts:
		h.count(&h.CommandTimeouts, a.raw, "")
	case meansCRC:
		h.count(&h.CRCErrors, a.raw, "")
	case meansUnsafe:
		h.count(&h.UnsafeShutdowns, a.raw, "")
	case meansCycles:
		if h.PowerCycles == nil {
			h.count(&h.PowerCycles, a.raw, "")
		}
	case meansHours:
		if h.PowerOnHours == nil {
			h.PowerOnHours = hours(a.raw)
		}
	case meansTemperature:
		if h.TemperatureCelsius == nil || a.id == 194 {
			if t := celsius(a.raw); t != nil {
				h.TemperatureCelsius = t
			}
		}
	case meansLifeLeft:
		h.left(percent(a.value))
	case meansLifeLeftRaw:
		if a.raw >= 1 && a.raw <= 100 {
			h.left(a.raw)
		} else {
			h.left(percent(a.value))
		}
	case meansLifeUsedRaw:
		if a.raw <= 255 {
			h.used(a.raw)
		}
	case meansLifeUsedCount:
		used := int64(-1)
		if a.value >= 0 && a.value <= 100 {
			used = int64(100 - a.value)
		}
		if a.raw <= 255 {
			used = max(used, a.raw)
		}
		h.used(used)
	case meansSpareLeft:
		if n := percent(a.value); n >= 0 && a.threshold > 0 && (h.SparePercent == nil || *h.SparePercent > n) {
			h.SparePercent, h.SpareThresholdPercent = told(n), nil
			if t := percent(a.threshold); t > 0 {
				h.SpareThresholdPercent = told(t)
			}
		}
	case meansWritten512:
		h.wrote(times(a.raw, 512))
	case meansWritten32MiB:
		h.wrote(times(a.raw, 32<<20))
	case meansWrittenGiB:
		h.wrote(times(a.raw, 1<<30))
	}
}

// count takes the larger of two counts of the same thing. What cannot be, all
// bits set or more than 32 of them, is not told; if name is given it is kept as
// senseless.
func (h *SMART) count(to **int64, n int64, name string) {
	switch {
	case n < 0:
	case n >= 1<<32-1:
		if name != "" && !slices.Contains(h.Senseless, name) {
			h.Senseless = append(h.Senseless, name)
		}
	case *to == nil || **to < n:
		*to = &n
	}
}

func (h *SMART) left(percent int64) {
	if percent >= 0 {
		h.used(100 - percent)
	}
}

// used takes the larger of two figures of wear.
func (h *SMART) used(percent int64) {
	if percent >= 0 && (h.PercentUsed == nil || *h.PercentUsed < percent) {
		h.PercentUsed = &percent
	}
}

func (h *SMART) wrote(bytes int64) {
	if h.WrittenBytes == nil {
		h.WrittenBytes = told(bytes)
	}
}

// hours takes power-on hours that a drive can have.
func hours(n int64) *int64 {
	if n < 0 || n > mostHours {
		return nil
	}
	return &n
}

// TakeStatistic adds one entry of the Device Statistics log (ACS-4, 9.5) by its
// page and its offset in the page. Entries that are normalised are left out but
// for wear, whose unit is percent.
func (h *SMART) TakeStatistic(page byte, offset int, normalised bool, value, blockBytes int64) {
	if normalised && page != 7 {
		return
	}
	switch at := int(page)<<16 | offset; at {
	case 1<<16 | 8:
		if h.PowerCycles == nil {
			h.count(&h.PowerCycles, value, "")
		}
	case 1<<16 | 16:
		if h.PowerOnHours == nil {
			h.PowerOnHours = hours(value)
		}
	case 1<<16 | 24: // finer than an attribute, whose unit each maker chooses
		if n := times(value, blockBytes); n >= 0 {
			h.WrittenBytes = &n
		}
	case 3<<16 | 32:
		h.count(&h.Reallocated, value, senselessReallocated)
	case 3<<16 | 56: // reallocation candidates
		h.count(&h.Pending, value, senselessPending)
	case 4<<16 | 8:
		// Seen of SandForce's and Phison's: none by the one, millions by the other.
		if n := h.ReportedUncorrectable; n != nil && min(*n, value) == 0 && max(*n, value) > 0xffff {
			h.ReportedUncorrectable, value = nil, allBits
		}
		h.count(&h.ReportedUncorrectable, value, senselessReported)
	case 5<<16 | 8:
		if h.TemperatureCelsius == nil {
			h.TemperatureCelsius = celsius(value)
		}
	case 5<<16 | 32:
		h.hottest(value)
	case 6<<16 | 24:
		h.count(&h.CRCErrors, value, "")
	case 7<<16 | 8:
		// 255 is more than 254 %, or what the drive never filled in: an
		// attribute that is far from it tells which. A normalised one ends at 1.
		if value == 255 && h.PercentUsed != nil && *h.PercentUsed < 90 || value > 255 {
			return
		}
		h.used(value)
	}
}

// hottest takes the highest temperature in the drive's life.
func (h *SMART) hottest(n int64) {
	if t := celsius(n); t != nil && (h.TemperatureMaxCelsius == nil || *h.TemperatureMaxCelsius < *t) {
		h.TemperatureMaxCelsius = t
	}
}

// TakePending adds a count of sectors that wait to be reallocated, of which
// there may be several.
func (h *SMART) TakePending(n int64) { h.count(&h.Pending, n, senselessPending) }

// TakeMediaErrors adds NVMe's count of that name.
func (h *SMART) TakeMediaErrors(n uint64) {
	h.count(&h.MediaErrors, int64(min(n, 1<<62)), senselessMedia)
}

// Settle fills in what follows from the rest. Whoever fills in counts calls it
// last.
func (h *SMART) Settle() {
	for _, n := range []*int64{h.ReportedUncorrectable, h.OfflineUncorrectable, h.MediaErrors} {
		if n != nil && (h.Uncorrectable == nil || *h.Uncorrectable < *n) {
			sum := *n
			h.Uncorrectable = &sum
		}
	}
}
