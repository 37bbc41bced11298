package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v3/common"
	"golang.org/x/sys/unix"
)

// A container may show the host's /proc, /sys, /etc and / elsewhere: then HOST_PROC, HOST_SYS, HOST_ETC and HOST_ROOT
// say where, to this package's library as well.
func procPath(ctx context.Context, name string) string {
	return filepath.Join(hostFolder(ctx, common.HostProcEnvKey, "/proc"), name)
}

func sysPath(ctx context.Context, name string) string {
	return filepath.Join(hostFolder(ctx, common.HostSysEnvKey, "/sys"), name)
}

func hostFolder(ctx context.Context, key common.EnvKeyType, otherwise string) string {
	if env, ok := ctx.Value(common.EnvKey).(common.EnvMap); ok && env[key] != "" {
		return env[key]
	}
	if dir := os.Getenv(string(key)); dir != "" {
		return dir
	}
	return otherwise
}

// maxText is the most that is read of a file: ten times the mount table of a host with 3000 containers.
const maxText = 16 << 20

// readText returns a file of the kernel's. ErrAbsent is a file that is not there, or whose driver has no value.
//
// It makes its system calls itself: os.ReadFile waits without end for a driver that answers EAGAIN, and takes three
// times the calls.
func readText(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", absence("open", path, err)
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	text := make([]byte, 0, 4<<10)
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return "", absence("read", path, err)
		case n == 0:
			return string(text), nil
		}
		text = text[:len(text)+n]
		if len(text) > maxText {
			return "", fmt.Errorf("reading %s: more than %d bytes", path, maxText)
		}
		if cap(text)-len(text) < 1<<10 {
			text = slices.Grow(text, cap(text))
		}
	}
}

// none are the errors with which the kernel says that there is nothing.
var none = []error{
	unix.ENOENT, unix.ENOTDIR, unix.ENODEV, unix.ENXIO, unix.ENODATA, unix.EOPNOTSUPP, unix.EINVAL, unix.EAGAIN,
}

// absence is ErrAbsent for an error that says that there is nothing, else the error with the path.
func absence(op, path string, err error) error {
	if slices.ContainsFunc(none, func(e error) bool { return errors.Is(err, e) }) {
		return ErrAbsent
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// readCount returns the number that is all of a file.
func readCount(path string) (uint64, error) {
	text, err := readText(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %s is no count", path, clip(text))
	}
	return n, nil
}

// entries returns the names in a folder that begin with prefix, sorted.
func entries(dir, prefix string) ([]string, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = absence(cause.Op, cause.Path, cause.Err)
		}
		return nil, err
	}
	var names []string
	for _, e := range all {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// exists reports whether there is anything at a path.
func exists(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}

// clip quotes foreign text for an error, shortened so that it cannot flood a log.
func clip(text string) string {
	const most = 60
	if b := bytes.TrimSpace([]byte(text)); len(b) <= most {
		return strconv.Quote(string(b))
	}
	return strconv.Quote(text[:most]) + "…"
}
