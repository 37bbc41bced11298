package mounts

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The test starts itself again: as process 1 of namespaces in which it may mount, the machine, and from there as a
// service in a mount namespace that follows the machine's, as systemd makes it.
const (
	roleVariable = "PIWAY_TEST_ROLE"
	diskVariable = "PIWAY_TEST_DISK"
)

func TestDisk_in_the_namespace_of_a_service(t *testing.T) {
	switch os.Getenv(roleVariable) {
	case "machine":
		beMachine(t, os.Getenv(diskVariable))
		return
	case "service":
		beService(t, os.Getenv(diskVariable))
		return
	}
	t.Parallel()
	namespaces := []string{"--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"}
	if out, err := exec.Command("unshare", append(namespaces, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no namespaces to be had here: %v %s", err, out)
	}
	out, err := itself(t, "machine", t.TempDir(), namespaces...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// itself is a call of this very test by unshare, in another role.
func itself(t *testing.T, role, disk string, namespaces ...string) *exec.Cmd {
	t.Helper()
	args := append(namespaces, "--", os.Args[0], "-test.run=^TestDisk_in_the_namespace_of_a_service$", "-test.count=1")
	cmd := exec.CommandContext(t.Context(), "unshare", args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, diskVariable+"="+disk)
	return cmd
}

// beMachine plugs and unplugs a disk, and compares what the service tells.
func beMachine(t *testing.T, path string) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	cmd := itself(t, "service", path, "--mount", "--propagation", "slave")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	ask := func(command, want string) {
		t.Helper()
		if _, err := fmt.Fprintln(in, command); err != nil {
			t.Fatal(err)
		}
		if got, err := answers.ReadString('\n'); err != nil || !strings.Contains(got, want) {
			t.Fatalf("%s: got %q, %v, want %q", command, got, err, want)
		}
	}
	ask("read", "ok")
	plug(t, path)
	ask("read", "50 ok")
	unplug(t, path)
	ask("read", "is not mounted; it was before")
	plug(t, path)
	ask("read", "50 ok")
	ask("hide", "it is in a sandbox")
	ask("show", "50 ok")
	unplug(t, path)
	ask("read", "is not mounted")
	ask("hide process 1", "is not mounted; it was before")
	plug(t, path)
	ask("read", "50 ok")
	ask("hide", "it is in a sandbox")
	ask("show", "50 ok")
	unplug(t, path)
	ask("mount the folder over itself", "is not mounted; it was before")
	plug(t, path)
	ask("read", "start the service again")
	unplug(t, path)
	ask("read", "is not mounted; it was before")
	_ = in.Close() // which ends it
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// plug mounts a disk that is half full.
func plug(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mount("none", path, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "half"), make([]byte, 512<<10), 0o600); err != nil {
		t.Fatal(err)
	}
}

func unplug(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Unmount(path, 0); err != nil {
		t.Fatal(err)
	}
}

// beService reads the disk at each line of its input, and answers with a line.
func beService(t *testing.T, path string) {
	d := NewDisk(path, NewKnown("", slog.New(slog.DiscardHandler)))
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		var err error
		switch commands.Text() {
		case "hide":
			err = syscall.Mount("none", path, "tmpfs", 0, "size=1m")
		case "show":
			err = syscall.Unmount(path, 0)
		case "hide process 1": // as ProtectProc=invisible does
			err = syscall.Mount("none", "/proc/1", "tmpfs", 0, "")
		case "mount the folder over itself": // as ProtectHome=read-only does
			err = syscall.Mount(path, path, "", syscall.MS_BIND, "")
		}
		value, errRead := d.Read(t.Context())
		switch {
		case err != nil:
			fmt.Println(err)
		case errRead != nil:
			fmt.Println(strings.ReplaceAll(errRead.Error(), "\n", " "))
		default:
			fmt.Printf("%g ok\n", value)
		}
	}
}
