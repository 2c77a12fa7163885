package grade

import (
	"strings"

	"github.com/ombruk/ombruk/inventory"
)

// firstSold is the year in which the first processor of a kind was sold, a kind
// being what CPUID calls family and model; 0 when it is not known. A processor
// may have been sold for years after. Sources: Intel ARK and AMD's product
// pages for the years, Intel SDM volume 4 table 2-1 and the Linux kernel's
// arch/x86/include/asm/intel-family.h for the numbers.
func firstSold(c inventory.CPU) int {
	switch vendor := strings.ToLower(c.Vendor + " " + c.Model); {
	case strings.Contains(vendor, "intel"):
		return firstSoldIntel(c.Family, c.ModelNumber)
	case strings.Contains(vendor, "amd"), strings.Contains(vendor, "advanced micro"):
		return firstSoldAMD(c.Family, c.ModelNumber)
	}
	return 0
}

func firstSoldIntel(family, model int) int {
	switch {
	case family == 4 || family == 5:
		return 1993
	case family == 15:
		return 2000 // NetBurst
	case family != 6:
		return 0
	case model > 0 && model < 0x0e:
		return 1995
	}
	for _, k := range []struct{ year, model int }{
		{2006, 0x0e}, {2006, 0x0f}, {2007, 0x16}, {2007, 0x17}, {2008, 0x1d},
		{2008, 0x1c}, {2010, 0x26}, {2012, 0x27}, {2012, 0x35}, {2011, 0x36}, // Atom
		{2008, 0x1a}, {2009, 0x1e}, {2009, 0x1f}, {2010, 0x2e}, {2010, 0x25}, {2010, 0x2c}, {2011, 0x2f}, // first Core i
		{2011, 0x2a}, {2011, 0x2d}, // second
		{2012, 0x3a}, {2013, 0x3e}, // third
		{2013, 0x3c}, {2013, 0x45}, {2013, 0x46}, {2014, 0x3f}, // fourth
		{2014, 0x3d}, {2015, 0x47}, {2015, 0x56}, {2016, 0x4f}, // fifth
		{2013, 0x37}, {2014, 0x4a}, {2014, 0x5a}, {2013, 0x4d}, {2015, 0x4c}, // Atom from Silvermont on
		{2016, 0x5c}, {2017, 0x5f}, {2017, 0x7a}, {2020, 0x86}, {2020, 0x8a}, {2021, 0x96}, {2021, 0x9c}, {2023, 0xbe},
		{2015, 0x4e}, {2015, 0x5e}, {2017, 0x55}, // sixth
		{2016, 0x8e}, {2017, 0x9e}, // seventh to ninth
		{2018, 0x66}, {2019, 0x7d}, {2019, 0x7e}, {2021, 0x6a}, {2021, 0x6c}, // tenth
		{2020, 0xa5}, {2019, 0xa6}, {2021, 0xa7}, {2020, 0x8c}, {2021, 0x8d},
		{2021, 0x97}, {2022, 0x9a}, {2022, 0xb7}, {2023, 0xba}, {2023, 0xbf},
		{2023, 0x8f}, {2023, 0xcf}, {2023, 0xaa}, {2023, 0xac}, {2024, 0xbd}, {2024, 0xc6}, {2025, 0xc5}, {2025, 0xb5},
	} {
		if k.model == model {
			return k.year
		}
	}
	return 0
}

func firstSoldAMD(family, model int) int {
	switch family {
	case 4, 5:
		return 1996
	case 6:
		return 1999
	case 0x0f:
		return 2003
	case 0x10:
		return 2007
	case 0x11:
		return 2008
	case 0x12, 0x14:
		return 2011
	case 0x15:
		switch {
		case model < 0x10:
			return 2011
		case model < 0x30:
			return 2012
		case model < 0x60:
			return 2014
		}
		return 2015
	case 0x16:
		if model < 0x30 {
			return 2013
		}
		return 2014
	case 0x17:
		switch {
		case model == 0x08:
			return 2018
		case model < 0x18:
			return 2017
		case model < 0x60:
			return 2019
		}
		return 2019
	case 0x19:
		if model < 0x40 {
			return 2020
		}
		return 2021
	case 0x1a:
		return 2024
	}
	return 0
}

// bits64 reports whether a processor has 64 bits; known is false when that
// cannot be told.
func bits64(c inventory.CPU) (yes, known bool) {
	vendor := strings.ToLower(c.Vendor + " " + c.Model)
	switch {
	case strings.Contains(vendor, "intel"):
		switch {
		case c.Family == 6 && c.ModelNumber > 0 && c.ModelNumber <= 0x0e, c.Family == 4, c.Family == 5:
			return false, true
		case c.Family == 6 && c.ModelNumber >= 0x0f && c.ModelNumber != 0x1c && c.ModelNumber != 0x26 && c.ModelNumber != 0x27:
			return true, true // the first Atoms came with and without
		}
	case strings.Contains(vendor, "amd"), strings.Contains(vendor, "advanced micro"):
		switch {
		case c.Family >= 4 && c.Family < 0x0f:
			return false, true
		case c.Family >= 0x10:
			return true, true // of family 15 some Semprons had 32 only
		}
	}
	return false, false
}
