package broker

import "sync"

// Counts are totals since Open.
type Counts struct {
	Connects  int64 `json:"connects"`  // accepted
	Refused   int64 `json:"refused"`   // CONNECTs: version, client id, policy, or a fault
	TooSoon   int64 `json:"too_soon"`  // CONNECTs within a second of the client id's last one
	Takeovers int64 `json:"takeovers"` // connections closed by a newer one with their client id

	PublishesIn  int64 `json:"publishes_in"`  // handed to the rules engine
	PublishesOut int64 `json:"publishes_out"` // to subscribers

	Throttled    int64 `json:"throttled"`     // publishes discarded over the rate
	Unacked      int64 `json:"unacked"`       // publishes not accepted, with too many unacknowledged
	Withheld     int64 `json:"withheld"`      // PUBACKs withheld by a fault
	Delayed      int64 `json:"delayed"`       // reads held back over the throughput
	Denied       int64 `json:"denied"`        // by the policy
	Oversize     int64 `json:"oversize"`      // payloads above 128 KB
	BadTopics    int64 `json:"bad_topics"`    // topics and filters that IoT Core does not take
	QoS2         int64 `json:"qos2"`          // publishes with QoS 2, ignored
	OutThrottled int64 `json:"out_throttled"` // messages not delivered over the rate

	// PeakPublishes is the most publishes that any one connection sent or got within a second, discarded ones too.
	PeakPublishes int64 `json:"peak_publishes"`
	// PeakUnacked is the most publishes of one connection that waited for their PUBACK.
	PeakUnacked int64 `json:"peak_unacked"`
}

// A counter is Counts that many goroutines write.
type counter struct {
	mu sync.Mutex
	c  Counts
}

func (n *counter) add(f func(*Counts)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(&n.c)
}

// Counts returns the totals so far.
func (b *Broker) Counts() Counts {
	b.counts.mu.Lock()
	defer b.counts.mu.Unlock()
	return b.counts.c
}
