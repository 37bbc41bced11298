package pki_test

import (
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"piway/shared/pki"
)

func TestPinned_reachesItsGateway(t *testing.T) {
	a, err := pki.OpenAuthority(filepath.Join(t.TempDir(), "pki"), []string{"192.168.1.20"})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if err := greet(t, a.Certificate(), pki.Pinned([]pki.Sum{a.Pin()}, nil), version); err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err := greet(t, a.Certificate(), pki.Pinned([]pki.Sum{{1}}, nil), version); !errors.Is(err, pki.ErrPin) {
			t.Errorf("%s: got %v, want ErrPin", tls.VersionName(version), err)
		}
	}
}

// greet returns how a client's handshake with a server ends.
func greet(t *testing.T, server *tls.Certificate, client *tls.Config, version uint16) error {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer far.Close() //nolint:errcheck // of the test
		s := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{*server}, MaxVersion: version})
		_ = s.HandshakeContext(t.Context()) // the client's side is looked at
		_, _ = s.Read(make([]byte, 1))
	}()
	err := tls.Client(near, client).HandshakeContext(t.Context())
	_ = near.Close()
	<-done
	return err
}
