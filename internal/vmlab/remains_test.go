//go:build vm && linux

package vmlab

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ombruk/ombruk/certs"
)

// tpm gives the machine an emulated TPM 2.0 that somebody has used before: as
// tools of others leave it.
func (b *bench) tpm(before ...[]string) {
	b.t.Helper()
	for tool, pkg := range map[string]string{"swtpm": "swtpm", "tpm2": "tpm2-tools"} {
		if _, err := exec.LookPath(tool); err != nil {
			b.t.Fatalf("needs %s: apt-get install %s", tool, pkg)
		}
	}
	state := filepath.Join(b.dir, "tpm")
	if err := os.Mkdir(state, 0o700); err != nil {
		b.t.Fatal(err)
	}
	b.tpmTools(before...)
	// The path of a socket has no room for that of a test's folder.
	dir, err := os.MkdirTemp("", "tpm")
	if err != nil {
		b.t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+state, "--ctrl", "type=unixio,path="+socket, "--terminate")
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		} else if time.Since(began) > 10*time.Second {
			b.t.Fatal(err)
		}
	}
	b.qemu("-chardev", "socket,id=chrtpm,path="+socket, "-tpmdev", "emulator,id=tpm0,chardev=chrtpm", "-device", "tpm-tis,tpmdev=tpm0")
}

// tpmTools runs tpm2-tools on the state of the TPM while the machine is off, and
// gives what the last of them said.
func (b *bench) tpmTools(commands ...[]string) (said string) {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+filepath.Join(b.dir, "tpm"), "--flags", "not-need-init,startup-clear",
		"--server", fmt.Sprintf("type=tcp,port=%d,bindaddr=127.0.0.1", port), "--ctrl", fmt.Sprintf("type=tcp,port=%d,bindaddr=127.0.0.1", port+1))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		if err == nil {
			_ = c.Close()
			break
		} else if time.Since(began) > 10*time.Second {
			b.t.Fatalf("%v\n%s", err, out.Bytes())
		}
	}
	for _, args := range commands {
		tool := exec.Command("tpm2", args...)
		tool.Env = append(os.Environ(), fmt.Sprintf("TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=%d", port))
		got, err := tool.CombinedOutput()
		if err != nil {
			b.t.Fatalf("tpm2 %s: %v\n%s", strings.Join(args, " "), err, got)
		}
		said = string(got)
	}
	return said
}

// remained is what the unit's record in a folder of the guest says of each thing.
func (b *bench) remained(t *testing.T, dir string) map[string]certs.Remain {
	t.Helper()
	files, err := b.m.Fetch(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]certs.Remain{}
	for name, content := range files {
		if !strings.HasSuffix(name, ".evidence.json") {
			continue
		}
		r, err := certs.Open(content)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unit != nil {
			for _, one := range r.Unit.Remains {
				all[one.Thing] = one
			}
		}
	}
	return all
}

var someoneElses = []string{"nvdefine", "0x1500016", "-C", "o", "-s", "32", "-a", "ownerread|ownerwrite"}

// A real kernel's TPM is cleared, and a real drive's tray opens.
func TestATPMIsClearedAndATrayOpened(t *testing.T) {
	b := newBench(t)
	b.tpm(someoneElses)
	b.qemu("-device", "nvme,id=ctl,serial=LAB-INNER")
	b.drive("inner", 40, "nvme-ns,bus=ctl")
	b.drive("disc", 12, "ide-cd,bus=ide.1", "readonly=on")
	b.start(3 * time.Minute)
	b.run(t, 0, "ombruk", "process", "--out", "/out", "--standard", "nist-800-88r2-clear", "--confirm", "LAB-INNER", "--clear-tpm", "--eject")
	got := b.remained(t, "/out")
	if r := got[certs.RemainTPM]; r.State != certs.RemainDone || r.By != certs.ByOmbruk || !strings.Contains(r.Text, "its storage key is another one, 1 object is gone") {
		t.Errorf("TPM: %+v", r)
	}
	if r := got[certs.RemainDisc]; r.State != certs.RemainLeft || !strings.Contains(r.Text, "the tray was opened") {
		t.Errorf("disc: %+v", r)
	}
	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if said := b.tpmTools([]string{"getcap", "handles-nv-index"}); strings.Contains(said, "0x1500016") {
		t.Errorf("the TPM still holds %s", said)
	}
}

// With its lockout password set a TPM is left to the firmware, which the kernel
// passes the request on to.
func TestATPMIsLeftToTheFirmware(t *testing.T) {
	b := newBench(t)
	b.tpm(someoneElses, []string{"changeauth", "-c", "lockout", "only windows knows"})
	// Of the emulator's firmwares only UEFI has the interface.
	vars := filepath.Join(b.dir, "vars.fd")
	if _, err := output("cp", "/usr/share/OVMF/OVMF_VARS_4M.fd", vars); err != nil {
		t.Fatalf("needs OVMF: apt-get install ovmf: %v", err)
	}
	b.qemu("-drive", "if=pflash,format=raw,unit=0,file=/usr/share/OVMF/OVMF_CODE_4M.fd,readonly=on", "-drive", "if=pflash,format=raw,unit=1,file="+vars)
	b.qemu("-device", "nvme,id=ctl,serial=LAB-INNER")
	b.drive("inner", 40, "nvme-ns,bus=ctl")
	b.start(3 * time.Minute)
	b.run(t, 0, "ombruk", "process", "--out", "/out/2", "--standard", "nist-800-88r2-clear", "--confirm", "LAB-INNER", "--clear-tpm")
	if r := b.remained(t, "/out/2")[certs.RemainTPM]; r.State != certs.RemainRequested || !strings.Contains(r.Text, "lockout password is set") {
		t.Errorf("TPM: %+v", r)
	}
	if pending := b.run(t, 0, "cat", "/sys/class/tpm/tpm0/ppi/request").Stdout; !strings.HasPrefix(pending, "5") && !strings.HasPrefix(pending, "14") {
		t.Errorf("the firmware is to do %q", pending)
	}
	if err := b.m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if said := b.tpmTools([]string{"getcap", "properties-variable"}); !strings.Contains(said, "TPM2_PT_LOCKOUT_COUNTER: 0x0") {
		t.Errorf("the TPM was tried with a wrong password:\n%s", said)
	}
}
