package encode

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"piway/gateway/pass"
)

// Limits of a message in the emf form. PutLogEvents' bound of 10,000 events a batch is out of reach: an event takes
// more than 200 bytes, so a message holds less than 500.
const (
	// MaxEMF is the most bytes of a message. Should the rule fail, AWS hands all of it to the error action as base64,
	// in a message that may have 128 KB itself (AWS IoT, error handling; quotas, message broker): 90 KB become 120,
	// which leaves 8 for the names of rule, topic and client and for what went wrong.
	MaxEMF = 90 * 1024
	// maxSpan is the most seconds from the oldest event of a batch to the newest (API_PutLogEvents).
	maxSpan = 24 * 60 * 60
)

// The message: how many samples of each device are inside, then the events for CloudWatch Logs. The rule takes the
// batch alone (SELECT VALUE *.batch); the counts come back with the rest should it fail, see Samples.
const (
	batchOpen   = `{"samples":{`
	batchMiddle = `},"batch":[`
	batchEnd    = `]}`
)

// roomForCount is what the number of a device's samples may need, up to maxSamples.
const roomForCount = len(`:1000000000,`)

// A message is one of the emf form in the making. A datum that is added costs its own length and no more.
type message struct {
	form           *emf
	samples        map[string]int // by device
	room           int            // for all but the events
	events         []event        // whole ones
	text           []byte         // theirs
	doc            document       // of the next event
	oldest, newest int64          // times of the events
	scratch        []byte
}

// An event is one of CloudWatch Logs, with the bounds of its text.
type event struct {
	time     int64
	from, to int
}

func newMessage(form *emf) *message {
	return &message{
		form: form, samples: map[string]int{}, room: len(batchOpen + batchMiddle + batchEnd),
		doc: newDocument(form),
	}
}

// add takes a datum of any time, or returns false if it does not fit, and then the message must end. Alone every datum
// fits: its name has at most 255 characters and stands in a document twice, its device twice and the namespace once,
// with up to three backslashes at each; its 100 numbers have at most 25 digits. That makes less than 10 KB.
func (m *message) add(d *pass.Datum, name string) bool {
	oldest, newest := d.Time, d.Time
	if len(m.samples) > 0 {
		oldest, newest = min(oldest, m.oldest), max(newest, m.newest)
	}
	if newest-oldest > maxSpan || m.samples[d.Device] > maxSamples-d.Samples {
		return false
	}
	if !m.doc.takes(d, name) {
		m.end()
		m.doc.begin(d)
	}
	room := m.room
	if _, ok := m.samples[d.Device]; !ok {
		m.scratch = appendString(m.scratch[:0], d.Device)
		room += len(m.scratch) + roomForCount
	}
	if !m.doc.add(d, name, MaxEMF-room-len(m.text)-len(m.events)) { // with a comma for each event before it
		return false
	}
	m.room, m.oldest, m.newest = room, oldest, newest
	m.samples[d.Device] += d.Samples
	return true
}

// end makes an event of the document, if there is anything in it.
func (m *message) end() {
	if m.doc.empty() {
		return
	}
	from := len(m.text)
	m.text = m.doc.appendEvent(m.text)
	m.events = append(m.events, event{m.doc.time, from, len(m.text)})
}

// payload returns the message, its events by time. The message must not be used after that.
func (m *message) payload() []byte {
	m.end()
	p := append(make([]byte, 0, m.room+len(m.text)+len(m.events)), batchOpen...)
	for i, device := range slices.Sorted(maps.Keys(m.samples)) {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(appendString(p, device), ':')
		p = strconv.AppendInt(p, int64(m.samples[device]), 10)
	}
	p = append(p, batchMiddle...)
	slices.SortStableFunc(m.events, func(x, y event) int { return cmp.Compare(x.time, y.time) })
	for i, e := range m.events {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(p, m.text[e.from:e.to]...)
	}
	return append(p, batchEnd...)
}
