package drivesim

import "strconv"

// satl is the SCSI side of an ATA drive: the kernel's own translation, or that
// of a SAS adapter (SAT-4).
func (d *ataDrive) satl() *scsiUnit {
	p := d.c.profile
	u := &scsiUnit{
		c: d.c, area: d.area, personality: scsiSATL, dialect: satDialect(d.p.Registers), ata: d, through: d,
		through12: true, through16: true, through32: true,
		identity: scsiIdentity{
			vendor: "ATA", product: p.Model, revision: p.Firmware, serial: d.c.serial,
			rotation: d.p.rotation(p.Media), removable: p.Removable, hostManaged: d.p.ZoneKiB > 0,
			unmaps: d.p.Trim, zeroesUnmapped: d.p.Trim && d.c.medium.deallocated == 0,
		},
		caps:   scsiCaps{security: !d.p.NoTrusted},
		health: d.p.Health,
	}
	if u.dialect == "" {
		u.dialect = satLibata61
	}
	if d.p.SASAdapter {
		u.personality, u.caps.opcodes = scsiSASBridge, true
	}
	u.identity.wwn = naa(d.c.wwn)
	u.identity.identifyPage = d.identify
	u.identity.serialNow = func() string { return d.c.serial }
	if d.p.ZoneKiB > 0 {
		u.zones = newZones(u, d.p.ZoneKiB<<10)
	}
	return u
}

// naa is a WWN as "naa.5000..." in binary; 0 for none.
func naa(s string) uint64 {
	if len(s) < 4 || s[:4] != "naa." {
		return 0
	}
	v, _ := strconv.ParseUint(s[4:], 16, 64)
	return v
}

// passThrough is ATA PASS-THROUGH (12), (16) and (32) (SAT-4 12.2).
func (u *scsiUnit) passThrough(cdb, out []byte, want int) scsiReply {
	taken := map[byte]bool{0xA1: u.through12, 0x85: u.through16, 0x7F: u.through32}
	if u.through == nil || !taken[cdb[0]] {
		return u.refuse(senseInvalidOpcode())
	}
	r, ok := satDecode(cdb)
	if !ok {
		return u.refuse(senseInvalidField())
	}
	if u.through.p.NoTrusted {
		switch r.command.op {
		case ataTrustedReceive, ataTrustedReceiveDMA, ataTrustedSend, ataTrustedSendDMA:
			return u.refuse(senseInvalidField())
		}
	}
	if u.through12 && !u.through16 && r.command.ext {
		return u.refuse(senseInvalidField())
	}
	switch r.protocol {
	case satHardReset, satSoftReset:
		u.through.reset()
		return u.good(nil)
	case satResponse:
		return u.registers(r, ataGood())
	}
	toHost := r.protocol == satPIOIn || r.protocol == satUDMAIn || r.protocol == satDMA && r.toHost
	length := r.dataBytes
	if length < 0 {
		length = max(want, len(out))
	}
	if r.protocol != satNonData && !toHost {
		if len(out) < length {
			return u.refuse(senseInvalidField())
		}
		r.command.out = out[:length]
	}
	if r.command.moves() != (r.protocol != satNonData) {
		// The drive waits for data that never comes, or has some that nobody
		// takes: the kernel would time out and reset it.
		return u.refuse(sense(skAborted, 0x00, 0x00))
	}
	a, wait, later := u.through.do(r.command)
	finish := func(a ataAnswer) scsiReply {
		reply := u.registers(r, a)
		if reply.in = a.in; len(reply.in) > length {
			reply.in = reply.in[:length]
		}
		reply.took = len(r.command.out)
		return reply
	}
	if wait != nil {
		return scsiReply{job: wait, later: func() scsiReply { return finish(later()) }}
	}
	return finish(a)
}

// registers is the status and sense of an ATA answer.
func (u *scsiUnit) registers(r satRequest, a ataAnswer) scsiReply {
	failed := a.status&ataErr != 0
	if !failed && (!r.ckCond || u.dialect == satSilent) {
		return u.good(nil)
	}
	d := u.dialect
	if u.c.lies(LieFixedSense) {
		d = satFixed
	}
	return scsiReply{status: samCheckCondition, sense: satSense(d, r.command, a)}
}

// moves reports whether a command moves data, for those where it matters.
func (c ataCommand) moves() bool {
	switch c.op {
	case ataSecurityErasePrepare, ataSecurityFreezeLock, ataSanitizeDevice, ataReadNativeMax, ataReadNativeMaxExt, ataSetMaxExt,
		ataAccessibleMax, ataFlushCache, ataFlushCacheExt, ataCheckPowerMode, ataIdleImmediate, ataStandbyImmediate, ataReadVerify, ataReadVerifyExt, ataNOP, ataSetFeatures:
		return false
	case ataSetMax:
		return c.feature == 1 || c.feature == 3
	case ataDCO:
		return c.feature >= 0xC2
	case ataSMART:
		return c.feature == 0xD0 || c.feature == 0xD1 || c.feature == 0xD5 || c.feature == 0xD6
	}
	return true
}
