package pass

// A Datum is one point of a metric, made of a pass's samples.
type Datum struct {
	Device string
	Name   string // in full, with what tells its device from others
	Unit   string
	// Value is not used where there are Values: 1 to MaxValues of them, by time. Only the emf form can send those.
	Value  float64
	Values []float64
	// Time is the start of the window, or a sample's own; Unix seconds.
	Time int64
	// Samples is how many it was made of, at least 1.
	Samples int
}

// MaxValues is the most values of one datum: CloudWatch takes 100 in a metric's array (embedded metric format
// specification, metric target).
const MaxValues = 100
