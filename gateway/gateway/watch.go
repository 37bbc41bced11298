package gateway

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"piway/shared/clock"
)

// A watch looks at progress, not at whether things are connected: at the queue's and the uplink's loops for systemd,
// and at when a device was last heard.
type watch struct {
	queueBeat, uplinkBeat func() time.Duration // how long ago each loop last went round; negative if it need not yet
	status                func(context.Context) string
	hasDevices            func() bool
	silenceAfter          time.Duration
	// for the monotonic clock, which stands still while the machine sleeps, as devices and loops do
	start    time.Time
	accepted atomic.Int64 // when a device's message was last kept, since start
	log      *slog.Logger

	notify func(state string) // of systemd; does nothing elsewhere
	every  time.Duration      // between two looks
	silent bool
}

const (
	// lookEvery is the time between two looks where systemd asks for no more.
	lookEvery = 10 * time.Second
	// beatWithin is how late a loop may be. A commit to a slow disk, or one connect, takes less.
	beatWithin = time.Minute
)

// newWatch returns a watch that tells systemd, if the process was started by it.
func newWatch(log *slog.Logger) *watch {
	w := &watch{log: log, every: lookEvery, start: time.Now(), notify: func(state string) {
		_, _ = daemon.SdNotify(false, state) // nobody listens elsewhere
	}}
	if interval, err := daemon.SdWatchdogEnabled(false); err == nil && interval > 0 {
		w.every = min(w.every, interval/2)
	}
	return w
}

// heard notes that a device's message is kept.
func (w *watch) heard() { w.accepted.Store(int64(time.Since(w.start))) }

// Run tells systemd that the gateway is ready, and from then on that it moves, until ctx ends.
func (w *watch) Run(ctx context.Context) error {
	w.notify(daemon.SdNotifyReady)
	defer w.notify(daemon.SdNotifyStopping)
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *watch) look(ctx context.Context) {
	w.notify("STATUS=" + w.status(ctx))
	if late := w.late(); late == "" {
		w.notify(daemon.SdNotifyWatchdog)
	} else {
		w.log.Error("a part stands still; under systemd the gateway is restarted", "part", late)
	}
	w.listen()
}

// late names a loop that does not go round, "" if both do.
func (w *watch) late() string {
	switch {
	case w.queueBeat() > beatWithin:
		return "queue"
	case w.uplinkBeat() > beatWithin:
		return "uplink"
	default:
		return ""
	}
}

// listen warns once when no device was heard for a long time, and tells when one is again.
func (w *watch) listen() {
	quiet := time.Since(w.start) - time.Duration(w.accepted.Load())
	switch {
	case w.silenceAfter <= 0 || !w.hasDevices():
	case quiet > w.silenceAfter && !w.silent:
		w.silent = true
		w.log.Warn("no device was heard for a long time", "last", clock.Now().Add(-quiet).Format(time.RFC3339), "for",
			quiet.Round(time.Second),
			"try", "piway-agent check on a Pi, to see whether it reaches this machine")
	case quiet <= w.silenceAfter && w.silent:
		w.silent = false
		w.log.Info("devices are heard again")
	}
}
