package vmlab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config is what a machine is made of.
type Config struct {
	Kernel    string // file
	Initramfs string // file
	// Args are further arguments to QEMU: drives, firmware strings.
	Args []string
	// Limit is when the machine is killed, whatever it is doing.
	Limit time.Duration
}

// Machine is one that runs.
type Machine struct {
	dir    string
	qemu   *exec.Cmd
	cancel context.CancelFunc
	exited chan struct{} // closed when QEMU has ended
	port   net.Conn
	qmp    net.Conn
	// answers are QMP's, without the events.
	answers *json.Decoder
	console string // as it was last read

	sending sync.Mutex // one request at a time on the port

	mu   sync.Mutex
	last int
	jobs map[int]*Job
	gone error // why nothing more will be answered
}

// upWithin is how long a machine has from power to the first word of the guest.
const upWithin = 90 * time.Second

// Start turns a machine on and waits until the guest is up.
func Start(c Config) (m *Machine, err error) {
	dir, err := os.MkdirTemp("", "vmlab")
	if err != nil {
		return nil, err
	}
	m = &Machine{dir: dir, exited: make(chan struct{}), jobs: map[int]*Job{}}
	var stderr bytes.Buffer
	defer func() {
		if err != nil {
			m.Kill()
			err = fmt.Errorf("start the virtual machine: %w\n%s%s", err, stderr.Bytes(), m.console)
		}
	}()
	// We listen and QEMU connects, so that nobody has to try again.
	ports, err := net.Listen("unix", filepath.Join(dir, "port"))
	if err != nil {
		return m, err
	}
	defer func() { _ = ports.Close() }()
	monitors, err := net.Listen("unix", filepath.Join(dir, "qmp"))
	if err != nil {
		return m, err
	}
	defer func() { _ = monitors.Close() }()

	ctx, cancel := context.WithTimeout(context.Background(), c.Limit)
	m.cancel = cancel
	m.qemu = exec.CommandContext(ctx, "qemu-system-x86_64", append([]string{ //nolint:gosec // arguments of the lab
		// Never KVM: where its node exists it need not work.
		"-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "1024", "-machine", "q35",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
		"-kernel", c.Kernel, "-initrd", c.Initramfs, "-append", "console=ttyS0 panic=-1 quiet",
		"-serial", "file:" + filepath.Join(dir, "console"),
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=lab,path=" + filepath.Join(dir, "port"),
		"-device", "virtserialport,chardev=lab,name=" + PortName,
		"-chardev", "socket,id=qmp,path=" + filepath.Join(dir, "qmp"),
		"-mon", "chardev=qmp,mode=control",
	}, c.Args...)...)
	m.qemu.Stderr = &stderr
	if err := m.qemu.Start(); err != nil {
		close(m.exited)
		return m, fmt.Errorf("needs QEMU: .ci/packages installs what the tests need: %w", err)
	}
	go func() {
		_ = m.qemu.Wait()
		cancel()
		_ = ports.Close()
		_ = monitors.Close()
		close(m.exited)
	}()
	if m.port, err = ports.Accept(); err == nil {
		m.qmp, err = monitors.Accept()
	}
	if err != nil {
		<-m.exited
		return m, errors.New("QEMU ended at once")
	}
	m.answers = json.NewDecoder(m.qmp)
	if err := m.Monitor("qmp_capabilities", nil); err != nil {
		return m, err
	}
	hello := m.job(0)
	go m.listen()
	select {
	case <-hello.ended:
		return m, hello.lost
	case <-time.After(upWithin):
		return m, fmt.Errorf("the guest is not up after %s", upWithin)
	}
}

// Job is one request that is under way.
type Job struct {
	m     *Machine
	id    int
	ended chan struct{}
	lost  error // the machine ended before the request did
	mu    sync.Mutex
	wrote chan struct{} // closed and replaced when there is new output
	out   Output
	files map[string][]byte
}

// Output is what a program left.
type Output struct {
	Code           int
	Stdout, Stderr string
}

// job registers a request under its ID; it has ended already when the machine
// is gone.
func (m *Machine) job(id int) *Job {
	j := &Job{m: m, id: id, ended: make(chan struct{}), wrote: make(chan struct{}), files: map[string][]byte{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone != nil {
		j.lost = m.gone
		close(j.ended)
		return j
	}
	m.jobs[id] = j
	return j
}

// listen hands replies to their jobs until the machine is gone.
func (m *Machine) listen() {
	in := json.NewDecoder(bufio.NewReader(m.port))
	for {
		var r Reply
		err := in.Decode(&r)
		m.mu.Lock()
		if err != nil {
			m.gone = fmt.Errorf("the virtual machine is gone: %w", err)
			for _, j := range m.jobs {
				j.lost = m.gone
				close(j.ended)
			}
			clear(m.jobs)
			m.mu.Unlock()
			return
		}
		j := m.jobs[r.ID]
		if r.Done {
			delete(m.jobs, r.ID)
		}
		m.mu.Unlock()
		if j != nil {
			j.take(r)
		}
	}
}

func (j *Job) take(r Reply) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.out.Stdout += string(r.Stdout)
	j.out.Stderr += string(r.Stderr)
	if r.File != "" {
		j.files[r.File] = r.Content
	}
	close(j.wrote)
	j.wrote = make(chan struct{})
	if r.Done {
		j.out.Code = r.Code
		if r.Error != "" {
			j.lost = errors.New(r.Error)
		}
		close(j.ended)
	}
}

func (m *Machine) ask(r Request) *Job {
	m.mu.Lock()
	m.last++
	r.ID = m.last
	m.mu.Unlock()
	j := m.job(r.ID)
	m.sending.Lock()
	defer m.sending.Unlock()
	if err := json.NewEncoder(m.port).Encode(r); err != nil {
		// The listener finds the same and ends the job.
		_ = m.port.Close()
	}
	return j
}

// Begin runs a program in the guest.
func (m *Machine) Begin(args ...string) *Job { return m.ask(Request{Args: args}) }

// Run runs a program in the guest to its end.
func (m *Machine) Run(args ...string) (Output, error) { return m.Begin(args...).Wait() }

// Wait waits for the end of a job.
func (j *Job) Wait() (Output, error) {
	<-j.ended
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out, j.lost
}

// Stdout is what the job has written to its standard output so far.
func (j *Job) Stdout() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.Stdout
}

// Until waits until the standard output holds a text.
func (j *Job) Until(text string) error {
	return j.UntilIt(fmt.Sprintf("wrote %q", text), func(stdout string) bool { return strings.Contains(stdout, text) })
}

// UntilIt waits until the standard output is as wanted; what says how that is.
func (j *Job) UntilIt(what string, wanted func(stdout string) bool) error {
	for {
		j.mu.Lock()
		out, wrote := j.out, j.wrote
		j.mu.Unlock()
		if wanted(out.Stdout) {
			return nil
		}
		select {
		case <-wrote:
		case <-j.ended:
			return fmt.Errorf("ended with code %d before it %s: %s%s", out.Code, what, out.Stdout, out.Stderr)
		}
	}
}

// Kill kills the job's program and waits for its end.
func (j *Job) Kill() error {
	_, err := j.m.ask(Request{Kill: j.id}).Wait()
	<-j.ended
	return err
}

// Interrupt tells the job's program to stop, as Ctrl-C does.
func (j *Job) Interrupt() error {
	_, err := j.m.ask(Request{Interrupt: j.id}).Wait()
	return err
}

// Fetch gives the regular files of a folder of the guest, by relative path.
func (m *Machine) Fetch(dir string) (map[string][]byte, error) {
	j := m.ask(Request{Fetch: dir})
	_, err := j.Wait()
	return j.files, err
}

// Monitor gives QEMU a command (QMP). Only one may be under way.
func (m *Machine) Monitor(command string, arguments any) error {
	message := map[string]any{"execute": command}
	if arguments != nil {
		message["arguments"] = arguments
	}
	if err := json.NewEncoder(m.qmp).Encode(message); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	for {
		var answer struct {
			Return *json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := m.answers.Decode(&answer); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		switch {
		case answer.Error != nil:
			return fmt.Errorf("%s: %s", command, answer.Error.Desc)
		case answer.Return != nil:
			return nil
		}
	}
}

// PowerOff ends the machine in order. The images then hold what its drives held.
func (m *Machine) PowerOff() error {
	defer m.Kill()
	if _, err := m.ask(Request{PowerOff: true}).Wait(); err != nil {
		return err
	}
	select {
	case <-m.exited:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("the virtual machine did not power off")
	}
}

// Kill ends the machine at once. It may be called again.
func (m *Machine) Kill() {
	if m.cancel != nil {
		m.cancel()
		<-m.exited
	}
	for _, c := range []net.Conn{m.port, m.qmp} {
		if c != nil {
			_ = c.Close()
		}
	}
	_ = m.Console() // kept for whoever asks later
	_ = os.RemoveAll(m.dir)
}

// Console is what the guest's kernel and first process have printed.
func (m *Machine) Console() string {
	if b, err := os.ReadFile(filepath.Join(m.dir, "console")); err == nil {
		m.console = string(b)
	}
	return m.console
}
