// Package runas runs this program as the user that a service runs as. Its one promise: what a command judges for a
// service, it judges as the service's user, though root gave it; root reads and writes what no service can.
package runas

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"piway/shared/cli"
)

// A User is one that a service runs as.
type User struct {
	UID, GID uint32
	Groups   []uint32
	// Name is the number where the user has no name.
	Name string
}

// Service returns the user of a service that keeps files, for root: the owner of store, which the service itself makes,
// or of folder, which root may have made meanwhile for it; else the user named account, "" for none. nil says that this
// process is whom the service runs as, or is not root and cannot be another.
func Service(account, store, folder string) *User {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, path := range []string{store, folder} {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		s, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case ok && s.Uid != 0:
			return byID(s.Uid, s.Gid)
		case path == store:
			return nil
		}
	}
	u, err := user.Lookup(account)
	if err != nil {
		return nil
	}
	return of(u)
}

// Me is the name of this process's user, or its number.
func Me() string { return byID(uint32(os.Geteuid()), 0).Name } //nolint:gosec // a user id is none below 0

// byID returns a user, who may have no name: in a container, say.
func byID(uid, gid uint32) *User {
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		if known := of(u); known != nil {
			return known
		}
	}
	return &User{UID: uid, GID: gid, Name: strconv.FormatUint(uint64(uid), 10)}
}

func of(u *user.User) *User {
	uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
	if uerr != nil || gerr != nil {
		return nil
	}
	is := &User{UID: uint32(uid), GID: uint32(gid), Name: u.Username}
	groups, _ := u.GroupIds() // without them it can do less, and says so
	for _, g := range groups {
		if id, err := strconv.ParseUint(g, 10, 32); err == nil {
			is.Groups = append(is.Groups, uint32(id))
		}
	}
	return is
}

// Again runs this program with other arguments as u, who gets none of root's environment but what the programs read.
// What it says goes on to s. ran says that it ran; the error is its exit status then, and was told.
func Again(ctx context.Context, u *User, s cli.Streams, args ...string) (ran bool, err error) {
	c := exec.CommandContext(ctx, "/proc/self/exe", args...) //nolint:gosec // this program, with our own words
	c.Args[0] = os.Args[0]
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return !passed(v) })
	// Nothing that runs as this user gets root's terminal, into which it could type.
	c.Stdout, c.Stderr = onlyWriter{s.Out}, onlyWriter{s.Err}
	c.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Credential: &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups},
	}
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	if err := c.Start(); err != nil {
		return false, nil //nolint:nilerr // such as a program that this user may not run, or a container without the right
	}
	err = c.Wait()
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return true, cli.Told(max(1, exit.ExitCode()))
	}
	return true, err
}

// onlyWriter hides that a writer is a file, which would be handed on.
type onlyWriter struct{ io.Writer }

func passed(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return strings.HasPrefix(name, "PIWAY_") || strings.HasPrefix(name, "LC_") ||
		slices.Contains([]string{"PATH", "TZ", "LANG", "GOCOVERDIR"}, name)
}
