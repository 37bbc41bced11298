package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"piway/localcore/broker"
	"piway/localcore/localcore"
	"piway/proof/world"
)

// An upstream is AWS: localcore, with its quotas, its rules and a line that can be cut.
type upstream struct {
	core  *localcore.Core
	certs string
	port  int
	stop  func() error
}

// No fault ends by itself before the row does.
const faultTime = 24 * time.Hour

// openUpstream serves until stop. A publish is acknowledged after the round trip.
func openUpstream(ctx context.Context, dir string, t *tally, roundTrip time.Duration, log *world.Log) (*upstream,
	error,
) {
	cfg := localcore.Default()
	cfg.Listen, cfg.HTTP, cfg.Certs, cfg.OnDatum = "127.0.0.1:0", "127.0.0.1:0", dir, t.took
	c, stop, err := world.OpenCore(ctx, cfg, slog.New(slog.NewTextHandler(log.Of("localcore"), nil)))
	if err != nil {
		return nil, err
	}
	u := &upstream{core: c, certs: dir, stop: stop}
	if tcp, ok := c.MQTTAddr().(*net.TCPAddr); ok {
		u.port = tcp.Port
	}
	if roundTrip > 0 {
		if err := c.SetFault("delay", roundTrip.String(), faultTime); err != nil {
			return nil, fmt.Errorf("setting the round trip: %w", err)
		}
	}
	return u, nil
}

// cut ends all connections and lets nothing through until mend.
func (u *upstream) cut() error {
	u.core.Broker().Drop()
	return u.core.SetFault("offline", "", faultTime)
}

func (u *upstream) mend() error { return u.core.SetFault("offline", "", 0) }

// lift takes AWS's rate and round trip away, and ends all connections, so that whatever a forwarder still holds can
// come.
func (u *upstream) lift() error {
	if err := u.core.SetFault("throttle", strconv.Itoa(1_000_000), faultTime); err != nil {
		return err
	}
	if err := u.core.SetFault("delay", "", 0); err != nil {
		return err
	}
	u.core.Broker().Drop()
	return nil
}

func (u *upstream) counts() broker.Counts { return u.core.Broker().Counts() }

// connected returns when the forwarder has connected.
func (u *upstream) connected(ctx context.Context) error {
	return world.Poll(ctx, "a connection of the forwarder to the upstream",
		func() (bool, error) { return u.core.Broker().Connections() > 0, nil })
}
