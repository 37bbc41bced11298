package sample

import (
	"fmt"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"piway/shared/sample/scan"
)

// Bounds are what a gateway takes and wants, as it tells its devices on PREFIX/DEVICE/config: a JSON object of which
// members that are not known are ignored, so that later gateways may say more.
type Bounds struct {
	// MaxSamples in one message, MaxPacket in bytes of MQTT. 0 where the gateway does not say.
	MaxSamples int `json:"max_samples,omitzero"`
	MaxPacket  int `json:"max_packet,omitzero"`
	// Wanted are names of the device's local samples that go to the cloud, by the gateway's rules: send them with the
	// others, which are kept until they are acknowledged. At most MaxWanted.
	Wanted []string `json:"wanted,omitzero"`
}

// MaxWanted is how many names a gateway tells at most, and an agent heeds.
const MaxWanted = 100

// JSON returns the document that is told.
func (b Bounds) JSON() ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encoding the bounds: %w", err)
	}
	return text, nil
}

const (
	// maxBoundsText is the most that is read of what a gateway tells.
	maxBoundsText = 64 << 10
	// maxBound is above all that a bound can mean.
	maxBound = 1 << 30
)

// DecodeBounds reads what a gateway tells. An error names what cannot be meant: the document, or a member, which then
// counts as not said. The others hold all the same.
func DecodeBounds(text []byte) (Bounds, error) {
	if len(text) > maxBoundsText {
		return Bounds{}, fmt.Errorf("%d bytes, at most %d are read", len(text), maxBoundsText)
	}
	var w struct {
		MaxSamples number `json:"max_samples"`
		MaxPacket  number `json:"max_packet"`
		Wanted     names  `json:"wanted"`
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return Bounds{}, fmt.Errorf("not an object in JSON: %w", err)
	}
	var b Bounds
	var first error
	for _, m := range []struct {
		name string
		from *number
		to   *int
	}{{"max_samples", &w.MaxSamples, &b.MaxSamples}, {"max_packet", &w.MaxPacket, &b.MaxPacket}} {
		n, err := m.from.bound()
		if err != nil && first == nil {
			first = fmt.Errorf("%s: %w", m.name, err)
		}
		*m.to = n
	}
	b.Wanted = w.Wanted.all
	if w.Wanted.bad != "" && first == nil {
		first = fmt.Errorf("wanted: %s is not a list of up to %d names", scan.Clip(w.Wanted.bad), MaxWanted)
	}
	return b, first
}

// names is a list of strings that remembers what was something else.
type names struct {
	all []string
	bad string
}

// UnmarshalJSONFrom takes any value, so that decoding goes on. Null counts as absent.
func (n *names) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() == 'n' {
		return err
	}
	if json.Unmarshal(v, &n.all) != nil || len(n.all) > MaxWanted {
		n.all, n.bad = nil, string(v)
	}
	return nil
}

// bound returns 0 when the member is absent or no bound.
func (n *number) bound() (int, error) {
	v, err := n.float()
	switch {
	case err != nil || !n.set:
		return 0, err
	case math.IsNaN(v) || v < 1:
		return 0, fmt.Errorf("%v, must be 1 or more", v)
	default:
		return int(min(v, maxBound)), nil
	}
}

// Smallest limits that an agent keeps to, whatever it is told: below them the envelopes would be most of what is sent.
// What a gateway then refuses is halved.
const (
	leastSamples = 16
	leastBytes   = 4 << 10
)

// Limits returns what an agent may put into a report for a gateway with these bounds. floored tells that the gateway
// asked for less than makes sense.
func (b Bounds) Limits() (l Limits, floored bool) {
	l = MaxLimits()
	if b.MaxSamples > 0 {
		floored = b.MaxSamples < leastSamples
		l.Samples = min(l.Samples, max(b.MaxSamples, leastSamples))
	}
	if b.MaxPacket > 0 {
		room := b.MaxPacket - PacketOverhead
		floored = floored || room < leastBytes
		l.Bytes = min(l.Bytes, max(room, leastBytes))
	}
	return l, floored
}
