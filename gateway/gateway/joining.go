package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"

	"piway/gateway/devices"
	"piway/gateway/join"
	"piway/shared/mdns"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// newJoining returns what answers who joins.
func (g *Gateway) newJoining() *join.Server {
	return join.New(join.Config{
		Log: g.teller,
		Join: func(from netip.Addr, id [6]byte, secret [16]byte, key pki.Sum) (pairing.Answer, error) {
			a, err := g.join(from, id, secret, key)
			return a, refusal(a.Device, err)
		},
	})
}

// refusals is how the device list's errors are answered. Who has a wrong secret has a wrong token too.
var refusals = []struct {
	err error
	why join.Why
}{
	{devices.ErrSecret, join.WrongSecret},
	{devices.ErrToken, join.WrongID},
	{devices.ErrExpired, join.Expired},
	{devices.ErrUsed, join.Used},
	{devices.ErrKeyRevoked, join.KeyRevoked},
	{devices.ErrKeyTaken, join.KeyTaken},
	{devices.ErrExists, join.NameTaken},
}

// refusal says to whom an error is a refusal. Others are the disk's.
func refusal(device string, err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return &join.Refusal{Why: r.why, Device: device, Err: err}
		}
	}
	return err
}

// announce tells the local network where the gateway is, until ctx ends. Where that fails devices have addresses still.
func (g *Gateway) announce(ctx context.Context) error {
	if g.announced {
		announce(ctx, mdns.Announce, g.AddrTLS(), g.Pin(), g.log.With("part", "mdns"))
	}
	return nil
}

// An announcer is as mdns.Announce.
type announcer func(ctx context.Context, port int, pin8 [8]byte, log *slog.Logger) error

func announce(ctx context.Context, by announcer, at net.Addr, pin pki.Sum, log *slog.Logger) {
	tcp, ok := at.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return // nobody on the network could connect
	}
	if err := by(ctx, tcp.Port, [8]byte(pin[:8]), log); err != nil {
		log.Warn("the gateway is not announced on the local network", "err", err)
	}
}
