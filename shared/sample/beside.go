package sample

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Beside returns what the samples that passed, in their order, say of a member that Decode ignores: a text's content,
// of anything else its JSON, "" where it is absent or null. payload is what m was decoded from, and no report.
func (m *Message) Beside(payload []byte, member string) []string {
	all := make([]string, len(m.Report.Samples))
	elements := m.elements(payload)
	r := newReader()
	defer r.release()
	for i := range all {
		w := beside{name: member}
		if err := r.read(elements[m.Index(i)], &w); err != nil { // never: it was decoded before
			continue
		}
		if all[i] = w.s; w.bad != "null" {
			all[i] += w.bad
		}
	}
	return all
}

// elements are the objects of a payload that was decoded.
func (m *Message) elements(payload []byte) [][]byte {
	if m.Form == FormBare {
		return [][]byte{payload[bytes.IndexByte(payload, '{') : bytes.LastIndexByte(payload, '}')+1]}
	}
	a, _ := splitArray(payload, bytes.IndexByte(payload, '['), len(m.Report.Samples)+len(m.RefusedAt))
	all := make([][]byte, 0, len(a.ends))
	at := a.open + 1
	for _, end := range a.ends {
		all = append(all, payload[at:end])
		at = end + 1
	}
	return all
}

// beside is one member of an object.
type beside struct {
	name string
	text
}

// UnmarshalJSONFrom reads an object.
func (w *beside) UnmarshalJSONFrom(dec *jsontext.Decoder) error { return object(dec, w) }

func (w *beside) member(name []byte, dec *jsontext.Decoder) error {
	if string(name) == w.name {
		return w.read(dec)
	}
	return dec.SkipValue()
}
