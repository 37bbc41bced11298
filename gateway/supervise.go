package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"piway/gateway/devices"
	"piway/gateway/queue"
	"piway/shared/backoff"
)

// The pause before stages are opened anew. systemd's watchdog, which is fed at each try, has to be slower.
const (
	reopenAfter = time.Second
	reopenMax   = 20 * time.Second
	// steady is how long stages must have run for the pause to be short again.
	steady = time.Minute
)

// supervise bridges until ctx ends. What a disk does to it, it survives: the stages are closed and opened anew, in this
// process, until that works; opening the queue repairs what can be. Any other error ends it, as a mistake of the user does.
func supervise(ctx context.Context, cfg Config, log *slog.Logger) error {
	pause := backoff.Backoff{Min: reopenAfter, Max: reopenMax}
	told := ""
	var before *devices.List
	for {
		began := time.Now()
		g, err := openGateway(ctx, cfg, log)
		if err == nil {
			if told != "" {
				log.Info("the disk can be used again")
				told = ""
			}
			g.devices.Inherit(before)
			before = g.devices
			err = g.Run(ctx)
		}
		fix, isTrouble := diskTrouble(err, cfg.Data.Dir)
		switch {
		case ctx.Err() != nil && isTrouble:
			return nil
		case !isTrouble:
			return err
		}
		if time.Since(began) > steady {
			pause.Reset()
		}
		if what := err.Error(); what != told {
			told = what
			log.Error("the disk cannot be used, trying again until it can", "err", what, "try", fix)
		}
		// A restart would not help, so systemd need not: it is told that the process is alive.
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReady+"\n"+daemon.SdNotifyWatchdog+"\nSTATUS=waiting for the disk: "+fix) // nobody listens elsewhere
		if pause.Wait(ctx) != nil {
			return nil
		}
	}
}

// diskTrouble reports whether an error comes from the disk of the data folder, and what to do about it.
func diskTrouble(err error, dataDir string) (fix string, ok bool) {
	var of diskError
	if !errors.As(err, &of) {
		return "", false
	}
	return queue.IsTrouble(of.error, dataDir)
}
