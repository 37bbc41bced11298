package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"piway/shared/backoff"
	"piway/shared/pki"
)

const (
	expiresSoon = 30 * 24 * time.Hour // enough to get a new certificate from whoever makes them
	warnEvery   = 24 * time.Hour
)

// watchCertificate warns once a day while the certificate that is shown to AWS expires soon or has expired, until ctx
// ends. It goes by the wall clock, as AWS does; one that is wrong only makes the warning come early or late.
func (u *Uplink) watchCertificate(ctx context.Context) {
	if u.cfg.TLS == nil {
		return
	}
	for {
		shown, _ := u.cfg.TLS(time.Time{}) // its error is told by connect
		end, ok := pki.Expires(shown)
		if left := time.Until(end); ok && left <= expiresSoon {
			u.cfg.Log.Warn("the certificate for AWS expires", "on", end.UTC().Format(time.DateOnly),
				"days_left", int(left/warnEvery), "try", "piway-gateway aws setup --renew, or a new certificate and its key "+
					"in the folder of uplink.certs; it is used from the next connection on")
		}
		if backoff.Sleep(ctx, warnEvery) != nil {
			return
		}
	}
}

// certificate returns what to show to AWS on the next connection. Why there is none is told once, and by
// watchCertificate daily where it expired.
func (u *Uplink) certificate() (*tls.Config, error) {
	if u.cfg.TLS == nil {
		return nil, nil
	}
	shown, err := u.cfg.TLS(time.Now())
	if err == nil {
		return shown, nil
	}
	what := err.Error()
	if errors.Is(err, pki.ErrTime) {
		what = pki.ErrTime.Error() // its words hold the time
	}
	if what != u.failing {
		u.failing = what
		u.cfg.Log.Error("no certificate for AWS can be used, samples are taken and kept until there is one", "err", err)
	}
	return nil, err
}
