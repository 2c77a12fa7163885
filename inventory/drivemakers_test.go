package inventory

import "testing"

// The models are those of the reports of linux-hardware.org and of drives in
// shops; who made them is on their labels.
func TestMakerOfADrive(t *testing.T) {
	for model, want := range map[string]string{
		"ST2000DM001-1ER164": "Seagate", "ST9500325AS": "Seagate", "XA960ME10063": "Seagate", "ZA500CM10002": "Seagate",
		"WDC WD40EFRX-68N32N0": "Western Digital", "WD4000FYYX": "Western Digital", "WUH721818ALE6L4": "Western Digital", "WDS500G3X0C-00SJG0": "Western Digital",
		"PC SN740 NVMe WD 512GB": "Western Digital", "CL SN720 NVMe WDC 512GB": "Western Digital",
		"HGST HUS726060ALE614": "HGST", "HUS726030ALA610": "HGST", "Hitachi HDS721050DLE630": "Hitachi",
		"SAMSUNG MZ7LM960HMJP-00005": "Samsung", "MZ7KH960HAJR0D3": "Samsung", "Samsung SSD 870 EVO 2TB": "Samsung", "MZVLB512HAJQ-000L7": "Samsung",
		"INTEL SSDSC2KB960G8": "Intel", "SSDSC2BB480G7R": "Intel", "SOLIDIGM SSDPFKNU512GZ": "Solidigm",
		"Micron_5100_MTFDDAK480TBY": "Micron", "MTFDDAK1T9TDT": "Micron", "CT500MX500SSD1": "Crucial", "Crucial_CT500MX200SSD1": "Crucial",
		"KINGSTON SA400M8120G": "Kingston", "TOSHIBA MG04ACA600E": "Toshiba", "KXG60ZNV512G TOSHIBA": "Toshiba", "KBG40ZNV256G KIOXIA": "KIOXIA", "KCD61LUL3T84": "KIOXIA",
		"PC711 NVMe SK hynix 512GB": "SK hynix", "HFS256G39TND-N210A": "SK hynix", "SanDisk SD8SN8U512G1122": "SanDisk",
		"MB0500EBNCR": "HPE", "MK000480GWXFF": "HPE", "MK2035GSS": "Toshiba", "HUA723020ALA640": "Hitachi", "Force MP510": "Corsair", "SHGS31-1000GS-2": "SK hynix", "TS2TMTE220S": "Transcend", "MB014000GWTFF": "HPE", "VO001920KWVMT": "HPE", "Dell Express Flash NVMe P4610 1.6TB SFF": "Dell",
		"": "", "SSD": "", "SATA SSD": "", "External USB 3.0": "", "MB": "", "MBX0500EBNCR": "", "ST": "", "STEC": "", "CTRL": "",
	} {
		if got := makerOf(model); got != want {
			t.Errorf("%q: %q, want %q", model, got, want)
		}
	}
}
