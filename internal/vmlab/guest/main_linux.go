// Command guest is the first process of the test lab's virtual machine. It
// mounts what a system needs, loads the kernel modules in the order of their
// names, and then does what the host asks (see package vmlab). Run as
// `/init identify DEVICE` it asks one drive who it is.
//
// Run as [vmlab.BesideInit] it is the first process of a boot stick that the
// lab has added drives to: it starts itself beside, with file systems of its
// own, and becomes the stick's own first process.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/kernel"
	"github.com/ombruk/ombruk/internal/vmlab"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "identify" {
		os.Exit(identify(os.Args[2]))
	}
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "beside":
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, "lab: guest:", err)
		}
		return
	case os.Args[0] == vmlab.BesideInit:
		err = becomeStick()
	default:
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab: guest:", err)
	}
	powerOff()
	// The first process must not end; the kernel would panic.
	select {}
}

// becomeStick starts the guest beside what was to be started, and is that.
func becomeStick() error {
	beside := exec.Command(vmlab.BesideInit, "beside") //nolint:gosec // itself
	// There is no /dev/null yet.
	beside.Stdin, beside.Stdout, beside.Stderr = os.Stdin, os.Stdout, os.Stderr
	beside.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if err := beside.Start(); err != nil {
		return err
	}
	return unix.Exec("/init", []string{"/init"}, os.Environ())
}

// identify prints what a drive says of itself through an opened descriptor.
func identify(path string) (code int) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_EXCL|unix.O_DIRECT, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	id, err := kernel.Identify(f)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(id); err != nil {
		return 1
	}
	return 0
}

func run() error {
	for _, m := range []struct{ source, target, kind string }{
		{"proc", "/proc", "proc"}, {"sys", "/sys", "sysfs"}, {"dev", "/dev", "devtmpfs"},
		{"run", "/run", "tmpfs"}, {"tmp", "/tmp", "tmpfs"},
	} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, m.target, m.kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	// Programs are looked up by our own path and inherit the rest.
	for name, value := range map[string]string{"PATH": "/usr/bin:/lab", "HOME": "/root", "LANG": "C", "TMPDIR": "/tmp", "LVM_SUPPRESS_FD_WARNINGS": "1", "DM_DISABLE_UDEV": "1"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	modules, err := filepath.Glob(vmlab.ModuleFolder + "/*.ko")
	if err != nil {
		return err
	}
	for _, name := range modules {
		if err := load(name); err != nil {
			return err
		}
	}
	// What drivers that were just loaded offer, and what every system has.
	if err := unix.Mount("config", "/sys/kernel/config", "configfs", 0, ""); err != nil {
		return fmt.Errorf("mount configfs: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	port, err := openPort(10 * time.Second)
	if err != nil {
		return err
	}
	return serve(port)
}

// load loads one module.
func load(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	// ENODEV: the machine has not the hardware, such as a processor
	// instruction, and another module does it.
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

// loopbackUp lets the machine talk to itself; there is no other network.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// openPort finds the virtio-serial port by its name; it turns up a moment
// after its driver.
func openPort(patience time.Duration) (*os.File, error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, name := range names {
			if b, err := os.ReadFile(name); err == nil && string(b) == vmlab.PortName+"\n" {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(name)), os.O_RDWR, 0)
			}
		}
	}
	return nil, errors.New("the virtio-serial port did not turn up")
}

// guest answers requests.
type guest struct {
	mu      sync.Mutex
	out     *json.Encoder
	running map[int]*os.Process
}

func serve(port *os.File) error {
	g := &guest{out: json.NewEncoder(port), running: map[int]*os.Process{}}
	g.reply(vmlab.Reply{Done: true})
	for lines := json.NewDecoder(bufio.NewReader(port)); ; {
		var r vmlab.Request
		if err := lines.Decode(&r); err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		if r.PowerOff {
			g.reply(vmlab.Reply{ID: r.ID, Done: true})
			return nil
		}
		go g.do(r)
	}
}

func (g *guest) reply(r vmlab.Reply) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.out.Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "lab: guest: reply:", err)
	}
}

func (g *guest) do(r vmlab.Request) {
	end := vmlab.Reply{ID: r.ID, Done: true}
	var err error
	switch {
	case r.Kill != 0:
		err = g.signal(r.Kill, os.Kill)
	case r.Interrupt != 0:
		err = g.signal(r.Interrupt, os.Interrupt)
	case r.Fetch != "":
		err = g.fetch(r)
	default:
		end.Code, err = g.program(r)
	}
	if err != nil {
		end.Code, end.Error = -1, err.Error()
	}
	g.reply(end)
}

// signal sends a signal to the program of a request, if it still runs.
func (g *guest) signal(id int, s os.Signal) error {
	g.mu.Lock()
	p := g.running[id]
	g.mu.Unlock()
	if p == nil {
		return nil
	}
	return p.Signal(s)
}

func (g *guest) program(r vmlab.Request) (code int, err error) {
	if len(r.Args) == 0 {
		return 0, errors.New("no program")
	}
	cmd := exec.Command(r.Args[0], r.Args[1:]...) //nolint:gosec // running what the host says is its purpose
	cmd.Dir = "/"
	cmd.Stdout = writer(func(b []byte) { g.reply(vmlab.Reply{ID: r.ID, Stdout: b}) })
	cmd.Stderr = writer(func(b []byte) { g.reply(vmlab.Reply{ID: r.ID, Stderr: b}) })
	// A program that leaves something behind with our pipe in its hands must
	// not hold the answer up.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	g.mu.Lock()
	g.running[r.ID] = cmd.Process
	g.mu.Unlock()
	err = cmd.Wait()
	g.mu.Lock()
	delete(g.running, r.ID)
	g.mu.Unlock()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := cmd.ProcessState.Sys().(unix.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

func (g *guest) fetch(r vmlab.Request) error {
	return filepath.WalkDir(r.Fetch, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(r.Fetch, name)
		if err != nil {
			return err
		}
		g.reply(vmlab.Reply{ID: r.ID, File: rel, Content: content})
		return nil
	})
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}

var _ io.Writer = writer(nil)

func powerOff() {
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintln(os.Stderr, "lab: guest: power off:", err)
	}
}
