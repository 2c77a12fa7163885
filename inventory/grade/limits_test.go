package grade

// commonLimits are the practice of refurbishers, as the shipped policy has it.
func commonLimits() Limits {
	none, few := Limit{Warn: 1, Reject: 1}, Limit{Warn: 1, Reject: 11}
	return Limits{
		ReallocatedSectors: few, RetiredBlocks: few, GrownDefects: few, AmpleSparePercent: 90,
		PendingSectors: none, OfflineUncorrectable: none, ReportedUncorrectable: none, MediaErrors: none,
		PercentUsed:        Limit{Warn: 80, Reject: 100},
		SparePercent:       Limit{Warn: 20},
		TemperatureCelsius: Limit{Warn: 70},
		CommandTimeouts:    100, CRCErrors: 100,
		SelfTestHours: 1000,
	}
}
