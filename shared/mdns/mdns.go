// Package mdns asks the local network for the addresses of a .local name: a static program has only Go's resolver,
// which knows no multicast DNS. Its one promise: an answer is taken only for the name that was asked, from a neighbour,
// within bounds of time and number. Who is on the link may give any: it proves nothing of who is behind the address.
//
// The question is a one-shot query from a port of its own, which responders answer to that port (RFC 6762 5.1, 6.7). So
// it needs no group to be joined, and no port that avahi-daemon has.
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
	again          time.Duration  // until the question is asked once more: Wi-Fi acknowledges no multicast
	settle         time.Duration  // for more answers after the first
}

var standard = asker{
	group4: netip.MustParseAddrPort("224.0.0.251:5353"), group6: netip.MustParseAddrPort("[ff02::fb]:5353"),
	flags: net.FlagUp | net.FlagMulticast, wait: 3 * time.Second, again: time.Second, settle: 250 * time.Millisecond,
}

var errNoAnswer = errors.New("no answer on the local network (mDNS)")

func (a asker) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, a.wait)
	defer cancel()
	q, err := newQuestion(name, uint16(rand.Uint32())) //nolint:gosec // it tells answers apart, and keeps nobody out
	if err != nil {
		return nil, err
	}
	links, err := a.links()
	if err != nil {
		return nil, err
	}
	found := make(chan []netip.Addr)
	var readers sync.WaitGroup
	for _, l := range links {
		readers.Go(func() { l.read(ctx, q, found) })
	}
	addrs, err := a.gather(ctx, q, links, found)
	cancel()
	for _, l := range links {
		_ = l.conn.Close() // which ends its reader
	}
	readers.Wait()
	return addrs, err
}

// gather asks, and returns what is found until nothing more is to be expected.
func (a asker) gather(ctx context.Context, q *question, links []*link, found <-chan []netip.Addr) ([]netip.Addr, error) {
	sent := ask(links, q)
	again := time.NewTimer(a.again)
	defer again.Stop()
	var settled <-chan time.Time
	var all []netip.Addr
	for {
		select {
		case addrs := <-found:
			all = append(all, addrs...)
			if settled == nil {
				settled = time.After(a.settle)
			}
			continue
		case <-again.C:
			if all == nil {
				sent = ask(links, q)
			}
			continue
		case <-settled:
		case <-ctx.Done():
		}
		return outcome(ctx, all, sent)
	}
}

// outcome is what a lookup returns that found all, and whose last question could not be sent because of sent.
func outcome(ctx context.Context, all []netip.Addr, sent error) ([]netip.Addr, error) {
	switch {
	case len(all) > 0:
		return arranged(all), nil
	case sent != nil:
		return nil, fmt.Errorf("asking the local network (mDNS): %w", sent)
	case !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, ctx.Err()
	}
	return nil, errNoAnswer
}

// ask sends the question on all links. The error is of the last one, nil if any took it.
func ask(links []*link, q *question) error {
	var err error
	taken := false
	for _, l := range links {
		for _, packet := range q.packets {
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
func arranged(all []netip.Addr) []netip.Addr {
	rank := func(a netip.Addr) int {
		switch {
		case a.IsLinkLocalUnicast():
			return 2
		case a.Is6():
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	var once []netip.Addr
	for _, a := range all {
		if len(once) < maxAddrs && !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}
