package control

import (
	"context"
	"net"
	"os"
)

func listenStandby(ctx context.Context, name string) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "unix", name)
}

// trusted reports whether root or this process's own user is at the other end.
func trusted(conn net.Conn) bool {
	p := peerOf(conn)
	return p.UID == 0 || p.UID == os.Geteuid()
}
