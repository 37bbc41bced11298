package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// apart runs this program again, with the same arguments, in a network namespace of its own. False says why it cannot.
func apart(ctx context.Context, out io.Writer) (ran bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	cmd := exec.Command(self, append(os.Args[1:], "--here")...) //nolint:gosec,noctx // this program; ended by a signal
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("making a network namespace: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })() // it may have ended
	err = cmd.Wait()
	if ended := new(exec.ExitError); errors.As(err, &ended) {
		return true, errors.New("it ended with an error, see above")
	}
	return true, err
}

// loopback switches the loopback on, as it is anywhere but in a new namespace (rtnetlink(7)).
func loopback() error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("switching the loopback on: %w", err)
	}
	defer func() { _ = syscall.Close(fd) }() // all was said
	m := make([]byte, syscall.NLMSG_HDRLEN+syscall.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(m, uint32(len(m))) //nolint:gosec // 32
	binary.NativeEndian.PutUint16(m[4:], syscall.RTM_NEWLINK)
	binary.NativeEndian.PutUint16(m[6:], syscall.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(m[20:], 1) // the loopback's index
	binary.NativeEndian.PutUint32(m[24:], syscall.IFF_UP)
	binary.NativeEndian.PutUint32(m[28:], syscall.IFF_UP)
	// Who may not, need not: the loopback of a machine is on.
	if err := syscall.Sendto(fd, m, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return fmt.Errorf("switching the loopback on: %w", err)
	}
	return nil
}
