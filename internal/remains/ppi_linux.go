package remains

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The operations that clear a TPM, of the TCG PC Client Platform Physical
// Presence Interface 1.30 (table 2; the same numbers for TPM 1.2 and 2.0).
const (
	ppiClear               = 5
	ppiClearEnable         = 14 // and leave it enabled and active
	ppiEnableClearEnable   = 22 // of one that is switched off
	ppiUserRequired        = 3  // allowed, and somebody in front of the machine must agree
	ppiUserNotRequired     = 4
	ppiOperationsMostLines = 1024
)

// firmware is the way to ask the firmware for something that it does to a TPM
// at the next start (Documentation/ABI/testing/sysfs-driver-ppi).
type firmware struct {
	s   Source
	dir string // of the TPM in sysfs, below which ppi lies
}

// operation is the one that clears the TPM and may be asked for; ok is false
// where none may. confirmed means that somebody has to agree at the machine.
func (f firmware) operation(disabled bool) (number int, confirmed, ok bool) {
	allowed := parsePPIOperations(f.s.text(f.dir, "ppi/tcg_operations"))
	wanted := []int{ppiClear, ppiClearEnable, ppiEnableClearEnable}
	if disabled {
		slices.Reverse(wanted)
	}
	for _, number := range wanted {
		if state := allowed[number]; state == ppiUserRequired || state == ppiUserNotRequired {
			return number, state == ppiUserRequired, true
		}
	}
	return 0, false, false
}

// request asks for an operation, and looks whether the firmware has taken it
// down.
func (f firmware) request(number int) error {
	file, err := os.OpenFile(f.s.path(f.dir, "ppi/request"), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("ask the firmware: %w", err)
	}
	_, err = file.WriteString(strconv.Itoa(number))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("ask the firmware for operation %d: %w", number, err)
	}
	if got := f.pending(); got != number {
		return fmt.Errorf("ask the firmware for operation %d: it has taken down %d", number, got)
	}
	return nil
}

// pending is the operation that waits for the next start; 0 when none does.
func (f firmware) pending() int {
	fields := strings.Fields(f.s.text(f.dir, "ppi/request"))
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// parsePPIOperations reads "5 3: User required": the number of each operation
// and what the firmware says of it.
func parsePPIOperations(text string) map[int]int {
	allowed, lines := map[int]int{}, 0
	for line := range strings.Lines(text) {
		if lines++; lines > ppiOperationsMostLines {
			break
		}
		left, _, _ := strings.Cut(line, ":")
		fields := strings.Fields(left)
		if len(fields) != 2 {
			continue
		}
		number, err := strconv.Atoi(fields[0])
		state, err2 := strconv.Atoi(fields[1])
		if err != nil || err2 != nil {
			continue
		}
		if _, twice := allowed[number]; twice {
			state = 0 // it contradicts itself
		}
		allowed[number] = state
	}
	return allowed
}
