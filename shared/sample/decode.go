package sample

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/go-json-experiment/json/jsontext"

	"piway/shared/sample/advice"
	"piway/shared/sample/scan"
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
	payload = scan.Unpad(payload)
	switch jsontext.Value(payload).Kind() {
	case '{':
		return decodeObject(payload, most)
	case '[':
		return decodeArray(payload, most)
	default:
		return Message{}, advice.Payload(payload)
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
		return Message{}, fmt.Errorf("samples %s: not an array; write [{…}, {…}]", scan.Clip(w.samples.bad))
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
			Index: -1, Local: true, Reason: ReasonJSON, Error: fmt.Sprintf("local %s: not an array", scan.Clip(w.local.bad)),
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
			return fmt.Errorf("%s %s: not a string", t.name, scan.Clip(t.from.bad))
		}
		if len(t.from.s) > maxEnvelopeText {
			return fmt.Errorf("%s %s: longer than %d characters", t.name, scan.Clip(t.from.s), maxEnvelopeText)
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
	samples, ok := splitArray(payload, scan.Space(payload, 0), most)
	if !ok || !scan.Blank(payload[samples.shut+1:]) {
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
