package join

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"piway/shared/config"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// What the gateway refuses is told in words, and changes nothing here; what to do is told too.
func TestJoin_statuses(t *testing.T) {
	t.Parallel()
	for code, want := range map[int][2]string{
		http.StatusUnauthorized:        {"does not know this token", "invite NAME"},
		http.StatusForbidden:           {"revoked the key", "invite NAME"},
		http.StatusConflict:            {"somebody else has joined", "device revoke NAME"},
		http.StatusPreconditionFailed:  {"another device of the invited name", "--replace"},
		http.StatusGone:                {"too old", "invite NAME"},
		http.StatusTooManyRequests:     {"too many wrong tokens", "in 1m30s"},
		http.StatusServiceUnavailable:  {"cannot write to its disk", "the same line here again"},
		http.StatusInternalServerError: {"status 500", "the same version"},
		http.StatusNoContent:           {"status 204", "the same version"},
	} {
		g := newGateway(t)
		g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(code)
		}
		m := newMachine(t, "")
		before, _ := os.ReadFile(m.config)
		err := m.join(t.Context(), g.token(t, 1))
		if err == nil || !strings.Contains(err.Error(), want[0]) || !strings.Contains(config.Hint(err), want[1]) {
			t.Errorf("%d: got %v, try: %s", code, err, config.Hint(err))
		}
		if after, _ := os.ReadFile(m.config); !bytes.Equal(before, after) {
			t.Errorf("%d: the configuration was changed:\n%s", code, after)
		}
		// The same line again, when it is over.
		g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) { g.welcome(w, "kitchen") }
		if err := m.join(t.Context(), g.token(t, 1)); err != nil {
			t.Errorf("%d, then let in: %v", code, err)
		}
		if asked, shown := g.keys(); len(asked) != 2 || asked[0] != asked[1] || asked[1] != shown[0] {
			t.Errorf("%d: asked with %v, logged in with %v", code, asked, shown)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "in some minutes", "90": "in 1m30s", "-1": "in some minutes", "0": "in some minutes",
		"99999999999999999999": "in some minutes", "Fri, 01 Jan 2027 00:00:00 GMT": "in some minutes", "86401": "in some minutes",
	} {
		if got := retryAfter(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Before the pin has proved the gateway nobody hears of the token; the right gateway is found behind the wrong ones.
func TestJoin_rogues(t *testing.T) {
	t.Parallel()
	g, rogue, plain := newGateway(t), newGateway(t), fakebroker.New(t, nil)
	m := newMachine(t, "")
	var gone net.Listener
	gone, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close() // nobody is there any more
	text, err := pairing.Token{
		ID: [6]byte{1}, Pin: g.authority.Pin(), Addresses: []string{gone.Addr().String(), plain.Addr(), rogue.Addr()},
	}.String()
	if err != nil {
		t.Fatal(err)
	}
	err = m.join(t.Context(), text)
	if !errors.Is(err, pki.ErrPin) || config.Hint(err) == "" {
		t.Errorf("got %v", err)
	}
	browse := func(_ context.Context, pin8s [][8]byte) ([]netip.AddrPort, error) {
		pin := g.authority.Pin()
		if len(pin8s) != 1 || !bytes.Equal(pin8s[0][:], pin[:8]) {
			t.Errorf("asked for %x", pin8s)
		}
		return []netip.AddrPort{netip.MustParseAddrPort(rogue.Addr()), netip.MustParseAddrPort(g.Addr())}, nil
	}
	if err := Join(t.Context(), Options{Token: text, Config: m.config, Browse: browse, Out: &m.out, Log: quiet}); err != nil {
		t.Fatal(err)
	}
	if asked, shown := rogue.keys(); len(asked)+len(shown) != 0 {
		t.Errorf("the rogue heard %v, %v", asked, shown)
	}
	if w := m.load(t).Gateway; w.Address != g.Addr() {
		t.Errorf("got %+v", w)
	}
	off := newMachine(t, "gateway:\n  mdns: false\n")
	if err := Join(t.Context(), Options{Token: text, Config: off.config, Browse: browse, Out: &off.out, Log: quiet}); err == nil {
		t.Error("the local network was asked, which is switched off")
	}
}

// The right gateway, of a version that does not invite.
func TestJoin_earlierGateway(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.answer = nil
	err := newMachine(t, "").join(t.Context(), g.token(t, 1))
	if !errors.Is(err, errNoJoin) || !strings.Contains(config.Hint(err), "update piway-gateway") {
		t.Errorf("got %v", err)
	}
}

// An answer that does not come is asked for again, with the same key.
func TestJoin_lostAnswer(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.answer = func(http.ResponseWriter, [6]byte, [16]byte, pki.Sum) { panic(http.ErrAbortHandler) }
	m := newMachine(t, "")
	err := m.join(t.Context(), g.token(t, 1))
	if !errors.Is(err, errUnanswered) || !strings.Contains(config.Hint(err), "the same line again") {
		t.Errorf("got %v", err)
	}
	g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) { g.welcome(w, "kitchen") }
	if err := m.join(t.Context(), g.token(t, 1)); err != nil {
		t.Fatal(err)
	}
	if asked, _ := g.keys(); len(asked) != len(pauses)+2 || len(slices.Compact(asked)) != 1 {
		t.Errorf("asked with %v", asked)
	}
}

// A gateway that has let the machine in, and does not let it log in: all is written, and told.
func TestJoin_testFails(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.Connack = func(fakebroker.Connect) int { return 5 }
	m := newMachine(t, "")
	err := m.join(t.Context(), g.token(t, 1))
	if err == nil || !strings.Contains(err.Error(), `has joined as "kitchen"`) || !strings.Contains(config.Hint(err), "--replace") {
		t.Errorf("got %v", err)
	}
	if len(m.load(t).Gateway.Pins) != 1 {
		t.Error("the configuration is not written")
	}
}

// What is wrong here is found before the token is used.
func TestJoin_mistakes(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	token := g.token(t, 1)
	for name, tt := range map[string]struct{ token, lines, want string }{
		"no token":                       {"hello", "", "is not a token"},
		"cut off":                        {token[:40], "", "cut off"},
		"a configuration":                {token, "bogus: 1\n", "bogus"},
		"one that no program can change": {token, "gateway:\n  addresses: [\n  ]\n", "by hand"},
	} {
		m := newMachine(t, tt.lines)
		if err := m.join(t.Context(), tt.token); err == nil || !strings.Contains(err.Error(), tt.want) || len(m.keys(t)) > 0 {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	m := newMachine(t, "")
	unlock, err := lock(m.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.join(t.Context(), token); err == nil || !strings.Contains(err.Error(), "another piway-agent join") {
		t.Errorf("got %v", err)
	}
	unlock()
	if asked, _ := g.keys(); len(asked) != 0 {
		t.Error("the gateway was asked")
	}
}

// A key that somebody has removed is made anew; what the gateway says of it then is told.
func TestJoin_keyRemoved(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	m := newMachine(t, "")
	if err := m.join(t.Context(), g.token(t, 1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(m.load(t).Gateway.KeyFile); err != nil {
		t.Fatal(err)
	}
	g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) { w.WriteHeader(http.StatusConflict) }
	if err := m.join(t.Context(), g.token(t, 1)); err == nil || !strings.Contains(config.Hint(err), "--replace") {
		t.Errorf("got %v", err)
	}
}

// Only what the gateway says in full is believed, and no more is read than it may say.
func FuzzAnswer(f *testing.F) {
	a, err := pki.OpenAuthority(f.TempDir(), nil)
	if err != nil {
		f.Fatal(err)
	}
	good := `{"device":"k","id":"00112233445566778899aabbccddeeff","ca":` + quoted(string(a.PEM())) + `,"addresses":["h:1"]}`
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\n\r\n" + good, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + good, "HTTP/1.1 429 \r\nRetry-After: 5\r\n\r\n", "HTTP/1.1 100 \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "\x00", "HTTP/1.0 200\r\n\r\n{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &counted{Reader: bytes.NewReader(append(text, make([]byte, 1<<20)...))}
		answer, err := readAnswer(r, a.Pin())
		if err == nil && (answer.Device == "" || !strings.Contains(answer.CA, "CERTIFICATE")) {
			t.Errorf("got %+v", answer)
		}
		if r.n > maxAnswer {
			t.Errorf("read %d bytes", r.n)
		}
	})
}

type counted struct {
	*bytes.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// No more is read than an answer may have.
func TestReadAnswer_bounded(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n{\"device\":\"", ""} {
		r := &counted{Reader: bytes.NewReader([]byte(head + strings.Repeat("a", 1<<20)))}
		if answer, err := readAnswer(r, pki.Sum{}); err == nil || r.n > maxAnswer {
			t.Errorf("%q: got %+v, %v after %d bytes", head, answer, err, r.n)
		}
	}
}
