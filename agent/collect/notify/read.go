package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// longest is the most that is read of a file.
const longest = 4 << 10

// ReadFile returns the content of a small regular file, at most 4 KiB, by one system call: drivers answer in one piece
// or not at all. It never waits for a writer, as it would at a pipe. An error names the file.
func ReadFile(path string) (string, error) {
	fd, err := open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }() // only read from
	return readFD(fd, path)
}

// open opens a regular file for reading.
func open(path string) (fd int, err error) {
	for {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd) // only opened
		return -1, fmt.Errorf("%s: not a regular file", path)
	}
	return fd, nil
}

// openTelling opens a file that tells by poll when it changes. It returns nil for others, and for one that is missing.
func openTelling(path string) (*os.File, error) {
	var system unix.Statfs_t
	switch err := unix.Statfs(path, &system); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	if kind := int64(system.Type); kind != unix.SYSFS_MAGIC && kind != unix.PROC_SUPER_MAGIC {
		return nil, nil
	}
	fd, err := open(path)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil // for Go's poller, because it does not block
}

// readAt reads a file that is open, from its start.
func readAt(file *os.File) (text string, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return "", err
	}
	if outer := raw.Control(func(fd uintptr) { text, err = readFD(int(fd), file.Name()) }); outer != nil {
		return "", outer
	}
	return text, err
}

func readFD(fd int, path string) (string, error) {
	var text [longest]byte
	for {
		n, err := unix.Pread(fd, text[:], 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return "", &fs.PathError{Op: "read", Path: path, Err: err}
		default:
			return string(text[:n]), nil
		}
	}
}
