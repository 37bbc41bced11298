package join

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/tell"
)

// Bounds of a connection.
const (
	maxReading = 64  // connections whose request is not whole
	maxJudging = 256 // requests that wait for their answer
	maxHeader  = 4 << 10

	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	wholeTime  = 15 * time.Second
)

// Config says who decides.
type Config struct {
	// Join gives the invited device its key; from is who asks. When it returns nil that is on disk. The error is a
	// *Refusal; any other one is a failure of the gateway, such as of its disk, after which the device is to try again.
	Join func(from netip.Addr, id [6]byte, secret [16]byte, key pki.Sum) (pairing.Answer, error)
	// Log must be set.
	Log *tell.Teller
}

// A Server answers who joins. Its methods are safe for concurrent use.
type Server struct {
	cfg    Config
	http   *http.Server
	limits *limits
	places *places
	judged chan struct{} // holds one of each request that waits for its answer
	whole  time.Duration
}

// New returns a Server. It runs nothing until it is given a connection.
func New(cfg Config) *Server {
	s := &Server{
		cfg: cfg, limits: newLimits(time.Now), places: &places{max: maxReading},
		judged: make(chan struct{}, maxJudging), whole: wholeTime,
	}
	var only1 http.Protocols
	only1.SetHTTP1(true)
	s.http = &http.Server{
		Handler: s, Protocols: &only1, DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: wholeTime, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(said{cfg.Log}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(c.(*conn).ended) // once, after the handler
			}
		},
	}
	s.http.SetKeepAlivesEnabled(false)
	return s
}

// Serve answers one connection, and closes it. It calls whole when the request has come, and the client waits. It returns when nothing of it is under way any more: once a request has
// been given to Config.Join that is not before Join returns, also if the connection is closed meanwhile.
func (s *Server) Serve(raw net.Conn, whole func()) {
	c := &conn{Conn: raw, whole: whole, ended: make(chan struct{})}
	if a, err := netip.ParseAddrPort(raw.RemoteAddr().String()); err == nil {
		c.host = a.Addr().Unmap().WithZone("")
	}
	s.places.enter(c)
	defer s.places.leave(c)
	late := time.AfterFunc(s.whole, func() { _ = c.Close() }) // whoever reads or writes sees that
	defer late.Stop()
	_ = s.http.Serve(&only{conn: c}) // it ends because the one connection has
	if !c.asked {
		s.tell(c.host, "none", "no HTTP request came in time, or none that is understood")
	}
}

// tell logs why something of an address is refused: once for each address and kind, and then counted.
func (s *Server) tell(host netip.Addr, kind string, why any) {
	s.cfg.Log.Tell(slog.LevelWarn, host.String()+" "+kind, "join refused", "address", host, "why", why)
}

// A conn is one connection, of one request.
type conn struct {
	net.Conn

	host  netip.Addr // without zone
	whole func()
	asked bool // a request came to the handler; read when ended is closed
	ended chan struct{}
}

type connKey struct{}

// only is a listener that accepts one connection, and ends with it.
type only struct {
	conn  *conn
	given sync.Once
}

func (o *only) Accept() (c net.Conn, err error) {
	o.given.Do(func() { c = o.conn })
	if c != nil {
		return c, nil
	}
	<-o.conn.ended
	return nil, io.EOF
}

func (o *only) Close() error   { return nil }
func (o *only) Addr() net.Addr { return o.conn.LocalAddr() }

// said tells what the HTTP library logs, such as a panic.
type said struct{ log *tell.Teller }

func (s said) Write(p []byte) (int, error) {
	text, _, _ := strings.Cut(string(p), "\n")
	s.log.Tell(slog.LevelError, "", "answering who joins failed", "said", text)
	return len(p), nil
}
