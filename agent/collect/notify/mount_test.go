package notify_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// childVariable makes the test below its own child.
const childVariable = "PIWAY_TEST_MOUNTS"

// The mount table tells of changes as sysfs does. The test mounts in name spaces of its own, where nobody needs to be
// root.
func TestFiles_is_woken_by_poll(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		mountAndWait(t)
		return
	}
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), childVariable+"="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := child.CombinedOutput()
	switch {
	case child.ProcessState == nil:
		t.Skipf("no name spaces for users here: %v", err)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case err != nil:
		t.Errorf("%v:\n%s", err, out)
	}
}

func mountAndWait(t *testing.T) {
	dir := os.Getenv(childVariable)
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("mounting is not allowed: %v", err)
	}
	w := wait(t, "/proc/self/mounts")
	<-w.looks
	for i := range 3 {
		if err := syscall.Mount(fmt.Sprintf("change%d", i), dir, "tmpfs", 0, ""); err != nil {
			t.Skipf("mounting is not allowed: %v", err)
		}
		<-w.looks
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Fatal(err)
		}
		<-w.looks
	}
	w.quiet()
}
