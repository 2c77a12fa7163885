// Package vmlab starts a small virtual machine with emulated drives on every
// bus, so that ombruk can be tried against a real kernel and real drivers on a
// machine that has none of that hardware. The machine runs Debian's kernel and
// a first process of ours (package guest), which does what the host asks over
// a virtio-serial port. It has no network.
//
// The scenarios are the tests of this package, behind the build tag vm; see
// docs/vmlab.md.
package vmlab

// Request is one thing the host asks of the guest, one JSON object a line.
// Requests run side by side; the replies carry the request's ID.
type Request struct {
	ID int `json:"id"`
	// Args is a program with its arguments; it is run to its end.
	Args []string `json:"args,omitempty"`
	// Kill is the ID of a request whose program is to be killed, Interrupt
	// of one that is to be told to stop (SIGINT).
	Kill      int `json:"kill,omitempty"`
	Interrupt int `json:"interrupt,omitempty"`
	// Fetch is a folder of the guest whose regular files are wanted.
	Fetch string `json:"fetch,omitempty"`
	// PowerOff ends the machine.
	PowerOff bool `json:"power_off,omitempty"`
}

// Reply is a part of the answer to a request, one JSON object a line.
type Reply struct {
	// ID is that of the request; 0 in the first line, which says that the
	// guest is up.
	ID int `json:"id"`
	// Stdout and Stderr are what the program has written since the last reply.
	Stdout []byte `json:"stdout,omitempty"`
	Stderr []byte `json:"stderr,omitempty"`
	// File and Content are one fetched file; File is relative to the folder.
	File    string `json:"file,omitempty"`
	Content []byte `json:"content,omitempty"`
	// Done marks the last reply. Code is the program's exit code, 128 and the
	// signal when one killed it; -1 when it could not be started or the files
	// could not be read, and then Error says why.
	Done  bool   `json:"done,omitempty"`
	Code  int    `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}

// The places in the guest that both sides know.
const (
	// PortName is the name of the virtio-serial port.
	PortName = "ombruk.lab"
	// BesideInit is the guest where it runs beside the first process of a boot
	// stick.
	BesideInit = "/lab/init"
	// ModuleFolder holds the kernel modules, in the order of their names.
	ModuleFolder = "/modules"
)
