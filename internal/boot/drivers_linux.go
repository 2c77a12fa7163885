package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Drivers is how far the machine's drivers are.
type Drivers struct {
	// Settled is true when every device has been offered its driver and
	// nothing is known to be still on its way.
	Settled bool `json:"settled"`
	// Waiting says what was still on its way when patience ended.
	Waiting []string `json:"waiting,omitempty"`
	// Failed are the modules that could not be loaded.
	Failed []FailedModule `json:"failed,omitempty"`
	// Loaded counts the modules that could.
	Loaded int `json:"loaded"`
}

// FailedModule is a module that the kernel did not take.
type FailedModule struct {
	Module string `json:"module"`
	Error  string `json:"error"`
}

const (
	// driversFile is where the first process leaves [Drivers].
	driversFile = "/run/ombruk/drivers.json"
	// quiet is how long no event may have come. The longest silence between
	// two signs of life of a device on its way is that of a USB port: powered,
	// steady for 100 ms, reset for 50 ms, up to three times.
	quiet = time.Second
	// patience bounds the wait for devices that never get ready. A disk may
	// take half a minute to spin up.
	patience = 45 * time.Second
	// loaders is how many modules are loaded side by side: a driver that asks
	// a sick drive blocks its loader, and must not block the keyboard's.
	loaders = 16
	// backgroundNice is the priority of loading, of 19 for the lowest.
	backgroundNice = 10
)

// always are modules that no device asks for by name: file systems of the
// stick and what they need to spell names, disks on top of their buses, keys.
var always = []string{
	"usbhid", "hid_generic", "evdev", "atkbd", "i8042",
	"crc32c_generic", "crct10dif_generic", "crc64_rocksoft_generic",
	"sd_mod", "mmc_block", "usb_storage", "uas", "nls_cp437", "nls_ascii", "nls_utf8", "vfat", "efivarfs", "drivetemp",
}

// ReadDrivers is how far the drivers are; the zero value before anything is known.
func ReadDrivers() (Drivers, error) {
	b, err := os.ReadFile(driversFile)
	if isNotExist(err) {
		return Drivers{}, nil
	}
	var d Drivers
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		return Drivers{}, fmt.Errorf("read the state of the drivers: %w", err)
	}
	return d, nil
}

// Ready returns when the drivers have settled, which the first process bounds.
func Ready(ctx context.Context) (Drivers, error) {
	for {
		d, err := ReadDrivers()
		if err != nil || d.Settled {
			return d, err
		}
		select {
		case <-ctx.Done():
			return d, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// loader loads what the machine's devices ask for.
type loader struct {
	root    string // of sysfs
	modules *Modules
	// insert gives one file to the kernel.
	insert func(file string) error
	log    func(format string, args ...any)
	// quiet and patience are the constants but for tests.
	quiet, patience time.Duration

	slots chan struct{}
	busy  sync.WaitGroup

	mu    sync.Mutex
	files map[string]*inserted // by file
	asked map[string]bool      // module names and modaliases
	state Drivers
	going map[string]bool // modules that are being loaded
}

// inserted is a file that has been given to the kernel, or is being.
type inserted struct {
	done chan struct{}
	err  error
}

func newLoader(root string, modules *Modules, insert func(string) error, log func(string, ...any)) *loader {
	return &loader{
		root: root, modules: modules, insert: insert, log: log, quiet: quiet, patience: patience, slots: make(chan struct{}, loaders),
		files: map[string]*inserted{}, asked: map[string]bool{}, going: map[string]bool{},
	}
}

// device loads the modules of a device; asking again does nothing.
func (l *loader) device(modalias string) {
	if modalias == "" || !l.first("alias "+modalias) {
		return
	}
	for _, name := range l.modules.For(modalias) {
		l.module(name)
	}
}

// module begins to load a module with what it needs.
func (l *loader) module(name string) {
	if !l.first("module " + name) {
		return
	}
	l.mu.Lock()
	l.going[name] = true
	l.mu.Unlock()
	l.busy.Add(1)
	go func() {
		defer l.busy.Done()
		l.slots <- struct{}{}
		defer func() { <-l.slots }()
		// The kernel works for a module on our time: the screen goes before
		// it. The thread is thrown away with its low priority.
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, backgroundNice)
		err := l.load(name, nil)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.going, name)
		if err != nil {
			l.state.Failed = append(l.state.Failed, FailedModule{name, err.Error()})
			l.log("load module %s: %v", name, err)
		}
	}()
}

// first reports whether something is asked for the first time.
func (l *loader) first(what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.asked[what]
	l.asked[what] = true
	return !was
}

// load loads a module, what is to come before and after it, and what it needs.
// above are the modules that this one is loaded for, so that a circle ends.
func (l *loader) load(name string, above []string) error {
	if slices.Contains(above, name) {
		return nil
	}
	above = append(slices.Clone(above), name)
	for _, other := range l.modules.before[name] {
		// Soft dependencies may be missing.
		_ = l.load(other, above)
	}
	files, known := l.modules.Files(name)
	if !known {
		return nil // not on this stick, or of another kernel
	}
	for _, file := range files {
		if err := l.file(file); err != nil {
			return err
		}
	}
	for _, other := range l.modules.after[name] {
		_ = l.load(other, above)
	}
	return nil
}

// file gives one file to the kernel, once.
func (l *loader) file(name string) error {
	l.mu.Lock()
	f, ok := l.files[name]
	if !ok {
		f = &inserted{done: make(chan struct{})}
		l.files[name] = f
	}
	l.mu.Unlock()
	if ok {
		<-f.done
		return f.err
	}
	defer close(f.done)
	f.err = l.insert(name)
	switch {
	case f.err == nil:
		l.mu.Lock()
		l.state.Loaded++
		l.mu.Unlock()
	case errors.Is(f.err, unix.EEXIST), errors.Is(f.err, unix.ENODEV):
		// There already; or the machine does not have the hardware, such as
		// a processor's instruction, and another module does it.
		f.err = nil
	default:
		f.err = fmt.Errorf("%s: %w", filepath.Base(name), f.err)
	}
	return f.err
}

// scan asks for the drivers of all devices that sysfs shows.
func (l *loader) scan() {
	for _, pattern := range []string{"sys/bus/*/devices/*/modalias", "sys/class/*/*/modalias"} {
		names, _ := filepath.Glob(filepath.Join(l.root, pattern))
		for _, name := range names {
			if b, err := os.ReadFile(name); err == nil {
				l.device(strings.TrimSpace(string(b)))
			}
		}
	}
}

// run loads drivers until the context ends. report is called with the state as
// it changes for somebody who waits: settled, and later failures.
func (l *loader) run(ctx context.Context, events <-chan Event, report func(Drivers)) {
	began := time.Now()
	for _, name := range always {
		l.module(name)
	}
	l.scan()
	idle := l.idle()
	last := time.Now()
	check := time.NewTicker(l.quiet / 20)
	defer check.Stop()
	settled := false
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if e.Values["SUBSYSTEM"] == "module" || e.Values["SUBSYSTEM"] == "drivers" {
				continue // our own doing
			}
			last = time.Now()
			if e.Action == "" {
				l.scan()
			} else if e.Action != "remove" {
				l.device(e.Values["MODALIAS"])
			}
			continue
		case <-idle:
			// What was loaded may have brought devices whose events came
			// before we listened, or were lost.
			l.scan()
			idle = nil
			last = time.Now()
		case <-check.C:
		}
		l.mu.Lock()
		state := l.state
		state.Failed = slices.Clone(state.Failed)
		state.Waiting = nil
		for name := range l.going {
			state.Waiting = append(state.Waiting, "module "+name)
		}
		l.mu.Unlock()
		if settled {
			if len(state.Failed) != failed {
				failed = len(state.Failed)
				state.Settled, state.Waiting = true, nil
				report(state)
			}
			continue
		}
		late := time.Since(began) > l.patience
		if !late && (idle != nil || time.Since(last) < l.quiet) {
			continue
		}
		state.Waiting = append(state.Waiting, onTheirWay(l.root)...)
		if late || len(state.Waiting) == 0 {
			settled, failed = true, len(state.Failed)
			slices.Sort(state.Waiting)
			state.Settled = true
			l.log("drivers settled after %s: %d modules loaded, %d failed", time.Since(began).Round(10*time.Millisecond), state.Loaded, failed)
			for _, w := range state.Waiting {
				l.log("still on its way: %s", w)
			}
			report(state)
			check.Reset(l.quiet)
		}
	}
}

// idle gives a channel that is closed when all that was asked for is loaded.
func (l *loader) idle() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		l.busy.Wait()
		close(done)
	}()
	return done
}

// onTheirWay are the devices that have a driver but have not yet shown what is
// behind them.
func onTheirWay(root string) []string {
	var list []string
	glob := func(pattern string) []string {
		names, _ := filepath.Glob(filepath.Join(root, pattern))
		return names
	}
	// USB storage is asked for its units a second after it was found
	// (delay_use). Its host has no target until then.
	for _, driver := range []string{"usb-storage", "uas"} {
		for _, host := range glob("sys/bus/usb/drivers/" + driver + "/*:*/host*") {
			if targets, _ := filepath.Glob(filepath.Join(host, "target*")); len(targets) == 0 {
				list = append(list, "USB storage "+filepath.Base(filepath.Dir(host)))
			}
		}
	}
	// An NVMe controller resets and lists its namespaces before it is live.
	for _, file := range glob("sys/class/nvme/nvme*/state") {
		if state := readLine(file); state == "new" || state == "resetting" || state == "connecting" {
			list = append(list, "NVMe controller "+filepath.Base(filepath.Dir(file)))
		}
	}
	return list
}

// readLine is the first line of a small file, without spaces around it; empty
// when it cannot be read.
func readLine(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// insertModule gives a module's file to the kernel. It takes compressed ones
// where it was built to (MODULE_INIT_COMPRESSED_FILE, Linux 5.17).
func insertModule(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const compressed = 4
	flags := 0
	if !strings.HasSuffix(file, ".ko") {
		flags = compressed
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}

// writeState leaves a file for other processes, whole or not at all.
func writeState(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
