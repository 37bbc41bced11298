package uplink

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// days runs an uplink with a certificate that expires after some time, for a number of days, and returns what it said
// of it. It cannot connect: a warning must come all the same.
func days(t *testing.T, expires time.Duration, n int) (said []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cfg := quotas()
		cfg.Broker, cfg.MaxBackoff, cfg.Log = "tcp://needs-tls", time.Hour, slog.New(slog.NewTextHandler(&log, nil))
		end := time.Now().Add(expires)
		cfg.TLS = func(time.Time) (*tls.Config, error) {
			leaf := &x509.Certificate{NotAfter: end}
			return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Leaf: leaf}}}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*24*time.Hour-time.Minute)
		defer cancel()
		if err := New(cfg, nil).Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "the certificate for AWS expires") {
				said = append(said, line)
			}
		}
	})
	return said
}

func TestUplink_Run_warnsOfTheCertificateDaily(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		expires          time.Duration
		days, want       int
		first, and, last string // in the lines
	}{
		{50 * 365 * day, 100, 0, "", "", ""},
		{35*day + time.Hour, 5, 0, "", "", ""},
		{35*day + time.Hour, 9, 3, "days_left=29 ", "on=2000-02-05 ", "days_left=27 "},
		{time.Hour, 3, 3, "days_left=0 ", "try=", "days_left=-1 "}, // and goes on when it has expired
	} {
		said := days(t, tc.expires, tc.days)
		if len(said) != tc.want {
			t.Errorf("%v: got %d warnings in %d days, want %d:\n%s", tc.expires, len(said), tc.days, tc.want, said)
			continue
		}
		if n := len(said); n > 0 && (!strings.Contains(said[0], tc.first) || !strings.Contains(said[0], tc.and) ||
			!strings.Contains(said[n-1], tc.last)) {
			t.Errorf("%v: got %s", tc.expires, said)
		}
	}
}
