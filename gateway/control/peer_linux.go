package control

import (
	"net"
	"syscall"
)

// peerOf asks who is at the other end (SO_PEERCRED, unix(7)).
func peerOf(conn net.Conn) Peer {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return Peer{-1, -1}
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{-1, -1}
	}
	var peer *syscall.Ucred
	if raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}) != nil || err != nil {
		return Peer{-1, -1}
	}
	return Peer{int(peer.Uid), int(peer.Pid)}
}
