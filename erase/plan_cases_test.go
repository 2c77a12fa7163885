package erase_test

import (
	"slices"
	"testing"

	"github.com/ombruk/ombruk/erase"
	"github.com/ombruk/ombruk/inventory"
)

// madeUpCase is a drive in a state that somebody at a bench would recognise.
type madeUpCase struct {
	name, story string
	drive       inventory.Drive
	orders      []order
}

// has lists commands of a drive that are ready to be given.
func has(commands ...inventory.EraseCommand) []inventory.Eraser {
	var out []inventory.Eraser
	for _, c := range commands {
		out = append(out, inventory.Eraser{Command: c})
	}
	return out
}

func whole(erasers []inventory.Eraser) []inventory.Eraser {
	erasers = slices.Clone(erasers)
	for i := range erasers {
		erasers[i].WholeDrive = true
	}
	return erasers
}

func blocked(why string, erasers []inventory.Eraser) []inventory.Eraser {
	erasers = slices.Clone(erasers)
	for i := range erasers {
		erasers[i].Blocked = why
	}
	return erasers
}

func bytesOf(n int64) *int64 { return &n }

// nothingHidden is a drive that was asked and hides nothing.
func nothingHidden() inventory.Hidden {
	return inventory.Hidden{HPABytes: bytesOf(0), DCOBytes: bytesOf(0)}
}

func sata(media inventory.Media, a inventory.Abilities) inventory.Drive {
	a.Protocol = "ata"
	if !a.Hidden.Known() && a.Hidden.Stuck == "" {
		a.Hidden = nothingHidden()
	}
	return inventory.Drive{Path: "/dev/sdb", Bus: inventory.BusATA, Media: media, Manufacturer: "Acme", Model: "SATA", Serial: "S1", CapacityBytes: 500_107_862_016, LogicalBlockBytes: 512, Abilities: &a}
}

func nvme(a inventory.Abilities) inventory.Drive {
	a.Protocol = "nvme"
	return inventory.Drive{Path: "/dev/nvme0n1", Bus: inventory.BusNVMe, Media: inventory.MediaFlash, Manufacturer: "Acme", Model: "NVMe", Serial: "N1", CapacityBytes: 512_110_190_592, LogicalBlockBytes: 512, Abilities: &a}
}

func ataSecurity(change func(*inventory.Security)) inventory.Security {
	s := inventory.Security{Supported: true, Kind: "ata"}
	if change != nil {
		change(&s)
	}
	return s
}

func tcg(kind string, change func(*inventory.Security)) inventory.Security {
	s := inventory.Security{Supported: true, Kind: kind}
	if change != nil {
		change(&s)
	}
	return s
}

func locked(s *inventory.Security) { s.Enabled, s.Locked = true, true }

// madeUp is the table of drives in every state that changes a plan.
func madeUp(t testing.TB) []madeUpCase {
	strict := shipped(t, "default")
	with := func(id string, change func(*erase.Order)) func(*erase.Order) {
		return func(o *erase.Order) {
			o.Standard, o.Rules = standard(t, id), strict
			if change != nil {
				change(o)
			}
		}
	}
	purge := func(name string, change func(*erase.Order)) order {
		return order{"purge" + name, with("nist-800-88r2-purge", change)}
	}
	clearing := order{"clear", with("nist-800-88r2-clear", nil)}
	dod := order{"dod-5220.22-m", with("dod-5220.22-m", nil)}
	plain := []order{purge("", nil), clearing}
	thaw := purge(", --thaw", func(o *erase.Order) { o.Thaw = true })
	common := purge(", --policy common-practice", func(o *erase.Order) { o.Rules = shipped(t, "common-practice") })
	password := purge(", the password given", func(o *erase.Order) { o.Password = true })
	psid := purge(", the PSID given", func(o *erase.Order) { o.PSID = true })
	together := purge(", every namespace named", func(o *erase.Order) { o.Together = true })
	accept := purge(", --accept clear", func(o *erase.Order) { o.Accept, o.AcceptBy = erase.Clear, "operator Kari" })
	bestEffort := purge(", --best-effort", func(o *erase.Order) { o.BestEffort = true })

	security := []inventory.Eraser{
		{Command: inventory.ATASecurityErase, EstimateSeconds: 120, WholeDrive: true},
		{Command: inventory.ATASecurityEraseEnhanced, EstimateSeconds: 120, WholeDrive: true},
	}
	slowSecurity := []inventory.Eraser{
		{Command: inventory.ATASecurityErase, EstimateSeconds: 98 * 60, WholeDrive: true},
		{Command: inventory.ATASecurityEraseEnhanced, EstimateSeconds: 98 * 60, WholeDrive: true},
	}
	frozen := ataSecurity(func(s *inventory.Security) { s.Frozen = true })
	join := func(lists ...[]inventory.Eraser) (all []inventory.Eraser) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	flash, magnetic := inventory.MediaFlash, inventory.MediaMagnetic
	flashSanitize := func() []inventory.Eraser {
		return has(inventory.ATASanitizeOverwrite, inventory.ATASanitizeBlock, inventory.ATASanitizeCrypto)
	}
	nvmeAll := func() []inventory.Eraser {
		return join(whole([]inventory.Eraser{
			{Command: inventory.NVMeSanitizeBlock, EstimateSeconds: 40}, {Command: inventory.NVMeSanitizeCrypto, EstimateSeconds: 2},
			{Command: inventory.NVMeSanitizeOverwrite, EstimateSeconds: 3600},
		}), has(inventory.NVMeFormatUser, inventory.NVMeFormatCrypto))
	}
	nvmeIn := func(s inventory.SanitizeState) inventory.Drive {
		return nvme(inventory.Abilities{Erasers: nvmeAll(), Sanitize: s})
	}
	shared := nvme(inventory.Abilities{Erasers: nvmeAll(), Spaces: []inventory.Space{
		{Name: "namespace 2", Path: "/dev/nvme0n2", SizeBytes: 256_000_000_000, Reach: "node"},
		{Name: "namespace 3", SizeBytes: 64_000_000_000, Reach: "drive"},
		{Name: "boot partition 0", SizeBytes: 1 << 20, Reach: "none"}, {Name: "RPMB", SizeBytes: 128 << 10, Reach: "none"},
	}})
	shared.Siblings = []string{"/dev/nvme0n2", "/dev/nvme0n4"}
	unattachedOnly := nvme(inventory.Abilities{Erasers: has(inventory.NVMeFormatUser), Spaces: []inventory.Space{{Name: "namespace 2", SizeBytes: 256_000_000_000, Reach: "drive"}}})
	emmc := inventory.Drive{Path: "/dev/mmcblk0", Bus: inventory.BusMMC, Media: flash, Model: "eMMC", Serial: "0x1", CapacityBytes: 31_268_536_320, LogicalBlockBytes: 512,
		Siblings: []string{"/dev/mmcblk0boot0", "/dev/mmcblk0boot1"}}
	card := func(erasers []inventory.Eraser, spaces ...inventory.Space) inventory.Drive {
		d := emmc
		d.Abilities = &inventory.Abilities{Protocol: "mmc", Erasers: erasers, Spaces: spaces}
		return d
	}
	scsi := func(media inventory.Media, bus inventory.Bus, a inventory.Abilities) inventory.Drive {
		a.Protocol = "scsi"
		return inventory.Drive{Path: "/dev/sdc", Bus: bus, Media: media, Manufacturer: "Acme", Model: "SCSI", Serial: "C1", CapacityBytes: 600_127_266_816, LogicalBlockBytes: 512, Abilities: &a}
	}
	hidden := func(h inventory.Hidden, erasers []inventory.Eraser) inventory.Drive {
		return sata(magnetic, inventory.Abilities{Erasers: erasers, Security: ataSecurity(nil), Hidden: h})
	}
	return []madeUpCase{
		{"ssd-modern", "A SATA SSD that offers everything.", sata(flash, inventory.Abilities{Erasers: join(flashSanitize(), security), Security: ataSecurity(nil)}), []order{plain[0], clearing, accept, dod}},
		{"ssd-frozen-with-sanitize", "The firmware froze it, which does not stop a sanitize.", sata(flash, inventory.Abilities{Erasers: join(flashSanitize(), blocked("frozen", security)), Security: frozen}), []order{plain[0], thaw}},
		{"ssd-frozen-security-erase-only", "Frozen, and nothing but security erase.", sata(flash, inventory.Abilities{Erasers: blocked("frozen", security), Security: frozen}), []order{plain[0], thaw, common, accept, bestEffort, clearing}},
		{"ssd-sanitize-frozen", "Somebody gave it SANITIZE FREEZE LOCK.", sata(flash, inventory.Abilities{Erasers: blocked("restricted by SANITIZE FREEZE LOCK", flashSanitize()), Security: ataSecurity(nil)}), []order{plain[0], thaw}},
		{"ssd-block-erase-only", "No crypto erase, so it does not always encrypt.", sata(flash, inventory.Abilities{Erasers: has(inventory.ATASanitizeBlock), Security: ataSecurity(nil)}), []order{
			plain[0], purge(", overwritten after by the policy", func(o *erase.Order) {
				o.Rules.OverwriteAfter = []inventory.EraseCommand{inventory.ATASanitizeBlock}
			}), purge(", --verify sample", func(o *erase.Order) { o.Verify = erase.VerifySample }), purge(", --verify none", func(o *erase.Order) { o.Verify = erase.VerifyNone }),
		}},
		{"ssd-unknown-media", "Nobody knows what is inside: counted as flash.", sata(inventory.MediaUnknown, inventory.Abilities{Erasers: join(flashSanitize(), security)}), plain},
		{"hdd-modern", "A disk with sanitize overwrite, and both modes of security erase.", sata(magnetic, inventory.Abilities{Erasers: join(has(inventory.ATASanitizeOverwrite), slowSecurity), Security: ataSecurity(nil)}), []order{plain[0], clearing, dod}},
		{"hdd-frozen", "The ordinary office PC: a disk, and the firmware froze it.", sata(magnetic, inventory.Abilities{Erasers: blocked("frozen", slowSecurity), Security: frozen}), []order{plain[0], thaw, accept, clearing}},
		{"hdd-old", "A disk without the enhanced mode.", sata(magnetic, inventory.Abilities{Erasers: []inventory.Eraser{{Command: inventory.ATASecurityErase, EstimateSeconds: 5400, WholeDrive: true}}, Security: ataSecurity(nil)}), []order{plain[0], accept, bestEffort}},
		{"hdd-self-encrypting", "A disk that always encrypts.", sata(magnetic, inventory.Abilities{Erasers: join(has(inventory.ATASanitizeCrypto, inventory.ATASanitizeOverwrite), slowSecurity), Encrypts: true, Security: ataSecurity(nil)}), plain},
		{"hdd-zoned", "Host-managed SMR: no markers, no overwriting.", sata(magnetic, inventory.Abilities{Erasers: has(inventory.ATASanitizeCrypto, inventory.ATASanitizeOverwrite), Zoned: "host-managed"}), []order{plain[0], clearing, dod}},
		{"hdd-hpa-and-dco", "A recovery partition behind an HPA, and sectors behind a DCO.", hidden(inventory.Hidden{HPABytes: bytesOf(10_737_418_240), DCOBytes: bytesOf(1_048_576)}, slowSecurity), plain},
		{"hdd-hpa-stuck", "An HPA that cannot be restored: overwriting does not get there.", hidden(inventory.Hidden{HPABytes: bytesOf(10_737_418_240), DCOBytes: bytesOf(0), Stuck: "SET MAX was used since power-on, and the slot cannot be switched off"}, slowSecurity), []order{plain[0], clearing, dod}},
		{"hdd-hpa-frozen", "An HPA that a freeze holds.", hidden(inventory.Hidden{HPABytes: bytesOf(10_737_418_240), DCOBytes: bytesOf(0), Stuck: "frozen by SET MAX FREEZE LOCK"}, slowSecurity), []order{clearing, {"clear, --thaw", with("nist-800-88r2-clear", func(o *erase.Order) { o.Thaw = true })}}},
		{"hdd-dco-stuck", "Sectors behind a DCO that nothing restores.", hidden(inventory.Hidden{HPABytes: bytesOf(0), DCOBytes: bytesOf(1_048_576), Stuck: "DEVICE CONFIGURATION RESTORE was refused"}, slowSecurity), []order{plain[0], bestEffort}},
		{"hdd-ama", "Accessible Max Address below the native one.", hidden(inventory.Hidden{AMABytes: bytesOf(250_000_000_000)}, has(inventory.ATASanitizeOverwrite)), plain},
		{"hdd-locked", "Locked with a user password.", sata(magnetic, inventory.Abilities{Erasers: blocked("locked", slowSecurity), Security: ataSecurity(locked)}), []order{plain[0], password, clearing, bestEffort}},
		{"hdd-locked-by-our-own-run", "A power cut left our own password.", sata(magnetic, inventory.Abilities{Erasers: blocked("locked", slowSecurity), Security: ataSecurity(locked)}), []order{
			purge(", our journal knows it", func(o *erase.Order) {
				o.Resume = &erase.Journal{Command: inventory.ATASecurityEraseEnhanced, Accepted: true}
			}),
		}},
		{"hdd-master-password-only", "Locked at level Maximum.", sata(magnetic, inventory.Abilities{Erasers: blocked("locked", join(has(inventory.ATASanitizeCrypto), slowSecurity)),
			Security: ataSecurity(func(s *inventory.Security) { locked(s); s.MasterOnly = true })}), []order{plain[0], password}},
		{"hdd-attempts-used-up", "Somebody tried five passwords.", sata(magnetic, inventory.Abilities{Erasers: blocked("locked", slowSecurity),
			Security: ataSecurity(func(s *inventory.Security) { locked(s); s.AttemptsUsedUp = true })}), []order{plain[0], password, purge(", the password given, --thaw", func(o *erase.Order) { o.Password, o.Thaw = true, true })}},
		{"opal-locked", "An Opal drive that nobody has the password of.", sata(flash, inventory.Abilities{Erasers: join(blocked("locked", has(inventory.ATASanitizeCrypto)), has(inventory.TCGRevert, inventory.TCGPSIDRevert)), Encrypts: true, Security: tcg("tcg-opal-2", locked)}), []order{plain[0], psid, password}},
		{"opal-revert-only", "An Opal drive with no other erase command, not locked.", sata(flash, inventory.Abilities{Erasers: has(inventory.TCGRevert, inventory.TCGPSIDRevert), Encrypts: true, Security: tcg("tcg-opal-2", nil)}), []order{plain[0], psid}},
		{"opal-block-sid", "The firmware blocked the owner.", sata(flash, inventory.Abilities{Erasers: has(inventory.TCGRevert, inventory.TCGPSIDRevert), Encrypts: true, Security: tcg("tcg-opal-2", func(s *inventory.Security) { s.BlockedSID = true })}), []order{plain[0], thaw, psid}},
		{"opal-owned", "Somebody took ownership and did not tell.", sata(flash, inventory.Abilities{Erasers: join(blocked("the owner's password is needed, it is not the one the drive was made with", has(inventory.TCGRevert)), has(inventory.TCGPSIDRevert)), Encrypts: true, Security: tcg("tcg-opal-2", nil)}), []order{plain[0], password, psid}},
		{"ssd-attempts-used-up", "Not locked, and no password is taken any more.", sata(flash, inventory.Abilities{Erasers: blocked("password attempts used up until the next power cycle", security), Security: ataSecurity(func(s *inventory.Security) { s.AttemptsUsedUp = true })}), []order{common,
			purge(", --policy common-practice, --thaw", func(o *erase.Order) { o.Rules, o.Thaw = shipped(t, "common-practice"), true })}},
		{"opal-not-encrypting", "It does not say that it always encrypts.", sata(flash, inventory.Abilities{Erasers: has(inventory.TCGRevert), Security: tcg("tcg-opal", nil)}), plain},
		{"pyrite-1", "Pyrite 1 locks and does not encrypt.", nvme(inventory.Abilities{Erasers: has(inventory.TCGPSIDRevert), Security: tcg("tcg-pyrite-1", nil)}), []order{psid, bestEffort}},
		{"pyrite-2", "Pyrite 2 erases by its data removal mechanism.", nvme(inventory.Abilities{Erasers: has(inventory.TCGPSIDRevert), Security: tcg("tcg-pyrite-2", locked)}), []order{plain[0], psid,
			purge(", the PSID given, --accept clear", func(o *erase.Order) { o.PSID, o.Accept, o.AcceptBy = true, erase.Clear, "operator Kari" })}},
		{"nvme-modern", "An NVMe SSD with every sanitize.", nvme(inventory.Abilities{Erasers: nvmeAll()}), []order{plain[0], clearing}},
		{"nvme-2.1", "It offers purge-or-fail and media verification.", nvme(inventory.Abilities{Erasers: []inventory.Eraser{{Command: inventory.NVMeSanitizeBlock, WholeDrive: true, PurgeOrFail: true, OpensMedia: true}}}), plain[:1]},
		{"nvme-format-only", "An NVMe SSD from before Sanitize.", nvme(inventory.Abilities{Erasers: has(inventory.NVMeFormatUser, inventory.NVMeFormatCrypto)}), []order{plain[0], common, accept}},
		{"nvme-namespaces", "Two more namespaces, one of them not attached.", shared, []order{plain[0], together, clearing}},
		{"nvme-unattached-namespace", "A namespace that no host sees holds somebody's data.", unattachedOnly, []order{clearing, bestEffort}},
		{"nvme-sanitize-running", "Somebody started a sanitize and went home.", nvmeIn(inventory.SanitizeState{State: inventory.SanitizeRunning, Command: inventory.NVMeSanitizeBlock, ProgressPPM: 400_000, Raw: "SSTAT 0002h SPROG 6666h"}), []order{
			plain[0], purge(", ours", func(o *erase.Order) { o.Resume = &erase.Journal{Command: inventory.NVMeSanitizeBlock, Accepted: true} }),
			purge(", ours was another", func(o *erase.Order) { o.Resume = &erase.Journal{Command: inventory.NVMeSanitizeCrypto, Accepted: true} }),
		}},
		{"nvme-sanitize-running-without-effect", "Our own sanitize is running, and the policy changed since.", nvmeIn(inventory.SanitizeState{State: inventory.SanitizeRunning, Command: inventory.NVMeSanitizeOverwrite}), []order{
			purge(", ours", func(o *erase.Order) {
				o.Resume = &erase.Journal{Command: inventory.NVMeSanitizeOverwrite, Accepted: true}
			}),
		}},
		{"nvme-sanitize-failed", "The last sanitize failed.", nvmeIn(inventory.SanitizeState{State: inventory.SanitizeFailed, Raw: "SSTAT 0003h"}), []order{plain[0], clearing}},
		{"nvme-media-verification", "An earlier sanitize left the media open.", nvmeIn(inventory.SanitizeState{State: inventory.SanitizeVerifying}), plain[:1]},
		{"nvme-zns", "A zoned namespace.", nvme(inventory.Abilities{Erasers: nvmeAll(), Zoned: "zns"}), []order{plain[0], clearing}},
		{"nvme-unallocated-capacity", "Capacity in no namespace, which a format of one namespace does not get at.", nvme(inventory.Abilities{Erasers: join(has(inventory.NVMeFormatCrypto), whole(has(inventory.NVMeSanitizeBlock))),
			Spaces: []inventory.Space{{Name: "capacity in no namespace", SizeBytes: 100_000_000_000, Reach: "drive"}}}), []order{common, clearing}},
		{"nvme-refuses", "The drive says that it would refuse, in words of its own.", nvme(inventory.Abilities{Erasers: blocked("firmware activation pending", has(inventory.NVMeSanitizeBlock)), Notes: []string{"the sanitize status log page was refused"}}), plain[:1]},
		{"emmc", "A tablet's soldered chip.", card(whole(has(inventory.MMCSanitize, inventory.MMCErase)), inventory.Space{Name: "boot partition 1", Path: "/dev/mmcblk0boot0", SizeBytes: 4 << 20, Reach: "drive"}, inventory.Space{Name: "RPMB", SizeBytes: 4 << 20, Reach: "none"}), plain},
		{"emmc-old", "A chip from before sanitize.", card(has(inventory.MMCSecureErase, inventory.MMCErase)), []order{plain[0], accept}},
		{"sd-card", "A card.", card(has(inventory.SDErase)), []order{plain[0], clearing}},
		{"sas-ssd", "A SAS SSD.", scsi(flash, inventory.BusSAS, inventory.Abilities{Erasers: has(inventory.SCSISanitizeCrypto, inventory.SCSISanitizeBlock, inventory.SCSIFormat)}), plain},
		{"sas-hdd-520", "A SAS disk from a disk array, with blocks of 520 bytes.", scsi(magnetic, inventory.BusSAS, inventory.Abilities{Erasers: has(inventory.SCSISanitizeOverwrite, inventory.SCSIFormat), BlockBytes: 520}), plain},
		{"scsi-format-only", "A disk that can only be formatted.", scsi(magnetic, inventory.BusSCSI, inventory.Abilities{Erasers: has(inventory.SCSIFormat)}), []order{plain[0], accept}},
		{"usb-bridge-format", "A USB stick whose bridge answers to FORMAT UNIT.", scsi(inventory.MediaUnknown, inventory.BusUSB, inventory.Abilities{Through: "usb bridge", Erasers: has(inventory.SCSIFormat, inventory.SCSISanitizeBlock)}), []order{plain[0], accept}},
		{"usb-bridge-ata", "A SATA SSD in a USB enclosure that passes ATA commands on.", sata(flash, inventory.Abilities{Through: "usb bridge", Erasers: flashSanitize()}), plain[:1]},
		{"unknown-command", "A later version's word.", nvme(inventory.Abilities{Erasers: has("nvme-sanitize-vaporise")}), plain[:1]},
		{"virtual-drive", "No commands at all.", inventory.Drive{Path: "/dev/vdb", Bus: inventory.BusVirtio, Media: inventory.MediaUnknown, CapacityBytes: 1 << 30}, []order{plain[0], bestEffort, clearing, dod}},
	}
}
