package boot

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernelOf plays the kernel: it takes modules and notes in which order.
type kernelOf struct {
	mu    sync.Mutex
	taken []string
	// answers are what it says to modules other than yes.
	answers map[string]error
	// held are modules that it does not answer for until they are released.
	held map[string]chan struct{}
}

func (k *kernelOf) insert(file string) error {
	name := moduleName(file)
	if wait := k.held[name]; wait != nil {
		<-wait
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken = append(k.taken, name)
	return k.answers[name]
}

func (m *machine) loader(k *kernelOf) *loader {
	modules, err := ReadModules(index())
	m.check(err)
	l := newLoader(m.root, modules, k.insert, m.t.Logf)
	l.quiet, l.patience = 20*time.Millisecond, time.Minute
	return l
}

// device adds a device to the machine.
func (m *machine) device(bus, name, modalias string) {
	m.put("sys/bus/"+bus+"/devices/"+name+"/modalias", modalias+"\n")
}

const (
	sataController = "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01"
	usbStick       = "usb:v0951p1666d0100dc00dsc00dp00ic08isc06ip50in00"
)

// settle runs a loader until it has settled, with what happens meanwhile.
func settle(t *testing.T, l *loader, events <-chan Event) Drivers {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	states := make(chan Drivers, 8)
	go l.run(ctx, events, func(d Drivers) { states <- d })
	return <-states
}

func TestEveryDeviceGetsItsDriver(t *testing.T) {
	m := newMachine(t)
	m.device("pci", "0000:00:1f.2", sataController)
	m.device("pci", "0000:00:02.0", "pci:v00001234d00001111sv00001AF4sd00001100bc03sc00i00")
	k := &kernelOf{}
	got := settle(t, m.loader(k), nil)
	if !got.Settled || len(got.Failed) != 0 || len(got.Waiting) != 0 {
		t.Errorf("got %+v", got)
	}
	var order []string
	for _, name := range []string{"scsi_mod", "libata", "libahci", "ahci"} {
		order = append(order, name)
		if n := slices.Index(k.taken, name); n < 0 || len(order) > 1 && n < slices.Index(k.taken, order[len(order)-2]) {
			t.Errorf("%s was not loaded after what it needs: %v", name, k.taken)
		}
	}
	slices.Sort(k.taken)
	if len(slices.Compact(slices.Clone(k.taken))) != len(k.taken) {
		t.Errorf("a module was loaded twice: %v", k.taken)
	}
	// The keyboard's and the stick's are always there.
	for _, name := range []string{"usbhid", "usb_storage", "uas"} {
		if !slices.Contains(k.taken, name) {
			t.Errorf("%s was not loaded: %v", name, k.taken)
		}
	}
}

func TestADriverThatTheKernelRefusesIsNamedAndStopsNothing(t *testing.T) {
	m := newMachine(t)
	m.device("pci", "0000:00:1f.2", sataController)
	k := &kernelOf{answers: map[string]error{
		"libahci": unix.EKEYREJECTED, "scsi_mod": unix.EEXIST, "hid": unix.ENODEV,
	}}
	got := settle(t, m.loader(k), nil)
	if len(got.Failed) != 1 || got.Failed[0].Module != "ahci" || !strings.Contains(got.Failed[0].Error, "libahci.ko") || !strings.Contains(got.Failed[0].Error, unix.EKEYREJECTED.Error()) {
		t.Errorf("got %+v", got.Failed)
	}
	if slices.Contains(k.taken, "ahci") || !slices.Contains(k.taken, "usbhid") {
		t.Errorf("loaded %v", k.taken)
	}
}

// A disk that does not answer holds its driver; the keyboard comes all the same,
// and the wait ends.
func TestASickDriveHoldsNothingElse(t *testing.T) {
	m := newMachine(t)
	m.device("pci", "0000:00:1f.2", sataController)
	hold := make(chan struct{})
	defer close(hold)
	k := &kernelOf{held: map[string]chan struct{}{"ahci": hold}}
	l := m.loader(k)
	l.patience = 100 * time.Millisecond
	got := settle(t, l, nil)
	if !got.Settled || !slices.Equal(got.Waiting, []string{"module ahci"}) {
		t.Errorf("got %+v", got)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.taken, "usbhid") {
		t.Errorf("loaded %v", k.taken)
	}
}

func TestWhatIsPluggedInLaterGetsItsDriver(t *testing.T) {
	m := newMachine(t)
	k := &kernelOf{}
	l := m.loader(k)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := make(chan Event)
	settled := make(chan Drivers, 8)
	go l.run(ctx, events, func(d Drivers) { settled <- d })
	<-settled
	tell := func(e Event) {
		events <- e
		events <- Event{Action: "remove"} // the one before has been seen to
		l.busy.Wait()
	}
	tell(Event{Action: "add", Values: map[string]string{"MODALIAS": sataController}})
	if !slices.Contains(k.taken, "ahci") {
		t.Errorf("after the event: %v", k.taken)
	}
	// Lost events: everything is looked at again.
	m.device("hid", "0003:04D9:1702.0001", "hid:b0003g0001v000004D9p00001702")
	tell(Event{})
	if !slices.Contains(k.taken, "hid_generic") {
		t.Errorf("after lost events: %v", k.taken)
	}
}

// Nothing has settled while a stick has been found and not yet asked for its
// units, or an NVMe controller is not live.
func TestDevicesOnTheirWay(t *testing.T) {
	m := newMachine(t)
	const at = "sys/bus/usb/drivers/usb-storage/1-1:1.0/host6"
	m.put(at+"/uevent", "")
	m.put("sys/class/nvme/nvme0/state", "connecting\n")
	m.put("sys/class/nvme/nvme1/state", "live\n")
	if got, want := onTheirWay(m.root), []string{"USB storage 1-1:1.0", "NVMe controller nvme0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	m.put(at+"/target6:0:0/uevent", "")
	m.put("sys/class/nvme/nvme0/state", "live\n")
	if got := onTheirWay(m.root); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestModulesThatAskForEachOtherEnd(t *testing.T) {
	dir := index()
	dir["modules.softdep"].Data = []byte("softdep uas pre: usb_storage\nsoftdep usb_storage pre: uas\n")
	modules, err := ReadModules(dir)
	if err != nil {
		t.Fatal(err)
	}
	k := &kernelOf{}
	l := newLoader(t.TempDir(), modules, k.insert, t.Logf)
	if err := l.load("uas", nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"usb_storage", "uas"}; !slices.Equal(k.taken, want) {
		t.Errorf("got %v, want %v", k.taken, want)
	}
}

func TestDeviceEvents(t *testing.T) {
	e, ok := parseEvent([]byte("add@/devices/pci0000:00/usb1\x00ACTION=add\x00DEVPATH=/devices/pci0000:00/usb1\x00SUBSYSTEM=usb\x00MODALIAS=" + usbStick + "\x00SEQNUM=4\x00"))
	if !ok || e.Action != "add" || e.Path != "/devices/pci0000:00/usb1" || e.Values["MODALIAS"] != usbStick || e.Values["SUBSYSTEM"] != "usb" {
		t.Errorf("got %+v, %v", e, ok)
	}
	for _, b := range []string{"", "libudev\x00\xfe\xed\xca\xfe", "add", "@/x", "add@x", "\x00"} {
		if e, ok := parseEvent([]byte(b)); ok {
			t.Errorf("%q: got %+v", b, e)
		}
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte("add@/devices/x\x00ACTION=add\x00MODALIAS=pci:v1\x00"))
	f.Add([]byte("libudev\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, ok := parseEvent(b); ok && (e.Action == "" || !filepath.IsAbs(e.Path) || e.Values == nil) {
			t.Errorf("%q: %+v", b, e)
		}
	})
}

func TestKernelMessages(t *testing.T) {
	for _, tt := range []struct {
		record, want string
	}{
		{"4,812,1234567,-;nvme nvme0: I/O 12 QID 1 timeout\n SUBSYSTEM=nvme\n", "nvme nvme0: I/O 12 QID 1 timeout"},
		{"3,1,0,-;ata1: failed command", "ata1: failed command"},
		{"6,2,0,-;sda: sda1 sda2", ""},
		{"12,3,0,-;a program pretends to be the kernel", ""},
		{"", ""}, {"x", ""}, {";", ""}, {"-4,1;x", ""},
	} {
		got, ok := parseKernelMessage(tt.record)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q: got %q, %v", tt.record, got, ok)
		}
	}
}

func TestListeningEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	events, err := Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range events { // it ends when the context does
	}
}
