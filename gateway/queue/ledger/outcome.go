// Package ledger is the arithmetic of what became of samples, without a disk.
//
// Its promise: a sample that is booked once is in one figure of its device's account, so that an account tells by
// itself whether something was lost or counted twice.
package ledger

// Outcomes of a sample. For each device received = refused + duplicate + local + stored, and stored = waiting + sent +
// expired + dropped. Shifted is a part of stored, Parked one of waiting, RefusedByCloud one of sent.
const (
	Received  = "received"
	Refused   = "refused"
	Duplicate = "duplicate"
	Local     = "local" // it stays on the LAN
	Stored    = "stored"
	Sent      = "sent"
	Expired   = "expired"
	Dropped   = "dropped"

	Missing        = "missing" // reports, not samples
	Twins          = "twins"   // reports too
	Shifted        = "shifted"
	Parked         = "parked"
	RefusedByCloud = "refused by cloud"
)

// Booked reports whether a Ledger has figures of the outcome. Parked is none of them: it is counted from what is
// parked.
func Booked(outcome string) bool {
	switch outcome {
	case Received, Refused, Duplicate, Local, Stored, Sent, Expired, Dropped, Missing, Twins, Shifted, RefusedByCloud:
		return true
	default:
		return false
	}
}

// Max is the most that a figure grows to, the highest number that a device may give a report: 2^53 - 1, which every
// reader of JSON takes exactly.
const Max = int64(1)<<53 - 1

// saturated is a + b, and Max where that is more.
func saturated(a, b int64) int64 { return min(a+min(b, Max), Max) }

// A Count names what became of some of a device's samples.
type Count struct {
	Device  string
	Outcome string
	Reason  string // of Refused, Expired, Dropped, Parked and RefusedByCloud
}
