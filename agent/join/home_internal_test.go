package join

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// somebody is a user that is not root.
const somebody = 65534

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

// Root makes what the service's user must read that user's.
func TestHome_owner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give something away")
	}
	theirs := filepath.Join(t.TempDir(), "theirs")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(theirs, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(t.TempDir(), "a", "made")
	roots := t.TempDir()
	if err := os.WriteFile(filepath.Join(roots, "used"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, tt := range map[string]struct {
		service bool
		want    uint32
	}{
		theirs: {false, somebody}, made: {true, somebody}, roots: {true, 0},
	} {
		h := home{dir: dir, uid: -1, gid: -1}
		if err := h.settle(somebody, somebody, tt.service); err != nil {
			t.Fatal(err)
		}
		if _, made, err := h.key("device-010000000000.key"); err != nil || !made {
			t.Fatal(made, err)
		}
		if got := owner(t, h.path("device-010000000000.key")); got != tt.want {
			t.Errorf("%s: the key is of %d, want %d", dir, got, tt.want)
		}
	}
	if got := owner(t, made); got != somebody {
		t.Errorf("the folder is of %d", got)
	}
	beside := home{dir: t.TempDir(), uid: somebody, gid: somebody}
	for range 2 {
		if _, _, err := beside.key("device-010000000000.key"); err != nil {
			t.Fatal(err)
		}
		if got := owner(t, beside.path("device-010000000000.key")); got != somebody {
			t.Errorf("beside the configuration: the key is of %d", got)
		}
	}
}

// Without a folder for what waits, and for who may not use it, the key lies beside the configuration.
func TestFindHome_beside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, err := findHome("", filepath.Join(dir, "agent.yaml"))
	if err != nil || h.dir != dir {
		t.Fatalf("got %+v, %v", h, err)
	}
	if os.Geteuid() == 0 {
		return
	}
	if h, err := findHome("/proc/1/no", filepath.Join(dir, "agent.yaml")); err != nil || h.dir != dir {
		t.Errorf("got %+v, %v", h, err)
	}
}

// An agent that runs has its folder locked.
func TestRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if running(dir) || running("") || running(filepath.Join(dir, "none")) {
		t.Error("nobody runs")
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only locked
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if !running(dir) {
		t.Error("an agent runs")
	}
}
