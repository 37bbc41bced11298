package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errCannot says that this machine has not what running a page takes.
var errCannot = errors.New("pages cannot be run here")

// A standIn takes the place of what a page calls in the internet, in the page's network.
type standIn struct {
	start string   // its command; it listens at a port. "" for none
	env   []string // by which those who call find it
}

// run runs a page's blocks for any machine by one shell, in a folder and in a network of its own, whose loopback is all
// that there is: ports that the page names are free, and nobody is called by mistake. It returns all that was printed;
// env is beside this process's own. The error names page and line of the command that failed.
func run(ctx context.Context, p page, dir string, stand standIn, env ...string) (out string, err error) {
	log, err := os.CreateTemp("", "piway-page-") // a pipe would stay open as long as what was left behind
	if err != nil {
		return "", err
	}
	defer func() { _, _ = log.Close(), os.Remove(log.Name()) }()           // all was read
	cmd := exec.Command("bash", "-c", "ip link set lo up && exec bash -s") //nolint:noctx // ended with its group
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script(p, p.of(onThis), stand.start))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = slices.Concat(os.Environ(), []string{"HOME=" + dir, "LC_ALL=C"}, stand.env, env)
	cmd.SysProcAttr = alone()
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("%w: making a network namespace: %v", errCannot, err) //nolint:errorlint // the kernel's word is enough
	}
	group := -cmd.Process.Pid
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(group, syscall.SIGKILL) }) // it may have ended
	failed := cmd.Wait()
	stop()
	_ = syscall.Kill(group, syscall.SIGKILL) // what did not end with the page
	said, err := os.ReadFile(log.Name())
	if err != nil {
		return "", err
	}
	return string(said), outcome(ctx, p, string(said), failed)
}

// alone is a process group in a network namespace. Who is not root may make one in a user namespace, where kernel and
// machine allow that; the capability is for switching its loopback on.
func alone() *syscall.SysProcAttr {
	const netAdmin = 12 // CAP_NET_ADMIN
	a := &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		a.AmbientCaps = []uintptr{netAdmin}
	}
	return a
}

// cut is how much of what was printed a message has.
const cut = 6000

// outcome is nil if all commands succeeded. bash names itself and the line for what it says; the page stands there
// instead.
func outcome(ctx context.Context, p page, said string, failed error) error {
	switch {
	case failed == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: after %s: %w:\n%s", p.name, patience, ctx.Err(), said)
	}
	said = strings.TrimSpace(strings.ReplaceAll(said, "bash: line ", p.name+":"))
	if len(said) > cut {
		said = "…" + said[len(said)-cut:]
	}
	return fmt.Errorf("%s: %w:\n%s", p.name, failed, said)
}

// patience is for all commands of a page.
const patience = 5 * time.Minute
