// Package mdns is multicast DNS (RFC 6762): a static program has only Go's resolver, which knows none.
//
// It asks the local network for the addresses of a .local name, and for gateways. Its one promise: an answer is taken
// only for what was asked, from a neighbour, within bounds of time and number. Who is on the link may give any: it
// proves nothing of who is behind the address. The question is a one-shot query from a port of its own, which
// responders answer to that port (RFC 6762 5.1, 6.7). So it needs no group to be joined, and no port that avahi-daemon
// has.
//
// And it announces a gateway (RFC 6763). Its promise there: neighbours only are answered, what is told names no
// machine, and no flood of questions costs more than a fixed share of time and memory.
package mdns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// IsLocal says whether a name is of the local network (RFC 6762 3).
func IsLocal(name string) bool {
	name = lower(strings.TrimSuffix(name, "."))
	return strings.HasSuffix(name, ".local")
}

// Lookup returns the addresses of a .local name, IPv4 first and those of the link last, these with their zone. It takes
// up to 3 s, and never longer than ctx.
func Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	return standard.lookup(ctx, name)
}

// Bounds of one lookup.
const (
	maxLinks   = 32   // interfaces and families that are asked
	maxPackets = 1000 // that are read of one link
	maxAddrs   = 8    // that are returned
)

// An asker holds what differs in tests.
type asker struct {
	group4, group6 netip.AddrPort // where the questions go; answers come from their ports
	flags          net.Flags      // which an interface must have
	wait           time.Duration  // for the first answer
	again          time.Duration  // until the question is asked again: Wi-Fi acknowledges no multicast
	settle         time.Duration  // for more answers after the first
	nets           []netip.Prefix // that are taken for nets of each link
}

var standard = asker{
	group4: netip.MustParseAddrPort("224.0.0.251:5353"), group6: netip.MustParseAddrPort("[ff02::fb]:5353"),
	flags: net.FlagUp | net.FlagMulticast, wait: 3 * time.Second, again: time.Second, settle: 250 * time.Millisecond,
}

var errNoAnswer = errors.New("no answer on the local network (mDNS)")

func (a asker) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	q, err := newQuestion(name, newID())
	if err != nil {
		return nil, err
	}
	all, err := asked(ctx, a, q.packets, func(l *link) taker[netip.Addr] {
		return func(packet []byte, _ netip.Addr) []netip.Addr { return q.answers(packet, l.zone) }
	})
	return arranged(all, func(a netip.Addr) netip.Addr { return a }), err
}

// newID tells the answers of one question apart; it keeps nobody out.
func newID() uint16 { return uint16(rand.Uint32()) } //nolint:gosec // see above

// A taker returns what it takes of a packet from a neighbour.
type taker[T any] func(packet []byte, from netip.Addr) []T

// asked sends the packets on all links, and returns what each link's taker takes of the answers.
func asked[T any](ctx context.Context, a asker, packets [][]byte, takes func(*link) taker[T]) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, a.wait)
	defer cancel()
	links, err := a.links()
	if err != nil {
		return nil, err
	}
	found := make(chan []T)
	var readers sync.WaitGroup
	for _, l := range links {
		readers.Go(func() { read(ctx, l, takes(l), found) })
	}
	all, err := gather(ctx, a, func() error { return ask(links, packets) }, found)
	cancel()
	for _, l := range links {
		_ = l.conn.Close() // which ends its reader
	}
	readers.Wait()
	return all, err
}

// gather asks, and returns what is found until nothing more is to be expected.
func gather[T any](ctx context.Context, a asker, ask func() error, found <-chan []T) ([]T, error) {
	sent := ask()
	again := time.NewTimer(a.again)
	defer again.Stop()
	var settled <-chan time.Time
	var all []T
	for {
		select {
		case some := <-found:
			all = append(all, some...)
			if settled == nil {
				settled = time.After(a.settle)
			}
			continue
		case <-again.C:
			if all == nil {
				sent = ask()
				again.Reset(a.again)
			}
			continue
		case <-settled:
		case <-ctx.Done():
		}
		if len(all) > 0 {
			return all, nil
		}
		return nil, unanswered(ctx, sent)
	}
}

// unanswered is why nothing was found by ctx's end, when the last question could not be sent because of sent.
func unanswered(ctx context.Context, sent error) error {
	switch {
	case sent != nil:
		return fmt.Errorf("asking the local network (mDNS): %w", sent)
	case !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ctx.Err()
	}
	return errNoAnswer
}

// ask sends the packets on all links. The error is of the last one, nil if any took it.
func ask(links []*link, packets [][]byte) error {
	var err error
	taken := false
	for _, l := range links {
		for _, packet := range packets {
			_, writeErr := l.conn.WriteToUDPAddrPort(packet, l.group)
			if taken = taken || writeErr == nil; writeErr != nil {
				err = writeErr
			}
		}
	}
	if taken {
		return nil
	}
	return err
}

// arranged puts first what is most likely to be reached.
func arranged[T comparable](all []T, addr func(T) netip.Addr) []T {
	rank := func(t T) int {
		switch a := addr(t); {
		case a.IsLinkLocalUnicast():
			return 2
		case a.Is6():
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b T) int { return rank(a) - rank(b) })
	var once []T
	for _, t := range all {
		if len(once) < maxAddrs && !slices.Contains(once, t) {
			once = append(once, t)
		}
	}
	return once
}
