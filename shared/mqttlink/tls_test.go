package mqttlink_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"

	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
)

// loopbackTLS returns a server configuration for 127.0.0.1 and the pool that trusts it.
func loopbackTLS(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil) // brings a certificate for 127.0.0.1
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: s.TLS.Certificates}, pool
}

func TestConnect_TLS(t *testing.T) {
	t.Parallel()
	cfg, pool := loopbackTLS(t)
	b := fakebroker.New(t, cfg)
	l, err := mqttlink.Connect(t.Context(), mqttlink.Options{
		Broker: "tls://" + b.Addr(), ClientID: "c", TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := l.Publish("a", []byte("1"))
	wait(t, "delivery", d.Done())
	if d.Err() != nil {
		t.Error(d.Err())
	}
}

func TestConnect_TLS_refused(t *testing.T) {
	t.Parallel()
	cfg, pool := loopbackTLS(t)
	mutual := cfg.Clone()
	mutual.ClientAuth = tls.RequireAnyClientCert
	mutual12 := mutual.Clone()
	mutual12.MaxVersion = tls.VersionTLS12
	for _, tt := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		scheme string
		want   string
	}{
		{
			"unknown authority", cfg, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}, "tls",
			"not trusted",
		},
		{
			"other host", cfg, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: "other.test"}, "tls",
			"other.test",
		},
		{
			"no client certificate, TLS 1.3", mutual, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, "tls",
			"server refused us",
		},
		{
			"no client certificate, TLS 1.2", mutual12, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, "tls",
			"server refused us",
		},
		{"plain port", nil, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, "tls", "closed"},
		{"configuration without tls://", nil, &tls.Config{MinVersion: tls.VersionTLS12}, "tcp", "needs tls://"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := fakebroker.New(t, tt.server)
			_, err := mqttlink.Connect(t.Context(), mqttlink.Options{
				Broker: tt.scheme + "://" + b.Addr(), ClientID: "c",
				TLS: tt.client,
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
