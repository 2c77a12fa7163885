package vmlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// emulator is one run of QEMU.
type emulator struct {
	dir     string // for what lives as long as it
	cmd     *exec.Cmd
	cancel  context.CancelFunc
	exited  chan struct{} // closed when it has ended
	stderr  bytes.Buffer  // to be read when it has ended
	lines   map[string]net.Conn
	monitor *monitor

	mu     sync.Mutex
	happen []event
	news   chan struct{} // closed and replaced when there is another event
}

// event is one of QEMU's (QMP).
type event struct {
	name string
	data json.RawMessage
}

// newEmulator makes the folder.
func newEmulator() (*emulator, error) {
	dir, err := os.MkdirTemp("", "vmlab")
	return &emulator{dir: dir, exited: make(chan struct{}), cancel: func() {}, lines: map[string]net.Conn{}, news: make(chan struct{})}, err
}

// start starts QEMU, which is killed after the limit. For each line there is a
// chardev of that name, whose other end is in e.lines.
func (e *emulator) start(limit time.Duration, lines []string, args ...string) error {
	// Never KVM: where its node exists it need not work.
	args = append([]string{
		"-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
		"-mon", "chardev=qmp,mode=control",
	}, args...)
	// We listen and QEMU connects, so that nobody has to try again.
	names := append([]string{"qmp"}, lines...)
	listeners := map[string]net.Listener{}
	closeAll := func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}
	defer closeAll()
	for _, name := range names {
		path := filepath.Join(e.dir, name)
		l, err := net.Listen("unix", path)
		if err != nil {
			close(e.exited)
			return err
		}
		listeners[name] = l
		args = append(args, "-chardev", "socket,id="+name+",path="+path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	e.cancel = cancel
	e.cmd = exec.CommandContext(ctx, "qemu-system-x86_64", args...) //nolint:gosec // arguments of the lab
	e.cmd.Stderr = &e.stderr
	if err := e.cmd.Start(); err != nil {
		close(e.exited)
		return fmt.Errorf("needs QEMU: .ci/packages installs what the tests need: %w", err)
	}
	go func() {
		_ = e.cmd.Wait()
		cancel()
		closeAll()
		close(e.exited)
	}()
	for _, name := range names {
		c, err := listeners[name].Accept()
		if err != nil {
			<-e.exited
			return errors.New("QEMU ended at once")
		}
		e.lines[name] = c
	}
	var err error
	e.monitor, err = newMonitor(e.lines["qmp"], e.note)
	return err
}

func (e *emulator) note(name string, data json.RawMessage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.happen = append(e.happen, event{name, data})
	close(e.news)
	e.news = make(chan struct{})
}

// untilEvent waits for an event and forgets it and those before it.
func (e *emulator) untilEvent(within time.Duration, name string) error {
	late := time.After(within)
	for {
		e.mu.Lock()
		for i, h := range e.happen {
			if h.name == name {
				e.happen = e.happen[i+1:]
				e.mu.Unlock()
				return nil
			}
		}
		news := e.news
		e.mu.Unlock()
		select {
		case <-news:
		case <-e.exited:
			return fmt.Errorf("QEMU ended before %s", name)
		case <-late:
			return fmt.Errorf("no %s within %s", name, within)
		}
	}
}

// Monitor gives QEMU a command (QMP).
func (e *emulator) Monitor(command string, arguments any) error {
	_, err := e.monitor.do(command, arguments)
	return err
}

// untilOff waits until the machine has turned itself off. The images then hold
// what its drives held.
func (e *emulator) untilOff(within time.Duration) error {
	select {
	case <-e.exited:
		return nil
	case <-time.After(within):
		return fmt.Errorf("the machine has not powered off after %s", within)
	}
}

// kill cuts the power. It may be called again.
func (e *emulator) kill() {
	e.cancel()
	if e.cmd != nil {
		<-e.exited
	}
	for _, c := range e.lines {
		_ = c.Close()
	}
	_ = os.RemoveAll(e.dir)
}
