package sample

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// A Rejection is what the gateway tells a device on PREFIX/DEVICE/rejected: what it refused of a message, and why.
type Rejection struct {
	// Run and Seq name the message; empty where it had none.
	Run string `json:"run,omitzero"`
	Seq int64  `json:"seq,omitzero"`
	// Refused are the first refusals, More how many there are beside them.
	Refused []Refusal `json:"refused"`
	More    int       `json:"more,omitzero"`
}

// JSON returns the document that is told.
func (r Rejection) JSON() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding a refusal: %w", err)
	}
	return text, nil
}

// DecodeRejection reads what a gateway tells; what cannot be read is an error.
func DecodeRejection(text []byte) (Rejection, error) {
	var r Rejection
	if err := json.Unmarshal(text, &r); err != nil {
		return Rejection{}, fmt.Errorf("not a refusal in JSON: %w", err)
	}
	return r, nil
}

// ForSize reports whether the message was refused whole, for more samples than are taken in one. Sent in parts, all of
// it may pass.
func (r Rejection) ForSize() bool {
	if len(r.Refused) == 0 {
		return false
	}
	why := &r.Refused[0]
	return why.Reason == ReasonSize && why.Index < 0 && !why.Local
}
