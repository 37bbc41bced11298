package sample

import (
	"errors"
	"fmt"
	"strings"

	"piway/shared/sample/advice"
	"piway/shared/sample/scan"
)

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
	w.name.s, w.unit.s = scan.Trimmed(w.name.s), scan.Trimmed(w.unit.s)
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
		return s, ReasonTime, fmt.Errorf("%s %s: %w", member, scan.Clip(at.shown(member, text)), err)
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
		return 0, fmt.Errorf("value %s: %s", scan.Clip(n.bad), advice.NotNumeric(n.bad))
	default:
		v, err := n.parse()
		if err != nil {
			return 0, err
		}
		return v, CheckValue(v)
	}
}

// A missingError says which members a sample lacks.
type missingError struct {
	lacks []string
	text  []byte // the sample's
}

func (e missingError) Error() string {
	return advice.Missing(e.lacks, e.text)
}

// missing is the error of a sample that lacks members; text is the sample's.
func missing(w *wireSample, text []byte) error {
	lacks := make([]string, 0, 3)
	for _, m := range []struct {
		name string
		set  bool
	}{{"name", w.name.set}, {"unit", w.unit.set}, {"value", w.value.set}} {
		if !m.set {
			lacks = append(lacks, m.name)
		}
	}
	return missingError{lacks, text}
}
