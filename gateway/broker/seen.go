package broker

import (
	"time"
)

// Seen is what was last seen of a device.
type Seen struct {
	// Connected now; Secure is whether by TLS.
	Connected, Secure bool
	// Host is the address on which it was heard last, which was this long ago.
	Host string
	Ago  time.Duration
}

// maxPast bounds the devices of which is known when they were there. A list that is longer loses the oldest.
const maxPast = 4096

// Seen returns what was seen of a device since the broker began; false means nothing.
func (b *Broker) Seen(device string) (Seen, bool) {
	now := time.Since(b.begun)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.last(device)
	if s == nil {
		past, ok := b.past[device]
		past.Ago = now - past.Ago
		return past, ok
	}
	seen := s.seen()
	seen.Connected, seen.Ago = true, max(now-seen.Ago, 0)
	return seen, true
}

// Host is the address of the connection on which a device was heard last, "" if it has none.
func (b *Broker) Host(device string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.last(device); s != nil {
		return s.Host()
	}
	return ""
}

// last is the session of a device that was heard last, nil for none. b.mu is held.
func (b *Broker) last(device string) (last *session) {
	for s, connected := range b.sessions[device] {
		if connected && (last == nil || s.heard.Load() > last.heard.Load()) {
			last = s
		}
	}
	return last
}

// seen is what of a session is kept; Ago is when, since the broker began.
func (s *session) seen() Seen {
	return Seen{Secure: s.secure, Host: s.Host(), Ago: time.Duration(s.heard.Load())}
}

// keep keeps what was seen of a device whose session ends. b.mu is held.
func (b *Broker) keep(s *session) {
	if old, known := b.past[s.device]; known && old.Ago > time.Duration(s.heard.Load()) {
		return
	} else if !known && len(b.past) >= maxPast {
		oldest := ""
		for device, p := range b.past {
			if oldest == "" || p.Ago < b.past[oldest].Ago {
				oldest = device
			}
		}
		delete(b.past, oldest)
	}
	b.past[s.device] = s.seen()
}
