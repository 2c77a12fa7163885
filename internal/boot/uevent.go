package boot

import (
	"bytes"
	"strings"
)

// Event is what the kernel tells of a device (a kobject uevent).
type Event struct {
	Action string // add, remove, change, bind, ...
	Path   string // below /sys
	// Values are the rest: SUBSYSTEM, DEVNAME, DEVTYPE, MODALIAS, ...
	Values map[string]string
}

// parseEvent reads one message of the kernel: "action@path" and then
// "KEY=value", each ended by a zero byte (lib/kobject_uevent.c). Messages of
// others on the same bus (udev's begin with "libudev") are none.
func parseEvent(b []byte) (Event, bool) {
	head, rest, _ := bytes.Cut(b, []byte{0})
	action, path, ok := strings.Cut(string(head), "@")
	if !ok || action == "" || !strings.HasPrefix(path, "/") {
		return Event{}, false
	}
	return Event{Action: action, Path: path, Values: pairs(string(rest), "\x00")}, true
}

// pairs reads "KEY=value" between separators; the first value counts.
func pairs(s, separator string) map[string]string {
	values := map[string]string{}
	for part := range strings.SplitSeq(s, separator) {
		key, value, ok := strings.Cut(part, "=")
		if _, twice := values[key]; ok && !twice {
			values[key] = value
		}
	}
	return values
}
