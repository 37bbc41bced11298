package gateway

import (
	"context"
	"log/slog"
	"time"

	"piway/gateway/devices"
)

// certificateEvery is how often it is looked whether this machine has other addresses or names.
const certificateEvery = 30 * time.Second

// identify is who a key is to the broker.
func (g *Gateway) identify(key [32]byte) (device string, revoked bool) {
	device, standing := g.devices.ByKey(key)
	return device, standing == devices.Revoked
}

// keepCertificate makes the certificate out to the addresses and names that this machine has now. The broker shows it
// from the next handshake on. Agents do not look at them: they are for mosquitto's --cafile, and its like.
func (g *Gateway) keepCertificate() (changed bool, err error) { return g.authority.Serve(g.hosts()) }

// keepCertificate calls renew until ctx ends. It tells once when that fails, and once when it works again.
func keepCertificate(ctx context.Context, renew func() (bool, error), log *slog.Logger) error {
	tick := time.NewTicker(certificateEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		changed, err := renew()
		switch {
		case err != nil && !failing:
			log.Warn("the certificate for this machine's new addresses cannot be kept on disk", "err", err,
				"try", "free space or mend the disk of data.dir; it is tried again")
		case err == nil && failing, changed:
			log.Info("the certificate is made out to this machine's addresses and names as they are now")
		}
		failing = err != nil
	}
}
