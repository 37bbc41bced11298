package salvage

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
	"piway/gateway/queue/ranges"
	"piway/shared/sample"
)

// Bounds of what a row may hold.
const (
	maxText    = 1 << 20
	maxName    = 1024
	maxSeconds = 1e12
	maxClosed  = 2 // a pass that is shelved
)

// fits reports whether a value is such as the queue writes into a column of the kind.
func fits(kind string, v any) bool {
	switch v := v.(type) {
	case int64:
		return kind == "INTEGER"
	case float64:
		return kind == "REAL" && math.Abs(v) <= maxSeconds
	case string:
		return kind == "TEXT" && len(v) <= maxText && utf8.ValidString(v)
	case []byte:
		return kind == "BLOB"
	default:
		return false
	}
}

// fields are the columns of a row, each of the right kind; of one that the old store does not have, nil.
type fields map[string]any

func (f fields) text(column string) string { s, _ := f[column].(string); return s }

func (f fields) number(column string) int64 {
	n, ok := f[column].(int64)
	if !ok {
		return 0
	}
	return n
}

// counts reports whether columns hold numbers that may be counts or ids.
func (f fields) counts(columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return f.number(c) < 0 || f.number(c) > ledger.Max })
}

// named reports whether columns hold names.
func (f fields) named(columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool {
		s := f.text(c)
		return s == "" || len(s) > maxName || strings.ContainsFunc(s, unicode.IsControl)
	})
}

func (f fields) report() bool {
	if !f.named("device") || !f.counts("id", "seq", "n", "host", "local") || !inTime(f.number("pass")) {
		return false
	}
	blob, _ := f["samples"].([]byte)
	if len(blob) > 0 && blob[0] == '{' {
		return f.thinned(blob)
	}
	samples, err := sample.DecodeSamples(blob)
	if err != nil || len(samples) == 0 || int64(len(samples)) != f.number("n") {
		return false
	}
	return !slices.ContainsFunc(samples, isForeign)
}

// thinned reports whether the samples of a report are such as thinning writes.
func (f fields) thinned(blob []byte) bool {
	all, err := pass.DecodeSummaries(blob)
	n := int64(0)
	for i := range all {
		s := &all[i]
		n += int64(s.N)
		if isForeign(sample.Sample{Name: s.Name, Unit: s.Unit, Value: s.Min, Time: s.Time}) ||
			sample.CheckValue(s.Max) != nil {
			return false
		}
	}
	return err == nil && len(all) > 0 && n == f.number("n")
}

// isForeign reports whether a sample is none that the intake lets through.
func isForeign(s sample.Sample) bool {
	return sample.CheckName(s.Name) != nil || s.Unit != "" && sample.CheckUnit(s.Unit) != nil ||
		sample.CheckValue(s.Value) != nil ||
		math.Abs(s.Time) > maxSeconds
}

func inTime(seconds int64) bool { return -maxSeconds < seconds && seconds < maxSeconds }

func (f fields) pass() bool {
	var expired, parked pass.Numbers
	return inTime(f.number("start")) && f.counts("first", "last", "closed", "next", "thinned", "undated") &&
		inTime(f.number("newest")) && f.number("closed") <= maxClosed &&
		f.number("first") <= f.number("last") && expired.Parse(f.text("expired")) == nil &&
		parked.Parse(f.text("parked")) == nil
}

func (f fields) parked() bool { return f.named("device") && f.counts("n") }

func (f fields) ledger() bool {
	return f.named("device") && f.counts("n") && ledger.Booked(f.text("outcome"))
}

func (f fields) seen() bool {
	s, err := ranges.Parse(f.text("ranges"))
	return err == nil && f.named("device", "run") && f.counts("last") && len(s) > 0 && s[0].Lo >= 0 &&
		s[len(s)-1].Hi <= ledger.Max
}

func (f fields) owner() bool { return f.named("name", "device") }

func (f fields) metric() bool {
	return f.named("device", "name") && sample.IsUnit(f.text("unit"))
}

func (f fields) boot() bool { return f.named("device", "id") && f.counts("told") }

func (f fields) host() bool {
	return f.counts("id") && len(f.text("boot")) <= maxName && f.number("after") >= 0
}

func (f fields) meta() bool {
	switch n := f.number("n"); f.text("key") {
	case "fold":
		return inTime(n)
	case "right":
		return n >= 0
	default:
		return false
	}
}
