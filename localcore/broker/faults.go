package broker

import "time"

// Faults are what goes wrong at AWS, or on the way there. The zero value is that nothing does.
type Faults struct {
	// WithholdPubacks hands messages on and does not acknowledge them, not later either.
	WithholdPubacks bool `json:"withhold_pubacks"`
	// PubackDelay holds each PUBACK back; the client's next messages are read meanwhile.
	PubackDelay time.Duration `json:"puback_delay"`
	// RefuseConnects answers each CONNECT with return code 3, server unavailable.
	RefuseConnects bool `json:"refuse_connects"`
	// PublishesPerSecond, if not 0, is in place of the quota of 100; the excess is silently discarded.
	PublishesPerSecond int `json:"publishes_per_second"`
	// Offline takes the broker off the network: nothing is read nor written, and nothing closed. At the end of it the
	// connections of before, and of meanwhile, are reset.
	Offline bool `json:"offline"`
}

// SetFaults puts these faults in the place of those before.
func (b *Broker) SetFaults(f Faults) {
	b.mu.Lock()
	b.faults = f
	b.mu.Unlock()
	b.gate.setOffline(f.Offline)
}

// Faults returns the faults that are on.
func (b *Broker) Faults() Faults {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults
}
