package intake

// A beginning is when a sender's clock showed 0, in seconds on the gateway's own clock since its boot, which nobody
// sets.
//
// Each message tells it too late by the time that it was under way, and that is never negative. So the smallest that
// was told is the best, and one message that came at once dates all that a stalled link held up. It cannot be the
// smallest for ever: two quartz clocks part by up to 100 ppm, 8.6 s a day, to either side.
type beginning struct {
	low float64 // the smallest, told at
	at  float64

	doubted     bool    // nothing has come near low since
	next, since float64 // the smallest since then
}

const (
	// drift is what a beginning may grow, in seconds a second: twice what the clocks part, so that it follows them.
	// While a link stands still for 24 s it grows by 5 ms.
	drift = 200e-6
	// doubtAfter is when the smallest is given up, in seconds, if nothing comes near it: what is told now is true
	// then, and what was told is not, as after a sleep that the sender's clock did not count.
	doubtAfter = 3600
	// maxDelay in seconds is longer than a message can be under way: the kernel sends again for 924 s (tcp_retries2).
	maxDelay = 960
)

// tell takes what a message told that arrived then.
func (b *beginning) tell(began, at float64) {
	switch {
	case began <= b.low+drift*max(at-b.at, 0):
		*b = beginning{low: began, at: max(at, b.at)}
	case !b.doubted:
		b.doubted, b.next, b.since = true, began, at
	case at-b.since < doubtAfter:
		b.next = min(b.next, began)
	default:
		*b = beginning{low: min(b.next, began), at: at}
	}
}
