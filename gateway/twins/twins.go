// Package twins notices two machines that speak under one device name, such as a cloned card or a copied password.
//
// Its promise: two machines that both go on speaking are noticed after a few reports, and one that restarts, starts
// anew, sends what it kept or changes its address is not taken for two.
//
// A machine is known by its boot id, where it says that it sends from that boot (sent_uptime): a boot that ended never
// speaks again, so one that does after another has spoken is another machine. What an agent sends of an earlier boot or
// process says nothing, and of one boot there may be several processes. Scripts tell no boot and are known by their
// address: one that comes back to its former address does so once, and two machines go to and fro.
package twins

import (
	"slices"
	"strings"
	"sync"
	"time"

	"piway/shared/sample"
)

const (
	// enough returns of one that was followed by another tell two machines. A message that a dying connection held up
	// makes one.
	enough = 3
	// apart is the least time between two that count: what was held up comes at once.
	apart = 5 * time.Second
	// boots and addresses are in how much time they must come. An address may come back for other reasons.
	boots, addresses = 24 * time.Hour, 10 * time.Minute
	// lasts is for how long two are remembered after the last return.
	lasts = 24 * time.Hour
	// maxSpeakers of a device are remembered.
	maxSpeakers = 4
)

// A Pair is the addresses of two machines. Behind a proxy they may be the same.
type Pair [2]string

// A Watch looks for twins. Its methods are safe for concurrent use; its zero value is one that has heard nobody.
type Watch struct {
	mu     sync.Mutex // guards what follows
	tracks map[key]*track
}

// A key is a device and how its machines are told apart.
type key struct {
	device, by string
	within     time.Duration
}

// A track is who spoke under a name.
type track struct {
	speakers []speaker // the one that spoke last at the end
	returns  int       // of one that was followed by another, since first
	first    time.Duration
	last     time.Duration
	pair     Pair
}

type speaker struct{ who, host string }

// Heard takes note of a report of a device; host returns where it came from, and is called if that matters. at is a
// monotonic time. It returns true when two machines speak under the name, each time that this shows.
func (w *Watch) Heard(device string, r *sample.Report, host func() string, at time.Duration) (Pair, bool) {
	k, now := key{device, "boot", boots}, speaker{who: r.Boot}
	switch {
	case r.Boot == "":
		now = speaker{host(), host()}
		k = key{device, "IPv4", addresses}
		if strings.Contains(now.who, ":") {
			k.by = "IPv6" // a machine may have both
		}
	case r.SentUptime == 0:
		return Pair{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tracks[k]
	if t == nil {
		if w.tracks == nil {
			w.tracks = map[key]*track{}
		}
		t = &track{}
		w.tracks[k] = t
	}
	if n := len(t.speakers); n > 0 && t.speakers[n-1].who == now.who {
		return Pair{}, false
	}
	now = speaker{strings.Clone(now.who), host()} // not a part of a message, which it would keep
	return t.follow(now, at, k.within)
}

// follow notes that another one speaks than before.
func (t *track) follow(now speaker, at, within time.Duration) (Pair, bool) {
	before := len(t.speakers)
	t.speakers = slices.DeleteFunc(t.speakers, func(s speaker) bool { return s.who == now.who })
	isBack := len(t.speakers) < before
	t.speakers = append(t.speakers, now)
	if len(t.speakers) > maxSpeakers {
		t.speakers = slices.Delete(t.speakers, 0, 1)
	}
	if !isBack || t.returns > 0 && at-t.last < apart {
		return Pair{}, false
	}
	if t.returns == 0 || at-t.first > within {
		t.returns, t.first = 0, at
	}
	t.returns, t.last = t.returns+1, at
	if t.returns < enough {
		return Pair{}, false
	}
	t.pair = Pair{t.speakers[len(t.speakers)-2].host, now.host}
	return t.pair, true
}

// Pairs returns the devices under whose names two machines have spoken within a day.
func (w *Watch) Pairs(at time.Duration) map[string]Pair {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]Pair{}
	for k, t := range w.tracks {
		if t.pair != (Pair{}) && at-t.last < lasts {
			all[k.device] = t.pair
		}
	}
	return all
}
