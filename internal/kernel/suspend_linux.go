package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Why a machine cannot be put to sleep for a moment.
var (
	// ErrNoDeepSleep: it knows no sleep in which drives lose their power (S3).
	// Laptops that only know S0ix ("s2idle") keep drives powered, and frozen.
	ErrNoDeepSleep = errors.New("this machine has no deep sleep (S3), only a sleep in which drives keep their power, which does not thaw them")
	// ErrNoAlarm: nothing would wake it.
	ErrNoAlarm = errors.New("this machine has no clock that can wake it (rtc0 without an alarm)")
)

// Suspend puts the machine to sleep (S3, suspend to RAM) and has its clock wake
// it again after d, at least five seconds. Drives lose their power meanwhile, so nothing may be
// under way on any of them: it is refused while anybody holds [Awake]. It returns
// after the machine woke up. Errors wrap [ErrBusy], [ErrNoDeepSleep], [ErrNoAlarm]
// or, without root, fs.ErrPermission.
func Suspend(d time.Duration) error { return suspend("/", d) }

// leastSleep is long enough for every machine to fall asleep before it is woken;
// an alarm that comes earlier never wakes it.
const leastSleep = 5 * time.Second

// suspend is Suspend with sysfs below root.
func suspend(root string, d time.Duration) (err error) {
	sys := func(name string) string { return filepath.Join(root, "sys", name) }
	const doing = "suspend the machine"
	kinds, err := os.ReadFile(sys("power/mem_sleep"))
	states, errStates := os.ReadFile(sys("power/state"))
	was, deep := memSleep(string(kinds))
	if err != nil || errStates != nil || !deep || !hasWord(string(states), "mem") {
		return fmt.Errorf("%s: %w", doing, ErrNoDeepSleep)
	}
	alarm := sys("class/rtc/rtc0/wakealarm")
	if _, err := os.Stat(alarm); err != nil {
		return fmt.Errorf("%s: %w", doing, ErrNoAlarm)
	}
	lock, err := hold(root, unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrBusy
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer func() { _ = lock.Close() }()
	before := slept(sys("power/suspend_stats/success"))
	if err := writeSys(sys("power/mem_sleep"), "deep"); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer func() { err = errors.Join(err, writeSys(sys("power/mem_sleep"), was)) }()
	// An alarm that is set already would be refused a second time.
	if err := writeSys(alarm, "0"); err != nil {
		return fmt.Errorf("%s: clear the alarm: %w", doing, err)
	}
	seconds := int64((max(d, leastSleep) + time.Second - 1) / time.Second)
	if err := writeSys(alarm, "+"+strconv.FormatInt(seconds, 10)); err != nil {
		return fmt.Errorf("%s: set the alarm: %w: %w", doing, ErrNoAlarm, err)
	}
	defer func() { err = errors.Join(err, writeSys(alarm, "0")) }()
	if err := writeSys(sys("power/state"), "mem"); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if after := slept(sys("power/suspend_stats/success")); before >= 0 && after == before {
		return fmt.Errorf("%s: the kernel reports success, but it did not sleep", doing)
	}
	return nil
}

// memSleep reads the kinds of sleep, of which the chosen one is in brackets:
// "s2idle [deep]".
func memSleep(kinds string) (chosen string, deep bool) {
	for _, k := range strings.Fields(kinds) {
		name := strings.Trim(k, "[]")
		if name != k {
			chosen = name
		}
		deep = deep || name == "deep"
	}
	return chosen, deep
}

func hasWord(s, word string) bool {
	for _, w := range strings.Fields(s) {
		if w == word {
			return true
		}
	}
	return false
}

// slept is how often the machine has slept since it was started; -1 where the
// kernel does not count.
func slept(file string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return -1
	}
	return n
}

// writeSys writes an attribute of sysfs in one piece. It makes no files.
func writeSys(name, value string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
