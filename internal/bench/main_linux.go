// Command bench measures ombruk beside its peers, interleaved in one run, on
// loop devices over files that it makes itself: one in memory, one on disk,
// and 24 small ones at once. It prints a table in Markdown. `make bench` runs
// it; it needs root for the loop devices.
//
// A ratio is the peer's time for a byte divided by ours, so 1.0 is the speed
// of `dd bs=4M oflag=direct conv=fsync` and more is faster. Reading back counts its bytes
// too: writing and reading back 2 GiB moves 4 GiB, and dd's time is taken
// twice. Everything the command does is counted: start, inventory, safety,
// evidence, signature, page.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	pairs := flag.Int("pairs", 5, "interleaved pairs per row of ours")
	peerPairs := flag.Int("peer-pairs", 1, "interleaved pairs per row of a peer, some of which take minutes")
	ramMiB := flag.Int64("ram-mib", 2048, "size of the device in memory")
	diskMiB := flag.Int64("disk-mib", 1024, "size of the device on disk")
	manyMiB := flag.Int64("many-mib", 256, "size of each of the 24 devices")
	nwipe := flag.String("nwipe", "nwipe", "nwipe programs to compare with, separated by commas")
	only := flag.String("only", "", "only the parts named: ram,disk,many,start,page")
	flag.Parse()
	if err := run(*pairs, *peerPairs, *ramMiB, *diskMiB, *manyMiB, *nwipe, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(pairs, peerPairs int, ramMiB, diskMiB, manyMiB int64, nwipe, only string) (err error) {
	if os.Getuid() != 0 {
		return errors.New("loop devices need root")
	}
	b := &bench{pairs: pairs, peerPairs: peerPairs, nwipe: nwipe}
	if b.dir, err = os.MkdirTemp("/var/tmp", "ombruk-bench-"); err != nil {
		return err
	}
	if b.ram, err = os.MkdirTemp("/dev/shm", "ombruk-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		_ = b.close() // loop devices must not stay behind
		os.Exit(130)
	}()
	b.ombruk = filepath.Join(b.dir, "ombruk")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.ombruk, "./cmd/ombruk")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	wants := func(part string) bool { return only == "" || slices.Contains(strings.Split(only, ","), part) }
	b.describe()
	parts := []struct {
		name string
		run  func() error
	}{
		{"ram", func() error { return b.single("memory", b.ram, ramMiB<<20) }},
		{"disk", func() error { return b.single("disk", b.dir, diskMiB<<20) }},
		{"many", func() error { return b.many(manyMiB << 20) }},
		{"start", b.start},
		{"page", b.page},
	}
	for _, p := range parts {
		if !wants(p.name) {
			continue
		}
		if err := p.run(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

type bench struct {
	pairs       int // of our rows
	peerPairs   int
	nwipe       string
	dir, ram    string // scratch folders on disk and in memory
	ombruk      string
	loops       []string
	outs        int
	lastPageDir string
}

// close gives back what was made.
func (b *bench) close() error {
	err := b.detach()
	return errors.Join(err, os.RemoveAll(b.dir), os.RemoveAll(b.ram))
}

func (b *bench) detach() error {
	var errs []error
	for _, l := range b.loops {
		if out, err := exec.Command("losetup", "--detach", l).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("detach %s: %w: %s", l, err, out))
		}
	}
	b.loops = nil
	return errors.Join(errs...)
}

// describe prints what the figures were measured on.
func (b *bench) describe() {
	var uts syscall.Utsname
	_ = syscall.Uname(&uts)
	release := []byte{}
	for _, c := range uts.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	cpu := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
				cpu = strings.TrimSpace(name)
			}
		}
	}
	cores := strings.TrimSpace(string(must(exec.Command("nproc").Output())))
	fmt.Printf("Measured on %s, %s cores of %s, Linux %s, medians of %d interleaved pairs (peers: %d).\n",
		time.Now().UTC().Format(time.DateOnly), cores, cpu, release, b.pairs, b.peerPairs)
}

func must(b []byte, _ error) []byte { return b }

// loop makes a loop device over a new file in a folder.
func (b *bench) loop(dir, name string, size int64) (string, error) {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return "", err
	}
	if size%(4<<20) != 0 {
		return "", fmt.Errorf("%s: %d bytes are not a multiple of dd's 4 MiB", name, size)
	}
	out, err := exec.Command("losetup", "--find", "--show", path).Output()
	if err != nil {
		return "", fmt.Errorf("losetup: %w", err)
	}
	dev := strings.TrimSpace(string(out))
	b.loops = append(b.loops, dev)
	// The first run over a fresh file pays for its allocation.
	_, err = timed(0, dd(dev, size))
	return dev, err
}

// use is what one process, or several at once, used.
type use struct {
	wall, cpu time.Duration
	rssKiB    int64
}

// timed runs commands at once and adds up what they used. code is the exit
// code that is expected of each.
func timed(code int, commands ...[]string) (use, error) {
	var total use
	var mu sync.Mutex
	var errs []error
	began := time.Now()
	var wg sync.WaitGroup
	for _, c := range commands {
		wg.Go(func() {
			cmd := exec.Command(c[0], c[1:]...)
			out, err := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == code {
				err = nil
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w: %s", strings.Join(c, " "), err, out))
				return
			}
			total.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			total.rssKiB += cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		})
	}
	wg.Wait()
	total.wall = time.Since(began)
	return total, errors.Join(errs...)
}

// erase is an ombruk command over devices. Loop devices have no serial, so it
// ends with 3, clean with that exception.
func (b *bench) erase(standard, verify string, devices ...string) []string {
	b.outs++
	b.lastPageDir = filepath.Join(b.ram, fmt.Sprint("out", b.outs))
	args := []string{b.ombruk, "erase", "--standard", standard, "--verify", verify, "--out", b.lastPageDir, "--keys", filepath.Join(b.dir, "keys")}
	for _, d := range devices {
		args = append(args, "--confirm", d)
	}
	return append(args, devices...)
}

const eraseCode = 3

// dd is the peer. It syncs at the end as we do: without that it is done, on a
// loop device over disk, before anything has reached the disk.
func dd(dev string, bytes int64) []string {
	return []string{"dd", "if=/dev/zero", "of=" + dev, "bs=4M", "oflag=direct", "conv=fsync", "status=none", fmt.Sprintf("count=%d", bytes>>22)}
}

// row is one line of the table.
type row struct {
	name   string
	target float64 // what is to be reached; 0 when it is a peer
	passes int64   // how often the device's bytes are moved
	code   int
	make   func() [][]string
}

// table measures rows in turn with dd and prints them.
func (b *bench) table(title string, bytes int64, ddCommands func() [][]string, rows []row) error {
	fmt.Printf("\n%s\n\n| | x dd | to reach | seconds | CPU s/GiB | peak MiB |\n|---|---|---|---|---|---|\n", title)
	for _, r := range rows {
		var ratios, walls, cpus []float64
		var rss int64
		pairs := b.pairs
		if r.target == 0 {
			pairs = b.peerPairs
		}
		for range pairs {
			peer, err := timed(0, ddCommands()...)
			if err != nil {
				return err
			}
			ours, err := timed(r.code, r.make()...)
			if err != nil {
				return err
			}
			ratios = append(ratios, peer.wall.Seconds()*float64(r.passes)/ours.wall.Seconds())
			walls = append(walls, ours.wall.Seconds())
			cpus = append(cpus, ours.cpu.Seconds()/(float64(bytes)/(1<<30)))
			rss = max(rss, ours.rssKiB)
		}
		target := "peer"
		if r.target > 0 {
			target = fmt.Sprintf("%.2f", r.target)
		}
		fmt.Printf("| %s | %.2f (%.2f to %.2f) | %s | %.2f | %.3f | %d |\n", r.name, median(ratios), slices.Min(ratios), slices.Max(ratios), target, median(walls), median(cpus), rss>>10)
	}
	return nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// single measures one device.
func (b *bench) single(where, dir string, size int64) error {
	dev, err := b.loop(dir, "single-"+where+".img", size)
	if err != nil {
		return err
	}
	targets := []float64{1.2, 0.7, 1.0, 0.75}
	if where == "disk" {
		targets = []float64{1.5, 1.1, 1.5, 1.5}
	}
	ours := func(standard, verify string) func() [][]string {
		return func() [][]string { return [][]string{b.erase(standard, verify, dev)} }
	}
	fixed := func(args ...string) func() [][]string { return func() [][]string { return [][]string{args} } }
	rows := []row{
		{"ombruk zero", targets[0], 1, eraseCode, ours("zero", "none")},
		{"ombruk random (AES-128-CTR)", targets[1], 1, eraseCode, ours("random", "none")},
		{"ombruk zero + full read-back", targets[2], 2, eraseCode, ours("zero", "full")},
		{"ombruk random + full read-back", targets[3], 2, eraseCode, ours("random", "full")},
		{"shred zero (-n0 -z)", 0, 1, 0, fixed("shred", "-n0", "-z", dev)},
		{"shred random (-n1)", 0, 1, 0, fixed("shred", "-n1", dev)},
	}
	for name := range strings.SplitSeq(b.nwipe, ",") {
		if where == "disk" {
			break // it takes minutes, and memory shows it as well
		}
		path, err := exec.LookPath(name)
		if err != nil {
			fmt.Printf("\n(%s is not installed: its rows are left out)\n", name)
			continue
		}
		rows = append(rows, b.nwipeRows(path, dev)...)
	}
	title := fmt.Sprintf("One loop device of %d MiB over %s", size>>20, where)
	if err := b.table(title, size, fixed(dd(dev, size)...), rows); err != nil {
		return err
	}
	return b.detach()
}

// nwipeRows are one nwipe's zero, random and verified zero.
func (b *bench) nwipeRows(path, dev string) []row {
	help, _ := exec.Command(path, "--help").CombinedOutput()
	command := func(method, verify string) func() [][]string {
		args := []string{path, "--autonuke", "--nogui", "--nowait", "--noblank", "--rounds=1", "--method=" + method, "--verify=" + verify, "--logfile=" + filepath.Join(b.dir, "nwipe.log")}
		if strings.Contains(string(help), "PDFreportpath") { // newer ones make a report unless told not to
			args = append(args, "--PDFreportpath=noPDF")
		}
		return func() [][]string { return [][]string{append(args, dev)} }
	}
	name := "nwipe " + nwipeVersion(path)
	return []row{
		{name + " zero", 0, 1, 0, command("zero", "off")},
		{name + " random", 0, 1, 0, command("random", "off")},
		{name + " zero + verify", 0, 2, 0, command("zero", "last")},
	}
}

func nwipeVersion(path string) string {
	out, _ := exec.Command(path, "-V").CombinedOutput()
	for _, word := range strings.Fields(string(out)) {
		if word != "" && word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return "of unknown version"
}

// manyDevices is a full rack.
const manyDevices = 24

// many measures a rack of devices at once.
func (b *bench) many(size int64) error {
	var devices []string
	for i := range manyDevices {
		dev, err := b.loop(b.ram, fmt.Sprintf("many-%d.img", i), size)
		if err != nil {
			return err
		}
		devices = append(devices, dev)
	}
	peers := func() (all [][]string) {
		for _, d := range devices {
			all = append(all, dd(d, size))
		}
		return all
	}
	ours := func(standard, verify string) func() [][]string {
		return func() [][]string { return [][]string{b.erase(standard, verify, devices...)} }
	}
	err := b.table(fmt.Sprintf("%d loop devices of %d MiB over memory at once, against as many dd", manyDevices, size>>20), size*manyDevices, peers, []row{
		{"ombruk zero", 1.5, 1, eraseCode, ours("zero", "none")},
		{"ombruk random (AES-128-CTR)", 0.6, 1, eraseCode, ours("random", "none")},
		{"ombruk zero + full read-back", 1.3, 2, eraseCode, ours("zero", "full")},
		{"ombruk random + full read-back", 0.6, 2, eraseCode, ours("random", "full")},
	})
	return errors.Join(err, b.detach())
}

// start measures from the start of the process to the first sector that the
// kernel has written.
func (b *bench) start() error {
	const size = 1 << 30
	dev, err := b.loop(b.ram, "start.img", size)
	if err != nil {
		return err
	}
	stat := filepath.Join("/sys/block", filepath.Base(dev), "stat")
	written := func() string {
		f := strings.Fields(string(must(os.ReadFile(stat))))
		if len(f) < 7 {
			return ""
		}
		return f[6]
	}
	var times []float64
	for range b.pairs {
		before := written()
		args := b.erase("zero", "none", dev)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
		began := time.Now()
		if err := cmd.Start(); err != nil {
			return err
		}
		for written() == before && cmd.ProcessState == nil && time.Since(began) < 10*time.Second {
			time.Sleep(200 * time.Microsecond)
		}
		times = append(times, time.Since(began).Seconds()*1000)
		_ = cmd.Wait()
	}
	fmt.Printf("\nFrom the start of an unattended run to its first byte written: %.0f ms (to reach: 200 ms).\n", median(times))
	return b.detach()
}

// page looks at the certificates of the last run and times `verify` besides.
func (b *bench) page() error {
	img := filepath.Join(b.ram, "page.img")
	if err := os.WriteFile(img, make([]byte, 1<<20), 0o600); err != nil {
		return err
	}
	b.outs++
	out := filepath.Join(b.ram, fmt.Sprint("out", b.outs))
	if _, err := timed(0, []string{b.ombruk, "erase", img, "--standard", "zero", "--confirm", "page.img", "--out", out, "--keys", filepath.Join(b.dir, "keys")}); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(out, "*.pdf"))
	if err != nil || len(pages) != 1 {
		return fmt.Errorf("%d pages, %w", len(pages), err)
	}
	info, err := os.Stat(pages[0])
	if err != nil {
		return err
	}
	fmt.Printf("\nA certificate has %.1f kB (to reach: 80 kB).\n", float64(info.Size())/1000)
	for _, g := range []struct{ what, name, times, pkg, reach string }{
		{"Making one", "Certificate", "100x", "./report", "30 ms"},
		{"Planning one drive", "Plan", "1000x", "./erase", "1 ms"},
		{"From the end of a simulated drive's own crypto erase to the end of the run", "AfterCryptoErase", "3x", "./internal/campaign", "2 s"},
	} {
		if err := goBench(g.what, g.name, g.times, g.pkg, g.reach); err != nil {
			return err
		}
	}
	return nil
}

// goBench runs a benchmark of a package and prints its line.
func goBench(what, name, times, pkg, reach string) error {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", name+"$", "-benchtime", times, pkg)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "Benchmark") {
			fmt.Printf("\n%s (`go test -bench %s %s`, to reach: %s): %s", what, name, pkg, reach, line)
		}
	}
	return nil
}
