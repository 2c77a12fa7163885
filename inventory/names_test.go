package inventory

import (
	"maps"
	"testing"
)

// raw strings of a system, in the order vendor, product, version, family, SKU.
func systemStrings(texts ...string) map[string]string {
	raw := map[string]string{}
	for i, key := range []string{"sys_vendor", "product_name", "product_version", "product_family", "product_sku"} {
		if i < len(texts) && texts[i] != "" {
			raw[key] = texts[i]
		}
	}
	return raw
}

// What a person at the bench would read off the machine in front of them. The
// strings follow those of machines of these series; the chassis types are those
// their makers give them, right or wrong.
func TestWhatAMachineIsCalled(t *testing.T) {
	for _, c := range []struct {
		raw                map[string]string
		chassis            int
		maker, model, want string
	}{
		// Dell.
		{systemStrings("Dell Inc.", "Latitude 5420", "", "Latitude", "0A20"), 10, "Dell", "Latitude 5420", "laptop"},
		{systemStrings("Dell Inc.", "Latitude E6430"), 9, "Dell", "Latitude E6430", "laptop"},
		{systemStrings("Dell Inc.", "Latitude D630"), 8, "Dell", "Latitude D630", "laptop"},
		{systemStrings("Dell Inc.", "Latitude 7320 Detachable"), 32, "Dell", "Latitude 7320 Detachable", "tablet"},
		{systemStrings("Dell Inc.", "Latitude 5290 2-in-1"), 32, "Dell", "Latitude 5290 2-in-1", "tablet"},
		{systemStrings("Dell Inc.", "Latitude 7400 2-in-1"), 31, "Dell", "Latitude 7400 2-in-1", "convertible"},
		{systemStrings("Dell Inc.", "Latitude 5300 2-in-1"), 10, "Dell", "Latitude 5300 2-in-1", "convertible"},
		{systemStrings("Dell Inc.", "OptiPlex 7070"), 35, "Dell", "OptiPlex 7070", "mini"},
		{systemStrings("Dell Inc.", "OptiPlex Micro 7010"), 3, "Dell", "OptiPlex Micro 7010", "mini"},
		{systemStrings("Dell Inc.", "OptiPlex SFF Plus 7010"), 3, "Dell", "OptiPlex SFF Plus 7010", "desktop"},
		{systemStrings("Dell Inc.", "OptiPlex 7090 Tower"), 3, "Dell", "OptiPlex 7090 Tower", "desktop"},
		{systemStrings("Dell Inc.", "OptiPlex 7450 AIO"), 13, "Dell", "OptiPlex 7450 AIO", "all-in-one"},
		{systemStrings("Dell Inc.", "OptiPlex 9030 AIO"), 3, "Dell", "OptiPlex 9030 AIO", "all-in-one"},
		{systemStrings("Dell Inc.", "OptiPlex 780"), 15, "Dell", "OptiPlex 780", "desktop"},
		{systemStrings("Dell Inc.", "Precision 3660"), 3, "Dell", "Precision 3660", "workstation"},
		{systemStrings("Dell Inc.", "Precision 5820 Tower X-Series"), 3, "Dell", "Precision 5820 Tower X-Series", "workstation"},
		{systemStrings("Dell Inc.", "Precision 7920 Rack"), 23, "Dell", "Precision 7920 Rack", "workstation"},
		{systemStrings("Dell Inc.", "Precision 3240 Compact"), 35, "Dell", "Precision 3240 Compact", "mini"},
		{systemStrings("Dell Inc.", "Precision 5550"), 10, "Dell", "Precision 5550", "laptop"},
		{systemStrings("Dell Inc.", "Precision M4700"), 9, "Dell", "Precision M4700", "laptop"},
		{systemStrings("Dell Inc.", "Precision 7720"), 0, "Dell", "Precision 7720", "laptop"},
		{systemStrings("Dell Inc.", "Vostro 15-3568"), 10, "Dell", "Vostro 15-3568", "laptop"},
		{systemStrings("Dell Inc.", "Inspiron 1720"), 0, "Dell", "Inspiron 1720", "laptop"},
		{systemStrings("Dell Inc.", "Inspiron 7415 2n1"), 10, "Dell", "Inspiron 7415 2n1", "convertible"},
		{systemStrings("Dell Inc.", "Inspiron 24-3455"), 13, "Dell", "Inspiron 24-3455", "all-in-one"},
		{systemStrings("Dell Inc.", "Inspiron 3880"), 3, "Dell", "Inspiron 3880", "desktop"},
		{systemStrings("Dell Inc.", "Dell System Vostro 3750"), 8, "Dell", "Vostro 3750", "laptop"},
		{systemStrings("Dell Inc.", "Dell Pro Max Tower T2 FCT2250"), 3, "Dell", "Pro Max Tower T2 FCT2250", "workstation"},
		{systemStrings("Dell Inc.", "Dell Pro 14 PC14250"), 10, "Dell", "Pro 14 PC14250", "laptop"},
		{systemStrings("Dell Inc.", "Venue 11 Pro 7140"), 8, "Dell", "Venue 11 Pro 7140", "tablet"},
		{systemStrings("Dell Inc.", "Wyse 5070 Thin Client"), 3, "Dell", "Wyse 5070 Thin Client", "mini"},
		{systemStrings("Dell Inc.", "PowerEdge T340"), 17, "Dell", "PowerEdge T340", "server"},
		{systemStrings("Dell Inc.", "PowerEdge T30"), 7, "Dell", "PowerEdge T30", "server"},
		{systemStrings("Alienware", "Alienware Aurora R12"), 3, "Alienware", "Aurora R12", "desktop"},
		// HP.
		{systemStrings("HP", "HP EliteBook 840 G5", "", "103C_5336AN HP EliteBook"), 10, "HP", "EliteBook 840 G5", "laptop"},
		{systemStrings("HP", "HP HP EliteBook 840 14 inch G10 Notebook PC"), 10, "HP", "EliteBook 840 14 inch G10 Notebook PC", "laptop"},
		{systemStrings("HP", "HP EliteBook x360 1040 G7 Notebook PC"), 31, "HP", "EliteBook x360 1040 G7 Notebook PC", "convertible"},
		{systemStrings("HP", "HP ProBook x360 11 G1 EE"), 10, "HP", "ProBook x360 11 G1 EE", "convertible"},
		{systemStrings("Hewlett-Packard", "HP EliteBook Revolve 810 G2"), 10, "HP", "EliteBook Revolve 810 G2", "convertible"},
		{systemStrings("Hewlett-Packard", "HP EliteBook 2760p"), 10, "HP", "EliteBook 2760p", "convertible"},
		{systemStrings("HP", "HP Elite x2 1012 G2"), 32, "HP", "Elite x2 1012 G2", "tablet"},
		{systemStrings("HP", "HP ZBook Fury 16 G9 Mobile Workstation PC"), 10, "HP", "ZBook Fury 16 G9 Mobile Workstation PC", "laptop"},
		{systemStrings("HP", "HP Z2 Tower G9 Workstation Desktop PC"), 3, "HP", "Z2 Tower G9 Workstation Desktop PC", "workstation"},
		{systemStrings("HP", "HP Z2 Mini G4 Workstation"), 35, "HP", "Z2 Mini G4 Workstation", "mini"},
		{systemStrings("HP", "HP Z1 Entry Tower G6"), 3, "HP", "Z1 Entry Tower G6", "workstation"},
		{systemStrings("Hewlett-Packard", "HP Z600 Workstation"), 6, "HP", "Z600 Workstation", "workstation"},
		{systemStrings("HP", "HP EliteDesk 800 G3 DM 35W"), 3, "HP", "EliteDesk 800 G3 DM 35W", "mini"},
		{systemStrings("HP", "HP EliteDesk 800 G5 Desktop Mini"), 35, "HP", "EliteDesk 800 G5 Desktop Mini", "mini"},
		{systemStrings("HP", "HP Elite Mini 800 G9 Desktop PC"), 3, "HP", "Elite Mini 800 G9 Desktop PC", "mini"},
		{systemStrings("HP", "HP EliteDesk 800 G4 SFF"), 3, "HP", "EliteDesk 800 G4 SFF", "desktop"},
		{systemStrings("HP", "HP ProDesk 400 G5 MT"), 3, "HP", "ProDesk 400 G5 MT", "desktop"},
		{systemStrings("HP", "HP Elite Tower 800 G9 Desktop PC"), 3, "HP", "Elite Tower 800 G9 Desktop PC", "desktop"},
		{systemStrings("HP", "HP ProOne 440 G6 24 All-in-One PC"), 13, "HP", "ProOne 440 G6 24 All-in-One PC", "all-in-one"},
		{systemStrings("HP", "HP EliteOne 800 G2 23-in Touch AiO"), 3, "HP", "EliteOne 800 G2 23-in Touch AiO", "all-in-one"},
		{systemStrings("HP", "HP t630 Thin Client"), 3, "HP", "t630 Thin Client", "mini"},
		{systemStrings("Hewlett-Packard", "HP Compaq 6730b (NB017EA#ABN)", "F.20"), 10, "HP", "Compaq 6730b", "laptop"},
		{systemStrings("HP-Pavilion", "KE496AA-ABS s3330.sc", "", "103C_53316J", "KE496AA#ABS"), 3, "HP", "s3330.sc", "desktop"},
		{systemStrings("Hewlett-Packard", "HP Mini 5103"), 10, "HP", "Mini 5103", "laptop"},
		{systemStrings("Hewlett-Packard", "", "", "103C_5336AN"), 0, "HP", "", "laptop"},
		{systemStrings("HPE", "ProLiant MicroServer Gen10 Plus"), 7, "HPE", "ProLiant MicroServer Gen10 Plus", "server"},
		{systemStrings("Hewlett Packard Enterprise", "HPE ProLiant DL325 Gen11"), 23, "HPE", "ProLiant DL325 Gen11", "server"},
		// Lenovo.
		{systemStrings("LENOVO", "20XW0026MX", "ThinkPad X1 Carbon Gen 9", "ThinkPad X1 Carbon Gen 9"), 10, "Lenovo", "ThinkPad X1 Carbon Gen 9", "laptop"},
		{systemStrings("LENOVO", "20QN000TMX", "ThinkPad P53"), 10, "Lenovo", "ThinkPad P53", "laptop"},
		{systemStrings("LENOVO", "20FQ0041MX", "ThinkPad X1 Yoga 1st"), 10, "Lenovo", "ThinkPad X1 Yoga 1st", "convertible"},
		{systemStrings("LENOVO", "20JB001LMX", "ThinkPad X1 Tablet Gen 2"), 10, "Lenovo", "ThinkPad X1 Tablet Gen 2", "tablet"},
		{systemStrings("LENOVO", "81C4", "Lenovo YOGA 920-13IKB"), 31, "Lenovo", "Yoga 920-13IKB", "convertible"},
		{systemStrings("LENOVO", "82A1", "Yoga Slim 7 14IIL05"), 10, "Lenovo", "Yoga Slim 7 14IIL05", "laptop"},
		{systemStrings("LENOVO", "80XF", "Lenovo MIIX 320-10ICR"), 11, "Lenovo", "MIIX 320-10ICR", "tablet"},
		{systemStrings("LENOVO", "80XL", "Lenovo ideapad 320-15IKB", "ideapad 320-15IKB"), 10, "Lenovo", "IdeaPad 320-15IKB", "laptop"},
		{systemStrings("LENOVO", "80XL", "INVALID", "IDEAPAD", "LENOVO_MT_80XL_BU_idea_FM_ideapad 320-15IKB"), 10, "Lenovo", "IdeaPad 320-15IKB", "laptop"},
		{systemStrings("LENOVO", "80XL", "1.0"), 10, "Lenovo", "80XL", "laptop"},
		{systemStrings("LENOVO", "10T7004GMX", "ThinkCentre M720q"), 35, "Lenovo", "ThinkCentre M720q", "mini"},
		{systemStrings("LENOVO", "11LN000AMX", "ThinkCentre neo 50q Gen 4"), 3, "Lenovo", "ThinkCentre neo 50q Gen 4", "mini"},
		{systemStrings("LENOVO", "10SR0015MX", "ThinkCentre M720s"), 3, "Lenovo", "ThinkCentre M720s", "desktop"},
		{systemStrings("LENOVO", "10NX000AMX", "ThinkCentre M810z"), 3, "Lenovo", "ThinkCentre M810z", "all-in-one"},
		{systemStrings("LENOVO", "11CD0034MX", "ThinkCentre M90a"), 13, "Lenovo", "ThinkCentre M90a", "all-in-one"},
		{systemStrings("LENOVO", "12CE000AMX", "ThinkCentre neo 30a 24 Gen 4"), 3, "Lenovo", "ThinkCentre neo 30a 24 Gen 4", "all-in-one"},
		{systemStrings("LENOVO", "11AD000AMX", "ThinkCentre M90n-1"), 3, "Lenovo", "ThinkCentre M90n-1", "mini"},
		{systemStrings("LENOVO", "90Q7", "IdeaCentre Mini 5 01IMH05"), 3, "Lenovo", "IdeaCentre Mini 5 01IMH05", "mini"},
		{systemStrings("LENOVO", "30E0001QMX", "ThinkStation P340 Tiny"), 3, "Lenovo", "ThinkStation P340 Tiny", "mini"},
		{systemStrings("LENOVO", "30CY0026MX", "ThinkStation P330"), 3, "Lenovo", "ThinkStation P330", "workstation"},
		{systemStrings("LENOVO", "70A4000HUX", "ThinkServer TS140"), 7, "Lenovo", "ThinkServer TS140", "server"},
		{systemStrings("LENOVO", "System x3650 M5: -[5462AC1]-", "13"), 23, "Lenovo", "System x3650 M5", "server"},
		{systemStrings("IBM", "IBM System x3550 M4 Server -[7914AC1]-"), 23, "IBM", "System x3550 M4 Server", "server"},
		{systemStrings("IBM", "2373F5G", "ThinkPad T42"), 10, "IBM", "ThinkPad T42", "laptop"},
		// Fujitsu.
		{systemStrings("FUJITSU CLIENT COMPUTING LIMITED", "LIFEBOOK U7411"), 10, "Fujitsu", "LIFEBOOK U7411", "laptop"},
		{systemStrings("FUJITSU", "LIFEBOOK T937"), 10, "Fujitsu", "LIFEBOOK T937", "convertible"},
		{systemStrings("FUJITSU", "STYLISTIC Q738"), 10, "Fujitsu", "STYLISTIC Q738", "tablet"},
		{systemStrings("FUJITSU", "ESPRIMO D7010"), 3, "Fujitsu", "ESPRIMO D7010", "desktop"},
		{systemStrings("FUJITSU", "ESPRIMO G5010"), 3, "Fujitsu", "ESPRIMO G5010", "mini"},
		{systemStrings("FUJITSU", "ESPRIMO K558/24"), 3, "Fujitsu", "ESPRIMO K558/24", "all-in-one"},
		{systemStrings("FUJITSU", "CELSIUS W580"), 3, "Fujitsu", "CELSIUS W580", "workstation"},
		{systemStrings("FUJITSU", "CELSIUS H780"), 10, "Fujitsu", "CELSIUS H780", "laptop"},
		{systemStrings("FUJITSU", "PRIMERGY TX1310 M3"), 7, "Fujitsu", "PRIMERGY TX1310 M3", "server"},
		{systemStrings("FUJITSU", "FUTRO S740"), 3, "Fujitsu", "FUTRO S740", "mini"},
		{systemStrings("FUJITSU SIEMENS", "ESPRIMO Mobile D9510"), 1, "Fujitsu Siemens", "ESPRIMO Mobile D9510", "laptop"},
		// Acer, ASUS, Toshiba, Samsung and others.
		{systemStrings("Acer", "TravelMate P214-53"), 10, "Acer", "TravelMate P214-53", "laptop"},
		{systemStrings("Acer", "TravelMate Spin P414RN-51"), 10, "Acer", "TravelMate Spin P414RN-51", "convertible"},
		{systemStrings("Acer", "Veriton N4640G"), 3, "Acer", "Veriton N4640G", "mini"},
		{systemStrings("Acer", "Veriton X4650G"), 3, "Acer", "Veriton X4650G", "desktop"},
		{systemStrings("Acer", "Extensa X2610G"), 3, "Acer", "Extensa X2610G", "desktop"},
		{systemStrings("ASUSTeK COMPUTER INC.", "ASUS EXPERTBOOK B1400CEAE_B1400CEAE"), 10, "ASUS", "EXPERTBOOK B1400CEAE", "laptop"},
		{systemStrings("ASUSTeK COMPUTER INC.", "VivoBook_ASUSLaptop X512DA_F512DA"), 10, "ASUS", "VivoBook_ASUSLaptop X512DA", "laptop"},
		{systemStrings("ASUSTeK COMPUTER INC.", "Zenbook Flip UX363EA_UX363EA"), 10, "ASUS", "Zenbook Flip UX363EA", "convertible"},
		{systemStrings("ASUSTeK COMPUTER INC.", "MINIPC PN50"), 3, "ASUS", "MINIPC PN50", "mini"},
		{systemStrings("TOSHIBA", "PORTEGE Z30-C"), 10, "Toshiba", "Portege Z30-C", "laptop"},
		{systemStrings("Dynabook Inc.", "TECRA A40-G"), 10, "Dynabook", "Tecra A40-G", "laptop"},
		{systemStrings("SAMSUNG ELECTRONICS CO., LTD.", "930XBE"), 10, "Samsung", "930XBE", "laptop"},
		{systemStrings("Intel(R) Client Systems", "NUC8i5BEH"), 3, "Intel", "NUC8i5BEH", "mini"},
		{systemStrings("Notebook", "N141CU"), 10, "Clevo", "N141CU", "laptop"},
		{systemStrings("Google", "Peppy"), 9, "Google", "Peppy", "laptop"},
		{systemStrings("GOOGLE", "Candy"), 3, "Google", "Candy", "laptop"},
		{systemStrings("GOOGLE", "Teemo"), 3, "Google", "Teemo", "desktop"},
		// What calls itself a notebook, or a desktop, and is none.
		{systemStrings("Neousys Technology Inc.", "Nuvo-8208GC Series"), 10, "Neousys Technology", "Nuvo-8208GC Series", "mini"},
		{systemStrings("CompuLab", "Intense-PC"), 9, "CompuLab", "Intense-PC", "mini"},
		{systemStrings("LENOVO", "90ER0005RN", "ideacentre Stick 300-01IBY"), 10, "Lenovo", "IdeaCentre Stick 300-01IBY", "mini"},
		{systemStrings("LENOVO", "10088", "IdeaCentre B520e"), 3, "Lenovo", "IdeaCentre B520e", "all-in-one"},
		{systemStrings("LENOVO", "90BG", "IdeaCentre H50-50"), 3, "Lenovo", "IdeaCentre H50-50", "desktop"},
		{systemStrings("Micro-Star International Co., Ltd.", "MS-AC1111"), 3, "MSI", "MS-AC1111", "all-in-one"},
		{systemStrings("Micro-Star International Co., Ltd.", "MS-7B86"), 3, "MSI", "MS-7B86", "desktop"},
		{systemStrings("Dell Inc.", "Edge Gateway 5000"), 33, "Dell", "Edge Gateway 5000", "mini"},
		{systemStrings("CHUWI", "Hi10 pro tablet"), 3, "CHUWI", "Hi10 pro tablet", "tablet"},
		{systemStrings("CHUWI", "LapBook Pro"), 3, "CHUWI", "LapBook Pro", "laptop"},
		{systemStrings("ASUSTeK COMPUTER INC.", "ESC8000 G4"), 3, "ASUS", "ESC8000 G4", "server"},
		{systemStrings("Supermicro", "X10DAi"), 3, "Supermicro", "X10DAi", "workstation"},
		{systemStrings("Supermicro", "X9SCL/X9SCM"), 3, "Supermicro", "X9SCL/X9SCM", "desktop"},
		{systemStrings("Supermicro", "X9SCL/X9SCM"), 17, "Supermicro", "X9SCL/X9SCM", "server"},
		{systemStrings("Supermicro", "SYS-6018R-TDW"), 1, "Supermicro", "SYS-6018R-TDW", "server"},
		{systemStrings("Some Shop GmbH & Co. KG", "Office Line 5"), 3, "Some Shop GmbH & Co. KG", "Office Line 5", "desktop"},
		{systemStrings("Wortmann AG", "TERRA MOBILE 1515"), 10, "Wortmann", "TERRA MOBILE 1515", "laptop"},
		// Microsoft.
		{systemStrings("Microsoft Corporation", "Surface Pro 9", "", "Surface", "Surface_Pro_9_2038"), 9, "Microsoft", "Surface Pro 9", "tablet"},
		{systemStrings("Microsoft Corporation", "Surface Go 4"), 9, "Microsoft", "Surface Go 4", "tablet"},
		{systemStrings("Microsoft Corporation", "Surface Laptop 5"), 9, "Microsoft", "Surface Laptop 5", "laptop"},
		{systemStrings("Microsoft Corporation", "Surface Laptop Studio 2"), 9, "Microsoft", "Surface Laptop Studio 2", "convertible"},
		{systemStrings("Microsoft Corporation", "Surface Book 3"), 9, "Microsoft", "Surface Book 3", "convertible"},
		{systemStrings("Microsoft Corporation", "Surface Studio 2"), 13, "Microsoft", "Surface Studio 2", "all-in-one"},
		// Apple.
		{systemStrings("Apple Inc.", "MacBookPro16,1", "1.0", "MacBook Pro"), 9, "Apple", "MacBookPro16,1", "laptop"},
		{systemStrings("Apple Inc.", "iMac20,1"), 13, "Apple", "iMac20,1", "all-in-one"},
		{systemStrings("Apple Inc.", "Macmini8,1"), 9, "Apple", "Macmini8,1", "mini"},
		{systemStrings("Apple Inc.", "MacPro7,1"), 7, "Apple", "MacPro7,1", "workstation"},
		{systemStrings("", "Apple MacBook Air (M1, 2020)"), 0, "Apple", "MacBook Air (M1, 2020)", "laptop"},
		// Machines that are none.
		{systemStrings("QEMU", "Standard PC (Q35 + ICH9, 2009)"), 1, "QEMU", "Standard PC (Q35 + ICH9, 2009)", "other"},
		{systemStrings("VMware, Inc.", "VMware Virtual Platform"), 1, "VMware", "Virtual Platform", "other"},
		{systemStrings("innotek GmbH", "VirtualBox"), 1, "VirtualBox", "VirtualBox", "other"},
		{systemStrings("Microsoft Corporation", "Virtual Machine"), 3, "Microsoft", "Virtual Machine", "other"},
		// Nothing known.
		{systemStrings("To Be Filled By O.E.M.", "To Be Filled By O.E.M."), 3, "", "", "desktop"},
		{systemStrings("System manufacturer", "System Product Name"), 2, "", "", "other"},
		{nil, 0, "", "", "other"},
	} {
		got := evidence{raw: maps.Clone(c.raw), chassis: c.chassis}.system()
		if got.Manufacturer != c.maker || got.Model != c.model || got.Class != c.want {
			t.Errorf("%v in chassis %d:\n got %q %q, %s\nwant %q %q, %s", c.raw, c.chassis, got.Manufacturer, got.Model, got.Class, c.maker, c.model, c.want)
		}
	}
}

// A machine that does not say what it is shows it by its parts.
func TestClassByParts(t *testing.T) {
	for name, c := range map[string]struct {
		e    evidence
		want string
	}{
		"a battery":                          {evidence{raw: systemStrings("Dell Inc.", "MXC061"), battery: true}, "laptop"},
		"a touch pad":                        {evidence{raw: systemStrings("Nobody", "X1"), chassis: 2, pointing: true}, "laptop"},
		"an all-in-one with a battery":       {evidence{raw: systemStrings("Dell Inc.", "Inspiron 20 Model 3043"), chassis: 13, battery: true}, "all-in-one"},
		"an OptiPlex with small modules":     {evidence{raw: systemStrings("Dell Inc.", "OptiPlex 3050"), chassis: 3, modules: "SODIMM"}, "mini"},
		"a no-name laptop, called a desktop": {evidence{raw: systemStrings("Nobody", "X1"), chassis: 3, battery: true, pointing: true}, "laptop"},
		"a white box with small modules":     {evidence{raw: systemStrings("Gigabyte", "J1900N"), chassis: 3, modules: "SODIMM"}, "desktop"},
		"the firmware says it is virtual":    {evidence{raw: systemStrings("Red Hat", "RHEL"), chassis: 1, virtual: true}, "other"},
		"nothing":                            {evidence{raw: systemStrings("Nobody", "X1"), chassis: 2}, "other"},
		"a laptop's processor and modules":   {evidence{raw: systemStrings("Nobody", "X1"), chassis: 1, modules: "SODIMM", cpu: "Intel(R) Core(TM)2 CPU         T7200  @ 2.00GHz"}, "laptop"},
		"a laptop's modules alone":           {evidence{raw: systemStrings("Nobody", "X1"), chassis: 1, modules: "SODIMM", cpu: "Intel(R) Core(TM) i5-6500 CPU @ 3.20GHz"}, "other"},
		"a board that is sold by name":       {evidence{raw: map[string]string{"product_name": "System Product Name", "board_vendor": "Gigabyte Technology Co., Ltd.", "board_name": "EP31-DS3L"}, modules: "DIMM", cpu: "Intel(R) Core(TM)2 Quad CPU"}, "desktop"},
		"a dead laptop's chassis is enough":  {evidence{raw: systemStrings("Nobody", "X1"), chassis: 10}, "laptop"},
	} {
		if got := c.e.system().Class; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// White boxes are called after their boards, and so is the maker.
func TestNamesOfBoards(t *testing.T) {
	for name, c := range map[string]struct {
		raw  map[string]string
		want string
	}{
		"a board of its own maker":     {map[string]string{"sys_vendor": "ASUS", "product_name": "System Product Name", "board_vendor": "ASUSTeK COMPUTER INC.", "board_name": "PRIME H410M-A"}, "ASUS/PRIME H410M-A"},
		"a shop's machine, unnamed":    {map[string]string{"sys_vendor": "bluechip Computer AG", "board_vendor": "Supermicro", "board_name": "X9SRE"}, "Supermicro/X9SRE"},
		"an inner name says nothing":   {map[string]string{"sys_vendor": "LENOVO", "product_name": "INVALID", "board_vendor": "LENOVO", "board_name": "VIUU4"}, "Lenovo/"},
		"only the maker of the board":  {map[string]string{"board_vendor": "Gigabyte Technology Co., Ltd.", "board_name": "Default string"}, "Gigabyte/"},
		"a named system keeps its own": {map[string]string{"sys_vendor": "Acer", "product_name": "Aspire A315-51", "board_vendor": "KBL", "board_name": "Venusaur_KL"}, "Acer/Aspire A315-51"},
	} {
		s := evidence{raw: c.raw}.system()
		if got := s.Manufacturer + "/" + s.Model; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The order number is the machine type where Lenovo hides it in the name.
func TestFamilyAndSKU(t *testing.T) {
	for name, c := range map[string]struct {
		raw  map[string]string
		want string // family/SKU
	}{
		"Lenovo":                      {systemStrings("LENOVO", "20L6S03X1H", "ThinkPad T480", "ThinkPad T480", "LENOVO_MT_20L6_BU_Think_FM_ThinkPad T480"), "ThinkPad T480/20L6S03X1H"},
		"HP, by name":                 {systemStrings("HP", "HP EliteBook 840 G5", "", "103C_5336AN HP EliteBook", "3WP99EC#ABB"), "EliteBook/3WP99EC#ABB"},
		"HP, by codes":                {systemStrings("HP", "HP EliteBook 840 G3", "", "103C_5336AN G=N L=BUS B=HP S=ELI", "T9X23ET#ABD"), "/T9X23ET#ABD"},
		"Apple":                       {systemStrings("Apple Inc.", "MacBookAir7,2", "1.0", "Mac", "System SKU#"), "MacBook Air/"},
		"a Dell server without a SKU": {systemStrings("Dell Inc.", "PowerEdge R730", "", "", "SKU=NotProvided;ModelName=PowerEdge R730"), "/"},
	} {
		s := evidence{raw: c.raw}.system()
		if got := s.Family + "/" + s.SKU; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
