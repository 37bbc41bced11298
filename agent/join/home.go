package join

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/pki"
)

// A home is the folder of the device's keys, and who is to read them.
type home struct {
	dir string
	// uid and gid are of the service's user, -1 where who makes a file is the owner that it should have.
	uid, gid int
}

// serviceUser is whom the agent's unit for systemd runs as.
const serviceUser = "piway-agent"

// findHome returns spool.dir, which it makes if need be, else the folder of the configuration. Root makes the folder for
// the service's user, if there is one.
func findHome(spool, configuration string) (home, error) {
	h := home{dir: spool, uid: -1, gid: -1}
	uid, gid, service := lookupService()
	if os.Geteuid() != 0 {
		service = false
	}
	var err error
	if spool != "" {
		if err = h.settle(uid, gid, service); err == nil {
			return h, nil
		}
		if os.Geteuid() == 0 {
			return h, fmt.Errorf("spool.dir: %w", err)
		}
	}
	dir, err := filepath.Abs(filepath.Dir(configuration))
	h = home{dir: dir, uid: -1, gid: -1}
	if service {
		h.uid, h.gid = uid, gid
	}
	return h, err
}

// settle makes the folder, and sees that it can be written.
func (h home) settle(uid, gid int, service bool) error {
	if err := files.System.Mkdir(h.dir, 0o700); err != nil {
		return err
	}
	if service && ownerless(h.dir) {
		if err := os.Chown(h.dir, uid, gid); err != nil {
			return err
		}
	}
	return files.CanRewrite(filepath.Join(h.dir, "key"))
}

// ownerless reports whether a folder is root's and has nothing in it: nobody's service has used it yet.
func ownerless(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	entries, err := os.ReadDir(dir)
	return ok && s.Uid == 0 && err == nil && len(entries) == 0
}

func lookupService() (uid, gid int, ok bool) {
	u, err := user.Lookup(serviceUser)
	if err != nil {
		return 0, 0, false
	}
	uid, uerr := strconv.Atoi(u.Uid)
	gid, gerr := strconv.Atoi(u.Gid)
	return uid, gid, uerr == nil && gerr == nil
}

// keyName is of the key of the token's invitation. An id is no secret.
func (j *joiner) keyName() string { return fmt.Sprintf("device-%x.key", j.token.ID) }

// keyNames are those that keyName gives.
var keyNames = regexp.MustCompile(`^device-[0-9a-f]{12}\.key$`)

func (h home) path(name string) string { return filepath.Join(h.dir, name) }

// key returns the key of that name, and whether it was made now. nil means that it is on disk. One that is there is that
// of a call that was ended.
func (h home) key(name string) (key *tls.Certificate, made bool, err error) {
	path := h.path(name)
	if key, err = pki.LoadDeviceKey(path); errors.Is(err, fs.ErrNotExist) {
		made = true
		key, err = pki.MakeDeviceKey(path)
	}
	if err != nil {
		return nil, false, err
	}
	// It may be there by a call that ended before its folder was synced, or before it was given away.
	if err := files.System.SyncDir(h.dir); err != nil && !files.NoFolderSync(err) {
		return nil, false, err
	}
	if h.uid >= 0 {
		if err := os.Lchown(path, h.uid, h.gid); err != nil {
			return nil, false, err
		}
	}
	return key, made, nil
}

// tidy removes the key that this configuration named before. Others in the folder stay: another agent's configuration
// may name them.
func (j *joiner) tidy() {
	old := j.cfg.Gateway.KeyFile
	if old != "" && keyNames.MatchString(filepath.Base(old)) && old != j.home.path(j.keyName()) {
		_ = os.Remove(old) // it opens nothing
	}
}

// lock keeps a second call on the same configuration out. It makes the configuration's folder.
func lock(path string) (unlock func(), err error) {
	if err := files.CanRewrite(path); err != nil {
		return nil, config.Try(fmt.Errorf("writing the configuration: %w", err), "sudo, or another file with --config")
	}
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close() //nolint:errcheck // only locked
		return nil, config.Try(fmt.Errorf("another piway-agent join is at work on %s, or an agent has its folder as spool.dir%s",
			path, files.HeldBy(f)), "wait for its end, or stop the agent")
	}
	return func() {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // a process that starts at this moment has the file too
		_ = f.Close()                                   // only locked
	}, nil
}

// running reports whether an agent has its folder in use, which it then has locked.
func running(spool string) bool {
	if spool == "" {
		return false
	}
	f, err := os.Open(spool)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only locked
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
