package boot

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ClockWrong reports whether a clock cannot be right because the stick was
// built after the time it shows.
func ClockWrong(now, built time.Time) bool { return now.Before(built) }

// SetClock sets the system's clock, and the machine's own where it has one.
// When only the latter fails the error says so and the time is set.
func SetClock(t time.Time) error {
	now := unix.NsecToTimeval(t.UnixNano())
	if err := unix.Settimeofday(&now); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	rtc, err := os.OpenFile("/dev/rtc0", os.O_RDWR, 0)
	if isNotExist(err) {
		return nil
	}
	if err == nil {
		u := t.UTC()
		err = errors.Join(unix.IoctlSetRTCTime(int(rtc.Fd()), &unix.RTCTime{
			Sec: int32(u.Second()), Min: int32(u.Minute()), Hour: int32(u.Hour()),
			Mday: int32(u.Day()), Mon: int32(u.Month() - 1), Year: int32(u.Year() - 1900),
		}), rtc.Close())
	}
	if err != nil {
		return fmt.Errorf("set the machine's clock (the time is set until it is powered off): %w", err)
	}
	return nil
}
