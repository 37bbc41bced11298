package broker

import (
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// A session is what the quotas know of one connection.
type session struct {
	cl         *mqtt.Client
	since      time.Time
	attributes []string      // of the connection, for the policy
	gone       chan struct{} // closed when its connection has ended

	mu      sync.Mutex // guards the fields below
	taken   window     // publishes accepted, in and out
	seen    window     // publishes, discarded ones too
	unacked int
	asking  map[string]bool // filters of the SUBSCRIBE that is being handled
}

// maxSeen bounds what is remembered of a client that floods.
const maxSeen = 10_000

// A window holds the times of the last second, oldest first: any second, not that of a clock.
type window struct{ at []time.Time }

// slide forgets what is a second old or more, and returns how many are left.
func (w *window) slide(now time.Time) int {
	i := 0
	for i < len(w.at) && now.Sub(w.at[i]) >= time.Second {
		i++
	}
	w.at = append(w.at[:0], w.at[i:]...)
	return len(w.at)
}

func (w *window) add(now time.Time) {
	if len(w.at) < maxSeen {
		w.at = append(w.at, now)
	}
}

// take counts a publish and reports whether it is within the rate. peak is how many there were in the last second.
func (s *session) take(now time.Time, limit int) (ok bool, peak int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.slide(now)
	s.seen.add(now)
	if s.taken.slide(now) >= limit {
		return false, len(s.seen.at)
	}
	s.taken.add(now)
	return true, len(s.seen.at)
}

// begin counts a publish that is to be acknowledged, unless there are too many; n is how many there are then.
func (s *session) begin() (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unacked >= MaxUnacked {
		return s.unacked, false
	}
	s.unacked++
	return s.unacked, true
}

// end counts its acknowledgement.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacked--
}

// A Connection is one that is open, as the page shows it.
type Connection struct {
	ClientID string    `json:"client_id"`
	Remote   string    `json:"remote"`
	Since    time.Time `json:"since"`
}

// Clients returns the connections that are open, in no order.
func (b *Broker) Clients() []Connection {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Connection, 0, len(b.sessions))
	for id, s := range b.sessions {
		all = append(all, Connection{ClientID: id, Remote: s.cl.Net.Remote, Since: s.since})
	}
	return all
}

func (b *Broker) session(id string) *session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[id]
}
