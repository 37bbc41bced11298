package notify

import (
	"errors"
	"fmt"
	"io/fs"

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
