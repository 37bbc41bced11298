package cloudwatch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of the embedded metric format (CloudWatch User Guide, Embedded metric format specification). A key of a
// dimension is by the schema there a little shorter than PutMetricData's.
const (
	maxEMFMetrics = 100 // in a directive
	maxEMFValues  = 100 // of a metric
	maxEMFKey     = 250
)

// Kinds of EMFError: the metrics in the namespace AWS/Logs in which AWS counts them.
const (
	// EMFParsingErrors are documents that have not the form.
	EMFParsingErrors = "EMFParsingErrors"
	// EMFValidationErrors are parts of a document that no metric can be made of.
	EMFValidationErrors = "EMFValidationErrors"
)

// An EMFError says what was wrong with a document in embedded metric format. AWS only counts these: neither the call
// nor the topic rule's action fails.
type EMFError struct {
	Time  time.Time `json:"time"`
	Group string    `json:"group"`
	Kind  string    `json:"kind"`
	// Problem names the place in the document, what is wrong there, and what was lost by it.
	Problem string `json:"problem"`
	// Event is the beginning of the message.
	Event string `json:"event"`
}

// A document is being read: root are the targets, datums and problems the outcome.
type document struct {
	root     map[string]json.RawMessage
	at       time.Time
	datums   []Datum
	problems []EMFError
}

// readEMF returns the datums in a log event's message and what is wrong with it. A message without `_aws`, of whatever
// form, is an ordinary log event and has neither.
func readEMF(now time.Time, message string) ([]Datum, []EMFError) {
	if !strings.HasPrefix(strings.TrimLeft(message, " \t\r\n"), "{") || !strings.Contains(message, `"_aws"`) {
		return nil, nil
	}
	var d document
	var err error
	if d.root, err = readMembers([]byte(message)); err != nil {
		d.parsing("the document", err)
		return nil, d.problems
	}
	if d.root["_aws"] == nil {
		return nil, nil // it is only in a text, or further in
	}
	directives, err := d.metadata()
	if err != nil {
		d.parsing("_aws", err)
		return nil, d.problems
	}
	if err := checkTime(now, d.at); err != nil {
		d.invalid("_aws.Timestamp", "%s, got %s; all metrics are dropped", err, d.at.Format(time.RFC3339))
		return nil, d.problems
	}
	for i, raw := range directives {
		d.directive(fmt.Sprintf("CloudWatchMetrics[%d]", i), raw)
	}
	return d.datums, d.problems
}

func (d *document) parsing(place string, err error) {
	d.problems = append(d.problems, EMFError{Kind: EMFParsingErrors, Problem: place + ": " + err.Error()})
}

func (d *document) invalid(place, format string, args ...any) {
	d.problems = append(d.problems, EMFError{Kind: EMFValidationErrors, Problem: place + ": " +
		fmt.Sprintf(format, args...)})
}

// metadata reads `_aws`. Members that the specification does not know are ignored, as it says.
func (d *document) metadata() ([]json.RawMessage, error) {
	meta, err := readMembers(d.root["_aws"])
	if err != nil {
		return nil, err
	}
	ms, err := strconv.ParseInt(string(meta["Timestamp"]), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("member \"Timestamp\" must be whole milliseconds since 1970, got %.40q",
			string(meta["Timestamp"]))
	}
	d.at = time.UnixMilli(ms).UTC()
	return readList(meta, "CloudWatchMetrics")
}

// directive reads one MetricDirective. Each DimensionSet makes each metric.
func (d *document) directive(place string, raw json.RawMessage) {
	members, err := readMembers(raw)
	namespace, err1 := readText(members, "Namespace")
	sets, err2 := readList(members, "Dimensions")
	metrics, err3 := readList(members, "Metrics")
	if err := cmp.Or(err, err1, err2, err3); err != nil {
		d.parsing(place, err)
		return
	}
	switch err := checkNamespace(namespace); {
	case err != nil:
		d.invalid(place, "%s; all its metrics are dropped", err)
	case len(sets) == 0:
		d.invalid(place+".Dimensions", "no set of dimensions, try: [[]]; all its metrics are dropped")
	case len(metrics) > maxEMFMetrics:
		d.invalid(place+".Metrics", "%d metrics, a directive has at most %d; all are dropped", len(metrics), maxEMFMetrics)
	default:
		d.metrics(place, namespace, d.sets(place, sets), metrics)
	}
}

// sets reads the DimensionSets and drops those that cannot be.
func (d *document) sets(place string, raws []json.RawMessage) [][]Dimension {
	var sets [][]Dimension
	for i, raw := range raws {
		place := fmt.Sprintf("%s.Dimensions[%d]", place, i)
		var keys []string
		if raw[0] != '[' || json.Unmarshal(raw, &keys) != nil {
			d.parsing(place, fmt.Errorf("must be an array of strings, got %.40q", string(raw)))
			continue
		}
		set, err := d.dimensions(keys)
		if err != nil {
			d.invalid(place, "%s; its metrics are dropped", err)
			continue
		}
		sets = append(sets, set)
	}
	return sets
}

func (d *document) dimensions(keys []string) ([]Dimension, error) {
	if len(keys) > maxDimensions {
		return nil, fmt.Errorf("%d keys, a set has at most %d", len(keys), maxDimensions)
	}
	set := make([]Dimension, 0, len(keys))
	for _, k := range keys {
		if len(k) > maxEMFKey {
			return nil, fmt.Errorf("key %q of %d characters, the most is %d", clip(k), len(k), maxEMFKey)
		}
		value, err := readText(d.root, k)
		if err != nil {
			return nil, fmt.Errorf("the dimension's value: %w", err)
		}
		set = append(set, Dimension{k, value})
	}
	return set, checkDimensions(set)
}

// metrics makes the datums of a directive's metrics.
func (d *document) metrics(place, namespace string, sets [][]Dimension, raws []json.RawMessage) {
	for i, raw := range raws {
		place := fmt.Sprintf("%s.Metrics[%d]", place, i)
		members, err := readMembers(raw)
		name, err1 := readText(members, "Name")
		if err := cmp.Or(err, err1); err != nil {
			d.parsing(place, err)
			continue
		}
		unit, values, err := d.metric(name, members)
		if err != nil {
			d.invalid(place, "metric %q: %s; it is dropped", clip(name), err)
			continue
		}
		for _, set := range sets {
			for _, v := range values {
				d.datums = append(d.datums, Datum{
					Namespace: namespace, Name: name, Unit: unit, Value: v, Timestamp: d.at, Dimensions: set,
				})
			}
		}
	}
}

// metric reads a MetricDefinition behind its name, and the values that it points to.
func (d *document) metric(name string, members map[string]json.RawMessage) (unit string, values []float64, err error) {
	if err := checkText(member+"MetricName", name, maxText); err != nil {
		return "", nil, err
	}
	unit = "None"
	if members["Unit"] != nil {
		if unit, err = readText(members, "Unit"); err != nil {
			return "", nil, err
		}
	}
	if err := checkUnit(unit); err != nil {
		return "", nil, err
	}
	switch r := string(members["StorageResolution"]); r {
	case "", "1", "60":
	default:
		return "", nil, fmt.Errorf("StorageResolution must be 1 or 60, got %.40q", r)
	}
	values, err = readValues(d.root, name)
	return unit, values, err
}
