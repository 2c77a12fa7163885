package vmlab

import (
	"encoding/json"
	"fmt"
	"net"
	"sync"
)

// monitor is QEMU's own control line (QMP).
type monitor struct {
	line    net.Conn
	asking  sync.Mutex // one command at a time
	answers chan answer
	events  func(name string, data json.RawMessage)
}

type answer struct {
	Return *json.RawMessage
	Error  *struct{ Desc string }
	Event  string
	Data   json.RawMessage
}

// newMonitor begins to talk. What happens to the machine is given to events,
// which may be nil.
func newMonitor(line net.Conn, events func(name string, data json.RawMessage)) (*monitor, error) {
	m := &monitor{line: line, answers: make(chan answer), events: events}
	go m.read()
	_, err := m.do("qmp_capabilities", nil)
	return m, err
}

func (m *monitor) read() {
	defer close(m.answers)
	in := json.NewDecoder(m.line)
	for {
		var a answer
		if in.Decode(&a) != nil {
			return // whoever waits finds the channel closed
		}
		switch {
		case a.Event != "" && m.events != nil:
			m.events(a.Event, a.Data)
		case a.Return != nil || a.Error != nil:
			m.answers <- a
		}
	}
}

// do gives a command and returns what it answers.
func (m *monitor) do(command string, arguments any) (json.RawMessage, error) {
	m.asking.Lock()
	defer m.asking.Unlock()
	message := map[string]any{"execute": command}
	if arguments != nil {
		message["arguments"] = arguments
	}
	if err := json.NewEncoder(m.line).Encode(message); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	a, ok := <-m.answers
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", command, net.ErrClosed)
	case a.Error != nil:
		return nil, fmt.Errorf("%s: %s", command, a.Error.Desc)
	}
	return *a.Return, nil
}
