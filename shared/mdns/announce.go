package mdns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Announce makes a gateway known on the local network as a service _piway._tcp until ctx ends, and says goodbye then.
// It returns when that is sent.
// What it tells is the port, this machine's addresses on the link, and the first 8 bytes of the pin; the names are made
// of these too. It works beside avahi-daemon, and follows the interfaces as they come, go and change their addresses,
// within 10 s.
//
// The error is of the port only. What else fails is logged once and tried again.
//
// It is not done by github.com/pion/mdns/v2, tried at 2.2.2: that says neither hello nor goodbye, keeps to the
// interfaces of its start, leaves out who knows another gateway already (it takes questions with known answers for
// answers), answers whoever asks from wherever, and takes any sender's word for a service.
func Announce(ctx context.Context, port int, pin8 [8]byte, log *slog.Logger) error {
	s, err := newService(port, pin8)
	if err != nil {
		return err
	}
	newAnnouncer(s, log).run(ctx)
	return nil
}

// Bounds of announcing.
const (
	maxHeard   = 1000 // packets a second that are read, of all links; the kernel drops what is more
	maxReplies = 100  // a second to who asks from a port of its own
	maxTold    = 16   // errors that are logged, each once
	fresh      = 5    // failures in a row on a new link that are told: an address of IPv6 is of use after 2 s
)

// An announcer holds what differs in tests, and what its links share.
type announcer struct {
	service        *service
	group4, group6 netip.AddrPort
	places         func() ([]place, error)
	join           func(p place, group netip.AddrPort) (*net.UDPConn, error)
	look           time.Duration        // from look to look at the interfaces
	pause          time.Duration        // between two announcements on one link (RFC 6762 6, 8.3)
	polite         func() time.Duration // until an announcement that was asked for: others answer too (RFC 6762 6)
	heard, replies *rate.Limiter

	mu   sync.Mutex // guards told
	told map[string]bool
	log  *slog.Logger
}

func newAnnouncer(s *service, log *slog.Logger) *announcer {
	return &announcer{
		service: s, group4: standard.group4, group6: standard.group6, join: joined, log: log, told: map[string]bool{},
		places: func() ([]place, error) { return places(standard.flags | net.FlagRunning) },
		look:   10 * time.Second, pause: time.Second,
		polite: func() time.Duration {
			return 20*time.Millisecond + rand.N(100*time.Millisecond) //nolint:gosec // no secret
		},
		heard:   rate.NewLimiter(maxHeard, maxHeard/10),
		replies: rate.NewLimiter(maxReplies, maxReplies),
	}
}

// A speaker is a link that is announced on. stop says goodbye and ends it; what is sent to asked asks it to announce.
type speaker struct {
	stop  func()
	asked chan struct{}
}

func (s speaker) ask() {
	select {
	case s.asked <- struct{}{}:
	default: // an announcement is due already
	}
}

func (a *announcer) run(ctx context.Context) {
	speakers := map[string]speaker{}
	ticker := time.NewTicker(a.look)
	defer ticker.Stop()
	for {
		a.follow(ctx, speakers)
		select {
		case <-ctx.Done():
			for _, s := range speakers {
				s.stop()
			}
			return
		case <-ticker.C:
		}
	}
}

// follow makes the speakers those of the interfaces that are there, with the addresses that they have.
func (a *announcer) follow(ctx context.Context, speakers map[string]speaker) {
	all, err := a.places()
	if err != nil {
		a.tell(err) // and goes on with those that were there
		return
	}
	now := map[string]place{}
	for _, p := range all {
		now[fmt.Sprint(p)] = p
	}
	before := len(speakers)
	for key, s := range speakers {
		if _, there := now[key]; !there {
			s.stop()
			delete(speakers, key)
		}
	}
	if len(speakers) < before { // one network may be behind two interfaces, and has heard a goodbye
		for _, s := range speakers {
			s.ask()
		}
	}
	for key, p := range now {
		if _, speaks := speakers[key]; speaks {
			continue
		}
		l, err := a.open(p)
		if err != nil {
			a.tell(err) // of an address that is not ready yet, or gone meanwhile
			continue
		}
		speakers[key] = a.speak(ctx, l)
	}
}

func (a *announcer) open(p place) (*link, error) {
	group := a.group4
	if p.own.Is6() {
		group = netip.AddrPortFrom(a.group6.Addr().WithZone(p.name), a.group6.Port())
	}
	conn, err := a.join(p, group)
	if err != nil {
		return nil, fmt.Errorf("on %s: %w", p.name, err)
	}
	return &link{conn, group, p.name, p.nets}, nil
}

// tell logs an error once, of up to maxTold.
func (a *announcer) tell(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text := err.Error()
	if a.told[text] || len(a.told) >= maxTold {
		return
	}
	a.told[text] = true
	a.log.Warn("cannot announce the gateway on the local network (mDNS); devices still find it by the addresses they "+
		"know; trying again", "error", err)
}

// speak announces on a link until it is stopped or ctx ends.
func (a *announcer) speak(ctx context.Context, l *link) speaker {
	ctx, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	s := speaker{asked: make(chan struct{}, 1), stop: func() { cancel(); both.Wait() }}
	both.Go(func() { a.hear(ctx, l, s) })
	both.Go(func() {
		a.say(ctx, l, s.asked)
		_ = a.send(l, 0)   // the interface may be gone
		_ = l.conn.Close() // which ends hear
	})
	return s
}

// say announces twice, then each time somebody asked: never more than once a pause, whoever asks.
func (a *announcer) say(ctx context.Context, l *link, asked <-chan struct{}) {
	more := a.greet(ctx, l)
	for more {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		}
		if !wait(ctx, a.polite()) {
			return
		}
		if err := a.send(l, ttl); err != nil {
			a.tell(err)
		}
		more = wait(ctx, a.pause)
	}
}

// greet announces until that succeeded twice, and returns false if ctx ended before.
func (a *announcer) greet(ctx context.Context, l *link) bool {
	for sent, failed := 0, 0; sent < 2; {
		if err := a.send(l, ttl); err == nil {
			sent++
		} else if failed++; failed == fresh {
			a.tell(err)
		}
		if !wait(ctx, a.pause) {
			return false
		}
	}
	return true
}

// send tells the link all records, or goodbye with a ttl of 0.
func (a *announcer) send(l *link, ttl uint32) error {
	packet, err := a.service.announcement(l.nets, ttl)
	if err == nil {
		_, err = l.conn.WriteToUDPAddrPort(packet, l.group)
	}
	if err != nil {
		return fmt.Errorf("on %s: %w", l.zone, err)
	}
	return nil
}

// hear reads what neighbours ask until the socket is closed.
func (a *announcer) hear(ctx context.Context, l *link, s speaker) {
	packet := make([]byte, maxPacket)
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(packet)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // an ICMP message, or an interface that is going
			if !wait(ctx, 100*time.Millisecond) {
				return
			}
			continue
		case a.heard.Wait(ctx) != nil: // the end
			return
		}
		if l.neighbour(from.Addr()) { // RFC 6762 11
			a.answer(l, s, packet[:n], from)
		}
	}
}

// answer answers who asks from the group's port with an announcement, and who asks from another (RFC 6762 6.7) there.
func (a *announcer) answer(l *link, s speaker, packet []byte, from netip.AddrPort) {
	q, ours := a.service.read(packet)
	switch {
	case !ours:
	case from.Port() == l.group.Port():
		s.ask()
	case a.replies.Allow():
		if reply, err := a.service.reply(q, l.nets); err == nil && reply != nil {
			_, _ = l.conn.WriteToUDPAddrPort(reply, from) // who asked may have gone
		}
	}
}

// wait returns false if ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
