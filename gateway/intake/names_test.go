package intake_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/intake"
	"piway/gateway/names"
	"piway/shared/sample"
)

func TestIntake_Judge_names(t *testing.T) {
	for name, tt := range map[string]struct {
		payload string
		want    []string
		claims  []string
	}{
		"a report's get the device that is logged in": {
			report("", bare("cpu", ""), bare("mem", "")), []string{"cpu (pi1)", "mem (pi1)"}, nil,
		},
		"a bare one stays and is claimed": {bare("cpu", ""), []string{"cpu"}, []string{"cpu"}},
		"a bare one with the own device":  {bare("cpu (pi1)", ""), []string{"cpu (pi1)"}, nil},
		"brackets around no device":       {bare("fan (front)", ""), []string{"fan (front)"}, []string{"fan (front)"}},
		"an array's stay": {
			"[" + bare("a", "") + "," + bare("b", "") + "]",
			[]string{"a", "b"},
			[]string{"a", "b"},
		},
		"only an opening bracket too many": {bare("a)", ""), []string{"a)"}, []string{"a)"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := intake.New(settings()).Judge("pi1", []byte(tt.payload), came(arrival))
			if d := cmp.Diff(tt.want, accepted(v)); d != "" || len(v.Refused) > 0 {
				t.Errorf("names: %s\nrefused: %v", d, v.Refused)
			}
			if d := cmp.Diff(tt.claims, v.Claims); d != "" {
				t.Errorf("claims: %s", d)
			}
		})
	}
}

func TestIntake_Judge_site(t *testing.T) {
	cfg := settings()
	cfg.Names = names.New("{name} ({device})", "home")
	in := intake.New(cfg)
	for _, tt := range []struct{ payload, want, claim string }{
		{report("", bare("cpu", "")), "home/cpu (pi1)", ""},
		{bare("cpu (pi1)", ""), "home/cpu (pi1)", ""},
		{bare("cpu", ""), "home/cpu", "home/cpu"},
		{"[" + bare("cpu", "") + "]", "home/cpu", "home/cpu"},
	} {
		v := in.Judge("pi1", []byte(tt.payload), came(arrival))
		if got := strings.Join(accepted(v), "|"); got != tt.want || strings.Join(v.Claims, "|") != tt.claim {
			t.Errorf("%s: got %q with claims %q, want %q and %q", tt.payload, got, v.Claims, tt.want, tt.claim)
		}
	}
	if v := in.Judge("pi1", []byte(bare("cpu (pi2)", "")), came(arrival)); v.Reasons[intake.ReasonOwner] != 1 {
		t.Errorf("another device's name: got %+v", v)
	}
}

// A document of the emf form holds the device and the site beside the metrics, so no metric can be called that.
func TestIntake_Judge_reserved(t *testing.T) {
	isReserved := func(base string) bool { return base == "device" || base == "_aws" }
	for name, tt := range map[string]struct {
		reserved func(string) bool
		payload  string
		refused  bool
	}{
		"in a report":             {isReserved, report("", bare("device", "")), true},
		"of a script":             {isReserved, bare("_aws", ""), true},
		"of a script, bracketed":  {isReserved, bare("device (pi1)", ""), true},
		"in other letters":        {isReserved, bare("Device", ""), false},
		"a part of the name":      {isReserved, report("", bare("device load", "")), false},
		"in the metric form":      {nil, report("", bare("device", "")), false},
		"around another's device": {isReserved, bare("device (pi9)", ""), false}, // there is none
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings()
			cfg.Reserved = tt.reserved
			v := intake.New(cfg).Judge("pi1", []byte(tt.payload), came(arrival))
			if got := v.Reasons[sample.ReasonName] == 1; got != tt.refused || len(v.Samples)+len(v.Refused) != 1 {
				t.Fatalf("got %+v, want refused %t", v, tt.refused)
			}
			if tt.refused && !strings.Contains(v.Refused[0].Error, "rename the metric") {
				t.Errorf("got %q, which does not say what to do", v.Refused[0].Error)
			}
		})
	}
}

func TestIntake_Judge_firstUserOwns(t *testing.T) {
	in := intake.New(settings())
	judge := func(device, name string) (claims []string, reason map[string]int) {
		v := in.Judge(device, []byte(bare(name, "")), came(arrival))
		return v.Claims, v.Reasons
	}
	if claims, _ := judge("pi1", "cpu"); !slices.Equal(claims, []string{"cpu"}) {
		t.Errorf("first use: got claims %v", claims)
	}
	if claims, reason := judge("pi2", "cpu"); reason[intake.ReasonOwner] != 1 || claims != nil {
		t.Errorf("another device: got claims %v, refused %v", claims, reason)
	}
	if claims, _ := judge("pi1", "cpu"); !slices.Equal(claims, []string{"cpu"}) {
		t.Errorf("not kept yet: got claims %v, want it claimed again", claims)
	}
	in.Kept(&intake.Verdict{Report: sample.Report{Device: "pi1"}, Claims: []string{"cpu", "never heard of"}})
	if claims, reason := judge("pi1", "cpu"); claims != nil || reason != nil {
		t.Errorf("kept: got claims %v, refused %v", claims, reason)
	}
}

func TestIntake_Judge_ownersOutliveARestart(t *testing.T) {
	cfg := settings()
	cfg.Owners = map[string]string{"cpu": "pi1"}
	in := intake.New(cfg)
	if v := in.Judge("pi2", []byte(bare("cpu", "")), came(arrival)); v.Reasons[intake.ReasonOwner] != 1 {
		t.Errorf("another device: got %+v", v)
	}
	if v := in.Judge("pi1", []byte(bare("cpu", "")), came(arrival)); len(v.Samples) != 1 || v.Claims != nil {
		t.Errorf("the owner: got %+v, want a sample and no claim", v)
	}
}

func TestIntake_Judge_maxMetrics(t *testing.T) {
	cfg := settings()
	cfg.Owners = map[string]string{"old": "pi1"}
	in := intake.New(cfg)
	v := in.Judge("pi1", []byte("["+bare("a", "")+","+bare("b (pi1)", "")+","+bare("c", "")+","+bare("a", "")+"]"),
		came(arrival))
	if got, want := accepted(v), []string{"a", "b (pi1)", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !maps.Equal(v.Reasons, map[string]int{intake.ReasonMetrics: 1}) || v.Refused[0].Index != 2 ||
		slices.Contains(v.Claims, "c") {
		t.Errorf("got refused %v, claims %v", v.Refused, v.Claims)
	}
	if v := in.Judge("pi2", []byte(bare("c", "")), came(arrival)); len(v.Samples) != 1 {
		t.Errorf("another device: got refused %v", v.Refused)
	}
}

// A unit more is a metric more, as CloudWatch counts them.
func TestIntake_Judge_maxMetrics_countsUnits(t *testing.T) {
	cfg := settings()
	cfg.MaxMetrics = 2
	in := intake.New(cfg)
	net := func(unit string) string { return `{"name":"net (pi1)","unit":"` + unit + `","value":1}` }
	v := in.Judge("pi1", []byte("["+net("Count")+","+net("Bytes")+","+net("Bits")+","+net("Count")+"]"), came(arrival))
	if len(v.Samples) != 3 || v.Refused[0].Index != 2 || v.Reasons[intake.ReasonMetrics] != 1 {
		t.Fatalf("got %v, refused %v", v.Samples, v.Refused)
	}
	if got, want := v.Refused[0].Error, `name "net (pi1)" in Bits: device pi1 has 2 metrics already, the most allowed (intake.max_metrics)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Of what was taken before a start, the store tells the names. All their units stay, more of them than the bound too, and
// count: what is new is one too many.
func TestIntake_Judge_maxMetrics_outlivesARestart(t *testing.T) {
	cfg := settings() // three metrics
	cfg.Owners = map[string]string{"a": "pi1", "b": "pi1"}
	in := intake.New(cfg)
	judge := func(name, unit string) intake.Verdict {
		return in.Judge("pi1", []byte(`{"name":"`+name+`","unit":"`+unit+`","value":1}`), came(arrival))
	}
	for _, m := range []struct{ name, unit string }{
		{"a", "Count"},
		{"c", "Count"},
		{"a", "Bits"},
		{"b", "Bytes"},
		{"b", "Bits"},
	} {
		if v := judge(m.name, m.unit); len(v.Samples) != 1 {
			t.Errorf("%s in %s: got refused %v", m.name, m.unit, v.Refused)
		}
	}
	for _, m := range []struct{ name, unit string }{{"d", "Count"}, {"c", "Bits"}} {
		v := judge(m.name, m.unit)
		if v.Reasons[intake.ReasonMetrics] != 1 || len(v.Claims) > 0 ||
			!strings.Contains(v.Refused[0].Error, "has 5 metrics") {
			t.Errorf("%s in %s: got %+v", m.name, m.unit, v)
		}
	}
}

// A claim that is taken back takes all units of its name with it.
func TestIntake_Failed_units(t *testing.T) {
	cfg := settings()
	cfg.MaxMetrics = 2
	in := intake.New(cfg)
	text := `[{"name":"a","unit":"Count","value":1},{"name":"a","unit":"Bits","value":1}]`
	for range 3 {
		v := in.Judge("pi1", []byte(text), came(arrival))
		if len(v.Samples) != 2 {
			t.Fatalf("got refused %v", v.Refused)
		}
		in.Failed(&v)
	}
	if v := in.Judge("pi1", []byte(strings.ReplaceAll(text, `"a"`, `"b"`)), came(arrival)); len(v.Samples) != 2 {
		t.Errorf("what failed counts still: %v", v.Refused)
	}
}

// A message of as many metrics as fit into it, each at a minute of its own: what is beyond the bound is refused and
// counted, and ten of that are told.
func TestIntake_Judge_maxMetrics_ofOneMessage(t *testing.T) {
	const n, most = 990, 100
	cfg := settings()
	cfg.MaxSamples, cfg.MaxMetrics = 1000, most
	units := []string{
		"Seconds", "Bytes", "Bits", "Percent", "Count", "None", "Bytes/Second", "Bits/Second",
		"Count/Second",
	}
	var samples []string
	for i := range n {
		samples = append(samples, fmt.Sprintf(`{"name":"m%d","unit":%q,"value":1,"time":%d}`, i/len(units),
			units[i%len(units)], arrival.Unix()-60*int64(i)))
	}
	in := intake.New(cfg)
	for _, device := range []string{"pi1", "pi1", "pi2"} {
		v := in.Judge(device, []byte(report("", samples...)), came(arrival))
		if len(v.Samples) != most || !maps.Equal(v.Reasons, map[string]int{intake.ReasonMetrics: n - most}) ||
			len(v.Refused) != 10 {
			t.Errorf("%s: got %d samples, refused %v, %d told", device, len(v.Samples), v.Reasons, len(v.Refused))
		}
		if v.Refused[0].Index != most {
			t.Errorf("%s: got refused first %+v", device, v.Refused[0])
		}
	}
}
