package grade

import (
	"testing"

	"github.com/ombruk/ombruk/inventory"
)

// Processors of machines that come back, with the year in which the first of
// their kind was sold (Intel ARK, AMD's product pages).
func TestFirstSold(t *testing.T) {
	intel := func(model int) inventory.CPU {
		return inventory.CPU{Vendor: "GenuineIntel", Family: 6, ModelNumber: model}
	}
	amd := func(family, model int) inventory.CPU {
		return inventory.CPU{Vendor: "AuthenticAMD", Family: family, ModelNumber: model}
	}
	tests := []struct {
		name string
		cpu  inventory.CPU
		year int
		bits string // 64, 32, or empty when it cannot be told
	}{
		{"Core Duo T2400", intel(0x0e), 2006, "32"},
		{"Core 2 Duo T7300", intel(0x0f), 2006, "64"},
		{"Core 2 Duo P8600", intel(0x17), 2007, "64"},
		{"Atom N270", intel(0x1c), 2008, ""},
		{"Core i5-520M", intel(0x25), 2010, "64"},
		{"Core i5-2520M", intel(0x2a), 2011, "64"},
		{"Core i5-3320M", intel(0x3a), 2012, "64"},
		{"Core i5-4200U", intel(0x45), 2013, "64"},
		{"Core i5-5300U", intel(0x3d), 2014, "64"},
		{"Core i5-6300U", intel(0x4e), 2015, "64"},
		{"Core i5-7200U and i5-8250U are of one kind", intel(0x8e), 2016, "64"},
		{"Core i5-1135G7", intel(0x8c), 2020, "64"},
		{"Core i7-1255U", intel(0x9a), 2022, "64"},
		{"Pentium 4", inventory.CPU{Vendor: "GenuineIntel", Family: 15, ModelNumber: 2}, 2000, ""},
		{"Athlon XP", amd(6, 8), 1999, "32"},
		{"Turion 64 X2", amd(0x0f, 0x48), 2003, ""},
		{"Phenom II X4", amd(0x10, 4), 2007, "64"},
		{"E-350", amd(0x14, 1), 2011, "64"},
		{"A10-5750M", amd(0x15, 0x13), 2012, "64"},
		{"Ryzen 5 2500U", amd(0x17, 0x11), 2017, "64"},
		{"Ryzen 5 PRO 4650U", amd(0x17, 0x60), 2019, "64"},
		{"Ryzen 5 5600U", amd(0x19, 0x50), 2021, "64"},
		{"by the words of a printed dump", inventory.CPU{Vendor: "Intel(R) Corporation", Family: 6, ModelNumber: 0x3c}, 2013, "64"},
		{"AMD's words", inventory.CPU{Vendor: "Advanced Micro Devices, Inc.", Family: 0x16, ModelNumber: 0}, 2013, "64"},
		{"one that nobody told of", inventory.CPU{Vendor: "GenuineIntel"}, 0, ""},
		{"one to come", intel(0xff), 0, "64"},
		{"not x86", inventory.CPU{Vendor: "Apple", Model: "M1"}, 0, ""},
	}
	for _, tt := range tests {
		bits := ""
		if yes, known := bits64(tt.cpu); known && yes {
			bits = "64"
		} else if known {
			bits = "32"
		}
		if year := firstSold(tt.cpu); year != tt.year || bits != tt.bits {
			t.Errorf("%s: got %d, %q bits; want %d, %q", tt.name, year, bits, tt.year, tt.bits)
		}
	}
}
