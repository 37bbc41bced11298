package sample

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Form is one of the shapes a payload may have.
type Form int

// The forms that Decode accepts.
const (
	// FormReport is the agent's report, an object with "samples".
	FormReport Form = iota
	// FormBare is the recipe's object {"name","unit","value"} with an optional "timestamp".
	FormBare
	// FormArray is an array of bare objects.
	FormArray
)

// A Refusal says why one sample is not taken.
type Refusal struct {
	// Index of the sample in the message, from 0; -1 for the message as a whole.
	Index int `json:"sample"`
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

// A Message is a decoded payload.
type Message struct {
	Form Form
	// Report holds the envelope, which is empty but in FormReport, and the samples that passed.
	Report Report
	// Refused are the samples that did not pass. len(Report.Samples)+len(Refused) is how many were sent.
	Refused []Refusal
}

// Decode reads any of the accepted forms. An error means that nothing of the payload can be used: not JSON (duplicate
// keys and bad UTF-8 included), or JSON of another shape. Otherwise each sample is in the Message, as taken or as
// refused.
func Decode(payload []byte) (Message, error) {
	switch jsontext.Value(payload).Kind() {
	case '{':
		return decodeObject(payload)
	case '[':
		return decodeArray(payload)
	default:
		if len(payload) == 0 {
			return Message{}, errors.New("empty payload, send a JSON object")
		}
		var v jsontext.Value
		if err := json.Unmarshal(payload, &v); err != nil {
			return Message{}, syntaxError(err)
		}
		return Message{}, fmt.Errorf("payload %s: not a JSON object or array", clip(string(payload)))
	}
}

// wireObject is a report or a bare sample: which one is told by "samples" and "name".
type wireObject struct {
	wireSample
	Device  text          `json:"device"`
	Run     text          `json:"run"`
	Seq     number        `json:"seq"`
	Boot    text          `json:"boot"`
	Uptime  number        `json:"uptime"`
	SentUp  number        `json:"sent_uptime"`
	Sent    number        `json:"sent"`
	Clock   text          `json:"clock"`
	Samples *[]wireSample `json:"samples"`
}

// wireSample is a sample as sent. Fields of the wrong type are kept as such and refused one by one.
type wireSample struct {
	Name      text   `json:"name"`
	Unit      text   `json:"unit"`
	Value     number `json:"value"`
	Time      number `json:"time"`
	Timestamp number `json:"timestamp"`
}

func decodeObject(payload []byte) (Message, error) {
	var w wireObject
	if err := json.Unmarshal(payload, &w); err != nil {
		return Message{}, syntaxError(err)
	}
	if w.Samples == nil {
		m := Message{Form: FormBare}
		if !w.Name.set && !w.Unit.set && !w.Value.set {
			return Message{}, errors.New(`neither "samples" nor "name", "unit" and "value" in the object`)
		}
		m.add(0, &w.wireSample)
		return m, nil
	}
	m := Message{Form: FormReport}
	if err := w.envelope(&m.Report); err != nil {
		return Message{}, err
	}
	m.addAll(*w.Samples)
	return m, nil
}

// envelope fills in all of a report but its samples. A member of the wrong type spoils the report: without
// a sound run and seq a redelivery could be stored twice.
func (w *wireObject) envelope(r *Report) error {
	for _, t := range []struct {
		name string
		from *text
		to   *string
	}{
		{"device", &w.Device, &r.Device}, {"run", &w.Run, &r.Run}, {"boot", &w.Boot, &r.Boot}, {"clock", &w.Clock, &r.Clock},
	} {
		if t.from.bad != "" {
			return fmt.Errorf("%s %s: not a string", t.name, clip(t.from.bad))
		}
		if len(t.from.s) > maxEnvelopeText {
			return fmt.Errorf("%s %s: longer than %d characters", t.name, clip(t.from.s), maxEnvelopeText)
		}
		*t.to = t.from.s
	}
	var seq float64
	for _, n := range []struct {
		name string
		from *number
		to   *float64
	}{{"seq", &w.Seq, &seq}, {"uptime", &w.Uptime, &r.Uptime}, {"sent", &w.Sent, &r.Sent}, {"sent_uptime", &w.SentUp, &r.SentUptime}} {
		v, err := n.from.float()
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		*n.to = v
	}
	if seq < 0 || seq > maxSeq || seq != float64(int64(seq)) {
		return fmt.Errorf("seq %v: not a whole number from 0 to 2^53", seq)
	}
	r.Seq = int64(seq)
	return nil
}

const (
	maxEnvelopeText = 64      // a UUID with room to spare
	maxSeq          = 1 << 53 // what a JSON number holds exactly
)

func decodeArray(payload []byte) (Message, error) {
	var ws []wireSample
	if err := json.Unmarshal(payload, &ws); err != nil {
		return Message{}, syntaxError(err)
	}
	if len(ws) == 0 {
		return Message{}, errors.New("empty array, send at least one sample")
	}
	m := Message{Form: FormArray}
	m.addAll(ws)
	return m, nil
}

func (m *Message) addAll(ws []wireSample) {
	m.Report.Samples = make([]Sample, 0, len(ws))
	for i := range ws {
		m.add(i, &ws[i])
	}
}

// add judges one sample by its content.
func (m *Message) add(i int, w *wireSample) {
	s, reason, err := w.sample()
	if err != nil {
		m.Refused = append(m.Refused, Refusal{Index: i, Name: w.Name.s, Reason: reason, Error: err.Error()})
		return
	}
	m.Report.Samples = append(m.Report.Samples, s)
}

func (w *wireSample) sample() (s Sample, reason string, err error) {
	if err := w.Name.check("name", CheckName); err != nil {
		return s, ReasonName, err
	}
	if err := w.Unit.check("unit", CheckUnit); err != nil {
		return s, ReasonUnit, err
	}
	v, err := w.value()
	if err != nil {
		return s, ReasonValue, err
	}
	at := w.Time
	if !at.set {
		at = w.Timestamp
	}
	t, err := at.float()
	if err != nil {
		return s, ReasonTime, fmt.Errorf("time: %w", err)
	}
	return Sample{Name: w.Name.s, Unit: w.Unit.s, Value: v, Time: t}, "", nil
}

func (w *wireSample) value() (float64, error) {
	switch n := &w.Value; {
	case !n.set:
		return 0, errors.New("value: missing")
	case n.bad != "":
		return 0, fmt.Errorf("value %s: not a number", clip(n.bad))
	default:
		v, err := n.parse()
		if err != nil {
			return 0, err
		}
		return v, CheckValue(v)
	}
}

// text is a JSON string that remembers when it was something else.
type text struct {
	set    bool
	s, bad string
}

// UnmarshalJSONFrom takes any value, so that decoding goes on behind a field of the wrong type.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
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

func (t *text) check(field string, limits func(string) error) error {
	switch {
	case !t.set:
		return fmt.Errorf("%s: missing", field)
	case t.bad != "":
		return fmt.Errorf("%s %s: not a string", field, clip(t.bad))
	default:
		return limits(t.s)
	}
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
		return 0, fmt.Errorf("%s is not a number", clip(n.bad))
	}
	v, err := n.parse()
	if err != nil {
		return 0, fmt.Errorf("%s is not a number", clip(n.text))
	}
	return v, nil
}

// syntaxError shortens the library's errors to what the sender of the payload can act on.
func syntaxError(err error) error {
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return errors.New("not JSON at byte " + strconv.FormatInt(se.ByteOffset, 10) + ": " + se.Err.Error())
	}
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("at %q: %s where a sample object is expected", string(se.JSONPointer), se.JSONKind)
	}
	return fmt.Errorf("not JSON: %w", err)
}
