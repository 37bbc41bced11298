package encode_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A point is what CloudWatch would make of one metric of a document.
type point struct {
	Site, Device, Name, Unit string
	Millis                   int64
	Values                   []float64
}

// A checker reads a message of the emf form as AWS is documented to, and more strictly: what it takes, AWS takes.
// It shares no code with what it checks.
type checker struct {
	t         *testing.T
	namespace string
	points    []point
	samples   map[string]int
}

// checkEMF returns what is in a message.
func checkEMF(t *testing.T, payload []byte, namespace string) ([]point, map[string]int) {
	t.Helper()
	c := &checker{t: t, namespace: namespace}
	// IoT Core: 128 KB a message; the error action's has this one as base64, and some more.
	if n := len(payload); n > 90*1024 || (n+2)/3*4 > 128*1024-8*1024 {
		t.Errorf("message of %d bytes", n)
	}
	names, m := c.object(payload)
	if !slices.Equal(names, []string{"samples", "batch"}) {
		t.Fatalf("message has members %v", names)
	}
	devices, counts := c.object(m["samples"])
	if !slices.IsSorted(devices) {
		t.Errorf("devices not in order: %v", devices)
	}
	c.samples = map[string]int{}
	for device, count := range counts {
		c.samples[device] = int(c.integer(count))
	}
	c.batch(m["batch"])
	return c.points, c.samples
}

// object takes a JSON object apart: nothing behind it, no member twice.
func (c *checker) object(text []byte) (names []string, members map[string]json.RawMessage) {
	c.t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		c.t.Fatalf("%.200s: no object: %v", text, err)
	}
	members = map[string]json.RawMessage{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			c.t.Fatalf("%.200s: %v", text, err)
		}
		name, _ := tok.(string)
		if _, twice := members[name]; twice {
			c.t.Fatalf("%.200s: member %q twice", text, name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			c.t.Fatalf("%.200s: %q: %v", text, name, err)
		}
		names, members[name] = append(names, name), value
	}
	if _, err := dec.Token(); err != nil {
		c.t.Fatalf("%.200s: %v", text, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		c.t.Fatalf("%.200s: something behind the object", text)
	}
	return names, members
}

func (c *checker) decode(text []byte, into any) {
	c.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		c.t.Fatalf("%.200s: %v", text, err)
	}
}

func (c *checker) integer(text []byte) int64 {
	c.t.Helper()
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 1 {
		c.t.Fatalf("%s: not a plain positive integer", text)
	}
	return n
}

// batch checks what a cloudwatchLogs action in batch mode hands to PutLogEvents.
func (c *checker) batch(text []byte) {
	c.t.Helper()
	var events []json.RawMessage
	c.decode(text, &events)
	if n := len(events); n < 1 || n > 10_000 {
		c.t.Errorf("%d events", n)
	}
	var first, last int64
	bytes := 0
	for i, event := range events {
		names, m := c.object(event)
		if !slices.Equal(names, []string{"timestamp", "message"}) {
			c.t.Fatalf("event has members %v", names)
		}
		at := c.integer(m["timestamp"])
		if i == 0 {
			first, last = at, at
		}
		if at < last || at-first > 24*60*60*1000 {
			c.t.Errorf("event at %d after %d, the first at %d", at, last, first)
		}
		last = at
		var message string
		c.decode(m["message"], &message)
		bytes += len(message) + 26
		c.document([]byte(message), at)
	}
	if bytes > 1<<20 {
		c.t.Errorf("batch of %d bytes", bytes)
	}
}

func (c *checker) document(text []byte, at int64) {
	c.t.Helper()
	order, root := c.object(text)
	_, aws := c.object(root["_aws"])
	if len(text) > 1<<20 || order[0] != "_aws" || len(aws) != 2 || c.integer(aws["Timestamp"]) != at {
		c.t.Fatalf("document: %s", text)
	}
	var directives []json.RawMessage
	c.decode(aws["CloudWatchMetrics"], &directives)
	if len(directives) != 1 {
		c.t.Fatalf("%d directives", len(directives))
	}
	_, d := c.object(directives[0])
	var namespace string
	c.decode(d["Namespace"], &namespace)
	if len(d) != 3 || namespace != c.namespace {
		c.t.Fatalf("directive: %s", directives[0])
	}
	known := append([]string{"_aws"}, c.dimensions(d["Dimensions"], root)...)
	p := point{Millis: at, Site: c.text(root["site"]), Device: c.text(root["device"])}
	known = append(known, c.metrics(d["Metrics"], root, p)...)
	slices.Sort(known)
	slices.Sort(order)
	if !slices.Equal(known, order) {
		c.t.Errorf("members %v, of which %v are known or named twice", order, known)
	}
}

// text returns a string, "" for a member that is not there.
func (c *checker) text(text []byte) (s string) {
	c.t.Helper()
	if text != nil {
		c.decode(text, &s)
	}
	return s
}

func (c *checker) dimensions(text []byte, root map[string]json.RawMessage) []string {
	c.t.Helper()
	var sets [][]string
	c.decode(text, &sets)
	if len(sets) != 1 || len(sets[0]) > 30 || !slices.Contains(sets[0], "device") {
		c.t.Fatalf("dimensions %v", sets)
	}
	for _, key := range sets[0] {
		v := c.text(root[key])
		if key == "" || len(key) > 250 || strings.TrimSpace(v) == "" || len(v) > 1024 {
			c.t.Errorf("dimension %q is %q", key, v)
		}
	}
	return sets[0]
}

// units are CloudWatch's 27.
var units = strings.Fields(
	`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits
	Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second
	Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None`)

func (c *checker) metrics(text []byte, root map[string]json.RawMessage, p point) (names []string) {
	c.t.Helper()
	var definitions []json.RawMessage
	c.decode(text, &definitions)
	if n := len(definitions); n < 1 || n > 100 {
		c.t.Errorf("%d metrics in a document", n)
	}
	for _, def := range definitions {
		_, m := c.object(def)
		p.Name, p.Unit = c.text(m["Name"]), c.text(m["Unit"])
		if len(m) != 2 || p.Name == "" || len(p.Name) > 255 || !slices.Contains(units, p.Unit) {
			c.t.Errorf("definition %s", def)
		}
		p.Values = c.values(root[p.Name])
		c.points = append(c.points, p)
		names = append(names, p.Name)
	}
	return names
}

// values returns a metric's: a number, or an array of 2 to 100.
func (c *checker) values(text []byte) []float64 {
	c.t.Helper()
	numbers := []json.RawMessage{text}
	if bytes.HasPrefix(text, []byte("[")) {
		c.decode(text, &numbers)
		if n := len(numbers); n < 2 || n > 100 {
			c.t.Errorf("%d values in an array", n)
		}
	}
	var vs []float64
	for _, n := range numbers {
		v, err := strconv.ParseFloat(string(n), 64)
		if err != nil || math.IsInf(v, 0) || math.Abs(v) > math.Ldexp(1, 360) {
			c.t.Errorf("value %.100s: %v", n, err)
		}
		vs = append(vs, v)
	}
	return vs
}
