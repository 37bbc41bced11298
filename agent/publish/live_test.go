package publish_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/publish"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// A row is a source to which reports are added.
type row struct {
	*source
	more chan sample.Report
}

func newRow() *row { return &row{newSource(0), make(chan sample.Report, 10)} }

func (r *row) Next(ctx context.Context, after uint64) (uint64, sample.Report, error) {
	if int(after) >= len(r.reports) {
		select {
		case report := <-r.more:
			r.reports = append(r.reports, report)
		case <-ctx.Done():
			return 0, sample.Report{}, ctx.Err()
		}
	}
	return after + 1, r.reports[after], nil
}

const at = 1763791460

func reportAt(seq int64, t float64) sample.Report {
	return sample.Report{Device: "kitchen", Run: "r", Seq: seq, Boot: "b", Samples: []sample.Sample{
		{Name: "cpu usage", Unit: "Percent", Value: 1, Time: t},
	}}
}

func localAt(t float64, names ...string) sample.Report {
	r := sample.Report{Device: "kitchen", Boot: "b", Attributes: map[string]string{"model": "Pi"}}
	for _, name := range names {
		r.Local = append(r.Local, sample.Sample{Name: name, Unit: "None", Value: 1, Time: t})
	}
	return r
}

func live(t *testing.T, settings string) (*fakebroker.Broker, *row, publish.Options) {
	t.Helper()
	b, src := fakebroker.New(t, nil), newRow()
	if settings == "" {
		b.Deny = "pi/kitchen/config"
	} else {
		b.Greeting = map[string]string{"pi/kitchen/config": settings}
	}
	opt := options(b, new(testlog.Log))
	opt.Live = publish.NewLive()
	return b, src, opt
}

const takes = `{"max_samples":1000,"max_packet":131072}`

// wantLive compares what comes next with what is wanted of it.
func wantLive(t *testing.T, b *fakebroker.Broker, seq int64, attributes bool, names ...string) fakebroker.Publish {
	t.Helper()
	p := next(t, b, "pi/kitchen/samples")
	r := decode(t, p)
	var got []string
	for _, s := range r.Local {
		got = append(got, s.Name)
	}
	if d := cmp.Diff(names, got); d != "" || r.Seq != seq || (r.Attributes["model"] == "Pi") != attributes {
		t.Errorf("seq %d, want %d, attributes %v (-want +got)\n%s", r.Seq, seq, r.Attributes, d)
	}
	return p
}

// Local samples go once, with the report of their reading or a later one; what the machine is, once a connection.
func TestPublisher_Live(t *testing.T) {
	t.Parallel()
	b, src, opt := live(t, takes)
	withheld := make(chan bool, 1)
	b.Puback = func(p fakebroker.Publish) bool {
		return p.Conn > 1 || !bytes.Contains(p.Payload, []byte(`"seq":4,`)) || len(withheld) == 0
	}
	opt.AckTimeout = 500 * time.Millisecond
	start(t, opt, src)
	opt.Live.Put(localAt(at, "old"), false)
	opt.Live.Put(localAt(at, "load", "fan"), false)
	src.more <- reportAt(1, at-60) // of a backlog
	wantLive(t, b, 1, false)
	src.more <- reportAt(2, at)
	wantLive(t, b, 2, true, "load", "fan")
	src.more <- reportAt(3, at+15)
	wantLive(t, b, 3, false)
	withheld <- true
	opt.Live.Put(localAt(at+60, "load"), false)
	src.more <- reportAt(4, at+60)
	wantLive(t, b, 4, false, "load")
	for seq := int64(1); seq <= 4; seq++ { // once more, on another connection, and as they were
		wantLive(t, b, seq, false)
	}
	opt.Live.Put(localAt(at+120, "load"), false)
	src.more <- reportAt(5, at+120)
	wantLive(t, b, 5, true, "load")
}

// A report of another boot or clock takes nothing along, since all in a report is dated alike.
func TestPublisher_Live_anotherClock(t *testing.T) {
	t.Parallel()
	b, src, opt := live(t, takes)
	start(t, opt, src)
	local := localAt(at, "load")
	local.Clock = sample.Synced
	opt.Live.Put(local, false)
	before := reportAt(1, at+1)
	before.Clock = sample.Unsynced
	src.more <- before
	wantLive(t, b, 1, false)
	before = reportAt(2, at+1)
	before.Boot, before.Clock = "a", sample.Synced
	src.more <- before
	wantLive(t, b, 2, false)
	same := reportAt(3, at)
	same.Clock = sample.Synced
	src.more <- same
	wantLive(t, b, 3, true, "load")
}

// A reading of nothing else goes by itself, and is not sent again.
func TestPublisher_Live_alone(t *testing.T) {
	t.Parallel()
	b, src, opt := live(t, takes)
	start(t, opt, src)
	opt.Live.Put(localAt(at, "load"), true)
	p := wantLive(t, b, 0, true, "load")
	if r := decode(t, p); r.Run != "" || len(r.Samples) > 0 || r.Boot != "b" {
		t.Errorf("got %+v", r)
	}
	opt.Live.Put(localAt(at+60, "load"), true)
	wantLive(t, b, 0, false, "load")
}

// A gateway that does not say what it takes is of an earlier version, and would only have to read it.
func TestPublisher_Live_earlierGateway(t *testing.T) {
	t.Parallel()
	b, src, opt := live(t, "")
	start(t, opt, src)
	opt.Live.Put(localAt(at, "load"), true)
	src.more <- reportAt(1, at)
	wantLive(t, b, 1, false)
}

// A report is not made larger than the gateway takes, by samples or bytes: it goes without.
func TestPublisher_Live_bounds(t *testing.T) {
	t.Parallel()
	var many, long []string
	for i := range 20 {
		many = append(many, fmt.Sprint("m", i))
		long = append(long, strings.Repeat("n", 250)+fmt.Sprint(i))
	}
	b, src, opt := live(t, `{"max_samples":20,"max_packet":5120}`)
	start(t, opt, src)
	for i, names := range [][]string{many, long} {
		opt.Live.Put(localAt(at, names...), false)
		src.more <- reportAt(int64(i+1), at)
		wantLive(t, b, int64(i+1), false)
	}
	opt.Live.Put(localAt(at, many[:19]...), false)
	src.more <- reportAt(3, at)
	wantLive(t, b, 3, true, many[:19]...)
	opt.Live.Put(localAt(at, long...), true)
	opt.Live.Put(localAt(at, "load"), true)
	wantLive(t, b, 0, false, "load")
}

func TestPublisher_Wanted(t *testing.T) {
	t.Parallel()
	_, src, opt := live(t, `{"max_samples":1000,"wanted":["load","failed units"]}`)
	wanted := make(chan []string, 10)
	opt.Wanted = func(names []string) { wanted <- names }
	start(t, opt, src)
	if d := cmp.Diff([]string{"load", "failed units"}, <-wanted); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
