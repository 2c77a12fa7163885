package remains

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/ombruk/ombruk/certs"
	"github.com/ombruk/ombruk/inventory"
)

// bench is a machine with an emulated TPM 2.0 of its own: no test here comes
// near the TPM of the machine it runs on.
type bench struct {
	Source
	t    *testing.T
	port int
}

// with20 starts an emulated TPM 2.0 in a folder of the test, and gives a machine
// whose kernel has a driver for it.
func with20(t *testing.T) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("outside judges are left out of -short")
	}
	for tool, pkg := range map[string]string{"swtpm": "swtpm", "tpm2": "tpm2-tools"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("needs %s: apt-get install %s", tool, pkg)
		}
	}
	b := &bench{t: t, port: freePorts(t)}
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+t.TempDir(), "--flags", "not-need-init,startup-clear",
		"--server", fmt.Sprintf("type=tcp,port=%d,bindaddr=127.0.0.1", b.port), "--ctrl", fmt.Sprintf("type=tcp,port=%d,bindaddr=127.0.0.1", b.port+1))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for begin := time.Now(); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port+1))
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("swtpm does not answer: %v\n%s", err, said.Bytes())
		}
	}
	b.Source = Source{Root: tree(t, map[string]string{"sys/class/tpm/tpm0/tpm_version_major": "2\n", "sys/class/tpm/tpmrm0/dev": "254:65536\n"})}
	b.Source.TPM = func(string) (transport.TPMCloser, error) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
		if err != nil {
			return nil, err
		}
		return transport.FromReadWriteCloser(c), nil
	}
	return b
}

// freePorts finds two ports, one after the other, that nobody uses.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 50 {
		one, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := one.Addr().(*net.TCPAddr).Port
		two, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		_ = one.Close()
		if err == nil {
			_ = two.Close()
			return port
		}
	}
	t.Fatal("no two ports are free")
	return 0
}

// judge runs a tool of tpm2-tools on the emulated TPM.
func (b *bench) judge(tool string, args ...string) (string, error) {
	b.t.Helper()
	cmd := exec.Command("tpm2", append([]string{tool}, args...)...)
	cmd.Dir = b.t.TempDir()
	cmd.Env = append(os.Environ(), fmt.Sprintf("TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=%d", b.port))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *bench) must(tool string, args ...string) string {
	b.t.Helper()
	out, err := b.judge(tool, args...)
	if err != nil {
		b.t.Fatalf("tpm2 %s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
	return out
}

// srk makes the storage key with an outside tool: the file of its context, and
// its public part.
func (b *bench) srk() (context, public string) {
	b.t.Helper()
	dir := b.t.TempDir()
	context = filepath.Join(dir, "srk.ctx")
	b.must("createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", context, "-f", "pem", "-o", filepath.Join(dir, "srk.pem"))
	content, err := os.ReadFile(filepath.Join(dir, "srk.pem"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.must("flushcontext", "-t") // no resource manager does it here
	return context, string(content)
}

// tree makes a tree of files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// The user before had keys in the TPM and a password on its owner. After the
// clear an outside tool finds none of it, and another storage key.
func TestClearingATPM(t *testing.T) {
	b := with20(t)
	context, before := b.srk()
	b.must("nvdefine", "0x1500016", "-C", "o", "-s", "32", "-a", "ownerread|ownerwrite")
	b.must("evictcontrol", "-C", "o", "-c", context, "0x81000001")
	b.must("flushcontext", "-t")
	b.must("nvdefine", "0x1410001", "-C", "p", "-s", "8", "-a", "ppread|ppwrite|platformcreate|authread") // the firmware's own
	if got := b.must("getcap", "handles-persistent") + b.must("getcap", "handles-nv-index"); !strings.Contains(got, "0x81000001") || !strings.Contains(got, "0x1500016") {
		t.Fatalf("nothing to clear:\n%s", got)
	}

	seen := b.Look(t.Context(), inventory.Machine{Firmware: inventory.Firmware{TPM: "2.0"}})[0]
	if seen.Thing != certs.RemainTPM || seen.Presence != Present || seen.Way != WayClear || seen.Taken || len(seen.Names) != 1 || !strings.HasPrefix(seen.Names[0], "TPM 2.0") {
		t.Errorf("seen %+v", seen)
	}
	done, err := b.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
	if err != nil || done.State != certs.RemainDone || done.By != certs.ByOmbruk {
		t.Fatalf("%+v, %v", done, err)
	}
	if want := "TPM 2.0 cleared: its storage key is another one, 2 objects are gone"; done.Text != want {
		t.Errorf("text %q, want %q", done.Text, want)
	}
	if got := b.must("getcap", "handles-persistent") + b.must("getcap", "handles-nv-index"); strings.Contains(got, "0x81000001") || strings.Contains(got, "0x1500016") || !strings.Contains(got, "0x1410001") {
		t.Errorf("after the clear:\n%s", got)
	}
	if _, after := b.srk(); after == before {
		t.Error("the storage key is the same")
	}
}

// With the owner's password set there is no storage key to compare; that the
// password and the objects are gone says enough.
func TestClearingATPMWithAnOwner(t *testing.T) {
	b := with20(t)
	b.must("nvdefine", "0x1500016", "-C", "o", "-s", "32", "-a", "ownerread|ownerwrite")
	b.must("changeauth", "-c", "owner", "hunter2")
	if seen := b.Look(t.Context(), inventory.Machine{})[0]; !seen.Taken || seen.Way != WayClear {
		t.Errorf("seen %+v", seen)
	}
	done, err := b.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
	if err != nil || done.State != certs.RemainDone || done.Text != "TPM 2.0 cleared: its passwords are gone, 1 object is gone" {
		t.Errorf("%+v, %v", done, err)
	}
	if got := b.must("getcap", "properties-variable"); !strings.Contains(got, "ownerAuthSet:              0") {
		t.Errorf("after the clear:\n%s", got)
	}
	if seen := b.Look(t.Context(), inventory.Machine{})[0]; seen.Taken {
		t.Errorf("seen %+v", seen)
	}
}

// Windows sets a lockout password that it keeps for itself. The TPM must not be
// tried with a wrong one, which would lock it; the firmware is asked.
func TestATPMWhoseLockoutPasswordIsSet(t *testing.T) {
	b := with20(t)
	b.must("changeauth", "-c", "lockout", "only windows knows")
	for _, c := range []struct {
		name, operations string
		way              Way
		why              Why
		state            certs.RemainState
		says, request    string
	}{
		{"no way to ask the firmware", "", "", WhyBlocked, certs.RemainLeft, "the firmware does not let the system ask", ""},
		{"the firmware does not allow it", "4 4: User not required\n5 2: Blocked for OS by BIOS\n14 1: BIOS only\n", "", WhyBlocked, certs.RemainLeft, "the firmware does not let the system ask", ""},
		{"somebody must agree", "5 3: User required\n14 3: User required\n", WayFirmware, WhyOwned, certs.RemainRequested, "operation 5) and asks for agreement", "5"},
		{"nobody must agree", "5 4: User not required\n", WayFirmware, WhyOwned, certs.RemainRequested, "operation 5) and does it", "5"},
		{"only the longer operation", "14 3: User required\n", WayFirmware, WhyOwned, certs.RemainRequested, "operation 14) and asks", "14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := *b
			files := map[string]string{"sys/class/tpm/tpm0/tpm_version_major": "2\n"}
			if c.operations != "" {
				files["sys/class/tpm/tpm0/ppi/tcg_operations"], files["sys/class/tpm/tpm0/ppi/request"] = c.operations, ""
			}
			b.Root = tree(t, files)
			if seen := b.Look(t.Context(), inventory.Machine{})[0]; seen.Way != c.way || seen.Why != c.why || !seen.Taken {
				t.Errorf("seen %+v, want %s because %s", seen, c.way, c.why)
			}
			got, err := b.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
			if err != nil || got.State != c.state || !strings.Contains(got.Text, c.says) || !strings.Contains(got.Text, "lockout password is set") {
				t.Errorf("%+v, %v", got, err)
			}
			if request := b.text("/sys/class/tpm/tpm0/ppi/request"); request != c.request {
				t.Errorf("asked for %q, want %q", request, c.request)
			}
		})
	}
	if got := b.must("getcap", "properties-variable"); !strings.Contains(got, "TPM2_PT_LOCKOUT_COUNTER: 0x0") || !strings.Contains(got, "inLockout:                 0") {
		t.Errorf("the TPM was tried with a wrong password:\n%s", got)
	}
}

// The firmware can forbid clearing altogether (TPM2_ClearControl).
func TestATPMThatMustNotBeCleared(t *testing.T) {
	b := with20(t)
	b.must("clearcontrol", "-C", "l", "s")
	if seen := b.Look(t.Context(), inventory.Machine{})[0]; seen.Way != "" || seen.Why != WhyBlocked {
		t.Errorf("seen %+v", seen)
	}
	got, err := b.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
	if err != nil || got.State != certs.RemainLeft || !strings.Contains(got.Text, "clearing it is disabled") {
		t.Errorf("%+v, %v", got, err)
	}
}

// liar answers a clear with success and does not clear.
type liar struct{ transport.TPMCloser }

func (l liar) Send(command []byte) ([]byte, error) {
	if len(command) >= 10 && binary.BigEndian.Uint32(command[6:]) == uint32(tpm2.TPMCCClear) {
		// An answer with an empty password session: tag, size, success, no
		// parameters, and the session's nonce, attributes and acknowledgement.
		return []byte{0x80, 0x02, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, nil
	}
	return l.TPMCloser.Send(command)
}

func TestATPMThatLiesAboutBeingCleared(t *testing.T) {
	b := with20(t)
	honest := b.TPM
	b.TPM = func(name string) (transport.TPMCloser, error) {
		c, err := honest(name)
		return liar{c}, err
	}
	for _, prepare := range []func(){
		func() {},
		func() { b.must("nvdefine", "0x1500016", "-C", "o", "-s", "32", "-a", "ownerread|ownerwrite") },
		func() { b.must("changeauth", "-c", "owner", "hunter2") },
	} {
		prepare()
		got, err := b.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
		if err != nil || got.State != certs.RemainLeft || !strings.Contains(got.Text, "does not show it") {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// A TPM 1.2 is the firmware's to clear.
func TestATPM12(t *testing.T) {
	for _, c := range []struct {
		name                      string
		enabled, owned, operation string
		seen                      Seen
		state                     certs.RemainState
		request                   string
	}{
		{"owned", "1", "1", "5 3: User required", Seen{Way: WayFirmware, Why: WhyVersion, Taken: true}, certs.RemainRequested, "5"},
		{"off", "0", "0", "5 3: User required\n22 3: User required", Seen{Way: WayFirmware, Why: WhyDisabled}, certs.RemainRequested, "22"},
		{"no interface", "1", "1", "", Seen{Why: WhyBlocked, Taken: true}, certs.RemainLeft, "0"},
	} {
		s := Source{Root: tree(t, map[string]string{
			"sys/class/tpm/tpm0/device/enabled": c.enabled, "sys/class/tpm/tpm0/device/active": "1", "sys/class/tpm/tpm0/device/owned": c.owned,
			"sys/class/tpm/tpm0/ppi/tcg_operations": c.operation, "sys/class/tpm/tpm0/ppi/request": "0\n",
		})}
		m := inventory.Machine{Firmware: inventory.Firmware{TPM: "1.2"}}
		if seen := s.Look(t.Context(), m)[0]; seen.Presence != Present || seen.Way != c.seen.Way || seen.Why != c.seen.Why || seen.Taken != c.seen.Taken {
			t.Errorf("%s: seen %+v", c.name, seen)
		}
		got, err := s.Clear(t.Context(), m, certs.RemainTPM)
		if err != nil || got.State != c.state {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if request, _, _ := strings.Cut(s.text("/sys/class/tpm/tpm0/ppi/request"), "\n"); request != c.request {
			t.Errorf("%s: asked for %q", c.name, request)
		}
	}
}

// The firmware takes the request and forgets it.
func TestFirmwareThatForgetsTheRequest(t *testing.T) {
	root := tree(t, map[string]string{"sys/class/tpm/tpm0/tpm_version_major": "1", "sys/class/tpm/tpm0/ppi/tcg_operations": "5 4: User not required"})
	if err := os.Symlink("/dev/null", filepath.Join(root, "sys/class/tpm/tpm0/ppi/request")); err != nil {
		t.Fatal(err)
	}
	got, err := Source{Root: root}.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
	if err != nil || got.State != certs.RemainLeft || !strings.Contains(got.Text, "taken down 0") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMachinesWithoutATPMInReach(t *testing.T) {
	for _, c := range []struct {
		firmware inventory.Firmware
		presence Presence
		why      Why
	}{
		{inventory.Firmware{TPM: "none"}, Absent, ""},
		{inventory.Firmware{}, "", ""},
		{inventory.Firmware{TPM: "2.0"}, Present, WhyNoDriver},
		{inventory.Firmware{TPM: "2.0", TPMDisabled: true}, Present, WhyDisabled},
	} {
		s, m := Source{Root: t.TempDir()}, inventory.Machine{Firmware: c.firmware}
		if seen := s.Look(t.Context(), m)[0]; seen.Presence != c.presence || seen.Why != c.why || seen.Way != "" {
			t.Errorf("%+v: seen %+v", c.firmware, seen)
		}
		if got, err := s.Clear(t.Context(), m, certs.RemainTPM); !errors.Is(err, ErrNothing) {
			t.Errorf("%+v: %+v, %v", c.firmware, got, err)
		}
	}
}

// replay answers every command with the same bytes.
type replay []byte

func (r replay) Send([]byte) ([]byte, error) { return r, nil }
func (replay) Close() error                  { return nil }

// A chip may answer anything.
func FuzzTPMAnswers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 1})
	f.Add([]byte{0x80, 0x01, 0, 0, 0, 35, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0, 4, 0, 0, 2, 1, 0, 0, 0, 15})
	f.Add([]byte{0x80, 0x01, 0, 0, 0, 19, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff})
	root := f.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "sys/class/tpm/tpm0"), 0o755), os.WriteFile(filepath.Join(root, "sys/class/tpm/tpm0/tpm_version_major"), []byte("2"), 0o600)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		s := Source{Root: root, TPM: func(string) (transport.TPMCloser, error) { return replay(answer), nil }}
		s.Look(t.Context(), inventory.Machine{})
		got, err := s.Clear(t.Context(), inventory.Machine{}, certs.RemainTPM)
		if err != nil || got.State == certs.RemainDone || got.State == certs.RemainRequested {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func FuzzPPIOperations(f *testing.F) {
	f.Add("5 3: User required\n14 2: Blocked for OS by BIOS\n")
	f.Add("5\n5 5 5: x\n-1 3: \n5 4:\n5 2:")
	f.Fuzz(func(t *testing.T, text string) {
		if n := len(parsePPIOperations(text)); n > ppiOperationsMostLines {
			t.Errorf("%d operations", n)
		}
	})
}
