package broker_test

import (
	"crypto/tls"
	"testing"
	"time"

	"piway/localcore/broker"
	"piway/shared/pki"
)

// certificates makes a folder and returns both sides' settings.
func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	if err := pki.MakeAWS(dir, []string{"localhost", "endpoint.example"}); err != nil {
		t.Fatal(err)
	}
	server, err := pki.Server(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := pki.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err = files.Client("endpoint.example", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestBroker_tls(t *testing.T) {
	server, good := certificates(t)
	_, stranger := certificates(t)
	b := open(t, broker.Options{TLS: server, Endpoints: []string{"endpoint.example"}, Now: leaps()})
	with := func(change func(*tls.Config)) *tls.Config {
		c := good.Clone()
		change(c)
		return c
	}
	for _, tc := range []struct {
		name   string
		cfg    *tls.Config
		ok     bool
		negate string // the protocol agreed on
	}{
		{"as it should be", good, true, ""},
		{
			"port 443's protocol", with(func(c *tls.Config) { c.NextProtos = []string{"x-amzn-mqtt-ca"} }), true,
			"x-amzn-mqtt-ca",
		},
		{"another protocol", with(func(c *tls.Config) { c.NextProtos = []string{"x-amzn-http-ca"} }), false, ""},
		{"another server name", with(func(c *tls.Config) { c.ServerName = "localhost" }), false, ""},
		{"no server name", with(func(c *tls.Config) { c.ServerName, c.InsecureSkipVerify = "", true }), true, ""},
		{"no certificate", with(func(c *tls.Config) { c.Certificates = nil }), false, ""},
		{
			"a certificate of another authority", with(func(c *tls.Config) { c.Certificates = stranger.Certificates }), false,
			"",
		},
		{"TLS 1.1", with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }), false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, b.Addr())
			conn := tls.Client(c.conn, tc.cfg)
			_, err := conn.Write(connectPacket{id: "x", version: 4, keepAlive: 60}.bytes())
			if err == nil {
				_, err = conn.Read(make([]byte, 4)) // TLS 1.3 tells of a refused certificate only here
			}
			if (err == nil) != tc.ok {
				t.Errorf("got %v, want success %v", err, tc.ok)
			}
			if got := conn.ConnectionState().NegotiatedProtocol; tc.ok && got != tc.negate {
				t.Errorf("agreed on %q, want %q", got, tc.negate)
			}
		})
	}
}
