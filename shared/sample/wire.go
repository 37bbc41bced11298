package sample

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"piway/shared/sample/datum"
	"piway/shared/sample/scan"
)

// wireSample is a sample as sent. Members of the wrong type are kept as such and refused one by one.
type wireSample struct {
	name, unit             text
	value, time, timestamp number
}

// UnmarshalJSONFrom reads a sample; null is one without members.
func (w *wireSample) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' {
		_, err := dec.ReadToken()
		return err
	}
	return object(dec, w)
}

// member takes one member of an object.
func (w *wireSample) member(name []byte, dec *jsontext.Decoder) error {
	switch string(name) {
	case "name":
		return w.name.read(dec)
	case "unit":
		return w.unit.readUnit(dec)
	case "value":
		return w.value.UnmarshalJSONFrom(dec)
	case "time":
		return w.time.UnmarshalJSONFrom(dec)
	case "timestamp":
		return w.timestamp.UnmarshalJSONFrom(dec)
	default: // of a newer agent, or an operator's own
		return dec.SkipValue()
	}
}

// wireObject is a report or a bare sample: which one is told by "samples" and "name".
type wireObject struct {
	wireSample
	device, run, boot, clock      text
	seq, uptime, sent, sentUptime number
	samples, local                list
	attributes                    attributes
}

// UnmarshalJSONFrom reads an object.
func (w *wireObject) UnmarshalJSONFrom(dec *jsontext.Decoder) error { return object(dec, w) }

func (w *wireObject) member(name []byte, dec *jsontext.Decoder) error {
	if t := w.text(name); t != nil {
		return t.read(dec)
	}
	switch string(name) {
	case "seq":
		return w.seq.UnmarshalJSONFrom(dec)
	case "uptime":
		return w.uptime.UnmarshalJSONFrom(dec)
	case "sent":
		return w.sent.UnmarshalJSONFrom(dec)
	case "sent_uptime":
		return w.sentUptime.UnmarshalJSONFrom(dec)
	case "samples":
		return w.samples.read(dec)
	case "local":
		return w.local.read(dec)
	case "attributes":
		return w.attributes.read(dec)
	default:
		return w.wireSample.member(name, dec)
	}
}

// text is the member of the envelope of that name, nil where that is no string.
func (w *wireObject) text(name []byte) *text {
	switch string(name) {
	case "device":
		return &w.device
	case "run":
		return &w.run
	case "boot":
		return &w.boot
	case "clock":
		return &w.clock
	default:
		return nil
	}
}

// members takes an object's members, one by one. The name is valid until the decoder goes on.
type members interface {
	member(name []byte, dec *jsontext.Decoder) error
}

// errNotObject is what fault finds better words for.
var errNotObject = errors.New("not an object")

// object reads one member by member. The library would do it by reflection, and take a tenth longer for a report.
func object(dec *jsontext.Decoder, to members) error {
	if dec.PeekKind() != '{' {
		if err := dec.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := to.member(scan.Plain(name), dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// list is an array of which the split knows what is in it.
type list struct {
	set bool
	bad string
}

// read takes any value. Null counts as absent.
func (l *list) read(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	v, err := dec.ReadValue()
	if l.set = kind == '['; !l.set && kind != 'n' {
		l.bad = string(v)
	}
	return err
}

// text is a JSON string that remembers when it was something else.
type text struct {
	set    bool
	s, bad string
}

// read takes any value, so that decoding goes on behind a field of the wrong type.
func (t *text) read(dec *jsontext.Decoder) error {
	t.set = true
	if dec.PeekKind() != '"' {
		v, err := dec.ReadValue()
		t.bad = string(v)
		return err
	}
	tok, err := dec.ReadToken()
	if err == nil {
		t.s = tok.String()
	}
	return err
}

// readUnit is read, which knows the units.
func (t *text) readUnit(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '"' {
		return t.read(dec)
	}
	t.set = true
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if t.s = datum.UnitOf(v[1 : len(v)-1]); t.s == "" {
		said, _ := scan.Unquote(v) // sound, as it was read
		t.s = string(said)
	}
	return nil
}

func (t *text) check(field string, limits func(string) error) error {
	switch {
	case !t.set:
		return errMissing
	case t.bad != "":
		return fmt.Errorf("%s %s: not a string, %s", field, scan.Clip(t.bad), textFix(field))
	default:
		return limits(t.s)
	}
}

// textFix is what to write for a member that is no string.
func textFix(field string) string {
	if field == "unit" {
		return `write one of CloudWatch's, "None" for what has none`
	}
	return "write the metric's name in double quotes"
}

// number is a JSON number or a string of one. A number is parsed at once, a string when it is asked for.
type number struct {
	set       bool
	parsed    bool
	v         float64
	text, bad string
}

// UnmarshalJSONFrom takes any value, so that decoding goes on behind a field of the wrong type.
func (n *number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	n.set = true
	kind := dec.PeekKind()
	if kind != '0' && kind != '"' {
		v, err := dec.ReadValue()
		n.bad = string(v)
		return err
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if kind == '0' {
		if n.v, err = tok.Float(); err == nil {
			n.parsed = true
			n.v += 0 // -0 becomes 0
			return nil
		}
	}
	n.text = tok.String() // a string, or a number that no float64 holds, which ParseValue then refuses
	return nil
}

// parse returns the number; it is set.
func (n *number) parse() (float64, error) {
	if n.parsed {
		return n.v, nil
	}
	return ParseValue(n.text)
}

// float returns 0 when the member is absent.
func (n *number) float() (float64, error) {
	switch {
	case !n.set:
		return 0, nil
	case n.bad != "":
		return 0, fmt.Errorf("%s is not a number", scan.Clip(n.bad))
	}
	v, err := n.parse()
	if err != nil {
		return 0, fmt.Errorf("%s is not a number", scan.Clip(n.text))
	}
	return v, nil
}
