package sample

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

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

// A Message is a decoded payload.
type Message struct {
	Form Form
	// Report holds the envelope, which is empty but in FormReport, and the samples that passed.
	Report Report
	// Refusals are of the samples that did not pass: with those that did they are all that were sent.
	Refusals
	// Timestamped are the samples that passed of which the time is a member "timestamp", by their place among them;
	// LocalTimestamped the same of the local ones.
	Timestamped, LocalTimestamped []int
	// RefusedAt is where those that did not pass stood, in order; nil if they are too many to be looked at.
	// LocalRefusedAt is the same of the local ones.
	RefusedAt, LocalRefusedAt []int
	// AttributesCut is how many of the attributes were left out, or cut, since they are not within their bounds.
	AttributesCut int
}

// Index returns where the i-th of the samples that passed stood in the message.
func (m *Message) Index(i int) int { return index(m.RefusedAt, i) }

// LocalIndex returns where the i-th of the local samples that passed stood among them.
func (m *Message) LocalIndex(i int) int { return index(m.LocalRefusedAt, i) }

func index(refused []int, i int) int {
	return i + sort.Search(len(refused), func(k int) bool { return refused[k]-k > i })
}

// The members in which a sample's time may be.
const (
	memberTime      = "time"
	memberTimestamp = "timestamp"
)

// TimeMember is what the time of the i-th of the samples that passed is called in the message.
func (m *Message) TimeMember(i int) string { return timeMember(m.Timestamped, i) }

// LocalTimeMember is the same of the local ones.
func (m *Message) LocalTimeMember(i int) string { return timeMember(m.LocalTimestamped, i) }

func timeMember(timestamped []int, i int) string {
	if _, ok := slices.BinarySearch(timestamped, i); ok {
		return memberTimestamp
	}
	return memberTime
}

// Decode reads any of the accepted forms. An error means that nothing of the payload can be used: its brackets and
// strings have no end, or it is JSON of another shape, or its envelope is not JSON (duplicate keys and bad UTF-8
// included). Otherwise each sample is in the Message, as taken or as refused: what is not JSON in one of them costs no
// other.
func Decode(payload []byte) (Message, error) { return DecodeUpTo(payload, math.MaxInt) }

// DecodeUpTo is Decode for a payload of at most so many samples. If there are more they are counted and not decoded:
// all are refused as [ReasonSize]. Where it is the local ones that are too many, they alone are.
func DecodeUpTo(payload []byte, most int) (Message, error) {
	payload = unpad(payload)
	switch jsontext.Value(payload).Kind() {
	case '{':
		return decodeObject(payload, most)
	case '[':
		return decodeArray(payload, most)
	default:
		return Message{}, foreign(payload)
	}
}

func decodeObject(payload []byte, most int) (Message, error) {
	found, ok := splitObject(payload, most)
	r := newReader()
	defer r.release()
	var w wireObject
	isReport := found[inSamples].shut > 0
	if !ok {
		_ = r.read(payload, &w) // for the name
		return spoiled(&w, unsplit(payload), isReport)
	}
	envelope := found.without(payload)
	if err := r.read(envelope, &w); err != nil {
		return spoiled(&w, fault(err, envelope, found.offset), isReport)
	}
	switch {
	case w.samples.bad != "":
		return Message{}, fmt.Errorf("samples %s: not an array; write [{…}, {…}]", clip(w.samples.bad))
	case w.samples.set:
	case w.name.set || w.unit.set || w.value.set:
		return decodeBare(payload, &w)
	case !w.local.set:
		return Message{}, missing(&w.wireSample, payload)
	}
	m := Message{Form: FormReport, AttributesCut: w.attributes.cut}
	if err := w.envelope(&m.Report); err != nil {
		return Message{}, err
	}
	m.Report.Attributes = w.attributes.all
	m.addReport(r, payload, &w, &found, most)
	return m, nil
}

// decodeBare makes a message of a bare sample.
func decodeBare(payload []byte, w *wireObject) (Message, error) {
	if w.local.set { // of which nothing was looked at: it is the sender's own member
		if err := check(payload); err != nil {
			return Message{}, err
		}
	}
	m := Message{Form: FormBare}
	m.add(0, &w.wireSample, false, payload)
	return m, nil
}

// addReport decodes a report's samples.
func (m *Message) addReport(r *reader, payload []byte, w *wireObject, found *arrays, most int) {
	samples, local := &found[inSamples], &found[inLocal]
	if samples.n > most {
		m.Refuse(samples.n+local.n, tooMany(samples.n, most))
		return
	}
	m.Report.Samples = make([]Sample, 0, samples.n)
	m.addAll(r, payload, samples, false)
	switch {
	case w.local.bad != "":
		m.Refuse(1, Refusal{
			Index: -1, Local: true, Reason: ReasonJSON, Error: fmt.Sprintf("local %s: not an array", clip(w.local.bad)),
		})
	case samples.n+local.n > most:
		why := tooMany(samples.n+local.n, most)
		why.Local = true
		m.Refuse(local.n, why)
	case local.n > 0:
		m.Report.Local = make([]Sample, 0, local.n)
		m.addAll(r, payload, local, true)
	}
}

// tooMany is why so many samples are not looked at.
func tooMany(n, most int) Refusal {
	return Refusal{Index: -1, Reason: ReasonSize, Error: fmt.Sprintf(
		"%d samples in one message, %d are taken; send several messages", n, most)}
}

// spoiled is a message that is not JSON: a bare sample of which one member is to blame is refused for that.
func spoiled(w *wireObject, err error, isReport bool) (Message, error) {
	reason := reasonOf(err)
	if reason == ReasonJSON || isReport {
		return Message{}, err
	}
	m := Message{Form: FormBare}
	m.refuse(0, &w.wireSample, false, reason, err)
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
		{"device", &w.device, &r.Device}, {"run", &w.run, &r.Run}, {"boot", &w.boot, &r.Boot}, {"clock", &w.clock, &r.Clock},
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
	}{
		{"seq", &w.seq, &seq},
		{"uptime", &w.uptime, &r.Uptime},
		{"sent", &w.sent, &r.Sent},
		{"sent_uptime", &w.sentUptime, &r.SentUptime},
	} {
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

func decodeArray(payload []byte, most int) (Message, error) {
	samples, ok := splitArray(payload, space(payload, 0), most)
	if !ok || !blank(payload[samples.shut+1:]) {
		return Message{}, unsplit(payload)
	}
	if samples.n == 0 {
		return Message{}, errors.New("empty array, send at least one sample")
	}
	m := Message{Form: FormArray}
	if samples.n > most {
		m.Refuse(samples.n, tooMany(samples.n, most))
		return m, nil
	}
	r := newReader()
	defer r.release()
	m.Report.Samples = make([]Sample, 0, samples.n)
	m.addAll(r, payload, &samples, false)
	return m, nil
}

// addAll decodes each element by itself.
func (m *Message) addAll(r *reader, payload []byte, a *array, local bool) {
	var w wireSample
	at := a.open + 1
	for i, end := range a.ends {
		w = wireSample{}
		if err := r.read(payload[at:end], &w); err != nil {
			err = fault(err, payload[at:end], func(offset int64) int64 { return int64(at) + offset })
			m.refuse(i, &w, local, reasonOf(err), err)
		} else {
			m.add(i, &w, local, payload[at:end])
		}
		at = end + 1
	}
}

// add judges one sample by its content; text is the sample's.
func (m *Message) add(i int, w *wireSample, local bool, text []byte) {
	s, reason, err := w.sample(text)
	if err != nil {
		m.refuse(i, w, local, reason, err)
		return
	}
	to, timestamped := &m.Report.Samples, &m.Timestamped
	if local {
		to, timestamped = &m.Report.Local, &m.LocalTimestamped
	}
	if !w.time.set && w.timestamp.set {
		*timestamped = append(*timestamped, len(*to))
	}
	*to = append(*to, s)
}

func (m *Message) refuse(i int, w *wireSample, local bool, reason string, err error) {
	at := &m.RefusedAt
	if local {
		at = &m.LocalRefusedAt
	}
	*at = append(*at, i)
	why := Refusal{Index: i, Local: local, Reason: reason}
	if len(m.Refused) < maxRefusals { // else it is only counted
		// What it is told in must be small, and JSON.
		why.Name = strings.ToValidUTF8(w.name.s[:min(len(w.name.s), MaxName)], "")
		why.Error = err.Error()
	}
	m.Refuse(1, why)
}

func (w *wireSample) sample(text []byte) (s Sample, reason string, err error) {
	w.name.s, w.unit.s = trimmed(w.name.s), trimmed(w.unit.s)
	if err := w.name.check("name", CheckName); err != nil {
		return s, ReasonName, w.orMissing(err, text)
	}
	if err := w.unit.check("unit", CheckUnit); err != nil {
		return s, ReasonUnit, w.orMissing(err, text)
	}
	v, err := w.number()
	if err != nil {
		return s, ReasonValue, w.orMissing(err, text)
	}
	at, member := w.time, memberTime
	if !at.set {
		at, member = w.timestamp, memberTimestamp
	}
	t, err := at.time()
	if err != nil {
		return s, ReasonTime, fmt.Errorf("%s %s: %w", member, clip(at.shown(member, text)), err)
	}
	return Sample{Name: w.name.s, Unit: w.unit.s, Value: v, Time: t}, "", nil
}

// orMissing says instead which members are missing, if the first of them is what is wrong.
func (w *wireSample) orMissing(err error, text []byte) error {
	if errors.Is(err, errMissing) {
		return missing(w, text)
	}
	return err
}

var errMissing = errors.New("missing")

func (w *wireSample) number() (float64, error) {
	switch n := &w.value; {
	case !n.set:
		return 0, errMissing
	case n.bad != "":
		return 0, fmt.Errorf("value %s: %s", clip(n.bad), notNumeric(n.bad))
	default:
		v, err := n.parse()
		if err != nil {
			return 0, err
		}
		return v, CheckValue(v)
	}
}

// notNumeric says what to write for a value that is neither a number nor a string.
func notNumeric(raw string) string {
	if hint := wordHint(raw); hint != "" { // null, true and false
		return hint
	}
	return "not a number; write the number itself, and each other reading as a sample of its own"
}
