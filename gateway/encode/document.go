package encode

import (
	"strconv"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// maxMetrics is the most metrics of a document (embedded metric format specification, metric directive).
const maxMetrics = 100

// An event of CloudWatch Logs: its message is a document, as a string.
const (
	eventOpen   = `{"timestamp":`
	eventMiddle = `,"message":"`
	eventEnd    = `"}`
)

// A document holds metrics of one device at one time. Its parts are kept as they stand inside the event's string, so
// that its length is that of its parts.
type document struct {
	form        *emf
	device      string
	time        int64
	names       map[string]struct{}
	head        []byte // of the event, up to the definitions
	definitions []byte
	middle      []byte // from there to the values
	targets     []byte
	scratch     []byte // text before it is escaped
}

func newDocument(form *emf) document {
	return document{form: form, names: map[string]struct{}{}}
}

// begin starts another document, for the device and the time of a datum.
func (doc *document) begin(d *pass.Datum) {
	doc.device, doc.time = d.Device, d.Time
	clear(doc.names)
	doc.definitions, doc.targets = doc.definitions[:0], doc.targets[:0]

	doc.head = appendMillis(append(doc.head[:0], eventOpen...), d.Time)
	doc.head = append(append(doc.head, eventMiddle...), doc.form.open...)
	doc.head = append(appendMillis(doc.head, d.Time), doc.form.directive...)
	doc.scratch = appendString(doc.scratch[:0], d.Device)
	doc.middle = appendEscaped(append(doc.middle[:0], doc.form.end...), doc.scratch)
	doc.middle = append(doc.middle, doc.form.site...)
}

// takes reports whether a metric can go into the document. A name is one member, so it cannot come twice, with another
// unit or with more values.
func (doc *document) takes(d *pass.Datum, name string) bool {
	_, twice := doc.names[name]
	return !twice && !doc.empty() && len(doc.names) < maxMetrics && doc.device == d.Device && doc.time == d.Time
}

// add adds a metric, if the event is then no longer than most.
func (doc *document) add(d *pass.Datum, name string, most int) bool {
	definitions, targets := doc.definitions, doc.targets
	if len(definitions) > 0 {
		definitions = append(definitions, ',')
	}
	doc.scratch = appendDefinition(doc.scratch[:0], name, d.Unit)
	definitions = appendEscaped(definitions, doc.scratch)
	doc.scratch = appendTarget(doc.scratch[:0], name, d)
	targets = appendEscaped(targets, doc.scratch)

	if len(doc.head)+len(definitions)+len(doc.middle)+len(targets)+len("}"+eventEnd) > most {
		return false
	}
	doc.definitions, doc.targets = definitions, targets
	doc.names[name] = struct{}{}
	return true
}

// empty reports whether no metric is in the document.
func (doc *document) empty() bool { return len(doc.names) == 0 }

// appendEvent appends the event with the document.
func (doc *document) appendEvent(text []byte) []byte {
	for _, part := range [][]byte{doc.head, doc.definitions, doc.middle, doc.targets} {
		text = append(text, part...)
	}
	return append(text, "}"+eventEnd...)
}

// appendDefinition appends the entry of a metric in the directive.
func appendDefinition(b []byte, name, unit string) []byte {
	b = appendString(append(b, `{"Name":`...), name)
	b = appendString(append(b, `,"Unit":`...), unit)
	return append(b, '}')
}

// appendTarget appends the member with a metric's values: a number if it is one, else an array.
func appendTarget(b []byte, name string, d *pass.Datum) []byte {
	b = append(appendString(append(b, ','), name), ':')
	switch len(d.Values) {
	case 0:
		return append(b, sample.FormatValue(d.Value)...)
	case 1:
		return append(b, sample.FormatValue(d.Values[0])...)
	}
	for i, v := range d.Values {
		b = append(b, "[,"[min(i, 1)])
		b = append(b, sample.FormatValue(v)...)
	}
	return append(b, ']')
}

// appendMillis appends a time as CloudWatch Logs and the embedded metric format want it.
func appendMillis(b []byte, seconds int64) []byte {
	return strconv.AppendInt(b, seconds*1000, 10)
}
