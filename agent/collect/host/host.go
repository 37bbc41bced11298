package host

import (
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

// ErrAbsent is told of what this machine does not have. It is no fault.
var ErrAbsent = errors.New("this machine has none")

// Proc returns the path of a file below the host's /proc, which HOST_PROC says.
func Proc(ctx context.Context, name string) string {
	return filepath.Join(Folder(ctx, common.HostProcEnvKey, "/proc"), name)
}

// Sys returns the path of a file below the host's /sys, which HOST_SYS says.
func Sys(ctx context.Context, name string) string {
	return filepath.Join(Folder(ctx, common.HostSysEnvKey, "/sys"), name)
}

// Folder returns one of the host's folders, by the variable that says where it is; otherwise if none does.
func Folder(ctx context.Context, key common.EnvKeyType, otherwise string) string {
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

// ReadText returns a file of the kernel's. ErrAbsent is a file that is not there, or whose driver has no value.
//
// It makes its system calls itself: os.ReadFile waits without end for a driver that answers EAGAIN, and takes three
// times the calls.
func ReadText(path string) (string, error) {
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

// headBytes is more than the kernel writes where it writes a value or some lines.
const headBytes = 2 << 10

// ReadHead is ReadText for a file that the kernel writes in one piece: it makes one read, of at most 2 KiB.
func ReadHead(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", absence("open", path, err)
	}
	var text [headBytes]byte
	n, err := unix.Read(fd, text[:])
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(fd, text[:])
	}
	_ = unix.Close(fd) // nothing was written
	if err != nil {
		return "", absence("read", path, err)
	}
	return string(text[:n]), nil
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

// ReadCount returns the number that is all of a file.
func ReadCount(path string) (uint64, error) {
	text, err := ReadHead(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %s is no count", path, Clip(text))
	}
	return n, nil
}

// Entries returns the names in a folder that begin with prefix, sorted.
func Entries(dir, prefix string) ([]string, error) {
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

// Exists reports whether there is anything at a path.
func Exists(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}

// Clip quotes foreign text for an error, shortened so that it cannot flood a log.
func Clip(text string) string {
	const most = 60
	if text = strings.TrimSpace(text); len(text) <= most {
		return strconv.Quote(text)
	}
	return strconv.Quote(text[:most]) + "…"
}

// Trimmed is the text of a file such as ReadHead reads, without what surrounds it.
func Trimmed(path string) string {
	text, err := ReadHead(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(text)
}

// IsDevice reports whether an entry of a class is a device: what only the kernel thought of (lo, bridges, one end of a
// container's line, tunnels) has none, and would count the same bytes twice.
func IsDevice(dir string) bool { return Exists(filepath.Join(dir, "device")) }

// Unnamed is an error of a file without the file's name.
func Unnamed(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
