package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Permit adds to the error of a file or folder that this program's user may not read what makes it readable, and to
// whom it must belong. What is another service's is first to be used as that service: who gives it away breaks it.
// Another error stays as it is.
func Permit(err error, path string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	uid := os.Geteuid()
	me := fmt.Sprintf("the user that runs this program (user id %d%s)", uid, named(uid))
	closed := obstacle(path)
	owner, recursive := ownerOf(path, closed)
	hint := fmt.Sprintf("chown it to %s, so that it is readable: sudo chown %s%d:%d %s", me, recursive, uid, os.Getegid(), path)
	if closed != "" {
		hint += fmt.Sprintf("; and let that user enter %s, which is above it: sudo chmod a+x %s", closed, closed)
	}
	if owner != 0 && owner != uid {
		hint = fmt.Sprintf("sudo, or run this as its owner, user id %d%s; if it shall be this user's, %s", owner,
			named(owner), hint)
	} else if isPerson(uid) {
		hint = "this with sudo; or, if it shall be this user's, " + hint
	} else if uid != 0 {
		hint += "; or use sudo"
	}
	return Try(err, hint)
}

// isPerson is whether an account is one that people log in with, and not a service's (login.defs, UID_MIN and UID_MAX).
func isPerson(uid int) bool { return uid >= 1000 && uid <= 60000 }

// PermitData is Permit for the folder dir of a program that keeps its data there, or for files in it.
func PermitData(err error, dir string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	uid := os.Geteuid()
	own := fmt.Sprintf("sudo chown -R %d:%d %s", uid, os.Getegid(), dir)
	owner, _ := ownerOf(dir, filepath.Dir(dir))
	switch {
	case owner != 0 && owner != uid:
		return Try(err, fmt.Sprintf("this with sudo: the folder is of user id %d%s", owner, named(owner)))
	case isPerson(uid) && owner != uid:
		return Try(err, "this with sudo; or "+own+", if it is to be this user's")
	}
	return Try(err, own+", if it is this user's; else sudo")
}

// ownerOf returns whose path is, or the closed folder above it, and -R where path is a folder. Root's is what is unknown.
func ownerOf(path, closed string) (owner int, recursive string) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		recursive = "-R "
	}
	if err != nil && closed != "" {
		info, err = os.Stat(closed)
	}
	if err != nil {
		return 0, recursive
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(s.Uid)
	}
	return owner, recursive
}

// named returns a user's name behind a comma, "" if he has none.
func named(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return ""
	}
	return ", " + u.Username
}

// obstacle returns the folder above path that may not be entered, "" if there is none.
func obstacle(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	dir := "/"
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		next := filepath.Join(dir, name)
		if _, err := os.Stat(next); errors.Is(err, fs.ErrPermission) {
			return dir
		}
		dir = next
	}
	return ""
}
