package sample

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// A Sample is one reading.
type Sample struct {
	// Name of the metric, such as "cpu usage"; CloudWatch's limits apply, see [CheckName].
	Name string `json:"name"`
	// Unit is one of CloudWatch's 27, see [IsUnit].
	Unit string `json:"unit"`
	// Value is finite and within CloudWatch's range, see [CheckValue].
	Value float64 `json:"value"`
	// Time of the reading in Unix seconds by the sender's clock; 0 means not given.
	Time float64 `json:"time,omitzero"`
}

// Clock states that a report may carry. Anything else counts as not said.
const (
	Synced   = "synced"
	Unsynced = "unsynced"
)

// A Report is what an agent sends: samples, and what is needed to recognise and to date them.
type Report struct {
	// Device is what the sender calls itself. The gateway's intake puts the authenticated identity in its place.
	Device string `json:"device,omitzero"`
	// Run is random per process start; (device, Run, Seq) identifies a report. Empty means not recognisable.
	Run string `json:"run,omitzero"`
	// Seq counts a run's reports from 1.
	Seq int64 `json:"seq,omitzero"`
	// Boot is the kernel's boot id and Uptime the seconds since that boot, both as of the newest sample.
	Boot   string  `json:"boot,omitzero"`
	Uptime float64 `json:"uptime,omitzero"`
	// Sent is when this transmission was made, in Unix seconds by the sender's clock; stamped anew at each one.
	Sent float64 `json:"sent,omitzero"`
	// SentUptime is the same in seconds since Boot; absent in a transmission that was made after another boot.
	SentUptime float64 `json:"sent_uptime,omitzero"`
	// Clock is Synced, Unsynced or "".
	Clock string `json:"clock,omitzero"`
	// Samples, oldest first.
	Samples []Sample `json:"samples"`
	// Local are readings of now that stay on the LAN, unless a rule of the gateway wants them. They are never kept: a
	// report that is sent again has none.
	Local []Sample `json:"local,omitzero"`
	// Attributes say what the device is, such as its model; see [MaxAttributes] for their bounds.
	Attributes map[string]string `json:"attributes,omitzero"`
}

// JSON returns the report's wire form, one line. It fails only on strings that are not UTF-8 or values that are not
// finite.
func (r Report) JSON() ([]byte, error) {
	b, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding report %d: %w", r.Seq, err)
	}
	return b, nil
}

// EncodeSamples returns the samples as a JSON array, the form in which they are kept on disk.
func EncodeSamples(samples []Sample) ([]byte, error) {
	b, err := json.Marshal(samples)
	if err != nil {
		return nil, fmt.Errorf("encoding samples: %w", err)
	}
	return b, nil
}

// DecodeSamples reads what EncodeSamples wrote.
func DecodeSamples(b []byte) ([]Sample, error) {
	var samples []Sample
	if err := json.Unmarshal(b, &samples); err != nil {
		return nil, fmt.Errorf("decoding samples: %w", err)
	}
	return samples, nil
}
