package setup

import (
	"context"
	"io"
)

// A stopper is Gateway.Stop.
type stopper = func(ctx context.Context, unit, config string, out io.Writer) (done bool, err error)

// The gateway's units for systemd: its own, and the one that stands in for AWS until there is an account.
const (
	gatewayUnit = "piway-gateway"
	trialUnit   = "piway-try"
)

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
