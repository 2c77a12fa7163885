package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ombruk/ombruk/internal/stick"
)

// Medium is a drive with a partition of a boot stick's on it.
type Medium struct {
	Path   string `json:"path"`   // /dev/sdb; where it is now, no identity
	Number string `json:"number"` // its device number, "8:16"
	// Model and Serial are what it says of itself, empty when it says nothing.
	Model     string `json:"model"`
	Serial    string `json:"serial"`
	SizeBytes int64  `json:"size_bytes"`
	// GUID is that of its partition table, which all sticks written from one
	// image share; empty when it cannot be read.
	GUID string `json:"guid"`
	// DataPath is its data partition, empty when it has none.
	DataPath string `json:"data_path"`
	// ReadOnly is set by a write-protect switch or by a worn-out stick.
	ReadOnly bool `json:"read_only"`
	// Portable is what can be carried away: on USB, or a card. Records go to
	// nothing else unasked; a returned machine's own drive may bear the name.
	Portable bool `json:"portable"`

	// sequence is the kernel's number of this insertion; it never comes again.
	sequence string
}

// ID is a digest of what the medium is, whichever port it is in: 16 hexadecimal
// digits. Two media of one kind that have no serial number and were written
// from one image cannot be told apart; see [Medium.Known].
func (m Medium) ID() string {
	b, err := json.Marshal([]string{"ombruk medium", m.GUID, m.Model, m.Serial, strconv.FormatInt(m.SizeBytes, 10)})
	if err != nil {
		panic(err) // strings
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Known reports whether the medium can be told from others of its kind.
func (m Medium) Known() bool { return m.Serial != "" }

func (m Medium) String() string {
	name := strings.TrimSpace(m.Model)
	if name == "" {
		name = "stick"
	}
	if m.Serial != "" {
		name += " S/N " + m.Serial
	}
	return fmt.Sprintf("%s (%s, %d MB)", name, m.Path, m.SizeBytes/1e6)
}

// Media lists the drives that have a partition of a boot stick's, by path. root
// is where sysfs and devices are looked for, "/" but for tests. None of them
// may ever be erased by what runs from one.
func Media(root string) ([]Medium, error) {
	dir := filepath.Join(root, "sys/class/block")
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list drives: %w", err)
	}
	found := map[string]*Medium{}
	for _, n := range names {
		// Through the link, so that what is above it can be seen.
		part, err := filepath.EvalSymlinks(filepath.Join(dir, n.Name()))
		if err != nil {
			continue // gone
		}
		b, err := os.ReadFile(filepath.Join(part, "uevent"))
		if err != nil {
			continue
		}
		values := pairs(string(b), "\n")
		name := values["PARTNAME"]
		if name != stick.ESPName && name != stick.DataName && name != stick.BIOSName {
			continue
		}
		whole := filepath.Dir(part)
		m := found[whole]
		if m == nil {
			m = readMedium(root, whole)
			found[whole] = m
		}
		if name == stick.DataName {
			m.DataPath = "/dev/" + n.Name()
			m.ReadOnly = m.ReadOnly || readLine(filepath.Join(part, "ro")) == "1"
		}
	}
	list := make([]Medium, 0, len(found))
	for _, m := range found {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b Medium) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// usbPort is in the path of whatever hangs on USB.
var usbPort = regexp.MustCompile(`/usb\d+/`)

// readMedium reads what a whole drive is, from its folder in sysfs.
func readMedium(root, whole string) *Medium {
	attribute := func(name string) string { return printable(readLine(filepath.Join(whole, name))) }
	name := strings.ReplaceAll(filepath.Base(whole), "!", "/")
	m := &Medium{
		Path: "/dev/" + name, Number: attribute("dev"), sequence: attribute("diskseq"),
		Model:  strings.TrimSpace(attribute("device/vendor") + " " + attribute("device/model")),
		Serial: attribute("device/serial"), ReadOnly: attribute("ro") == "1",
	}
	m.Portable = attribute("removable") == "1" || attribute("device/type") == "SD" || usbPort.MatchString(whole)
	if strings.HasPrefix(m.Model, "0x") { // a virtio disk's number
		m.Model = ""
	}
	if m.Model == "" {
		m.Model = attribute("device/name") // SD cards and eMMC
	}
	if m.Serial == "" {
		m.Serial = attribute("serial") // virtio
	}
	if sectors, err := strconv.ParseInt(attribute("size"), 10, 64); err == nil {
		m.SizeBytes = sectors * 512
	}
	// Of a USB device the serial number stands some folders up, beside its
	// vendor's id.
	for dir := filepath.Dir(whole); m.Serial == "" && len(dir) > len(filepath.Join(root, "sys")); dir = filepath.Dir(dir) {
		if readLine(filepath.Join(dir, "idVendor")) != "" {
			m.Serial = printable(readLine(filepath.Join(dir, "serial")))
			break
		}
	}
	blockBytes, err := strconv.ParseInt(attribute("queue/logical_block_size"), 10, 64)
	if err != nil || blockBytes < 512 || blockBytes > 1<<16 {
		blockBytes = 512
	}
	if header, err := readAt(filepath.Join(root, m.Path), blockBytes, 512); err == nil {
		if guid, err := diskGUID(header); err == nil {
			m.GUID = guid
		}
	}
	return m
}

// readAt reads so many bytes from somewhere in a device or file.
func readAt(name string, at int64, size int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, size)
	_, err = io.ReadFull(io.NewSectionReader(f, at, int64(size)), b)
	return b, err
}

// printable leaves out what a stranger's device may not say to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// choice is which media a stick's records go to.
type choice struct {
	first *Medium
	// several are those that cannot be told apart without a person.
	several []Medium
}

// choose decides among the media with a data partition. started is the GUID of
// the medium that the machine was started from, empty when that is not known;
// picked is the id of the one that a person chose, empty when nobody did.
func choose(media []Medium, started, picked string) choice {
	var with, candidates []Medium
	for _, m := range media {
		if m.DataPath != "" {
			with = append(with, m)
		}
	}
	for _, m := range with {
		if picked != "" && m.ID() == picked || picked == "" && (started == "" && m.Portable || started != "" && m.GUID == started) {
			candidates = append(candidates, m)
		}
	}
	var c choice
	switch {
	case len(candidates) == 1:
		c.first = &candidates[0]
	case len(candidates) > 1:
		c.several = candidates
		return c
	default:
		return c
	}
	return c
}
