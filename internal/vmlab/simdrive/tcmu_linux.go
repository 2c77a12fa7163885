package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ombruk/ombruk/internal/scsi"
)

// Where the kernel's SCSI target is set up. The lab's first process mounts it.
const targetFolder = "/sys/kernel/config/target"

// serveSCSI makes a SCSI disk of a drive: every command that the kernel gives
// to the disk that then turns up is handed to d, one at a time. It returns the
// disk's path; the commands are served until the process ends. A command that
// d leaves unanswered for patience is failed by the kernel.
//
// The kernel's side is target_core_user, which hands commands to user space
// (Documentation/target/tcmu-design.rst), behind tcm_loop, which is a host
// adapter whose disks are targets of the same machine.
func serveSCSI(name string, d scsi.Issuer, patience time.Duration) (path string, err error) {
	core := filepath.Join(targetFolder, "core/user_0", name)
	if err := os.MkdirAll(core, 0o755); err != nil {
		return "", err
	}
	config := "ombruk/" + name
	// The size is for the kernel's own emulation, which is not used: the
	// drive is asked.
	for _, setting := range [][2]string{
		{"control", fmt.Sprintf("dev_config=%s,dev_size=%d,hw_block_size=512,max_data_area_mb=16", config, 1<<40)},
		{"enable", "1"},
		{"attrib/cmd_time_out", strconv.Itoa(int(patience.Seconds()))},
	} {
		if err := set(filepath.Join(core, setting[0]), setting[1]); err != nil {
			return "", err
		}
	}
	r, err := openRing(config)
	if err != nil {
		return "", err
	}
	go r.serve(d)

	// The address of a port is made of the name, so that drives do not share one.
	wwn := fmt.Sprintf("naa.5001405%09x", crc32.ChecksumIEEE([]byte(name)))
	portal := filepath.Join(targetFolder, "loopback", wwn, "tpgt_1")
	unit := filepath.Join(portal, "lun/lun_0")
	if err := os.MkdirAll(unit, 0o755); err != nil {
		return "", err
	}
	if err := set(filepath.Join(portal, "nexus"), wwn); err != nil {
		return "", err
	}
	// The kernel looks for disks before the link is there.
	if err := os.Symlink(core, filepath.Join(unit, "drive")); err != nil {
		return "", err
	}
	address, err := os.ReadFile(filepath.Join(portal, "address"))
	if err != nil {
		return "", err
	}
	return awaitBlock(fmt.Sprintf("/sys/bus/scsi/devices/%s:0/block/*", strings.TrimSpace(string(address))))
}

// set writes one attribute of the kernel.
func set(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// awaitBlock gives the node of the block device whose sysfs folder matches.
func awaitBlock(pattern string) (string, error) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if found, err := filepath.Glob(pattern); err != nil {
			return "", err
		} else if len(found) == 1 {
			node := "/dev/" + filepath.Base(found[0])
			if _, err := os.Stat(node); err == nil {
				return node, nil
			}
		}
	}
	return "", fmt.Errorf("no block device turned up as %s", pattern)
}

// anyTime is how long a command may take by the drive's clock. It is the
// kernel that gives up.
const anyTime = 10 * 365 * 24 * time.Hour

// ring is the memory that the kernel and we share for one drive (struct
// tcmu_mailbox of linux/target_core_user.h, version 2).
type ring struct {
	file *os.File // one read per wake-up, one write per answer
	// memory begins with the mailbox; offsets in it are from its beginning.
	memory []byte
	// entries is the part with the commands. head is where the kernel puts
	// the next one, tail the first that we have not answered: offsets in it.
	entries    []byte
	head, tail *uint32
}

// openRing opens the ring of the device that was given this configuration.
func openRing(config string) (*ring, error) {
	names, err := filepath.Glob("/sys/class/uio/*/name")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		name, err := os.ReadFile(file)
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(name)), "/"+config) {
			continue
		}
		folder := filepath.Dir(file)
		text, err := os.ReadFile(filepath.Join(folder, "maps/map0/size"))
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(text)), 0, 64)
		if err != nil {
			return nil, fmt.Errorf("size of the ring: %w", err)
		}
		// Not os.OpenFile: the poller would take the descriptor for a pipe.
		fd, err := unix.Open("/dev/"+filepath.Base(folder), unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		memory, err := unix.Mmap(fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return nil, fmt.Errorf("map the ring: %w", err)
		}
		r := &ring{file: os.NewFile(uintptr(fd), "uio"), memory: memory}
		at, length := binary.LittleEndian.Uint32(memory[4:]), binary.LittleEndian.Uint32(memory[8:])
		r.entries = memory[at : at+length]
		r.head, r.tail = (*uint32)(unsafe.Pointer(&memory[12])), (*uint32)(unsafe.Pointer(&memory[64]))
		return r, nil
	}
	return nil, fmt.Errorf("no ring is named %s", config)
}

// serve answers commands for ever.
func (r *ring) serve(d scsi.Issuer) {
	wake := make([]byte, 4)
	for {
		if _, err := r.file.Read(wake); err != nil {
			fmt.Fprintln(os.Stderr, "simdrive: wait for a command:", err)
			os.Exit(1)
		}
		for {
			tail := atomic.LoadUint32(r.tail)
			if tail == atomic.LoadUint32(r.head) {
				break
			}
			atomic.StoreUint32(r.tail, (tail+r.entry(r.entries[tail:], d))%uint32(len(r.entries)))
			if _, err := r.file.Write(make([]byte, 4)); err != nil {
				fmt.Fprintln(os.Stderr, "simdrive: answer:", err)
				os.Exit(1)
			}
		}
	}
}

// The kinds of entries, in the low bits of their length.
const (
	entryKind    = 0x7
	entryPadding = 0 // TCMU_OP_PAD
	entryCommand = 1 // TCMU_OP_CMD
)

// What we say of an entry, in byte 7.
const (
	flagUnknown = 0x1 // TCMU_UFLAG_UNKNOWN_OP
	flagReadLen = 0x2 // TCMU_UFLAG_READ_LEN
)

// entry carries out one entry and gives its length. struct tcmu_cmd_entry: the
// request and the answer lie over each other from byte 8 on.
func (r *ring) entry(e []byte, d scsi.Issuer) (length uint32) {
	length = binary.LittleEndian.Uint32(e)
	kind := length & entryKind
	length &^= entryKind
	if kind != entryCommand {
		if kind != entryPadding {
			e[7] |= flagUnknown
		}
		return length
	}
	var vectors [][]byte
	for i := range binary.LittleEndian.Uint32(e[8:]) {
		v := e[48+16*i:]
		from, n := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
		vectors = append(vectors, r.memory[from:from+n])
	}
	c := command(r.memory[binary.LittleEndian.Uint64(e[24:]):], vectors)
	answer, err := d.Issue(context.Background(), c)
	if err != nil {
		// The drive does not answer: nor do we, until the kernel has lost
		// patience with every command that waits behind this one.
		fmt.Fprintf(os.Stderr, "simdrive: command %x is never answered: %v\n", c.CDB, err)
		select {}
	}
	if c.Direction == scsi.In {
		scatter(vectors, c.Data[:min(answer.Transferred, len(c.Data))])
	}
	clear(e[8:112])
	if c.Direction == scsi.In && answer.Transferred > 0 {
		// Without it the kernel drops the data that came with a sense.
		e[7] |= flagReadLen
		binary.LittleEndian.PutUint32(e[12:], uint32(answer.Transferred))
	}
	e[8] = byte(answer.Status)
	copy(e[16:112], answer.Sense)
	return length
}

// command reads what the kernel asks: cdb is where the bytes begin, and vectors
// the memory of the data. The ring does not tell which way the data goes.
func command(cdb []byte, vectors [][]byte) scsi.Command {
	c := scsi.Command{CDB: append([]byte(nil), cdb[:cdbLength(cdb)]...), Timeout: anyTime}
	for _, v := range vectors {
		c.Data = append(c.Data, v...)
	}
	switch {
	case len(c.Data) == 0:
	case dataOut(c.CDB):
		c.Direction = scsi.Out
	default:
		c.Direction = scsi.In
		clear(c.Data) // memory of an earlier command
	}
	return c
}

func scatter(vectors [][]byte, data []byte) {
	for _, v := range vectors {
		data = data[copy(v, data):]
	}
}

// cdbLength is by the operation code's group (SPC-5, 4.2.5.1).
func cdbLength(cdb []byte) int {
	switch cdb[0] >> 5 {
	case 0:
		return 6
	case 1, 2:
		return 10
	case 4:
		return 16
	case 5:
		return 12
	case 3:
		if cdb[0] == 0x7f { // variable length
			return 8 + int(cdb[7])
		}
	}
	return 16
}

// dataOut reports whether a command that has data sends it to the drive: SPC-5,
// SBC-4; for the ATA PASS-THROUGH commands T_DIR (SAT-4, 12.2.2).
func dataOut(cdb []byte) bool {
	switch cdb[0] {
	case 0x85, 0xa1: // ATA PASS-THROUGH (16) and (12)
		return cdb[2]&0x08 == 0
	case 0x7f:
		switch int(cdb[8])<<8 | int(cdb[9]) {
		case 0x1ff0: // ATA PASS-THROUGH (32)
			return cdb[11]&0x08 == 0
		case 0x000b, 0x000c, 0x000d, 0x000e, 0x0011: // WRITE, WRITE AND VERIFY, WRITE SAME (32), COMPARE AND WRITE
			return true
		}
	case 0x04, 0x0a, 0x15, 0x1d, 0x2a, 0x2e, 0x3b, 0x41, 0x42, 0x48, 0x4c, 0x55, 0x5f,
		0x89, 0x8a, 0x8e, 0x93, 0xa4, 0xaa, 0xae, 0xb5:
		return true
	}
	return false
}
