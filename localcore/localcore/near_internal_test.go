package localcore

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The internet does not get in where a page is open to a network, however the machine's addresses are.
func TestOnlyNear(t *testing.T) {
	t.Parallel()
	h := onlyNear(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for remote, want := range map[string]int{
		"127.0.0.1:1": 200, "[::1]:1": 200, "192.168.1.7:1": 200, "10.0.0.1:1": 200, "172.17.0.2:1": 200,
		"169.254.1.1:1": 200, "[fd00::7]:1": 200, "[fe80::1%eth0]:1": 200, "[::ffff:192.168.1.7]:1": 200,
		"203.0.113.5:1": 200, // this machine
		"203.0.113.6:1": 403, "[2001:db8::1]:1": 403, "100.64.0.1:1": 403, "[::ffff:203.0.113.6]:1": 403, "": 403, "@": 403,
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		req.RemoteAddr = remote
		local := &net.TCPAddr{IP: net.IPv4(203, 0, 113, 5), Port: 8886}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, local)))
		if answer.Code != want || want == 403 && !strings.Contains(answer.Body.String(), ", try: ssh -L") {
			t.Errorf("%s: got %d, %s, want %d", remote, answer.Code, answer.Body, want)
		}
	}
}

// Whoever holds all connections open keeps others waiting, and no more than that.
func TestNarrow(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := newNarrow(l, 2)
	accepted := make(chan net.Conn)
	ended := make(chan error)
	go func() {
		for {
			conn, err := n.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	var conns []net.Conn
	for range 3 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // a test's
		if len(conns) < 2 {
			conns = append(conns, <-accepted)
		}
	}
	if len(n.slots) != 2 {
		t.Errorf("got %d connections, want 2", len(n.slots))
	}
	_ = conns[0].Close()
	_ = conns[0].Close() // frees one place, not two
	conns = append(conns, <-accepted)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("got no error of a closed listener")
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	if len(n.slots) != 0 {
		t.Errorf("got %d places taken, want none", len(n.slots))
	}
}
