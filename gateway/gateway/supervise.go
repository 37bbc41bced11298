package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/queue"
	"piway/gateway/settings"
	"piway/shared/backoff"
	"piway/shared/config"
)

// The pause before stages are opened anew. systemd's watchdog, which is fed at each try, has to be slower.
const (
	reopenAfter = time.Second
	reopenMax   = 20 * time.Second
	// steady is how long stages must have run for the pause to be short again.
	steady = time.Minute
)

// Supervise bridges until ctx ends. What a disk does to it, it survives: the stages are closed and opened anew, in
// this process, until that works; opening the queue repairs what can be. Any other error ends it, as a mistake of the
// user does.
func Supervise(ctx context.Context, cfg settings.Config, log *slog.Logger) error {
	pause := backoff.Backoff{Min: reopenAfter, Max: reopenMax}
	logged := ""
	standby := control.OpenStandby(ctx, cfg.Data.Dir, log.With("part", "control"))
	defer standby.Close()
	standby.Say("it opens its store, which takes longer after damage")
	var before *devices.List
	for {
		began := time.Now()
		g, err := Open(ctx, cfg, log)
		if err == nil {
			if logged != "" {
				log.Info("the disk can be used again")
				logged = ""
			}
			standby.Say("it runs, but its control socket cannot be reached: something removed it or its folder; restart the gateway")
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
		what := strings.TrimSuffix(err.Error(), ", try: "+config.Hint(err)) // fix says it better
		waiting := "waiting for the disk: " + what + ", try: " + fix
		standby.Say("it is " + waiting) // before the log, so that who has read that and asks is told it
		if what != logged {
			logged = what
			log.Error("the disk cannot be used, trying again until it can", "err", what, "try", fix)
		}
		// A restart would not help, so systemd need not: it is told that the process is alive.
		// nobody listens elsewhere
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReady+"\n"+daemon.SdNotifyWatchdog+"\nSTATUS="+
			strings.ReplaceAll(waiting, "\n", "; "))
		if pause.Wait(ctx) != nil {
			return nil
		}
	}
}

// diskTrouble reports whether an error comes from the disk of the data folder, and what to do about it.
func diskTrouble(err error, dataDir string) (fix string, ok bool) {
	var of datadir.DiskError
	if !errors.As(err, &of) {
		return "", false
	}
	return queue.IsTrouble(of.Unwrap(), dataDir)
}
