package sample

// A Refusal says why one sample is not taken.
type Refusal struct {
	// Index of the sample in the message, from 0; -1 for the message as a whole.
	Index int `json:"sample"`
	// Local says that it is one of the report's local samples; with the index -1 it is all of them.
	Local bool `json:"local,omitzero"`
	// Name as sent, empty if it is the name that is missing.
	Name string `json:"name,omitzero"`
	// Reason is a short fixed word to count by, one of the Reason constants here or of the intake.
	Reason string `json:"reason"`
	// Error names the field, the value and the fix.
	Error string `json:"error"`
}

// Reasons for which a sample is refused by its content alone.
const (
	ReasonJSON  = "json"
	ReasonName  = "name"
	ReasonUnit  = "unit"
	ReasonValue = "value"
	ReasonTime  = "time"
)

// Refusals are what of a message is not taken. The zero value is none.
type Refusals struct {
	// Refused are the first ten in full.
	Refused []Refusal
	// Reasons counts the samples by reason, all of them. It is nil if there are none.
	Reasons map[string]int
}

// maxRefusals is how many of a message are kept in full: a sender mends the first few, and the rest is alike.
const maxRefusals = 10

// Refuse books n samples that are refused for one reason.
func (r *Refusals) Refuse(n int, why Refusal) {
	if r.Reasons == nil {
		r.Reasons = map[string]int{}
	}
	r.Reasons[why.Reason] += n
	if len(r.Refused) < maxRefusals {
		r.Refused = append(r.Refused, why)
	}
}

// CountRefused is how many samples are refused.
func (r *Refusals) CountRefused() (n int) {
	for _, m := range r.Reasons {
		n += m
	}
	return n
}
