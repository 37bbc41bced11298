package publish_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// parts is a source of one report, which becomes two when it is split.
type parts struct {
	*source
	limits chan sample.Limits
	split  chan sample.Limits
}

func newParts(samples int) *parts {
	p := &parts{source: newSource(1), limits: make(chan sample.Limits, 10), split: make(chan sample.Limits, 10)}
	one := p.reports[0].Samples[0]
	for range samples - 1 {
		p.reports[0].Samples = append(p.reports[0].Samples, one)
	}
	return p
}

func (p *parts) Limit(l sample.Limits) { p.limits <- l }

func (p *parts) Split(_ uint64, within sample.Limits) bool {
	p.split <- within
	return len(p.reports[0].Samples) > 1
}

func (p *parts) wantSplit(t *testing.T) sample.Limits {
	t.Helper()
	select {
	case l := <-p.split:
		return l
	case pos := <-p.acks:
		t.Fatalf("report %d was forgotten", pos)
	case <-time.After(patience):
		t.Fatal("it is not split")
	}
	return sample.Limits{}
}

// refusing answers reports as a gateway does that refuses them by size: it says so, and acknowledges.
func refusing(t *testing.T) *fakebroker.Broker {
	b := fakebroker.New(t, nil)
	b.Puback = func(p fakebroker.Publish) bool {
		if strings.HasSuffix(p.Topic, "/samples") {
			b.Send("pi/kitchen/rejected", `{"run":"r","seq":1,"refused":[{"sample":-1,"reason":"size","error":"too many"}],"more":7}`)
		}
		return true
	}
	return b
}

func TestPublisher_splits_what_is_refused_by_size(t *testing.T) {
	t.Parallel()
	for range 20 { // whatever the goroutines do
		src := newParts(9)
		stop := start(t, options(refusing(t), new(testlog.Log)), src)
		if got := src.wantSplit(t); got.Samples != 5 {
			t.Errorf("got %+v, want half of it", got)
		}
		stop()
	}
}

func TestPublisher_gives_up_one_sample_that_is_refused_by_size(t *testing.T) {
	t.Parallel()
	src, log := newParts(1), new(testlog.Log)
	stop := start(t, options(refusing(t), log), src)
	src.wantSplit(t)
	<-src.acks
	stop()
	if !strings.Contains(log.String(), "given up") {
		t.Errorf("not told:\n%s", log)
	}
}

// A gateway of an earlier version may tell a refusal behind the PUBACK.
func TestPublisher_splits_what_is_refused_behind_its_PUBACK(t *testing.T) {
	t.Parallel()
	b, src := fakebroker.New(t, nil), newParts(9)
	b.Deny = "pi/kitchen/config"
	b.Puback = func(p fakebroker.Publish) bool {
		if bytes.Contains(p.Payload, []byte(`"samples":[]`)) {
			b.Send("pi/kitchen/rejected", `{"run":"r","seq":1,"refused":[{"sample":-1,"reason":"size","error":"too many"}]}`)
		}
		return true
	}
	stop := start(t, options(b, new(testlog.Log)), src)
	src.wantSplit(t)
	stop()
}

// A refusal of another kind, and one of another report, splits nothing.
func TestPublisher_forgets_what_is_refused_for_its_content(t *testing.T) {
	t.Parallel()
	for _, told := range []string{
		`{"run":"r","seq":1,"refused":[{"sample":0,"reason":"unit"}]}`,
		`{"run":"r","seq":2,"refused":[{"sample":-1,"reason":"size"}]}`,
		`{"run":"q","seq":1,"refused":[{"sample":-1,"reason":"size"}]}`,
		`mad`,
	} {
		b, src := fakebroker.New(t, nil), newParts(9)
		b.Puback = func(fakebroker.Publish) bool {
			b.Send("pi/kitchen/rejected", told)
			return true
		}
		stop := start(t, options(b, new(testlog.Log)), src)
		<-src.acks
		stop()
		if len(src.split) > 0 {
			t.Errorf("%s: split", told)
		}
	}
}

// A report that ends the connection each time is split, if another passes just before it; one that is not to blame is
// kept.
func TestPublisher_splits_what_ends_the_connection(t *testing.T) {
	t.Parallel()
	for _, alsoEmpty := range []bool{false, true} {
		b, src := fakebroker.New(t, nil), newParts(100)
		b.Puback = func(p fakebroker.Publish) bool {
			if strings.HasSuffix(p.Topic, "/samples") && (alsoEmpty || len(p.Payload) > 1000) {
				b.Drop()
				return false
			}
			return true
		}
		stop := start(t, options(b, new(testlog.Log)), src)
		if alsoEmpty { // a gateway whose disk is full, say
			for range 20 {
				<-b.Connects
			}
			stop()
			if len(src.split)+len(src.acks) > 0 {
				t.Error("a report is blamed for a gateway that takes nothing")
			}
			continue
		}
		if got := src.wantSplit(t); got.Bytes < 2000 || got.Bytes > 5000 {
			t.Errorf("got %+v, want half of it", got)
		}
		stop()
		if n := len(b.Connects); n < 4 {
			t.Errorf("split after %d connections", n)
		}
	}
}

// A line that is lost now and then blames nothing.
func TestPublisher_does_not_split_for_lost_connections(t *testing.T) {
	t.Parallel()
	b, src := fakebroker.New(t, nil), newParts(100)
	n := 0
	b.Puback = func(p fakebroker.Publish) bool {
		if !bytes.Contains(p.Payload, []byte(`"seq":1`)) {
			return true
		}
		if n++; n <= 3 { // one open, two alone
			b.Drop()
			return false
		}
		return true
	}
	stop := start(t, options(b, new(testlog.Log)), src)
	<-src.acks
	stop()
	if len(src.split) > 0 {
		t.Error("it was split")
	}
}

// settings answers the subscription with what a gateway tells.
func settings(t *testing.T, text string) (*fakebroker.Broker, *parts, *testlog.Log) {
	b, src, log := fakebroker.New(t, nil), newParts(3), new(testlog.Log)
	b.Greeting = map[string]string{"pi/kitchen/config": text}
	stop := start(t, options(b, log), src)
	<-src.acks
	stop()
	return b, src, log
}

func TestPublisher_keeps_to_what_the_gateway_tells(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sample.Limits{
		`{"max_samples":1000,"max_packet":131072}`:  sample.MaxLimits(),
		`{"max_samples":100,"later":{"pins":true}}`: {Samples: 100, Bytes: sample.ReportBytes},
		`{"max_packet":9216}`:                       {Samples: sample.ReportSamples, Bytes: 8 << 10},
	} {
		_, src, log := settings(t, text)
		if got := <-src.limits; got != want || strings.Contains(log.String(), "bounds") {
			t.Errorf("%s: got %+v\n%s", text, got, log)
		}
	}
}

// A document that cannot be meant does no harm, and is told once.
func TestPublisher_bad_settings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"max_samples":0}`, `{"max_samples":-1,"max_packet":-1}`, `{"max_packet":1}`, `mad`, ``,
		`[]`,
	} {
		_, src, log := settings(t, text)
		if got := <-src.limits; got.Samples < 16 || got.Bytes < 4<<10 {
			t.Errorf("%s: got %+v", text, got)
		}
		if n := log.Count("cannot be kept"); n != 1 {
			t.Errorf("%s: told %d times\n%s", text, n, log)
		}
	}
	_, src, _ := settings(t, fmt.Sprintf(`{"x":%q}`, strings.Repeat("x", 10<<20)))
	if len(src.limits) > 0 {
		t.Error("ten megabytes were read")
	}
}
