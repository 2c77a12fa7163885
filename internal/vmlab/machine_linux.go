package vmlab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
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
	*emulator
	*guestLine
	console string // as it was last read
}

// upWithin is how long a machine has from power to the first word of the guest.
const upWithin = 90 * time.Second

// Start turns a machine on and waits until the guest is up.
func Start(c Config) (m *Machine, err error) {
	m = &Machine{}
	if m.emulator, err = newEmulator(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Kill()
			err = fmt.Errorf("start the virtual machine: %w\n%s%s", err, m.stderr.Bytes(), m.console)
		}
	}()
	if err := m.start(c.Limit, []string{"lab"}, append([]string{
		"-m", "1024", "-machine", "q35",
		"-kernel", c.Kernel, "-initrd", c.Initramfs, "-append", "console=ttyS0 panic=-1 quiet",
		"-serial", "file:" + filepath.Join(m.dir, "console"),
		"-device", "virtio-serial-pci",
		"-device", "virtserialport,chardev=lab,name=" + PortName,
	}, c.Args...)...); err != nil {
		return m, err
	}
	m.guestLine, err = newGuestLine(m.lines["lab"], upWithin)
	return m, err
}

// guestLine is the line to the guest: what the host asks, and the answers.
type guestLine struct {
	port    net.Conn
	sending sync.Mutex // one request at a time on the port

	mu   sync.Mutex
	last int
	jobs map[int]*Job
	gone error // why nothing more will be answered
}

// newGuestLine waits until the guest is up.
func newGuestLine(port net.Conn, within time.Duration) (*guestLine, error) {
	g := &guestLine{port: port, jobs: map[int]*Job{}}
	hello := g.job(0)
	go g.listen()
	select {
	case <-hello.ended:
		return g, hello.lost
	case <-time.After(within):
		return g, fmt.Errorf("the guest is not up after %s", within)
	}
}

// Job is one request that is under way.
type Job struct {
	g     *guestLine
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
func (g *guestLine) job(id int) *Job {
	j := &Job{g: g, id: id, ended: make(chan struct{}), wrote: make(chan struct{}), files: map[string][]byte{}}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone != nil {
		j.lost = g.gone
		close(j.ended)
		return j
	}
	g.jobs[id] = j
	return j
}

// listen hands replies to their jobs until the machine is gone.
func (g *guestLine) listen() {
	in := json.NewDecoder(bufio.NewReader(g.port))
	for {
		var r Reply
		err := in.Decode(&r)
		g.mu.Lock()
		if err != nil {
			g.gone = fmt.Errorf("the virtual machine is gone: %w", err)
			for _, j := range g.jobs {
				j.lost = g.gone
				close(j.ended)
			}
			clear(g.jobs)
			g.mu.Unlock()
			return
		}
		j := g.jobs[r.ID]
		if r.Done {
			delete(g.jobs, r.ID)
		}
		g.mu.Unlock()
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

func (g *guestLine) ask(r Request) *Job {
	g.mu.Lock()
	g.last++
	r.ID = g.last
	g.mu.Unlock()
	j := g.job(r.ID)
	g.sending.Lock()
	defer g.sending.Unlock()
	if err := json.NewEncoder(g.port).Encode(r); err != nil {
		// The listener finds the same and ends the job.
		_ = g.port.Close()
	}
	return j
}

// Begin runs a program in the guest.
func (g *guestLine) Begin(args ...string) *Job { return g.ask(Request{Args: args}) }

// Run runs a program in the guest to its end.
func (g *guestLine) Run(args ...string) (Output, error) { return g.Begin(args...).Wait() }

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
	_, err := j.g.ask(Request{Kill: j.id}).Wait()
	<-j.ended
	return err
}

// Interrupt tells the job's program to stop, as Ctrl-C does.
func (j *Job) Interrupt() error {
	_, err := j.g.ask(Request{Interrupt: j.id}).Wait()
	return err
}

// Fetch gives the regular files of a folder of the guest, by relative path.
func (g *guestLine) Fetch(dir string) (map[string][]byte, error) {
	j := g.ask(Request{Fetch: dir})
	_, err := j.Wait()
	return j.files, err
}

// PowerOff ends the machine in order. The images then hold what its drives held.
func (m *Machine) PowerOff() error {
	defer m.Kill()
	if _, err := m.ask(Request{PowerOff: true}).Wait(); err != nil {
		return err
	}
	return m.untilOff(30 * time.Second)
}

// Kill ends the machine at once. It may be called again.
func (m *Machine) Kill() {
	m.cancel()
	if m.cmd != nil {
		<-m.exited
	}
	_ = m.Console() // kept for whoever asks later
	m.kill()
}

// Console is what the guest's kernel and first process have printed.
func (m *Machine) Console() string {
	if b, err := os.ReadFile(filepath.Join(m.dir, "console")); err == nil {
		m.console = string(b)
	}
	return m.console
}
