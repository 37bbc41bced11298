package publish

import (
	"errors"
	"log/slog"
	"time"

	"piway/shared/mqttlink"
)

// An outage tells of a lost gateway once, of a change of the cause once, and of the recovery with the count of
// attempts.
type outage struct {
	log      *slog.Logger
	login    string // what to do about a refused log-in
	cause    string // class of the failure told last, "" while connected
	was      bool   // connected before
	since    time.Time
	attempts int
}

// Classes of failures. Single errors differ in port numbers and cannot be compared.
const (
	causeLogin   = "login"
	causeConnect = "connect"
	causeLost    = "lost"
)

// failed takes note of a session that ended with err.
func (o *outage) failed(err error) {
	cause := o.classify(err)
	if o.attempts == 0 {
		o.since = time.Now()
	}
	o.attempts++
	if cause == o.cause || (cause == causeConnect && o.cause == causeLost) {
		o.log.Debug("gateway still away", "attempts", o.attempts, "err", err)
		return
	}
	o.cause = cause
	switch cause {
	case causeLogin:
		o.log.Error("gateway refuses the login", "err", err, "try", o.login)
	case causeLost:
		o.log.Warn("gateway lost, keeping reports", "err", err)
	default:
		o.log.Warn("gateway cannot be reached, keeping reports", "err", err)
	}
}

// classify returns the class of a failure; only what follows a connection is a loss.
func (o *outage) classify(err error) string {
	switch {
	case errors.Is(err, mqttlink.ErrLogin):
		return causeLogin
	case o.cause == "" && o.was:
		return causeLost
	}
	return causeConnect
}

// connected takes note of an accepted connection.
func (o *outage) connected(address string) {
	if o.attempts > 0 {
		o.log.Info("gateway is back", "gateway", address, "attempts", o.attempts, "away",
			time.Since(o.since).Round(time.Second))
	} else {
		o.log.Info("gateway connected", "gateway", address)
	}
	o.cause, o.was, o.attempts = "", true, 0
}
