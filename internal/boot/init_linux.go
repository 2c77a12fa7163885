package boot

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/stick"
)

// How the program that [Init] runs ends to have something done; any other end
// is a crash.
const (
	ExitPowerOff = 0
	ExitRestart  = 75
)

// What the program's environment says of the console, besides TERM.
const (
	ConsoleVariable  = "OMBRUK_CONSOLE"  // its name: tty1, ttyS0
	KeyboardVariable = "OMBRUK_KEYBOARD" // its layout; empty on a serial line
	GlyphsVariable   = "OMBRUK_GLYPHS"   // unicode or ascii
)

// Home is the program's folder for what lasts until the power is off.
const Home = "/run/ombruk/home"

// Trouble is what the first process has to tell a person itself.
type Trouble struct {
	// Crashes is how often the program has crashed in a row.
	Crashes int
	// Cause is the line of it that says most.
	Cause string
	// Stopped is true when it is not started again before somebody says so:
	// with Enter, or P to power off.
	Stopped bool
}

// Init is the first process of a stick.
type Init struct {
	// Program is run on the console, with its arguments.
	Program []string
	// Say puts trouble into words for the console, in the stick's language.
	Say func(language string, t Trouble) string
}

// IsInit reports whether this process is to be [Init]: it is the kernel's first,
// from an initramfs: nothing is mounted yet, not even /proc, and the root lies
// in memory. The first process of a container has a /proc. Whether there are
// settings does not count: a stick that lost them is to say so.
//
// Arguments do not count: the kernel hands on every word of its command line
// that it does not know.
func IsInit() bool {
	if os.Getpid() != 1 || filepath.Base(os.Args[0]) != "init" {
		return false
	}
	if _, err := os.Stat("/proc/self"); err == nil {
		return false
	}
	var st unix.Statfs_t
	if err := unix.Statfs("/", &st); err != nil {
		return false
	}
	return st.Type == unix.RAMFS_MAGIC || st.Type == unix.TMPFS_MAGIC
}

// mounts are what a system has, in order.
var mounts = []struct {
	source, target, kind string
	flags                uintptr
	data                 string
}{
	{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV, ""},
	{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV, ""},
	{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0755"},
	{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0620,ptmxmode=0666"},
	{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=25%"},
	{"tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777,size=25%"},
}

// Run does what the first process does until the machine goes down. It never
// returns: the kernel would panic.
func (i Init) Run() {
	r := &running{Init: i}
	for _, m := range mounts {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			r.early = append(r.early, err)
			continue
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil && !errors.Is(err, unix.EBUSY) {
			r.early = append(r.early, fmt.Errorf("mount %s: %w", m.target, err))
		}
	}
	r.log = newBootLog(time.Now)
	r.log.printf("start %s after the kernel's: %s", sinceKernel(), readLine("/proc/version"))
	r.log.printf("command line: %s", readLine("/proc/cmdline"))
	for _, err := range r.early {
		r.log.printf("%v", err)
	}
	for _, target := range []string{stick.DataMount, stick.SecondMount} {
		r.note(layFloor(target))
	}
	r.note(os.MkdirAll(Home, 0o700))
	// The kernel speaks to the log from here on, and nobody to its helpers:
	// there are none.
	for name, value := range map[string]string{"printk": "1", "modprobe": "", "hotplug": ""} {
		if err := os.WriteFile("/proc/sys/kernel/"+name, []byte(value+"\n"), 0o644); err != nil && !isNotExist(err) {
			r.note(err)
		}
	}
	// Ctrl-Alt-Del becomes SIGINT for us.
	r.note(unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF))
	r.supervise()
}

// running is the first process at work.
type running struct {
	Init
	log     *bootLog
	early   []error
	console *console
	layout  string
	lang    string

	mu   sync.Mutex
	said tail // what the program wrote to its standard error lately
}

func (r *running) note(err error) {
	if err != nil {
		r.log.printf("%v", err)
	}
}

// supervise starts the drivers and the program and keeps it running.
func (r *running) supervise() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGCHLD, syscall.SIGINT, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)

	// The settings are only looked at for what the console needs; the program
	// itself checks their seal.
	s := r.settings()
	r.layout, r.lang = s.Keyboard, s.Language
	go r.drive()
	go r.log.kernelWarnings()
	r.note(onMount(func() { _ = r.log.flush() }))

	r.console = &console{name: ConsoleName("/"), log: r.log.printf, large: largeText("/")}
	r.waitForConsole()
	r.log.printf("console %s, keyboard %s, language %s, %s after the kernel's start", r.console.name, r.layout, r.lang, sinceKernel())
	r.start(signals)
}

// sinceKernel is how long the kernel has been running.
func sinceKernel() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano()).Round(time.Millisecond)
}

// settings reads the stick's settings, as far as they can be read.
func (r *running) settings() stick.Settings {
	var s stick.Settings
	b, err := os.ReadFile(filepath.Join(stick.SettingsDir, stick.SettingsFile))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		r.log.printf("read the settings: %v", err)
	}
	if _, ok := stick.Keyboard(s.Keyboard); !ok {
		s.Keyboard = "us"
	}
	return s
}

// waitForConsole opens the console, also one whose driver comes only later (a
// USB serial line), and falls back to the first virtual terminal.
func (r *running) waitForConsole() {
	for tries := 0; ; tries++ {
		err := r.console.open()
		if err == nil {
			return
		}
		if tries == 50 && !isVT(r.console.name) {
			r.note(err)
			r.console.name = "tty1"
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// drive loads drivers for as long as the machine runs.
func (r *running) drive() {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		r.log.printf("uname: %v", err)
	}
	dir := filepath.Join("/lib/modules", unix.ByteSliceToString(uts.Release[:]))
	modules, err := ReadModules(os.DirFS(dir))
	if err != nil {
		r.log.printf("%v", err)
		modules = &Modules{}
	}
	events, err := Listen(context.Background())
	r.note(err)
	insert := func(file string) error { return insertModule(filepath.Join(dir, file)) }
	l := newLoader("/", modules, insert, r.log.printf)
	graphics := make(chan Event, 16)
	go r.screens(graphics)
	l.run(context.Background(), tee(events, graphics), func(d Drivers) {
		if _, err := os.Stat("/sys/firmware/efi/efivars"); err == nil {
			if err := unix.Mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, ""); err != nil && !errors.Is(err, unix.EBUSY) {
				r.note(fmt.Errorf("mount the firmware's variables: %w", err))
			}
		}
		r.note(writeState(driversFile, d))
	})
}

// tee passes events on and gives those of screens to another as well.
func tee(events <-chan Event, graphics chan<- Event) <-chan Event {
	out := make(chan Event, 256)
	go func() {
		defer close(out)
		for e := range events {
			if s := e.Values["SUBSYSTEM"]; s == "graphics" || s == "drm" {
				select {
				case graphics <- e:
				default:
				}
			}
			out <- e
		}
	}()
	return out
}

// screens chooses the font anew when a screen's own driver has come.
func (r *running) screens(events <-chan Event) {
	if !isVT(ConsoleName("/")) {
		return
	}
	for range events {
		tty, err := os.OpenFile("/dev/"+ConsoleName("/"), os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			continue
		}
		c := &console{name: ConsoleName("/"), tty: tty, log: r.log.printf, large: largeText("/")}
		r.note(c.setFont())
		_ = tty.Close()
	}
}

// quick is how long a program that is well runs at least, and many crashes in a
// row are enough.
const (
	quick = time.Minute
	many  = 3
	// toRead is how long the message of a crash stays before the next start.
	toRead = 3 * time.Second
)

// start runs the program, again when it crashes, until the machine goes down.
func (r *running) start(signals <-chan os.Signal) {
	crashes := 0
	for {
		r.console.prepare(r.layout)
		began := time.Now()
		pid, err := r.launch()
		code := -1
		if err != nil {
			r.log.printf("start %s: %v", r.Program[0], err)
		} else {
			code = r.wait(pid, signals)
		}
		switch {
		case err == nil && code == ExitPowerOff:
			goDown(r.log, false)
		case err == nil && code == ExitRestart:
			goDown(r.log, true)
		}
		crashes++
		if time.Since(began) > quick {
			crashes = 1
		}
		t := Trouble{Crashes: crashes, Cause: r.cause(err, code), Stopped: crashes >= many}
		r.log.printf("the program ended by itself, code %d: %s", code, t.Cause)
		_ = r.log.flush()
		r.waitForConsole() // its session's end hung it up
		_, _ = r.console.tty.WriteString("\x1b[?1049l\x1b[0m\x1b[?25h\x1b[2J\x1b[H" + strings.ReplaceAll(r.Say(r.lang, t), "\n", "\r\n") + "\r\n")
		if t.Stopped {
			if r.askWhatNow(signals) {
				goDown(r.log, false)
			}
			crashes = 0
			continue
		}
		time.Sleep(toRead)
	}
}

// launch starts the program in a session of its own on the console. What it
// writes to its standard error goes to the log.
func (r *running) launch() (pid int, err error) {
	if err := r.console.open(); err != nil {
		return 0, err
	}
	in, out, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer func() { _ = out.Close() }()
	layout := r.layout
	if !isVT(r.console.name) {
		layout = ""
	}
	tty := r.console.tty.Fd()
	pid, err = syscall.ForkExec(r.Program[0], r.Program, &syscall.ProcAttr{ //nolint:gosec // the stick's own program
		Dir: "/",
		Env: []string{
			"TERM=" + terminalType(r.console.name), "HOME=" + Home, "OMBRUK_HOME=" + Home, "TMPDIR=/tmp", "LANG=C.UTF-8",
			ConsoleVariable + "=" + r.console.name, KeyboardVariable + "=" + layout, GlyphsVariable + "=" + r.console.glyphs(),
		},
		Files: []uintptr{tty, tty, out.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	})
	if err != nil {
		_ = in.Close()
		return 0, err
	}
	r.mu.Lock()
	r.said = tail{}
	r.mu.Unlock()
	go r.listen(in)
	return pid, nil
}

// listen logs what the program writes to its standard error.
func (r *running) listen(in *os.File) {
	defer func() { _ = in.Close() }()
	lines := bufio.NewReaderSize(in, 4096)
	for {
		line, err := lines.ReadSlice('\n')
		if line = bytes.TrimRight(line, "\n"); len(line) > 0 {
			r.log.printf("%s", line)
			r.mu.Lock()
			r.said.add(printable(string(line)))
			r.mu.Unlock()
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// tail is the last line of a text, and the line of a crash if there is one.
type tail struct{ last, crash string }

func (t *tail) add(line string) {
	t.last = line
	if t.crash == "" && (strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:")) {
		t.crash = line
	}
}

// cause is the line that says most of why the program ended.
func (r *running) cause(err error, code int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		return err.Error()
	case r.said.crash != "":
		return r.said.crash
	case code > 128: // what it said last is not why
		return fmt.Sprintf("ended by signal %d (%v)", code-128, syscall.Signal(code-128))
	case r.said.last != "":
		return r.said.last
	}
	return fmt.Sprintf("exit status %d", code)
}

// patienceForEnd is how long the program may take to close its records when the
// machine is to go down.
const patienceForEnd = time.Minute

// wait reaps every process that ends, as the first process must, until the
// program does. It gives its exit code, 128 and the signal for a killed one.
// Ctrl-Alt-Del is an orderly end.
func (r *running) wait(pid int, signals <-chan os.Signal) (code int) {
	var late <-chan time.Time
	down := false
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGCHLD {
				r.log.printf("asked to go down (%v)", s)
				down = true
				if late == nil {
					late = time.After(patienceForEnd)
				}
				_ = unix.Kill(pid, unix.SIGTERM)
				continue
			}
		case <-late:
			r.log.printf("the program did not end within %s", patienceForEnd)
			_ = unix.Kill(pid, unix.SIGKILL)
			late = nil
			continue
		}
		for {
			var status unix.WaitStatus
			got, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
			if got <= 0 || err != nil {
				break
			}
			if got != pid {
				continue
			}
			switch {
			case down:
				return ExitPowerOff
			case status.Exited():
				return status.ExitStatus()
			default:
				return 128 + int(status.Signal())
			}
		}
	}
}

// askWhatNow waits for a person after many crashes: Enter tries again, P powers
// the machine off.
func (r *running) askWhatNow(signals <-chan os.Signal) (off bool) {
	keys := make(chan string)
	go func() {
		line, err := bufio.NewReader(r.console.tty).ReadString('\n')
		if err != nil {
			time.Sleep(time.Minute)
		}
		keys <- line
	}()
	for {
		select {
		case line := <-keys:
			return strings.EqualFold(strings.TrimSpace(line), "p")
		case s := <-signals:
			if s != syscall.SIGCHLD {
				return true
			}
			var status unix.WaitStatus
			for {
				if got, err := unix.Wait4(-1, &status, unix.WNOHANG, nil); got <= 0 || err != nil {
					break
				}
			}
		}
	}
}
