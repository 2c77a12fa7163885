package boot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/stick"
)

// What the log may take on a stick.
const (
	maxLogBytes = 1 << 20
	maxLogFiles = 20
	maxLogLine  = 1000
)

// bootLog keeps lines until there is a stick, and then writes them to it. It
// holds no file open, so that a stick can be taken out at any moment.
type bootLog struct {
	dir   string // of the files
	id    string // of this boot
	now   func() time.Time
	ready func() bool // whether the stick is there

	mu   sync.Mutex
	file string // empty until the first line is on the stick
	// kept are lines that are not on the stick yet.
	kept    bytes.Buffer
	written int // bytes on the stick
	full    bool
	// stuck is true after a write that failed, until something else is
	// mounted: the kernel complains of such writes, in lines for this log.
	stuck bool
}

func newBootLog(now func() time.Time) *bootLog {
	id := readLine("/proc/sys/kernel/random/boot_id")
	if len(id) < 8 {
		id = "unknown0"
	}
	return &bootLog{dir: filepath.Join(stick.DataMount, stick.LogDir), id: id[:8], now: now, ready: func() bool { return mounted(stick.DataMount) }}
}

// printf adds a line.
func (l *bootLog) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		line = printable(line)
		if len(line) > maxLogLine {
			line = line[:maxLogLine]
		}
		if l.full {
			return
		}
		if l.written+l.kept.Len()+len(line) > maxLogBytes-256 {
			line, l.full = "the log is full; what follows is not written", true
		}
		fmt.Fprintf(&l.kept, "%s %s\n", l.now().UTC().Format("2006-01-02T15:04:05.000Z"), line)
	}
	if l.file != "" && !l.stuck {
		l.stuck = l.save() != nil
	}
}

// flush writes what is kept to the stick, if there is one.
func (l *bootLog) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.save()
	l.stuck = err != nil
	return err
}

func (l *bootLog) save() error {
	if l.kept.Len() == 0 || !l.ready() {
		return nil
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	if l.file == "" {
		if err := pruneLogs(l.dir); err != nil {
			return fmt.Errorf("remove old logs: %w", err)
		}
	}
	name := l.file
	if name == "" {
		name = filepath.Join(l.dir, l.now().UTC().Format("20060102-150405")+"-"+l.id+".log")
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	n, err := f.Write(l.kept.Bytes())
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	l.file = name
	l.written += n
	l.kept.Reset()
	return nil
}

// pruneLogs makes room for one more log. Their names begin with their time.
func pruneLogs(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	for len(names) >= maxLogFiles {
		if err := os.Remove(names[0]); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}

// mounted reports whether a data partition is mounted, not only its floor.
func mounted(target string) bool {
	var st unix.Statfs_t
	return unix.Statfs(target, &st) == nil && st.Type == unix.MSDOS_SUPER_MAGIC
}

// onMount calls do whenever what is mounted changes.
func onMount(do func()) error {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("watch the mounts: %w", err)
	}
	go func() {
		defer func() { _ = f.Close() }()
		for {
			do()
			poll := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
			if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if _, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, 1<<20)); err != nil {
				return
			}
		}
	}()
	return nil
}

// kernelWarnings logs what the kernel says of level warning and up, from its
// first line on.
func (l *bootLog) kernelWarnings() {
	f, err := os.Open("/dev/kmsg")
	if err != nil {
		l.printf("read the kernel's messages: %v", err)
		return
	}
	defer func() { _ = f.Close() }()
	record := make([]byte, 8<<10)
	for {
		n, err := f.Read(record)
		if errors.Is(err, unix.EPIPE) { // some were overwritten
			continue
		}
		if err != nil {
			return
		}
		if line, ok := parseKernelMessage(string(record[:n])); ok {
			l.printf("kernel: %s", line)
		}
	}
}

// parseKernelMessage gives the text of a record of /dev/kmsg
// ("priority,sequence,microseconds,flags;text", Documentation/ABI/testing/dev-kmsg)
// if it is at least a warning of the kernel's own.
func parseKernelMessage(record string) (text string, ok bool) {
	prefix, text, found := strings.Cut(record, ";")
	number, _, _ := strings.Cut(prefix, ",")
	priority, err := strconv.Atoi(number)
	const levelBits, warning = 7, 4
	if !found || err != nil || priority < 0 || priority&levelBits > warning || priority>>3 != 0 {
		return "", false
	}
	text, _, _ = strings.Cut(text, "\n") // what follows describes the device
	return text, true
}
