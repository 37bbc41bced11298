package uplink

import (
	"context"
	"crypto/tls"
	"log/slog"
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
func watchCertificate(ctx context.Context, shown *tls.Config, log *slog.Logger) {
	end, ok := pki.Expires(shown)
	if !ok {
		return
	}
	for {
		if left := time.Until(end); left <= expiresSoon {
			log.Warn("the certificate for AWS expires", "on", end.UTC().Format(time.DateOnly), "days_left", int(left/warnEvery),
				"try", "a new certificate and its key in the folder of uplink.certs, then restart the gateway")
		}
		if backoff.Sleep(ctx, warnEvery) != nil {
			return
		}
	}
}
