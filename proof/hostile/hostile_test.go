package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/cli"
)

// TestHostile attacks a gateway for a second each, in ways that need not bring a sample to AWS;
// `make hostile` does it in all, one after the other.
func TestHostile(t *testing.T) {
	for _, name := range []string{
		"CONNECTs less one byte", "malformed packets", "JSON bombs", "TLS: greetings", "TLS: revoked", "TLS: joining",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			args := []string{"--here", "--only", name, "--for", "1s", "--after", "5s", "--assert"}
			if err := program().Run(t.Context(), args, cli.Streams{Out: &out, Err: &out}); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
			t.Log(out.String())
		})
	}
}

// Each bar sees what is wrong, and nothing else does; a quiet phase holds all.
func TestBars(t *testing.T) {
	good := func() *result {
		r := &result{phase: phases[0], calm: calmTime, running: true, length: 15 * time.Second}
		r.Made, r.Acked = 300, 300
		return r
	}
	if all := good().broken(); len(all) > 0 {
		t.Errorf("%d bars do not hold of a good one, as: %s", len(all), all[0].text)
	}
	for spoil, want := range map[*bar]func(r *result){
		&barRunning: func(r *result) { r.running = false },
		&barIn:      func(r *result) { r.in++ },
		&barJoined:  func(r *result) { r.joinErr = errors.New("nobody answers") },
		&barJoin:    func(r *result) { r.join = maxJoin + 1 },
		&barMissing: func(r *result) { r.Acked-- },
		&barLost:    func(r *result) { r.Wrong++ },
		&barP99:     func(r *result) { r.p99 = time.Second + 1 },
		&barDelay:   func(r *result) { r.delay = time.Minute + 1 },
		&barDropped: func(r *result) { r.dropped++ },
		&barPeak:    func(r *result) { r.peak = maxMemory + 1 },
		&barMemory:  func(r *result) { r.after.resident = moreMemory + 1 },
		&barFiles:   func(r *result) { r.after.files = moreFiles + 1 },
		&barLog:     func(r *result) { r.logged = maxLog + 1 },
		&barDatums:  func(r *result) { r.datums++ },
		&barMetrics: func(r *result) { r.metrics = maxMetrics*guestCount + 1 },
	} {
		r := good()
		want(r)
		if all := r.broken(); len(all) != 1 || all[0] != spoil {
			t.Errorf("%d bars do not hold, want one: %s", len(all), spoil.text)
		}
		if row := r.row(); strings.Count(row, "!") != 1 {
			t.Errorf("%s: the row has not one mark: %s", spoil.text, row)
		}
	}
}

// A bar that is known not to hold does not fail; it fails when it holds. A time never does.
func TestOptions_judge(t *testing.T) {
	known := []failure{{phases[0].name, &barDropped, time.Second, "not yet: so"}}
	for _, tt := range []struct {
		name  string
		spoil func(r *result)
		want  string
	}{
		{"known", func(r *result) { r.dropped = 1 }, ""},
		{"holds now", func(*result) {}, "take its line"},
		{"holds in a short attack", func(r *result) { r.length = time.Second - 1 }, ""},
		{"not known", func(r *result) { r.dropped, r.logged = 1, 2*maxLog }, barLog.text},
		{"a time", func(r *result) { r.dropped, r.p99 = 1, time.Minute }, ""},
	} {
		r := &result{phase: phases[0], notYet: known, length: time.Second, running: true}
		tt.spoil(r)
		var out strings.Builder
		o := options{Assert: true}
		err := o.judge([]*result{r}, &out)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if told := strings.Contains(out.String(), "not yet: so"); told != (r.dropped == 1) {
			t.Errorf("%s: printed %q", tt.name, out.String())
		}
		if err := new(options).judge([]*result{r}, &out); err != nil {
			t.Errorf("%s: fails, and was not asked to: %v", tt.name, err)
		}
	}
}

// What is known not to hold yet is of phases that there are.
func TestNotYet(t *testing.T) {
	for _, f := range notYet {
		if !slices.ContainsFunc(phases, func(p phase) bool { return p.name == f.phase }) {
			t.Errorf("no phase is called %q", f.phase)
		}
	}
	var out strings.Builder
	err := program().Run(t.Context(), []string{"--only", "kindness"}, cli.Streams{Out: &out, Err: &out})
	if err == nil || !strings.Contains(err.Error(), "kindness") || errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

// Times are from when a report was due, of the attack; what comes while the cloud is away is late from its return on.
func TestResult_measure(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	after := func(d time.Duration) time.Time { return at.Add(d) }
	r := &result{began: at, ended: after(10 * time.Second)}
	all := []world.Sample{
		{Time: after(-time.Second), Acked: after(time.Hour), Came: after(time.Hour)}, // before
		{Time: at, Acked: after(2 * time.Second), Came: after(5 * time.Second)},
		{Time: after(11 * time.Second), Acked: after(time.Hour), Came: after(12 * time.Second)}, // its answer is no matter
	}
	if r.measure(all, false); r.p99 != 2*time.Second || r.delay != 4*time.Second {
		t.Errorf("got %s and %s", r.p99, r.delay)
	}
	r.delay = 0
	if r.measure(all, true); r.delay != 0 {
		t.Errorf("a cloud that was away: got %s", r.delay)
	}
	if r.measure([]world.Sample{{Time: at}}, false); r.p99 < time.Since(at) && time.Since(at) > 0 {
		t.Errorf("what never came took %s", r.p99)
	}
}

// The hostile may not send more datums under another unit.
func TestDatums(t *testing.T) {
	d := datums{}
	for _, unit := range []string{"Count", "Count", "Bytes"} {
		d.add(&localcore.Recorded{Name: "x", Unit: unit})
	}
	if d.sum() != 3 || len(d) != 2 {
		t.Errorf("got %d of %d metrics", d.sum(), len(d))
	}
}

// Packets are as MQTT has them.
func TestPackets(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{
			string(login{id: "a", user: "u", password: "p"}.packet()),
			"\x10\x13\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01a\x00\x01u\x00\x01p",
		},
		{
			string(login{level: level5, id: "a", willTopic: "t", will: "w"}.packet()),
			"\x10\x15\x00\x04MQTT\x05\x0e\x00\x3c\x00\x00\x01a\x00\x00\x01t\x00\x01w",
		},
		{string(publish("t", 1, 258, "x")), "\x32\x06\x00\x01t\x01\x02x"},
		{string(publish("t", 0, 1, "x")), "\x30\x04\x00\x01tx"},
		{string(ask(subscribeType, 1, "t")), "\x82\x06\x00\x01\x00\x01t\x01"},
		{string(ask(unsubscribeType, 1, "t")), "\xa2\x05\x00\x01\x00\x01t"},
		{string(packet(0xc0, make([]byte, 300))[:3]), "\xc0\xac\x02"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
