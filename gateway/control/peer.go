package control

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/user"
	"strconv"
)

// A Peer is the process that asks.
type Peer struct {
	// UID is its effective user and PID its number, as the kernel tells them; -1 where it does not.
	UID, PID int
}

type peerKey struct{}

// PeerOf returns who made a request that a Server serves.
func PeerOf(ctx context.Context) Peer {
	if p, ok := ctx.Value(peerKey{}).(Peer); ok {
		return p
	}
	return Peer{-1, -1}
}

// Myself is this process, for what it does without a gateway.
func Myself() Peer { return Peer{os.Geteuid(), os.Getpid()} }

// withPeer is http.Server's ConnContext.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, peerOf(conn))
}

// User is the name of the peer's user, "" where it has none.
func (p Peer) User() string {
	u, err := user.LookupId(strconv.Itoa(p.UID))
	if err != nil {
		return ""
	}
	return u.Username
}

// Record notes that the peer did something to a device, under fields that stay as they are: the running gateway gives
// them to journald, which can be asked for PIWAY_ACTION=revoke.
func (p Peer) Record(log *slog.Logger, action, device string, more ...any) {
	log.Info("device list changed", append([]any{
		"action", action, "device", device,
		"by_uid", p.UID, "by_user", p.User(), "by_pid", p.PID,
	}, more...)...)
}
