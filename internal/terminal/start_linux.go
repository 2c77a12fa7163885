package terminal

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/creack/pty"
)

// Start starts a program in the terminal. A nil cmd.Env is this process's, with
// TERM set to xterm-256color.
func Start(cmd *exec.Cmd, o Options) (*Terminal, error) {
	o = o.sized()
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	}
	master, err := pty.StartWithSize(cmd, winsize(o.Columns, o.Rows))
	if err != nil {
		return nil, fmt.Errorf("start %s in a terminal: %w", cmd.Path, err)
	}
	t := newTerminal(program{master}, o)
	t.wait = sync.OnceValue(cmd.Wait)
	t.stop = sync.OnceValue(func() error {
		_ = cmd.Process.Kill() // it may have ended
		_ = t.wait()           // how it ended is told by Wait
		return master.Close()
	})
	t.size = func(columns, rows int) error { return pty.Setsize(master, winsize(columns, rows)) }
	go t.read()
	return t, nil
}

func winsize(columns, rows int) *pty.Winsize {
	return &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}
}

// program is the master's side of a pty.
type program struct{ *os.File }

// Read implements io.Reader. When nobody has the other side open any more the
// kernel answers EIO, which is the end.
func (p program) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	if err != nil {
		err = io.EOF
	}
	return n, err
}
