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
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if local == nil || !isNear(r.RemoteAddr, local.String()) {
			http.Error(w, "this page is for this machine and private networks only, try: "+tunnel, http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

const tunnel = "ssh -L 8080:localhost:PORT MACHINE, then http://localhost:8080/"

// isNear reports whether HOST:PORT is of a private network, or of this machine, which has the other end too.
func isNear(remote, local string) bool {
	at, err := netip.ParseAddrPort(remote)
	here, hereErr := netip.ParseAddrPort(local)
	return err == nil && hereErr == nil && (isPrivate(at.Addr()) || at.Addr().Unmap() == here.Addr().Unmap())
}

func isPrivate(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
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
