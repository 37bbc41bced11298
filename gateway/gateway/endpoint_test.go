package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// An endpoint of another region than the certificate's is told where both are known, and nowhere else.
func TestDoubts_region(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	files, err := pki.Find(w.certs)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:iot:eu-west-1:123456789012:cert/00ff"
	for _, c := range []struct{ arn, endpoint, want string }{
		{arn, "abc-ats.iot.us-east-1.amazonaws.com", "is in us-east-1, and the certificate " + files.Cert + " was made in eu-west-1"},
		{arn, "abc.iot.us-east-1.amazonaws.com", "old address"},
		{arn, "abc-ats.iot.eu-west-1.amazonaws.com", ""},
		{arn, "ABC-ats.iot.EU-WEST-1.amazonaws.com:443", ""},
		{arn, "iot.example.com", ""},
		{arn, "127.0.0.1:18883", ""},
		{"", "abc-ats.iot.us-east-1.amazonaws.com", ""},
		{"none", "abc-ats.iot.us-east-1.amazonaws.com", ""},
	} {
		if err := os.WriteFile(files.Cert, cloud.NoteCertificate(c.arn, plain), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.Uplink.Endpoint = c.endpoint
		if _, err := uplinkConfig(&cfg, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%q: the certificate cannot be read: %v", c.arn, err)
		}
		got := doubts(&cfg.Uplink)
		if (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Error(), c.want) {
			t.Errorf("%q, %s: got %v, want %q", c.arn, c.endpoint, got, c.want)
		}
	}
}

// The check says what is odd about the endpoint before it tries it.
func TestCheck_endpoint(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	newWorld(t, nil, nil, &cfg)
	cfg.Uplink.Endpoint = "abc.iot.eu-west-1.amazonaws.com"
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody is to be reached
	var out strings.Builder
	err := Check(ctx, cfg, &out)
	if err == nil || !strings.Contains(out.String(), "\nendpoint       doubtful: uplink.endpoint: is the account's old address") ||
		!strings.Contains(out.String(), "try: abc-ats.iot.eu-west-1.amazonaws.com") {
		t.Errorf("got %v\n%s\nwant the doubt", err, &out)
	}
}

// What is to blame is blamed: the certificate only where AWS was reached.
func TestUnconnected(t *testing.T) {
	t.Parallel()
	c := settings.Uplink{Endpoint: "abc-ats.iot.eu-west-1.amazonaws.com"}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Name: "x", Err: "no such host", IsNotFound: true}, "correct uplink.endpoint"},
		{syscall.ECONNREFUSED, "or the network"},
		{syscall.ENETUNREACH, "or the network"},
		{fmt.Errorf("no answer in time: %w", context.DeadlineExceeded), "port 443 is often open where 8883 is not"},
		{x509.UnknownAuthorityError{}, "iot:Data-ATS"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}, "iot:Data-ATS"},
		{fmt.Errorf("%w: x", mqttlink.ErrNotTLS), "correct the port"},
		{errors.New("the server refused us"), "certificate is active"},
		{fmt.Errorf("connection closed by the broker before it answered: %w", syscall.ECONNRESET), "iot:Connect for me and"},
	} {
		n := cloud.Names{ClientID: "me"}
		got := unconnected(fmt.Errorf("connecting: %w", tt.err), &c, n)
		if !strings.Contains(config.Hint(got), tt.want) || !errors.Is(got, tt.err) && !strings.Contains(got.Error(), tt.err.Error()) ||
			strings.Contains(config.Hint(got), "certificate is active") != (tt.want == "certificate is active" || tt.want == "iot:Connect for me and") {
			t.Errorf("%v: got %v, want %q to try", tt.err, got, tt.want)
		}
	}
}
