package inventory

import "testing"

// The cards are those of common computers, the generations those that their
// makers give (ark.intel.com, product pages).
func TestWiFiGenerations(t *testing.T) {
	for _, c := range []struct{ card, id, subsystem, name, want string }{
		{"Centrino Advanced-N 6205", "8086:0082", "8086:1321", "Intel Corporation Centrino Advanced-N 6205 [Taylor Peak]", "4"},
		{"Centrino Advanced-N 6205 without N", "8086:0082", "8086:1326", "Intel Corporation Centrino Advanced-N 6205 [Taylor Peak]", ""},
		{"Centrino Ultimate-N 6300", "8086:4238", "8086:1111", "", "4"},
		{"PRO/Wireless 3945ABG, which is older", "8086:4222", "8086:1021", "Intel Corporation PRO/Wireless 3945ABG [Golan] Network Connection", ""},
		{"Dual Band Wireless-AC 7260", "8086:08b2", "8086:c270", "Intel Corporation Wireless 7260", "5"},
		{"Wireless-N 7260, the same chip", "8086:08b1", "8086:4060", "Intel Corporation Wireless 7260", "4"},
		{"a 7260 of which more is not known", "8086:08b1", "", "Intel Corporation Wireless 7260", "4"},
		{"Dual Band Wireless-AC 7265", "8086:095a", "8086:9010", "", "5"},
		{"Wireless-N 7265", "8086:095b", "8086:5200", "", "4"},
		{"Wireless-AC 8260", "8086:24f3", "8086:0010", "Intel Corporation Wireless 8260", "5"},
		{"Wireless-AC 8265", "8086:24fd", "8086:0050", "Intel Corporation Wireless 8265 / 8275", "5"},
		{"Wireless-AC 9560 in a chipset of 2018", "8086:9df0", "8086:0034", "Intel Corporation Cannon Point-LP CNVi [Wireless-AC]", "5"},
		{"Wireless-AC 9560 in a chipset that has AX201 in its name", "8086:a0f0", "8086:0034", "Intel Corporation Wi-Fi 6 AX201", "5"},
		{"Wi-Fi 6 AX201", "8086:a0f0", "8086:0074", "Intel Corporation Wi-Fi 6 AX201", "6"},
		{"Wi-Fi 6 AX201 of Comet Lake", "8086:02f0", "8086:0070", "Intel Corporation Comet Lake PCH-LP CNVi WiFi", "6"},
		{"Wi-Fi 6 AX200", "8086:2723", "8086:0084", "Intel Corporation Wi-Fi 6 AX200", "6"},
		{"Wi-Fi 6E AX210", "8086:2725", "8086:0024", "Intel Corporation Wi-Fi 6 AX210/AX211/AX411 160MHz", "6E"},
		{"Wi-Fi 6E AX211", "8086:51f0", "8086:0094", "Intel Corporation Alder Lake-P PCH CNVi WiFi", "6E"},
		{"Wi-Fi 6 AX201 on Alder Lake", "8086:51f0", "8086:0074", "", "6"},
		{"Wi-Fi 7 BE200", "8086:272b", "8086:00f4", "Intel Corporation Device 272b", "7"},
		{"Realtek RTL8188EE", "10ec:8179", "", "Realtek Semiconductor Co., Ltd. RTL8188EE Wireless Network Adapter", "4"},
		{"Realtek RTL8822CE", "10ec:c822", "", "Realtek Semiconductor Co., Ltd. RTL8822CE 802.11ac PCIe Wireless Network Adapter", "5"},
		{"Realtek RTL8852BE", "10ec:b852", "", "PCI 10ec:b852", "6"},
		{"Atheros AR9485", "168c:0032", "", "Qualcomm Atheros AR9485 Wireless Network Adapter", "4"},
		{"Qualcomm QCA6174", "168c:003e", "", "Qualcomm Atheros QCA6174 802.11ac Wireless Network Adapter", "5"},
		{"Qualcomm QCNFA765", "17cb:1103", "", "Qualcomm Technologies, Inc QCNFA765 Wireless Network Adapter", "6E"},
		{"Atheros AR5212, which is older", "168c:0013", "", "Qualcomm Atheros AR5212/5213/2414 Wireless Network Adapter", ""},
		{"Broadcom BCM4313", "14e4:4727", "", "Broadcom Inc. and subsidiaries BCM4313 802.11bgn Wireless Network Adapter", "4"},
		{"Broadcom BCM4360", "14e4:43a0", "", "", "5"},
		{"MediaTek MT7921", "14c3:7961", "", "MEDIATEK Corp. MT7921 802.11ax PCI Express Wireless Network Adapter", "6"},
		{"AMD RZ616", "14c3:0616", "", "MEDIATEK Corp. MT7922 802.11ax PCI Express Wireless Network Adapter", "6E"},
		{"Surface's Marvell", "11ab:2b38", "", "", "5"},
		{"a tablet's RTL8723BS", "sdio 024c:b723", "", "", "4"},
		{"an AX200 of another bus", "sdio 8086:2723", "", "", ""},
		{"a stick that tells", "0bda:c811", "", "Realtek 802.11ac NIC", "5"},
		{"a name with all its letters", "1234:5678", "", "Acme 802.11a/b/g/n/ac/ax", "6"},
		{"a name that says n", "1234:5678", "", "Acme 802.11 b/g/n WLAN", "4"},
		{"a name that says only g", "1234:5678", "", "Acme 802.11bg", ""},
		{"a name with no letters", "1234:5678", "", "RT2600 802.11 MIMO", ""},
		{"a network card with wires", "10ec:8168", "", "Realtek RTL8111/8168/8411 PCI Express Gigabit Ethernet Controller", ""},
		{"nothing", ":", ":", "", ""},
	} {
		if got := wifiGeneration(c.id, c.subsystem, c.name); got != c.want {
			t.Errorf("%s: %q, want %q", c.card, got, c.want)
		}
	}
}
