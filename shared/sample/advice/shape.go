package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"piway/shared/sample/scan"
)

// example is what a message looks like.
const example = `{"name": "cpu usage", "unit": "Percent", "value": 12.5}`

// otherNames are what other programs call a member: CloudWatch's API, SenML, Telegraf, Home Assistant and such. In
// lower case, without what joins words.
var otherNames = map[string][]string{
	"name": {
		"name", "metricname", "metric", "key", "n", "id", "sensor", "sensorid", "label", "field", "measurement",
		"topic", "title", "entityid", "series",
	},
	"unit":  {"unit", "units", "u", "uom", "unitofmeasurement"},
	"value": {"value", "val", "v", "reading", "state", "amount", "sum", "payload"},
	"timestamp": {
		"timestamp", "time", "ts", "t", "date", "datetime",
	},
	"samples": {"samples", "metrics", "readings", "values", "data", "metricdata", "sensors", "measurements"},
}

// Missing says which members an object lacks, one of a sample's or more, and what to write for those that may be meant.
func Missing(lacks []string, text []byte) string {
	return join(lacks) + ": missing; " + shapeHint(lacks, text)
}

func join(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return words[0]
}

// A shape is what is found in an object that lacks members of a sample.
type shape struct {
	lacks   []string
	renames []string // as they are told
	dated   int      // of those, how many are a time's
	first   pair     // the first reading in a member of another name
	more    bool     // there are others
	array   bool     // there are samples, under another name
}

// shapeHint says what to write for an object that lacks members, by the members that it has.
func shapeHint(lacks []string, text []byte) string {
	s := shape{lacks: lacks}
	scan.EachMember(text, s.look)
	switch {
	case len(s.renames) > s.dated || len(s.renames) > 0 && len(lacks) < 3:
		return s.rename()
	case s.first.number != "" && s.more:
		return "write each reading as " + s.first.sample() + ", all in an array"
	case s.first.number != "":
		return "write " + s.first.sample()
	case slices.Equal(lacks, []string{"unit"}):
		return `write one of CloudWatch's, "unit": "None" for what has none`
	default:
		return "send an object such as " + example
	}
}

func (s *shape) rename() string {
	hint := "write " + strings.Join(s.renames, ", ")
	if len(s.renames)-s.dated < len(s.lacks) && !s.array {
		hint += ", in an object such as " + example
	}
	return hint
}

// maxRenames is how many members of an object are told.
const maxRenames = 5

// look takes a member.
func (s *shape) look(key string, raw []byte) {
	if len(raw) == 0 || isMember(key) {
		return
	}
	if to := s.renamed(key, raw); to != "" {
		if len(s.renames) < maxRenames {
			s.renames = append(s.renames, fmt.Sprintf("%s as %q", scan.Clip(key), to))
		}
		if to == "timestamp" {
			s.dated++
		}
		return
	}
	if p := readingOf(key, raw); p.number != "" && key != "id" && slices.Contains(s.lacks, "value") {
		s.more = s.first.number != ""
		if !s.more {
			s.first = p
		}
	}
}

// renamed is what a member of another name is called here, if that is missing; "" if it is none.
func (s *shape) renamed(key string, raw []byte) string {
	if len(key) > maxUnit {
		return ""
	}
	k := strings.NewReplacer("_", "", "-", "", " ", "", "@", "", ".", "").Replace(strings.ToLower(key))
	if raw[0] == '[' {
		if len(s.lacks) == 3 && slices.Contains(otherNames["samples"], k) {
			s.array = true
			return "samples"
		}
		return ""
	}
	for _, to := range append(slices.Clip(s.lacks), "timestamp") {
		if slices.Contains(otherNames[to], k) && raw[0] != '{' && (to != "name" || raw[0] == '"') {
			return to
		}
	}
	return ""
}

// A pair is a reading and what it is called, with its unit if that is known.
type pair struct{ name, number, unit string }

func (p pair) sample() string {
	return fmt.Sprintf(`{"name": %s, "unit": %q, "value": %s}`, scan.Clip(p.name), cmp.Or(p.unit, "None"), p.number)
}

// readingOf is the number in a member, or the first in an object there, with its name.
func readingOf(key string, raw []byte) (p pair) {
	if raw[0] != '{' {
		return pair{name: key, number: plainNumber(raw)}
	}
	scan.EachMember(raw, func(inner string, raw []byte) {
		if n := plainNumber(raw); n != "" && p.number == "" {
			p = pair{name: key + " " + inner, number: n}
		}
	})
	if key == "fields" { // Telegraf's
		p.name = strings.TrimPrefix(p.name, "fields ")
	}
	return p
}

// plainNumber is the number that a text in JSON is or holds, "" if it is none.
func plainNumber(raw []byte) string {
	if len(raw) > maxNumeral {
		return ""
	}
	s := scan.Trim(strings.Trim(string(raw), `"`))
	if !decimal.Matches(s) {
		return ""
	}
	return formatted(s)
}
