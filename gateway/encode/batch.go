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

// A batch is a message of the emf form in the making. A datum that is added costs its own length and no more.
type batch struct {
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

func newBatch(form *emf) *batch {
	return &batch{form: form, samples: map[string]int{}, room: len(batchOpen + batchMiddle + batchEnd), doc: newDocument(form)}
}

// add takes a datum of any time, or returns false if it does not fit, and then the message must end. Alone every datum
// fits: its name has at most 255 characters and stands in a document twice, its device twice and the namespace once,
// with up to three backslashes at each; its 100 numbers have at most 25 digits. That makes less than 10 KB.
func (b *batch) add(d *pass.Datum, name string) bool {
	oldest, newest := d.Time, d.Time
	if len(b.samples) > 0 {
		oldest, newest = min(oldest, b.oldest), max(newest, b.newest)
	}
	if newest-oldest > maxSpan || b.samples[d.Device] > maxSamples-d.Samples {
		return false
	}
	if !b.doc.takes(d, name) {
		b.end()
		b.doc.begin(d)
	}
	room := b.room
	if _, ok := b.samples[d.Device]; !ok {
		b.scratch = appendString(b.scratch[:0], d.Device)
		room += len(b.scratch) + roomForCount
	}
	if !b.doc.add(d, name, MaxEMF-room-len(b.text)-len(b.events)) { // with a comma for each event before it
		return false
	}
	b.room, b.oldest, b.newest = room, oldest, newest
	b.samples[d.Device] += d.Samples
	return true
}

// end makes an event of the document, if there is anything in it.
func (b *batch) end() {
	if b.doc.empty() {
		return
	}
	from := len(b.text)
	b.text = b.doc.appendEvent(b.text)
	b.events = append(b.events, event{b.doc.time, from, len(b.text)})
}

// payload returns the message, its events by time. The batch must not be used after that.
func (b *batch) payload() []byte {
	b.end()
	p := append(make([]byte, 0, b.room+len(b.text)+len(b.events)), batchOpen...)
	for i, device := range slices.Sorted(maps.Keys(b.samples)) {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(appendString(p, device), ':')
		p = strconv.AppendInt(p, int64(b.samples[device]), 10)
	}
	p = append(p, batchMiddle...)
	slices.SortStableFunc(b.events, func(x, y event) int { return cmp.Compare(x.time, y.time) })
	for i, e := range b.events {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(p, b.text[e.from:e.to]...)
	}
	return append(p, batchEnd...)
}
