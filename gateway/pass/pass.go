// Package pass is what the stages from the queue to the encoder say to each other: which pass is wanted, what its
// samples are reduced to, how far it is acknowledged, and what became of them. Its values are plain and hold nothing
// open.
package pass

import (
	"errors"
	"slices"
	"time"

	"piway/gateway/queue/ledger"
)

// A Pass is a closed one, with the point up to which AWS has acknowledged it.
type Pass struct {
	// Start identifies the pass; it is its window's start in Unix seconds where no clock was set back.
	Start int64
	// First and Last are the ids of its first and last report; between them may be some of other passes.
	First, Last int64
	// Next is the first datum that is not acknowledged.
	Next int
	// Expired datums below Next were skipped, not sent.
	Expired Numbers
	// Parked datums below Next are set aside, and ParkedCounts says of whose samples they are made; nil leaves that as
	// it is on disk. Shelved means that nothing else is left of the pass, so that Next does not return it before all
	// others.
	Parked       Numbers
	ParkedCounts map[ledger.Count]int
	Shelved      bool
	// Live says that it closed just now, see Order.
	Live bool
	// Fingerprint names what its datums are numbered by; written with the first position.
	Fingerprint string
	// Thinned is the length of the windows that its samples were aggregated to, 0 if they were not; then it has
	// summaries.
	Thinned time.Duration
}

// Window is the start of the window that holds t, in Unix seconds. Windows are whole seconds long.
func Window(t time.Time, length time.Duration) int64 {
	w := max(int64(length/time.Second), 1)
	s := t.Unix()
	return s - ((s%w)+w)%w
}

// Clamp is the window of a report whose newest sample is at newest and that is stored at now: that sample's, but none
// of which the grace has passed and none after that of now.
func Clamp(newest, now time.Time, length, grace time.Duration) int64 {
	hi := Window(now, length)
	lo := Window(now.Add(-grace), length) // the previous window, while its grace lasts
	return max(lo, min(hi, Window(newest, length)))
}

// Begun reports whether anything of it is settled, so that the numbers of its datums must go on meaning the same.
func (p *Pass) Begun() bool {
	return p.Next > 0 || p.Shelved || !p.Expired.Empty() || !p.Parked.Empty()
}

// Clone returns a copy that changes on its own.
func (p Pass) Clone() Pass {
	p.Expired.r, p.Parked.r = slices.Clone(p.Expired.r), slices.Clone(p.Parked.r)
	return p
}

// Done is a pass of which every datum is acknowledged by AWS or expired, with what became of its samples.
type Done struct {
	Pass   Pass
	Counts map[ledger.Count]int
}

// An Order says which pass is wanted next, of those that are not in hand: a live one, then any other that is closed,
// then a shelved one behind Shelved; of several the oldest. The zero value is the oldest of all that are dated.
type Order struct {
	// Live is how long after it closed a pass counts as live, by the monotonic clock; 0 is no lane of its own.
	Live time.Duration
	// LiveOnly wants nothing but that, or any pass where Live is 0, and does not wait for it.
	LiveOnly bool
	// Shelved is the last shelved pass that was returned.
	Shelved int64
	// Undated also wants passes whose times may be wrong, since this machine's clock is not known to be right.
	Undated bool
}

// ErrNone is returned where an Order does not wait and there is no such pass.
var ErrNone = errors.New("no such pass")
