package intake_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/intake"
	"piway/gateway/names"
	"piway/shared/sample"
)

// arrival is when the tests' payloads come.
var arrival = time.Unix(1_800_000_000, 500_000_000)

// came is a moment of a gateway whose clock is right, and whose machine has been running for an hour at arrival.
func came(wall time.Time) intake.Moment {
	return intake.Moment{Wall: wall, Right: true, SinceBoot: time.Hour + wall.Sub(arrival)}
}

// settings know the devices pi1, pi2 and pi3.
func settings() intake.Config {
	return intake.Config{
		Names: names.New("{name} ({device})", ""), ClockTolerance: 10 * time.Second, MaxSamples: 5, MaxMetrics: 3,
		IsDevice: func(name string) bool { return slices.Contains([]string{"pi1", "pi2", "pi3"}, name) },
	}
}

// bare is the recipe's message, with more members behind it.
func bare(name, more string) string {
	return fmt.Sprintf(`{"name":%q,"unit":"Percent","value":"12.5"%s}`, name, more)
}

// report is an agent's message, with more members in its envelope.
func report(envelope string, samples ...string) string {
	return `{"device":"liar","run":"r","seq":7` + envelope + `,"samples":[` + strings.Join(samples, ",") + `]}`
}

func accepted(v intake.Verdict) []string {
	var out []string
	for _, s := range v.Samples {
		out = append(out, s.Name)
	}
	return out
}

func TestIntake_Judge_keepsTheEnvelope(t *testing.T) {
	v := intake.New(settings()).Judge("pi1", []byte(report(
		`,"boot":"b","uptime":12.5,"sent":1800000000.25,"clock":"synced","later":1`, bare("cpu", `,"time":1799999999.5`))),
		came(arrival))
	want := intake.Verdict{Booted: 1799999987, Charged: 1, Report: sample.Report{
		Device: "pi1", Run: "r", Seq: 7, Sent: 1800000000.25, Boot: "b", Uptime: 12.5, Clock: sample.Synced,
		Samples: []sample.Sample{{Name: "cpu (pi1)", Unit: "Percent", Value: 12.5, Time: 1799999999.5}},
	}, Uses: []sample.Sample{{Name: "cpu (pi1)", Unit: "Percent", Value: 12.5, Time: 1800000000.5}}}
	if d := cmp.Diff(want, v); d != "" {
		t.Error(d)
	}
}

func TestIntake_Judge_refuses(t *testing.T) {
	at := func(d time.Duration) string { return fmt.Sprintf(`,"time":%d`, arrival.Add(d).Unix()) }
	long := strings.Repeat("x", sample.MaxName)
	for name, tt := range map[string]struct {
		payload string
		reason  string
		text    string // in the error
		n       int    // refused, 1 if 0
	}{
		"no JSON": {"cpu 12", sample.ReasonJSON, "not JSON", 0},
		"a name of another device": {
			bare("cpu (pi2)", ""), intake.ReasonOwner, "belongs to device pi2, this is pi1",
			0,
		},
		"too many samples, each counted": {
			report("", slices.Repeat([]string{bare("x", "")}, 6)...), intake.ReasonSize,
			"6 samples", 6,
		},
		"too many, refused ones included": {
			report("", append(slices.Repeat([]string{bare("", "")}, 3), slices.Repeat([]string{bare("x", "")}, 3)...)...),
			intake.ReasonSize, "6 samples", 6,
		},
		"the template makes it too long": {report("", bare(long, "")), sample.ReasonName, "261 characters", 0},
		"more than two hours ahead":      {bare("x", at(2*time.Hour+time.Minute)), intake.ReasonFuture, "2.0 h ahead", 0},
		"a clock never set, undatable":   {bare("x", `,"time":86400`), intake.ReasonNoClock, "cannot be dated", 0},
		"before the epoch":               {bare("x", `,"time":-5`), intake.ReasonNoClock, "cannot be dated", 0},
		"microseconds":                   {bare("x", `,"time":1800000000000000`), sample.ReasonTime, "in microseconds", 0},
		"beyond all clocks":              {bare("x", `,"time":500000000000`), sample.ReasonTime, "beyond the year 5138", 0},
		"an endless time":                {bare("x", `,"time":1e300`), sample.ReasonTime, "milliseconds", 0},
		"times that cancel out":          {report(`,"sent":1e300`, bare("x", `,"time":1e300`)), sample.ReasonTime, "", 0},
		"a sync that is not": {
			report(`,"sent":1,"clock":"synced"`, bare("x", `,"time":1`)), intake.ReasonNoClock,
			"", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := intake.New(settings()).Judge("pi1", []byte(tt.payload), came(arrival))
			if len(v.Samples) > 0 || len(v.Claims) > 0 {
				t.Errorf("accepted %v, claimed %v", v.Samples, v.Claims)
			}
			want := map[string]int{tt.reason: max(tt.n, 1)}
			if got := v.Reasons; !maps.Equal(got, want) || !strings.Contains(v.Refused[0].Error, tt.text) {
				t.Errorf("got %v, %q; want %v, …%s…", got, v.Refused[0].Error, want, tt.text)
			}
		})
	}
}

func TestIntake_Judge_acceptsUpToTheBounds(t *testing.T) {
	for name, payload := range map[string]string{
		"two hours ahead": bare("x", fmt.Sprintf(`,"time":%d`, arrival.Add(2*time.Hour).Unix())),
		// expires on the way, counted
		"two weeks ago": bare("x", fmt.Sprintf(`,"time":%d`, arrival.Add(-14*24*time.Hour).Unix())),
		"milliseconds":  bare("x", `,"time":1800000000000`),
		"no time":       bare("x", ""),
		"longest name":  report("", bare(strings.Repeat("x", sample.MaxName-len(" (pi1)")), "")),
		"most samples":  report("", slices.Repeat([]string{bare("x", "")}, 5)...),
	} {
		if v := intake.New(settings()).Judge("pi1", []byte(payload), came(arrival)); len(v.Refused) > 0 ||
			len(v.Samples) == 0 {
			t.Errorf("%s: got %d samples, refused %v", name, len(v.Samples), v.Refused)
		}
	}
}

func TestIntake_Judge_shift(t *testing.T) {
	sent := func(d time.Duration, clock string) string {
		return fmt.Sprintf(`,"sent":%.1f,"clock":%q`, float64(arrival.Add(d).UnixMilli())/1e3, clock)
	}
	for name, tt := range map[string]struct {
		envelope string
		want     float64
	}{
		"unsynchronised and 20 s slow":  {sent(-20*time.Second, sample.Unsynced), 20},
		"unsynchronised and 20 s fast":  {sent(20*time.Second, sample.Unsynced), -20},
		"not said and 20 s slow":        {sent(-20*time.Second, ""), 20},
		"synchronised, delivered late":  {sent(-20*time.Second, sample.Synced), 0},
		"within the tolerance":          {sent(-10*time.Second, sample.Unsynced), 0},
		"past the tolerance":            {sent(-10500*time.Millisecond, sample.Unsynced), 10.5},
		"without sent nothing is known": {`,"clock":"unsynced"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			taken := float64(arrival.Unix() - 60)
			v := intake.New(settings()).Judge("pi1", []byte(report(tt.envelope, bare("x", fmt.Sprintf(`,"time":%.0f`, taken)))),
				came(arrival))
			if math.Abs(v.Shift-tt.want) > 1e-6 {
				t.Errorf("got shift %v, want %v", v.Shift, tt.want)
			}
			if len(v.Samples) != 1 || v.Samples[0].Time != taken {
				t.Errorf("got %v, want the time as sent: %v; refused %v", v.Samples, taken, v.Refused)
			}
		})
	}
}

// A clock that starts in 1970 is dated by "sent", so its samples are good.
func TestIntake_Judge_datesByShift(t *testing.T) {
	v := intake.New(settings()).Judge("pi1", []byte(report(`,"sent":100,"clock":"unsynced"`, bare("x", `,"time":95`))),
		came(arrival))
	if len(v.Samples) != 1 || v.Samples[0].Time+v.Shift != float64(arrival.UnixMilli())/1e3-5 {
		t.Errorf("got %v shift %v, refused %v", v.Samples, v.Shift, v.Refused)
	}
}

func TestIntake_Judge_index(t *testing.T) {
	payload := report("",
		bare("", ""),                          // 0, refused by its content
		bare("ok1", ""),                       // 1
		bare("future", `,"time":1900000000`),  // 2, refused by the clock
		`{"name":"u","unit":"%","value":NaN}`, // 3, refused by its content
		bare("soon", `,"time":1900000000`),    // 4, refused by the clock
	)
	v := intake.New(settings()).Judge("pi1", []byte(payload), came(arrival))
	got := map[int]string{}
	for _, r := range v.Refused {
		got[r.Index] = r.Reason
	}
	want := map[int]string{0: sample.ReasonName, 2: intake.ReasonFuture, 3: sample.ReasonValue, 4: intake.ReasonFuture}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ok1 (pi1)"}, accepted(v)); d != "" {
		t.Error(d)
	}
}

func FuzzJudge(f *testing.F) {
	for _, s := range []string{
		bare("cpu (pi1)", ""), bare("cpu (pi2)", `,"timestamp":"1800000000"`),
		report(`,"sent":100,"clock":"unsynced"`, bare("x", `,"time":95`)),
		report(`,"sent":-1e308`, bare("x", `,"time":1e308`)), report("", slices.Repeat([]string{bare("x", "")}, 7)...),
		"[" + bare("", "") + "," + bare("a", "") + "]", `{"samples":[null]}`, "[" + bare("a", `,"x":NaN`) + "," +
			bare("b", "") + "]", `[]`, ``, `{"name":"a","unit":"None","value":"1e400"}`,
		report(`,"local":[`+bare("x", "")+`,{"name":"x","unit":7}],"attributes":{"serial":"a"}`, bare("y", "")),
		`{"local":[` + bare("x", `,"time":95`) + `],"sent":100}`, report(`,"local":true`),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		v := intake.New(settings()).Judge("pi1", slices.Clone(payload), came(arrival))
		if n := sent(payload); n >= 0 && len(v.Samples)+v.LocalCount+v.CountRefused() != n && !slices.ContainsFunc(v.Refused, whole) {
			t.Errorf("got %d samples and %d refusals of %d sent", len(v.Samples), v.CountRefused(), n)
		}
		if len(v.Samples)+v.LocalCount+len(v.Refused) == 0 && !json.Valid(payload) {
			t.Error("neither accepted nor refused")
		}
		if math.IsNaN(v.Shift) || math.IsInf(v.Shift, 0) || len(v.Samples)+v.LocalCount > settings().MaxSamples {
			t.Errorf("got shift %v, %d samples", v.Shift, len(v.Samples))
		}
		for _, s := range v.Samples {
			at := s.Time + v.Shift
			switch {
			case sample.CheckName(s.Name) != nil, sample.CheckUnit(s.Unit) != nil, sample.CheckValue(s.Value) != nil:
				t.Errorf("accepted %+v", s)
			case strings.HasSuffix(s.Name, "(pi2)"):
				t.Errorf("accepted another device's %q", s.Name)
			case s.Time != 0 && !(at >= 1577836800 && at <= float64(arrival.Add(2*time.Hour).Unix())):
				t.Errorf("accepted time %v with shift %v", s.Time, v.Shift)
			}
		}
	})
}

// whole says that a refusal is of the message, not of one sample.
func whole(r sample.Refusal) bool { return r.Index == -1 && r.Reason == sample.ReasonJSON && !r.Local }

// sent counts the samples of a message by another way than Judge's; -1 if it cannot tell.
func sent(payload []byte) int {
	var a, samples, local []json.RawMessage
	var o map[string]json.RawMessage // not a struct: encoding/json would take SAMPLES too
	switch {
	case json.Unmarshal(payload, &a) == nil && len(a) > 0:
		return len(a)
	case json.Unmarshal(payload, &o) == nil && json.Unmarshal(o["samples"], &samples) == nil:
		if json.Unmarshal(o["local"], &local) != nil && o["local"] != nil {
			return len(samples) + 1
		}
		return len(samples) + len(local)
	default:
		return -1
	}
}

// While the gateway's own clock may be wrong, nothing is judged by it: not shifted, not refused as ahead or undated.
func TestIntake_Judge_ownClockWrong(t *testing.T) {
	in := intake.New(intake.Config{
		ClockTolerance: 10 * time.Second, MaxSamples: 10, MaxMetrics: 10,
		IsDevice: func(string) bool { return true }, Owners: map[string]string{},
	})
	arrived := came(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) // the gateway's, years behind
	arrived.Right = false
	ahead := float64(arrived.Wall.Add(6 * 365 * 24 * time.Hour).Unix())
	payload := fmt.Appendf(nil, `{"run":"r","seq":1,"clock":"unsynced","sent":%f,"samples":[
		{"name":"a","unit":"None","value":1,"time":%f},{"name":"b","unit":"None","value":1,"time":60},{"name":"c","unit":"None","value":1,"time":1e14}]}`, ahead, ahead)
	v := in.Judge("kitchen", payload, arrived)
	if len(v.Samples) != 2 || v.Shift != 0 || len(v.Refused) != 1 || v.Refused[0].Reason != sample.ReasonTime {
		t.Errorf("got %+v, want two taken as they are, and the one refused that is no date", v)
	}
	arrived.Right = true
	if v := in.Judge("kitchen", payload, arrived); v.Shift == 0 {
		t.Errorf("with a clock that is right: got %+v, want a shift", v)
	}
}
