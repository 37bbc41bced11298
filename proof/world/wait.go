package world

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// Wait returns after a time, or when ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Poll asks until it is so, for what tells nobody when it changes.
func Poll(ctx context.Context, what string, so func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := so()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// FreePorts returns addresses on the loopback that nobody listens on. They lie below those that the kernel gives to
// whoever asks for any, which would be taken while a program is down.
func FreePorts(ctx context.Context, n int) (addrs []string, err error) {
	var lc net.ListenConfig
	for range 1000 {
		l, err := lc.Listen(ctx, "tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(10_000))) //nolint:gosec // any
		if err != nil {
			continue // taken
		}
		defer func() { _ = l.Close() }() // nothing was accepted
		if addrs = append(addrs, l.Addr().String()); len(addrs) == n {
			return addrs, nil
		}
	}
	return nil, errors.New("no port of the loopback is free")
}
