package control

import (
	"context"
	"net"
	"os"
	"syscall"
)

func listenStandby(ctx context.Context, name string) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "unix", name)
}

// trusted reports whether root or this process's own user is at the other end.
func trusted(conn net.Conn) bool {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	if raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}) != nil || err != nil {
		return false
	}
	return peer.Uid == 0 || int(peer.Uid) == os.Geteuid()
}
