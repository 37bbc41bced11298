package aws

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"piway/shared/config"
)

// A Caller is who called sudo. The tool runs as them, with their home: there is their login, and what the tool keeps
// there of it stays theirs to read.
type Caller struct {
	Name, Home string
	UID, GID   uint32
	Groups     []uint32
}

// CallerOf returns who called sudo, if the login to take is theirs: root's own is where root has one. nil otherwise.
func CallerOf(env func(string) string) *Caller {
	who, err := user.Lookup(env("SUDO_USER"))
	if err != nil || os.Geteuid() != 0 || who.Uid == "0" {
		return nil
	}
	if env("HOME") != who.HomeDir && (hasLogin(env("HOME")) || !hasLogin(who.HomeDir)) {
		return nil
	}
	return newCaller(who)
}

// KeepsHome says whether sudo has left the caller's environment as it was, as far as that shows, or there is no sudo.
func KeepsHome(env func(string) string) bool {
	who, err := user.Lookup(env("SUDO_USER"))
	return err != nil || env("HOME") == who.HomeDir
}

func hasLogin(home string) bool {
	info, err := os.Stat(filepath.Join(home, ".aws"))
	return err == nil && info.IsDir()
}

func newCaller(who *user.User) *Caller {
	ids := []string{who.Uid, who.Gid}
	if groups, err := who.GroupIds(); err == nil { // without the others a login may still be read
		ids = append(ids, groups...)
	}
	var numbers []uint32
	for _, id := range ids {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil
		}
		numbers = append(numbers, uint32(n))
	}
	return &Caller{who.Username, who.HomeDir, numbers[0], numbers[1], numbers[2:]}
}

// Give lets the tool read a file or folder.
func (c *CLI) Give(path string) error {
	if c.As == nil {
		return nil
	}
	return os.Chown(path, int(c.As.UID), int(c.As.GID))
}

// become makes a command the caller's. Their own installation of the tool is taken where sudo's PATH has none.
func (c *Caller) become(cmd *exec.Cmd) {
	cmd.Env = append(cmd.Env, "HOME="+c.Home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.UID, Gid: c.GID, Groups: c.Groups}}
	if !errors.Is(cmd.Err, exec.ErrNotFound) {
		return
	}
	own := filepath.Join(c.Home, ".local", "bin", "aws") // where pip install --user puts it
	if _, err := os.Stat(own); err == nil {
		cmd.Path, cmd.Err = own, nil
	}
}

// denied is what to do if the tool is there and the caller may not run it.
func (c *Caller) denied(err error) error {
	if c == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return config.Try(err, "a tool that "+c.Name+" may run: apt install awscli")
}
