package inventory

import (
	"regexp"
	"slices"
	"strings"
)

// wifiGeneration is the Wi-Fi generation of a card: 4, 5, 6, 6E or 7 as
// [NIC.WiFiGeneration] has them. Where one number stands for several cards it
// is the lowest of them: the card is at least that. id is "8086:2723" on PCI
// and USB, "sdio 02d0:4345" on SDIO; subsystem is that of PCI, empty when not
// known; name is the card's, from the PCI ID database or its own.
func wifiGeneration(id, subsystem, name string) string {
	if vendor, device, _ := strings.Cut(id, ":"); vendor == "8086" {
		_, sub, _ := strings.Cut(subsystem, ":")
		if generation, known := intelWiFi(device, sub); known {
			return generation
		}
	}
	for _, row := range wifiCards {
		if slices.Contains(strings.Fields(row.ids), strings.TrimPrefix(id, "sdio ")) && strings.HasPrefix(id, "sdio ") == row.sdio {
			return row.generation
		}
	}
	return wifiGenerationOfName(name)
}

// ieee80211 finds the letters behind 802.11 as makers write them: b/g/n, acbgn, ax.
var ieee80211 = regexp.MustCompile(`802\.11 ?([a-z/()]*)`)

// wifiGenerationOfName reads what a name says of the generation: the Wi-Fi
// Alliance's name for it (2018: Wi-Fi 4 is 802.11n, 5 ac, 6 ax; 6E is ax with
// 6 GHz, 7 be), the amendment, or Intel's families of product names.
func wifiGenerationOfName(name string) string {
	lower := strings.ToLower(name)
	for _, family := range []struct{ words, generation string }{
		{"wi-fi 7|wifi 7|be200|be201|be202|be1750", "7"},
		{"wi-fi 6e|wifi 6e|ax210|ax211|ax411|ax1675|ax1690", "6E"},
		{"wi-fi 6|wifi 6|ax200|ax201|ax101|ax203|ax1650", "6"},
		{"wireless-ac", "5"},
		{"wireless-n |advanced-n |ultimate-n ", "4"},
	} {
		if slices.ContainsFunc(strings.Split(family.words, "|"), func(word string) bool { return strings.Contains(lower+" ", word) }) {
			return family.generation
		}
	}
	best := ""
	for _, found := range ieee80211.FindAllStringSubmatch(lower, 4) {
		letters := strings.NewReplacer("/", "", "(", "", ")", "").Replace(found[1])
		generation := ""
		switch {
		case letters == "be" || strings.HasSuffix(letters, "axbe"):
			generation = "7"
		case strings.Contains(letters, "ax"):
			generation = "6"
		case strings.Contains(letters, "ac"):
			generation = "5"
		case strings.Contains(letters, "n"):
			generation = "4"
		}
		best = max(best, generation)
	}
	return best
}

// wifiCards are cards whose name does not tell, by their numbers: ids that the
// drivers of Linux claim (6.1, compared with its modules.alias, and up to 6.12
// for newer chips), with the generation that the driver has for the chip. The
// drivers stand before the rows.
var wifiCards = []struct {
	generation, ids string
	sdio            bool
}{
	// Realtek: rtlwifi, rtw88, rtw89.
	{generation: "4", ids: "10ec:8171 10ec:8172 10ec:8173 10ec:8174 10ec:8176 10ec:8177 10ec:8178 10ec:8179 10ec:818b 10ec:8191 10ec:8192 10ec:8193 10ec:8723 10ec:b723 10ec:d723"},
	{generation: "5", ids: "10ec:8812 10ec:8813 10ec:8821 10ec:b821 10ec:b822 10ec:c821 10ec:c822 10ec:c82f"},
	{generation: "6", ids: "10ec:8852 10ec:a85a 10ec:b852 10ec:b85b 10ec:b851 10ec:b520"},
	{generation: "6E", ids: "10ec:c852"},
	{generation: "7", ids: "10ec:8922"},
	// Atheros and Qualcomm: ath9k, ath10k, ath11k, ath12k.
	{generation: "4", ids: "168c:0023 168c:0024 168c:0027 168c:0029 168c:002a 168c:002b 168c:002d 168c:002e 168c:0030 168c:0032 168c:0033 168c:0034 168c:0036 168c:0037"},
	{generation: "5", ids: "168c:003c 168c:003e 168c:0040 168c:0041 168c:0042 168c:0046 168c:0050 168c:0056"},
	{generation: "6", ids: "17cb:1101 17cb:1104"},
	{generation: "6E", ids: "17cb:1103"},
	{generation: "7", ids: "17cb:1107 17cb:1109"},
	// Broadcom: brcmsmac, brcmfmac; Apple's and Surface's among them.
	{generation: "4", ids: "14e4:4328 14e4:4329 14e4:432a 14e4:432b 14e4:432c 14e4:432d 14e4:4331 14e4:4350 14e4:4351 14e4:4353 14e4:4357 14e4:4358 14e4:4359 14e4:4365 14e4:4727 14e4:a8d8"},
	{generation: "5", ids: "14e4:43a0 14e4:43a3 14e4:43b1 14e4:43ba 14e4:43dc 14e4:43ec 14e4:4464 14e4:4488"},
	{generation: "6", ids: "14e4:4425 14e4:4433"},
	{generation: "6E", ids: "14e4:4434"},
	// MediaTek and Ralink: mt76, rt2x00. RZ608, RZ616 and RZ717 are AMD's names.
	{generation: "4", ids: "14c3:7630 1814:3090 1814:3290 1814:3390 1814:3562 1814:3593 1814:359f 1814:539a 1814:5390 1814:5392 1814:539b 1814:5592"},
	{generation: "5", ids: "14c3:7610 14c3:7612 14c3:7615 14c3:7650 14c3:7662 14c3:7663"},
	{generation: "6", ids: "14c3:7915 14c3:7961"},
	{generation: "6E", ids: "14c3:0608 14c3:0616 14c3:7902 14c3:7922"},
	{generation: "7", ids: "14c3:0717 14c3:7925 14c3:7927"},
	// Marvell: mwifiex.
	{generation: "4", ids: "11ab:2b30"},
	{generation: "5", ids: "11ab:2b38 11ab:2b42 1b4b:2b42"},
	// SDIO: brcmfmac, r8723bs, rtw88, ath6kl, ath10k, mwifiex.
	{generation: "4", ids: "02d0:4324 02d0:4329 02d0:4330 02d0:4334 02d0:a887 02d0:a94c 02d0:a94d 02d0:a962 02d0:a9a6 024c:0523 024c:0525 024c:0623 024c:0626 024c:0627 024c:b723 024c:d723 0271:0300 0271:0301 0271:0418 0271:0419 02df:9116 02df:9119 02df:9129 02df:9139", sdio: true},
	{generation: "5", ids: "02d0:4335 02d0:4339 02d0:4345 02d0:4354 02d0:4355 02d0:4356 02d0:4359 02d0:4373 02d0:a9bf 024c:b822 024c:c821 024c:c822 0271:050a 02df:912d 02df:9135 02df:9141", sdio: true},
}

// intelWiFi is the generation of an Intel card. One device number stands for
// several cards, which the subsystem's number sets apart: those built into a
// chipset are completed by a radio module of another generation. The numbers
// are those of the tables in iwlwifi (Linux 4.4 to 6.6, pcie/drv.c) and of the
// subsystems in the PCI ID database (2023.04.10); where the two differ the
// lower generation counts. known is false for other devices.
func intelWiFi(device, subsystem string) (generation string, known bool) {
	in := func(list, id string) bool { return slices.Contains(strings.Fields(list), id) }
	low := ""
	if len(subsystem) == 4 {
		low = subsystem[2:]
	}
	switch {
	case in("4229 4230", device): // 4965 AG or AGN
		return "", true
	case in("4232 4235 4236 4237 423a 423b 423c 423d 422b 422c 4238 4239 0082 0083 0084 0085 0087 0089 008a 008b 0090 0091 0885 0886 0896 0897 08ae 08af", device):
		// Those that end in 6 and 7 are a/b/g and b/g only.
		if low == "" || strings.ContainsAny(low[1:], "67") {
			return "", true
		}
		return "4", true
	case in("0887 0888 088e 088f 0890 0891 0892 0893 0894 0895", device):
		return "4", true
	case in("08b1 08b2 08b3 08b4", device): // 7260, 3160
		if low == "" || in("60 62 6a 20 2a", low) && !in("4c60 cc60", subsystem) || subsystem == "4270" {
			return "4", true
		}
		return "5", true
	case in("095a 095b", device): // 7265
		if low == "" || in("5000 500a 5002 5102 5020 502a 5420 5302 5200 5202 520a", subsystem) {
			return "4", true
		}
		return "5", true
	case in("24f3", device): // 8260
		if low == "" || in("0004 0044", subsystem) {
			return "4", true
		}
		return "5", true
	case in("24f4 24f5 24f6 24fb 24fd 3165 3166 2526 271b 271c 30dc 31dc 9df0 a370", device):
		return "5", true
	case in("2723", device): // AX200
		return "6", true
	case in("2725", device): // AX210
		return "6E", true
	case in("272b", device): // BE200
		return "7", true
	case in("02f0 06f0 34f0 3df0 4df0 43f0 a0f0 2720 2726 51f0 51f1 54f0 7a70 7af0 7e40 7f70", device):
		// Module: AC 9560 and 9460 (Jf), AX201 and AX101 (Hr), AX211 and AX411 (Gf).
		newest := in("2726 51f0 51f1 54f0 7a70 7af0 7e40 7f70", device)
		switch {
		case newest && in("0090 0098 4090 00b0 00b4 00b8 00bc 0310 0510 0a10 1671 1672 1691 1692", subsystem),
			newest && device != "7af0" && in("0094 009c", subsystem):
			return "6E", true
		case in("0070 0074 0078 007c 2074 4070 6074 0310 0a10 1651 1652 0044 0244 4244 0274", subsystem), newest && subsystem == "0094":
			return "6", true
		}
		return "5", true
	}
	return "", false
}
