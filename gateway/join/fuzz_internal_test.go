package join

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"piway/shared/pairing"
)

// A script is a connection whose client sends bytes, ends its side, and keeps what it gets.
type script struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// Whatever comes, the server answers with HTTP or nothing, and 200 to a right token only.
func FuzzHandler(f *testing.F) {
	setup := newRig(f)
	token := setup.invite("kitchen")
	key := newKey(f)
	good := post(f, token, key)
	for _, seed := range []string{
		good, post(f, pairing.Token{}, key), request("{}"), "GET /join HTTP/1.1\r\nHost: g\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST /join HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "\x16\x03\x01", "",
		strings.Replace(good, "Content", "Expect: 100-continue\r\nContent", 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := newRig(t)
		r.open[token.ID] = &invited{name: "kitchen", secret: token.Secret}
		s := &script{in: bytes.NewReader(raw)}
		r.Serve(s, func() {})
		out, _ := io.ReadAll(&s.out)
		if len(out) > 0 && !bytes.HasPrefix(out, []byte("HTTP/1.")) {
			t.Errorf("got %.100q", out)
		}
		if bytes.Contains(out, []byte(" 200 OK\r\n")) != (r.open[token.ID].key != [32]byte{}) {
			t.Errorf("%d asked, and got %.100q", r.calls(), out)
		}
		if strings.Contains(r.said.String(), "panic") {
			t.Error(r.said)
		}
	})
}
