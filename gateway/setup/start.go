package setup

import (
	"context"
	"io"

	"piway/gateway/settings"
)

// A stopper is Gateway.Stop.
type stopper = func(ctx context.Context, unit, config string, out io.Writer) (done bool, err error)

// The gateway's units for systemd: its own, and the one that stands in for AWS until there is an account.
const (
	gatewayUnit = "piway-gateway"
	trialUnit   = "piway-try"
)

// onTrial reports whether the configuration on disk is that of a trial still.
func (s *setup) onTrial() bool {
	was, err := settings.Load(s.path)
	return err == nil && was.OnTrial()
}

// tellTrial says what becomes of a trial, before anything is done.
func (s *setup) tellTrial() {
	if s.onTrial() {
		s.say("This gateway is on trial with localcore (piway-gateway try). At the end of this it sends to AWS, with what " +
			"waits in its queue; what localcore has got stays there, and localcore is stopped.")
	}
}

// start has the gateway's service use what is set up. A key that its user cannot read would only stop one that runs.
func (s *setup) start(ctx context.Context) (err error) {
	if s.gateway.Restart == nil || keyReader(&s.cfg) != "" {
		s.say("  not by this command")
		return nil
	}
	out := &indented{s.out}
	if s.started, err = s.gateway.Restart(ctx, gatewayUnit, s.path, out); err != nil {
		return err
	}
	if !s.started {
		s.say("  no service of this machine runs with %s", s.path)
		return nil
	}
	_, err = s.gateway.Stop(ctx, trialUnit, s.path, out)
	return err
}
