package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"piway/gateway/devices"
)

// saveEvery is how often the device list is looked at, and tried again where it could not be written.
const saveEvery = 30 * time.Second

// keepDevices has the disk hold what the device list says, until ctx ends. It tells once when that fails, and once
// when it works again.
func keepDevices(ctx context.Context, save func(context.Context) error, log *slog.Logger) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	failing := false
	for {
		err := save(ctx)
		switch {
		case err != nil && !failing:
			try := "free space or mend the disk of data.dir; until then a power cut may bring back what was changed last"
			if errors.Is(err, devices.ErrChanged) {
				try = "restart the gateway to take the list that is there now"
			}
			log.Warn("the device list on disk is not the one that the gateway uses", "err", err, "try", try)
		case err == nil && failing:
			log.Info("the device list is on disk again")
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
