// Command simdrive plays one drive to the kernel of the lab's virtual machine:
// a simulated drive (package drivesim) behind the kernel's own SCSI target or
// NVMe/TCP initiator. See docs/vmlab.md.
//
//	simdrive serve [-speed N] [-kib N] [-patience TIME] NAME PROFILE
//	simdrive ask NAME truth
//	simdrive ask NAME power-cycle
//
// serve prints {"path": ..., "serial": ...} when the drive is there, and serves
// it until it is killed, which leaves a drive that no longer answers.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "simdrive:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("simdrive serve [-speed N] [-kib N] [-patience TIME] NAME PROFILE, or simdrive ask NAME truth|power-cycle")

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "ask":
		if len(args) == 3 {
			return ask(args[1], args[2])
		}
	}
	return errUsage
}

// socket is where the process of a drive is asked about it.
func socket(name string) string { return filepath.Join("/run", "simdrive-"+name) }

// served is what serve prints, and what ask prints about a command.
type served struct {
	Path   string `json:"path,omitempty"`
	Serial string `json:"serial,omitempty"`
	Error  string `json:"error,omitempty"`
}

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	patience := flags.Duration("patience", 30*time.Second, "after which the kernel gives an unanswered SCSI command up")
	kib := flags.Int64("kib", 0, "size of each unit that can be addressed; the profile's when 0")
	speed := flags.Float64("speed", 60, "how many of the drive's seconds pass in a real one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errUsage
	}
	name := flags.Arg(0)
	d, err := simulate(flags.Arg(1), name, *kib, *speed)
	if err != nil {
		return err
	}
	var path string
	if d.isNVMe() {
		path, err = serveNVMe(name, d)
	} else {
		path, err = serveSCSI(name, d, *patience)
	}
	if err != nil {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	l, err := net.Listen("unix", socket(name))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(served{Path: path, Serial: d.units[0].Facts().Serial}); err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		answerOn(c, d)
	}
}

// answerOn answers one question on the socket.
func answerOn(c net.Conn, d *simulated) {
	defer func() { _ = c.Close() }()
	var answer any
	word, err := io.ReadAll(io.LimitReader(c, 64))
	if err == nil {
		answer, err = d.asked(string(word))
	}
	if err != nil {
		answer = served{Error: err.Error()}
	}
	if err := json.NewEncoder(c).Encode(answer); err != nil {
		fmt.Fprintln(os.Stderr, "simdrive: answer a question:", err)
	}
}

// ask prints what the process of a drive answers.
func ask(name, word string) error {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket(name), Net: "unix"})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, word); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	if _, err := os.Stdout.Write(answer); err != nil {
		return err
	}
	var failed served
	if err := json.Unmarshal(answer, &failed); err != nil {
		return err
	}
	if failed.Error != "" {
		return errors.New(failed.Error)
	}
	return nil
}
