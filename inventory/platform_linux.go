package inventory

import "strconv"

// platformFlags reads Intel's platform of the first processor, as one bit, from
// the microcode driver (Linux, Documentation/ABI/testing/sysfs-devices-system-cpu,
// processor_flags); 0 when it is not told. All packages of a machine are alike.
func platformFlags(t tree) int {
	text := t.text("/sys/devices/system/cpu/cpu0/microcode/processor_flags")
	n, err := strconv.ParseUint(text, 0, 8) // ids are 0 to 7
	if err != nil || n&(n-1) != 0 {
		return 0
	}
	return int(n)
}
