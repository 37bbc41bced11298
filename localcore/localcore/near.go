package localcore

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// onlyNear refuses whoever asks from the internet: a machine may have a public address without its owner thinking of it.
func onlyNear(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isNear(r.RemoteAddr) {
			http.Error(w, "this page is for private networks only, try: its address of one, such as 192.168.1.10",
				http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isNear reports whether HOST:PORT is of this machine or of a private network.
func isNear(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	ip := at.Addr().Unmap()
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}

// maxReaders is how many connections a page has that others can reach: what they hold open costs little then.
const maxReaders = 64

// A narrow listener has a bounded number of connections. Others wait until one of them ends.
type narrow struct {
	net.Listener

	slots chan struct{}
	ended chan struct{}
	once  sync.Once
}

func newNarrow(l net.Listener, most int) *narrow {
	return &narrow{Listener: l, slots: make(chan struct{}, most), ended: make(chan struct{})}
}

func (n *narrow) Accept() (net.Conn, error) {
	select {
	case n.slots <- struct{}{}:
	case <-n.ended:
		return nil, net.ErrClosed
	}
	conn, err := n.Listener.Accept()
	if err != nil {
		<-n.slots
		return nil, err
	}
	return &narrowConn{Conn: conn, free: sync.OnceFunc(func() { <-n.slots })}, nil
}

func (n *narrow) Close() error {
	n.once.Do(func() { close(n.ended) })
	return n.Listener.Close()
}

type narrowConn struct {
	net.Conn

	free func()
}

func (c *narrowConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
