package owner_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/testlog"
)

// serviceUser is the user that the service runs as.
const serviceUser = 65534

// A house is a gateway of which commands are run as root or as the service's user.
type house struct {
	t                    *testing.T
	program, config, dir string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run commands as somebody else")
	}
	top, err := os.MkdirTemp("", "pw") // short, for the socket, and open to the other user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) }) // of a test
	h := &house{
		t: t, program: filepath.Join(top, "piway-gateway"), config: filepath.Join(top, "gateway.yaml"),
		dir: filepath.Join(top, "data"),
	}
	h.must(os.Chmod(top, 0o755))
	self, err := os.ReadFile(world.Built(t).Gateway)
	h.must(err)
	h.must(os.WriteFile(h.program, self, 0o755))
	endpoint, certs := world.Core(t, localcore.Config{})
	h.must(os.CopyFS(filepath.Join(top, "certs"), os.DirFS(certs)))
	text := fmt.Sprintf("data: {dir: %s}\nbroker: {listen_tls: '127.0.0.1:0', listen: '127.0.0.1:0'}\nuplink: {endpoint: '%s', certs: {dir: %s}, "+
		"ack_timeout: 1s}\n", h.dir, endpoint, filepath.Join(top, "certs"))
	h.must(os.WriteFile(h.config, []byte(text), 0o644))
	h.must(filepath.WalkDir(filepath.Join(top, "certs"), func(path string, _ fs.DirEntry, _ error) error {
		return os.Chown(path, serviceUser, serviceUser)
	}))
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) command(uid uint32, args ...string) *exec.Cmd {
	c := exec.Command(h.program, append(args, "--config", h.config)...)
	if uid != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	return c
}

// do runs a command that must succeed.
func (h *house) do(uid uint32, args ...string) {
	h.t.Helper()
	if out, err := h.command(uid, args...).CombinedOutput(); err != nil {
		h.t.Errorf("%d: %v: %v\n%s", uid, args, err, out)
	}
}

// run runs the gateway, with f while it is ready.
func (h *house) run(uid uint32, f func()) {
	h.t.Helper()
	var said testlog.Log
	p := world.Gateway(h.program, h.config, &said)
	p.User = uid
	world.Run(h.t, p)
	f()
	if err := p.Stop(); err != nil {
		h.t.Errorf("%d: %v\n%s", uid, err, &said)
	}
}

// allOwned checks that everything in the data folder is the service's.
func (h *house) allOwned(when string) {
	h.t.Helper()
	h.ownedBelow(h.dir, when)
}

func (h *house) ownedBelow(dir, when string) {
	h.t.Helper()
	n := 0
	h.must(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".tmp") { // just being made, and given away before it takes its place
			return nil
		}
		n++
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if o := info.Sys().(*syscall.Stat_t); o.Uid != serviceUser || o.Gid != serviceUser {
			h.t.Errorf("%s: %s belongs to %d:%d", when, path, o.Uid, o.Gid)
		}
		return nil
	}))
	if n < 2 {
		h.t.Errorf("%s: nothing is there", when)
	}
}

// What root does by sudo before the service's first start, while it is stopped, or by running the gateway once by hand,
// does not lock the service out.
func TestOwner_rootFirst(t *testing.T) {
	h := newHouse(t)
	h.must(os.Mkdir(h.dir, 0o750)) // as systemd makes it
	h.must(os.Chown(h.dir, serviceUser, serviceUser))
	h.do(0, "device", "add", "kitchen")
	h.allOwned("device add")
	h.do(0, "check")
	h.allOwned("check")
	h.run(0, func() {
		h.allOwned("run")
		h.do(serviceUser, "device", "list")
		h.do(serviceUser, "health")
		h.do(0, "ledger")
	})
	h.allOwned("run has ended")
	h.do(serviceUser, "device", "add", "attic")
	h.do(0, "device", "rename", "attic", "loft")
	h.do(0, "device", "password", "loft")
	h.do(serviceUser, "device", "rename", "loft", "attic")
	h.allOwned("device rename")
	h.run(serviceUser, func() {
		h.do(0, "device", "add", "cellar")
		h.do(serviceUser, "device", "remove", "kitchen")
	})
	h.do(0, "device", "remove", "attic")
	h.run(serviceUser, func() { h.allOwned("at the end") })
}

// Before the folder is there nobody knows whose it will be. systemd gives it with all that is in it to the service
// (systemd.exec, StateDirectory); whoever starts it by hand is told how.
func TestOwner_folderMadeByRoot(t *testing.T) {
	h := newHouse(t)
	h.do(0, "device", "add", "kitchen")
	want := fmt.Sprintf("sudo chown -R %d:%d %s", serviceUser, serviceUser, h.dir)
	out, err := h.command(serviceUser, "device", "add", "attic").CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("got %v, %s, want %q", err, out, want)
	}
	h.must(filepath.WalkDir(h.dir, func(path string, _ fs.DirEntry,
		_ error,
	) error {
		return os.Chown(path, serviceUser, serviceUser)
	}))
	h.do(serviceUser, "device", "add", "attic")
	h.run(serviceUser, func() {})
}
