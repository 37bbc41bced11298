package find

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// authority is one of the tests' gateways.
func authority(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.OpenAuthority(t.TempDir(), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// gateway is a broker of this authority.
func gateway(t *testing.T, a *pki.Authority) *fakebroker.Broker {
	t.Helper()
	return fakebroker.New(t, &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*a.Certificate()},
	})
}

// silent accepts connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // of a test
	return l.Addr().String()
}

func browsing(places ...string) func(context.Context, [][8]byte) ([]netip.AddrPort, error) {
	return func(context.Context, [][8]byte) (all []netip.AddrPort, err error) {
		for _, p := range places {
			all = append(all, netip.MustParseAddrPort(p))
		}
		return all, nil
	}
}

// connect connects once, as a device with a password.
func connect(t *testing.T, f *Finder) (Place, error) {
	t.Helper()
	link, at, err := f.Connect(t.Context(), mqttlink.Options{ClientID: "c", Username: "kitchen", Password: "hush"})
	if err == nil {
		link.Close()
	}
	return at, err
}

func finder(t *testing.T, opt Options) *Finder {
	t.Helper()
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	f, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// Whoever is not proved by the pin is told nothing, at whatever place, and passed over.
func TestFinder_passesOver(t *testing.T) {
	t.Parallel()
	us, them := authority(t), authority(t)
	ours, rogue, rogue2, plain := gateway(t, us), gateway(t, them), gateway(t, them), fakebroker.New(t, nil)
	log := new(testlog.Log)
	f := finder(t, Options{
		Search: Search{
			Addresses: []string{plain.Addr(), "127.0.0.1:1", silent(t), rogue.Addr()}, Pins: []pki.Sum{us.Pin()},
			Browse: browsing(rogue.Addr(), rogue2.Addr(), ours.Addr()),
		},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	f.reach = 300 * time.Millisecond
	for range 3 {
		if at, err := connect(t, f); err != nil || at != (Place{ours.Addr(), Network}) && at != (Place{ours.Addr(), Last}) {
			t.Fatalf("got %v, %v, want %s", at, err, ours.Addr())
		}
		if hello := <-ours.Connects; hello.Username != "kitchen" || hello.Password != "hush" {
			t.Errorf("got %+v", hello)
		}
		f.memory = memory{} // so that all are tried again
	}
	for name, b := range map[string]*fakebroker.Broker{"a rogue": rogue, "a rogue on the network": rogue2, "a plain one": plain} {
		select {
		case hello := <-b.Connects:
			t.Errorf("%s was told %+v", name, hello)
		default:
		}
	}
	if n := strings.Count(log.String(), "is passed over"); n != 2 || !strings.Contains(log.String(), rogue.Addr()) ||
		!strings.Contains(log.String(), rogue2.Addr()) {
		t.Errorf("got %d lines, want one of each:\n%s", n, log)
	}
}

// What each place said is in the error.
func TestFinder_nobody(t *testing.T) {
	t.Parallel()
	us, them := authority(t), authority(t)
	rogue := gateway(t, them)
	f := finder(t, Options{Search: Search{
		Addresses: []string{"127.0.0.1:1", rogue.Addr()}, Pins: []pki.Sum{us.Pin()}, Browse: browsing(),
	}})
	_, err := connect(t, f)
	if !errors.Is(err, pki.ErrPin) || !errors.Is(err, errNobody) || !strings.Contains(err.Error(), "127.0.0.1:1") ||
		!strings.Contains(err.Error(), rogue.Addr()) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	if hint := config.Hint(err); hint == "" || !strings.HasSuffix(err.Error(), ", try: "+hint) {
		t.Errorf("got %v, want the hint behind all that was tried", err)
	}
	if _, reach := f.round(); reach != 2*Reach {
		t.Errorf("got %s for the next round, want twice as long", reach)
	}
	f.failed = 1000
	if _, reach := f.round(); reach != maxReach {
		t.Errorf("got %s, want %s", reach, maxReach)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Connect(ctx, mqttlink.Options{ClientID: "c"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// With one pin, whoever refuses the log-in is the gateway, and all other places are too; with two there may be another.
func TestFinder_login(t *testing.T) {
	t.Parallel()
	old, now := authority(t), authority(t)
	refusing, ours := gateway(t, old), gateway(t, now)
	refusing.Connack = func(fakebroker.Connect) int { return 5 }
	places := []string{refusing.Addr(), ours.Addr()}
	f := finder(t, Options{Search: Search{Addresses: places, Pins: []pki.Sum{old.Pin()}}})
	if _, err := connect(t, f); !errors.Is(err, mqttlink.ErrLogin) || strings.Contains(err.Error(), ours.Addr()) {
		t.Errorf("got %v", err)
	}
	f = finder(t, Options{Search: Search{Addresses: places, Pins: []pki.Sum{old.Pin(), now.Pin()}}})
	if at, err := connect(t, f); err != nil || at.Address != ours.Addr() {
		t.Errorf("got %v, %v", at, err)
	}
}

// A key that the gateway does not want is a refused log-in.
func TestFinder_refusedKey(t *testing.T) {
	t.Parallel()
	us := authority(t)
	b := fakebroker.New(t, &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*us.Certificate()},
		VerifyConnection: func(tls.ConnectionState) error { return errors.New("revoked") },
	})
	f := finder(t, Options{Search: Search{Addresses: []string{b.Addr(), "127.0.0.1:1"}, Pins: []pki.Sum{us.Pin()}}})
	if _, err := connect(t, f); !errors.Is(err, mqttlink.ErrLogin) || strings.Contains(err.Error(), "127.0.0.1:1:") {
		t.Errorf("got %v, want a refused log-in, and no other place tried", err)
	}
}

// Whoever says so without being proved is passed over.
func TestFinder_refusedBeforeProof(t *testing.T) {
	t.Parallel()
	us := authority(t)
	ours := gateway(t, us)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // of a test
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 42}) // an alert: fatal, bad certificate
			_ = c.Close()
		}
	}()
	opt := Options{Search: Search{Addresses: []string{l.Addr().String()}, Pins: []pki.Sum{us.Pin()}}}
	if _, err := connect(t, finder(t, opt)); !errors.Is(err, mqttlink.ErrCertificate) || errors.Is(err, mqttlink.ErrLogin) {
		t.Errorf("got %v", err)
	}
	opt.Addresses = append(opt.Addresses, ours.Addr())
	if at, err := connect(t, finder(t, opt)); err != nil || at.Address != ours.Addr() {
		t.Errorf("got %v, %v", at, err)
	}
}

// A borrowed key is that of a certificate which everybody can show who has connected to the gateway once, and only the
// gateway has. In TLS 1.3 the certificate is out when it fails, and an alert ends the handshake.
type borrowed struct{ public crypto.PublicKey }

func (b borrowed) Public() crypto.PublicKey { return b.public }

func (borrowed) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the key is the gateway's")
}

// Nor is whoever shows what the gateway shows, and holds no key of it, taken for a gateway that refuses this device: the
// right one is found behind him.
func TestFinder_replayedCertificate(t *testing.T) {
	t.Parallel()
	us := authority(t)
	ours := gateway(t, us)
	shown := us.Certificate()
	rogue := fakebroker.New(t, &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert,
		Certificates: []tls.Certificate{{
			Certificate: shown.Certificate, PrivateKey: borrowed{shown.PrivateKey.(crypto.Signer).Public()},
		}},
	})
	opt := Options{Search: Search{Addresses: []string{rogue.Addr()}, Pins: []pki.Sum{us.Pin()}}}
	if _, err := connect(t, finder(t, opt)); !errors.Is(err, mqttlink.ErrCertificate) || errors.Is(err, mqttlink.ErrLogin) {
		t.Errorf("got %v", err)
	}
	older := fakebroker.New(t, &tls.Config{
		MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*shown},
		ClientAuth: tls.RequestClientCert, VerifyConnection: func(tls.ConnectionState) error {
			t.Error("by TLS 1.2, where whoever listens sees which device it is, somebody gets that far")
			return nil
		},
	})
	opt.Addresses = append(opt.Addresses, older.Addr())
	opt.Browse = browsing(ours.Addr())
	if at, err := connect(t, finder(t, opt)); err != nil || at.Address != ours.Addr() {
		t.Errorf("got %v, %v", at, err)
	}
}

// The key is shown.
func TestFinder_key(t *testing.T) {
	t.Parallel()
	us := authority(t)
	shown := make(chan pki.Sum, 1)
	b := fakebroker.New(t, &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*us.Certificate()},
		VerifyConnection: func(s tls.ConnectionState) error {
			shown <- pki.SumOfCert(s.PeerCertificates[0])
			return nil
		},
	})
	key, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	f := finder(t, Options{Search: Search{Addresses: []string{b.Addr()}, Pins: []pki.Sum{us.Pin()}}, Key: key})
	if _, err := connect(t, f); err != nil {
		t.Fatal(err)
	}
	if got := <-shown; got != pki.SumOfCert(key.Leaf) {
		t.Errorf("got %v", got)
	}
}

func TestEach_order(t *testing.T) {
	t.Parallel()
	var got []string
	s := Search{
		Last: "b:1", Addresses: []string{"a:1", "b:1", "c:1"}, Pins: make([]pki.Sum, 1),
		Browse: browsing("127.0.0.1:1", "127.0.0.2:1"),
	}
	fail := errors.New("no")
	err := s.Each(t.Context(), func(_ context.Context, p Place) error {
		got = append(got, p.Address)
		if p.Address == "127.0.0.1:1" {
			return Stop(fail)
		}
		return errors.New("not this one")
	})
	if want := []string{"b:1", "a:1", "c:1", "127.0.0.1:1"}; !slices.Equal(got, want) || err != fail { //nolint:errorlint // as it was given
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	s = Search{Addresses: []string{"a:1"}}
	if err := s.Each(t.Context(), func(context.Context, Place) error { return fail }); err != fail { //nolint:errorlint // as above
		t.Errorf("got %v, want the error of the only place as it is", err)
	}
}
