package control_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"piway/gateway/control"
)

func openStandby(t *testing.T, dir string) *control.Standby {
	t.Helper()
	s := control.OpenStandby(t.Context(), dir, slog.New(slog.DiscardHandler))
	t.Cleanup(s.Close)
	return s
}

// It answers for a folder that does not even exist, by its path however that is written.
func TestStandby(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if _, err := control.Standing(t.Context(), dir); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("before: got %v", err)
	}
	s := openStandby(t, dir)
	openStandby(t, dir).Close() // a second one is none, and takes nothing away
	for _, said := range []string{"waiting for the disk", "it runs"} {
		s.Say(said)
		if got, err := control.Standing(t.Context(), dir+"/../gone/"); got != said || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, said)
		}
	}
	s.Say("a\n\x1b[2Jb" + strings.Repeat("c", 1<<20))
	if got, err := control.Standing(t.Context(), dir); !strings.HasPrefix(got, "a  [2Jbccc") || len(got) > 1<<12 ||
		err != nil {
		t.Errorf("got %d bytes, %v, want few and nothing that a terminal obeys", len(got), err)
	}
	s.Close()
	if _, err := control.Standing(t.Context(), dir); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("after Close: got %v", err)
	}
}

// Another user is told nothing.
func TestStandby_stranger(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can ask as another user: run the tests as root for this one")
	}
	dir := t.TempDir()
	s := openStandby(t, dir)
	s.Say("secret")
	runtime.LockOSThread() // for good: the thread ends with the test
	const keep, nobody = ^uintptr(0), 65534
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, nobody, keep); e != 0 {
		t.Skipf("becoming another user: %v", e)
	}
	got, err := control.Standing(t.Context(), dir)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, 0, keep); e != 0 {
		t.Fatal(e)
	}
	if got != "" || !errors.Is(err, control.ErrNotRunning) || !strings.Contains(err.Error(), "this user") {
		t.Errorf("got %q, %v", got, err)
	}
}
