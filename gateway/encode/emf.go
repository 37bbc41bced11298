package encode

import (
	"fmt"
	"slices"

	"piway/gateway/pass"
)

// reserved are the members that a document has beside its metrics, which are members too (embedded metric format
// specification, root node). site is among them even where there is none, since setting one later must not lose a
// metric.
var reserved = []string{"_aws", "device", "site"}

// Reserved reports whether no metric may be called that in the emf form.
func Reserved(name string) bool { return slices.Contains(reserved, name) }

// emf is the emf form, and what all its documents have in common: a document is open, its time, directive, definitions,
// end, device, site, values and a brace.
type emf struct {
	base                       func(full, device string) string
	open, directive, end, site string // as they stand inside a string
}

// NewEMF returns the emf form, for a rule with a cloudwatchLogs action in batch mode: documents of CloudWatch's
// embedded metric format, with the device as a dimension, and the site, unless it is empty. base returns the name of a
// metric without these two. The namespace and the site are printable ASCII, as the configuration sees to.
func NewEMF(namespace, site string, base func(full, device string) string) Form {
	dimensions, member := `"device"`, ""
	if site != "" {
		dimensions, member = `"site","device"`, `,"site":`+string(appendString(nil, site))
	}
	inside := func(text string) string { return string(appendEscaped(nil, text)) }
	f := &emf{
		base: base,
		open: inside(`{"_aws":{"Timestamp":`),
		directive: inside(`,"CloudWatchMetrics":[{"Namespace":` + string(appendString(nil, namespace)) +
			`,"Dimensions":[[` + dimensions + `]],"Metrics":[`),
		end:  inside(`]}]},"device":`),
		site: inside(member),
	}
	return f.pack
}

// pack takes datums as long as they fit.
func (f *emf) pack(datums []pass.Datum) (payload []byte, n int, err error) {
	m := newMessage(f)
	for i := range datums {
		d := &datums[i]
		name, err := f.name(d)
		if err != nil && i == 0 {
			return nil, 1, failed(d, err)
		}
		if err != nil || !m.add(d, name) {
			break // the next message begins with it
		}
		n++
	}
	switch {
	case n > 0:
		return m.payload(), n, nil
	case len(datums) > 0: // cannot be, see add
		return nil, 1, failed(&datums[0], fmt.Errorf("longer than %d bytes", MaxEMF))
	default:
		return nil, 0, nil
	}
}

// name returns the name under which a datum is sent, or an error if it cannot be. One whose base name is reserved,
// which was stored for the metric form, is sent in full.
func (f *emf) name(d *pass.Datum) (string, error) {
	name := f.base(d.Name, d.Device)
	if Reserved(name) {
		name = d.Name
	}
	if Reserved(name) {
		return "", fmt.Errorf("every document has a member %q of its own", name)
	}
	return name, check(d, name)
}

// appendString appends a JSON string. s is printable ASCII.
func appendString(b []byte, s string) []byte {
	return append(appendEscaped(append(b, '"'), s), '"')
}

// appendEscaped appends printable ASCII, of which two characters need a backslash, as the inside of a JSON string.
// What is in a document goes through here twice, since the document is a string itself.
func appendEscaped[T string | []byte](b []byte, s T) []byte {
	from := 0
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			b = append(append(b, s[from:i]...), '\\')
			from = i
		}
	}
	return append(b, s[from:]...)
}
