package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine makes a captured sysfs in which nothing ever sleeps.
func machine(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "run/lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(root, "sys", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestMachinesThatCannotThawADrive(t *testing.T) {
	const rtc = "class/rtc/rtc0/wakealarm"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  error
	}{
		{"a laptop with S0ix only", map[string]string{"power/mem_sleep": "[s2idle]\n", "power/state": "freeze mem disk\n", rtc: ""}, ErrNoDeepSleep},
		{"a machine that only freezes", map[string]string{"power/mem_sleep": "s2idle [deep]\n", "power/state": "freeze\n", rtc: ""}, ErrNoDeepSleep},
		{"a virtual machine without any", map[string]string{"power/state": "freeze\n"}, ErrNoDeepSleep},
		{"a desktop without an alarm", map[string]string{"power/mem_sleep": "s2idle [deep]\n", "power/state": "freeze mem disk\n"}, ErrNoAlarm},
	} {
		if err := suspend(machine(t, c.files), time.Second); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestSleepIsOrderedAndTidiedUp(t *testing.T) {
	files := map[string]string{"power/mem_sleep": "[s2idle] deep\n", "power/state": "freeze mem disk\n", "class/rtc/rtc0/wakealarm": "1700000000\n"}
	root := machine(t, files)
	if err := suspend(root, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"power/state": "mem", "power/mem_sleep": "s2idle", "class/rtc/rtc0/wakealarm": "0"} {
		if got, _ := os.ReadFile(filepath.Join(root, "sys", name)); string(got) != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A kernel that says yes and stays awake has thawed nothing.
func TestSleepThatDidNotHappen(t *testing.T) {
	root := machine(t, map[string]string{
		"power/mem_sleep": "[deep]\n", "power/state": "mem\n", "class/rtc/rtc0/wakealarm": "", "power/suspend_stats/success": "3\n",
	})
	if err := suspend(root, 10*time.Second); err == nil {
		t.Error("taken for a sleep")
	}
}

// Two runs on one machine: neither may put the other's drives to sleep.
func TestNoSleepWhileAnybodyIsAtWork(t *testing.T) {
	root := machine(t, map[string]string{"power/mem_sleep": "s2idle [deep]\n", "power/state": "freeze mem disk\n", "class/rtc/rtc0/wakealarm": ""})
	first, err := awake(root)
	if err != nil {
		t.Fatal(err)
	}
	second, err := awake(root)
	if err != nil {
		t.Fatalf("a second run beside the first: %v", err)
	}
	first()
	first()
	if err := suspend(root, time.Second); !errors.Is(err, ErrBusy) {
		t.Errorf("suspended beside a run: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(root, "sys/power/state")); string(got) != "freeze mem disk\n" {
		t.Errorf("it was put to sleep: %q", got)
	}
	second()
	lock, err := hold(root, unix.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awake(root); !errors.Is(err, ErrSleeping) {
		t.Errorf("began beside a suspend: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := suspend(root, time.Second); err != nil {
		t.Error(err)
	}
	// The suspend lets go of it.
	third, err := awake(root)
	if err != nil {
		t.Fatal(err)
	}
	third()
}

func TestLockIsNoLinkToSomethingElse(t *testing.T) {
	root := machine(t, nil)
	if err := os.Symlink("/etc/hostname", filepath.Join(root, "run/lock/ombruk.lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := awake(root); err == nil {
		t.Error("a link was followed")
	}
	// A system without /run/lock has its folder for temporary files.
	t.Setenv("TMPDIR", t.TempDir())
	release, err := awake(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := os.Stat(filepath.Join(os.TempDir(), "ombruk.lock")); err != nil {
		t.Error(err)
	}
}
