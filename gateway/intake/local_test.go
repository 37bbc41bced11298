package intake_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/intake"
	"piway/gateway/rollup"
	"piway/shared/sample"
)

// ruled are settings with such rules, as match and reduce by turns. asked counts how often they are looked up.
func ruled(asked *int, pairs ...string) intake.Config {
	cfg := settings()
	cfg.MaxSamples, cfg.MaxMetrics = 2000, 100
	set := rollup.Settings{Window: time.Minute}
	for i := 0; i < len(pairs); i += 2 {
		set.Rules = append(set.Rules, rollup.Rule{Match: pairs[i], Reduce: rollup.Reduction(pairs[i+1])})
	}
	cfg.StaysLocal = func(name, base, device string, local bool) bool {
		if asked != nil {
			*asked++
		}
		return set.StaysLocal(name, base, device, local)
	}
	return cfg
}

// withLocal is a report of such samples, and such local ones.
func withLocal(samples, local []string) []byte {
	list := func(names []string) string {
		var all []string
		for _, name := range names {
			all = append(all, bare(name, ""))
		}
		return strings.Join(all, ",")
	}
	return []byte(report(`,"local":[`+list(local)+`]`, list(samples)))
}

func namesOf(samples []sample.Sample) (names []string) {
	for i := range samples {
		names = append(names, samples[i].Name)
	}
	return names
}

// Local samples are shown, and neither stored nor counted as metrics nor paid for; a bad one costs no other.
func TestIntake_Judge_local(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]intake.Config{"without rules": settings(), "with a rule": ruled(nil, "disk*", "max")} {
		cfg.MaxMetrics, cfg.MaxSamples = 1, 10
		in := intake.New(cfg)
		payload := `{"run":"r","seq":1,"clock":"unsynced","samples":[` + bare("cpu", "") + `],"local":[` +
			bare("load", `,"time":5`) + `,` + bare("", "") + `,` + bare("fan", `,"time":9e9`) + `,` +
			bare(strings.Repeat("n", 255), "") + `]}`
		v := in.Judge("pi1", []byte(payload), came(arrival))
		if d := cmp.Diff([]string{"cpu (pi1)"}, accepted(v)); d != "" || v.LocalCount != 2 || v.Charged != 1 || len(v.Uses) != 1 {
			t.Errorf("%s: got %+v", name, v)
		}
		if v.Local != nil || v.Attributes != nil || v.Wants {
			t.Errorf("%s: got %+v", name, v)
		}
		var where []int
		for _, r := range v.Refused {
			if where = append(where, r.Index); !r.Local || r.Reason != sample.ReasonName {
				t.Errorf("%s: refused %+v", name, r)
			}
		}
		if d := cmp.Diff([]int{1, 3}, where); d != "" {
			t.Errorf("%s: refused at %v", name, where)
		}
		want := []sample.Sample{
			{Name: "fan (pi1)", Unit: "Percent", Value: 12.5, Time: sample.Seconds(arrival)},
			{Name: "load (pi1)", Unit: "Percent", Value: 12.5, Time: sample.Seconds(arrival)},
		}
		if d := cmp.Diff(want, in.Local("pi1")); d != "" || in.Local("pi2") != nil || len(in.Metrics("pi1")) != 1 {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
}

// A rule that says none keeps a metric on the LAN, whoever sends it and in whatever form; one that names a local sample
// has it taken as any other.
func TestIntake_Judge_localByRule(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules        []string
		taken, local []string
		wants        bool
	}{
		"none of one":           {[]string{"cpu*", "none"}, []string{"disk (pi1)"}, []string{"cpu (pi1)", "fan (pi1)", "load (pi1)"}, false},
		"none of all":           {[]string{"*", "none"}, nil, []string{"cpu (pi1)", "disk (pi1)", "fan (pi1)", "load (pi1)"}, false},
		"one is named":          {[]string{"load*", "max"}, []string{"cpu (pi1)", "disk (pi1)", "load (pi1)"}, []string{"fan (pi1)"}, true},
		"a wildcard names none": {[]string{"*", "max"}, []string{"cpu (pi1)", "disk (pi1)"}, []string{"fan (pi1)", "load (pi1)"}, false},
		"the first counts": {
			[]string{"load*", "sum", "*", "none"},
			[]string{"load (pi1)"},
			[]string{"cpu (pi1)", "disk (pi1)", "fan (pi1)"},
			true,
		},
	} {
		in := intake.New(ruled(nil, tt.rules...))
		for again := range 3 { // by what is known then, too
			v := in.Judge("pi1", withLocal([]string{"cpu", "disk"}, []string{"load", "fan"}), came(arrival))
			if d := cmp.Diff(tt.taken, accepted(v)); d != "" {
				t.Errorf("%s: taken (-want +got)\n%s", name, d)
			}
			if d := cmp.Diff(tt.local, namesOf(in.Local("pi1"))); d != "" || v.LocalCount != len(tt.local) || len(v.Refused) > 0 {
				t.Errorf("%s: %d local, refused %v (-want +got)\n%s", name, v.LocalCount, v.Refused, d)
			}
			if wants := v.Wants; wants != (tt.wants && again == 0) {
				t.Errorf("%s: wants more: %t", name, wants)
			}
		}
		script := in.Judge("pi1", []byte("["+bare("cpu of mine (pi1)", "")+"]"), came(arrival))
		if none := strings.HasPrefix(tt.rules[len(tt.rules)-2], "*") && tt.rules[len(tt.rules)-1] == "none" ||
			tt.rules[1] == "none"; (script.LocalCount == 1) != none || (len(script.Claims) == 0) != true {
			t.Errorf("%s: a script's: got %+v", name, script)
		}
	}
}

// A sample that a rule keeps on the LAN is not judged as one for the cloud: not its time, nor whose name it is.
func TestIntake_Judge_noneIsNotJudged(t *testing.T) {
	t.Parallel()
	in := intake.New(ruled(nil, "*", "none"))
	v := in.Judge("pi1", []byte(report(`,"clock":"unsynced"`, bare("a", `,"time":60`), bare("b", `,"time":9e9`))), came(arrival))
	if v.LocalCount != 2 || len(v.Refused) > 0 {
		t.Errorf("got %+v", v)
	}
	v = in.Judge("pi1", []byte(bare("cpu (pi2)", "")), came(arrival))
	if v.LocalCount != 1 || len(in.Local("pi2")) > 0 {
		t.Errorf("got %+v, of pi2 %v", v, in.Local("pi2"))
	}
}

// What a rule says of a name is looked up once, as its reduction is.
func TestIntake_Judge_looksRulesUpOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	in := intake.New(ruled(&asked, "load*", "max", "disk*", "none"))
	payload := withLocal([]string{"cpu", "disk", "memory"}, []string{"load", "fan"})
	in.Judge("pi1", payload, came(arrival))
	if asked != 5 {
		t.Errorf("asked %d times of five names", asked)
	}
	for range 10 {
		in.Judge("pi1", payload, came(arrival))
	}
	if asked != 5 {
		t.Errorf("asked %d times", asked)
	}
}

// What the gateway wants of a device outlives a restart, as its metrics do, and ends with the rule.
func TestIntake_Wanted(t *testing.T) {
	t.Parallel()
	rules := []string{"load*", "max", "failed units*", "max"}
	in := intake.New(ruled(nil, rules...))
	if got := in.Wanted("pi1"); got != nil {
		t.Errorf("got %v before any came", got)
	}
	v := in.Judge("pi1", withLocal([]string{"cpu"}, []string{"load", "failed units", "fan"}), came(arrival))
	want := []string{"failed units", "load"}
	if d := cmp.Diff(want, in.Wanted("pi1")); d != "" || !v.Wants {
		t.Errorf("%t (-want +got)\n%s", v.Wants, d)
	}
	v = in.Judge("pi1", withLocal([]string{"cpu", "load", "failed units"}, []string{"fan"}), came(arrival))
	if v.Wants || len(v.Samples) != 3 {
		t.Errorf("got %+v", v)
	}
	again := func(rules ...string) *intake.Intake {
		next := intake.New(ruled(nil, rules...))
		for _, s := range in.Metrics("pi1") {
			next.KnowMetric("pi1", s)
		}
		return next
	}
	if d := cmp.Diff(want, again(rules...).Wanted("pi1")); d != "" {
		t.Errorf("after a restart (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"load"}, again(rules[:2]...).Wanted("pi1")); d != "" {
		t.Errorf("with one rule (-want +got)\n%s", d)
	}
	none := again("load*", "none")
	if got := none.Wanted("pi1"); got != nil || slices.Contains(namesOf(none.Metrics("pi1")), "load (pi1)") {
		t.Errorf("with none: wants %v, metrics %v", got, none.Metrics("pi1"))
	}
	in.Free("pi1", "load (pi1)")
	if d := cmp.Diff([]string{"failed units"}, in.Wanted("pi1")); d != "" {
		t.Errorf("after it was freed (-want +got)\n%s", d)
	}
	in.Forget("pi1")
	if got := in.Wanted("pi1"); got != nil {
		t.Errorf("after the device went: got %v", got)
	}
}

// A name moves between what stays and what is sent with the list in which it stands.
func TestIntake_Judge_localMoves(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]intake.Config{"without rules": settings(), "with a rule": ruled(nil, "x*", "max")} {
		in := intake.New(cfg)
		for _, tt := range []struct{ samples, local []string }{
			{nil, []string{"disk"}},
			{[]string{"disk"}, nil},
			{nil, []string{"disk"}},
			{[]string{"disk"}, nil},
		} {
			v := in.Judge("pi1", withLocal(tt.samples, tt.local), came(arrival))
			if len(v.Samples) != len(tt.samples) || v.LocalCount != len(tt.local) || len(in.Local("pi1")) != len(tt.local) {
				t.Errorf("%s: %v: got %+v, shown %v", name, tt, v, in.Local("pi1"))
			}
		}
	}
}

func TestIntake_localNamesMove(t *testing.T) {
	t.Parallel()
	in := intake.New(settings())
	payload := []byte(`{"samples":[],"local":[` + bare("load", "") + `,` + bare("fan", "") + `],"attributes":{"serial":"s1"}}`)
	in.Judge("pi1", payload, came(arrival))
	if in.Free("pi1", "fan (pi1)"); !in.Has("pi1", "load (pi1)") || in.Has("pi1", "fan (pi1)") {
		t.Errorf("got %v", in.Local("pi1"))
	}
	in.Rename("pi1", "pi3")
	if in.Local("pi1") != nil || in.Local("pi3") != nil || in.Attributes("pi3")["serial"] != "s1" || in.Attributes("pi1") != nil {
		t.Errorf("after a rename: %v and %v", in.Local("pi1"), in.Local("pi3"))
	}
	in.Judge("pi3", payload, came(arrival))
	if in.Forget("pi3"); in.Local("pi3") != nil || in.Attributes("pi3") != nil {
		t.Errorf("after it went: %v", in.Local("pi3"))
	}
}

// Who sends ever new names gets 200 of them; what did not come for an hour makes room, so that a machine whose disks
// and networks come and go is shown.
func TestIntake_Judge_localNames_bounded(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]string{"local": {"x*", "max"}, "by a rule": {"*", "none"}} {
		cfg := ruled(nil, rules...)
		in := intake.New(cfg)
		send := func(from int, at time.Time) intake.Verdict {
			var all []string
			for i := range 1000 {
				all = append(all, fmt.Sprint("m", from+i))
			}
			if name == "local" {
				return in.Judge("pi1", withLocal(nil, all), came(at))
			}
			return in.Judge("pi1", withLocal(all, nil), came(at))
		}
		for i := range 20 {
			v := send(1000*i, arrival.Add(time.Duration(i)*time.Second))
			if n := v.LocalCount; n != map[bool]int{true: 200, false: 0}[i == 0] || v.CountRefused() != 1000-n ||
				v.Reasons[intake.ReasonMetrics] != 1000-n || len(v.Refused) > 10 {
				t.Fatalf("%s: message %d: %d local, refused %v", name, i, n, v.Reasons)
			}
		}
		if v := in.Judge("pi2", withLocal(nil, []string{"load"}), came(arrival)); v.LocalCount != 1 && name == "local" {
			t.Errorf("%s: another device's: got %+v", name, v)
		}
		if n := len(in.Local("pi1")); n != 200 {
			t.Errorf("%s: %d are kept", name, n)
		}
		if v := send(500_000, arrival.Add(time.Hour+10*time.Second)); v.LocalCount != 200 {
			t.Errorf("%s: an hour later: got %d local", name, v.LocalCount)
		}
	}
}

// A machine that is another one, or has another card, is told with both values. What is not said is no change.
func TestIntake_Judge_attributes(t *testing.T) {
	t.Parallel()
	in := intake.New(settings())
	for i, tt := range []struct {
		attributes string
		want       []intake.Change
		kept       map[string]string
	}{
		{`{"serial":"s1","card":"c1","os":"12"}`, nil, map[string]string{"serial": "s1", "card": "c1", "os": "12"}},
		{`{"serial":"s1","card":"c1","os":"13"}`, nil, map[string]string{"serial": "s1", "card": "c1", "os": "13"}},
		{`null`, nil, map[string]string{"serial": "s1", "card": "c1", "os": "13"}},
		{`{"os":"13"}`, nil, map[string]string{"serial": "s1", "card": "c1", "os": "13"}},
		{
			`{"serial":"s1","card":"c2"}`,
			[]intake.Change{{Attribute: "card", Was: "c1", Is: "c2"}},
			map[string]string{"serial": "s1", "card": "c2"},
		},
		{`{"serial":"s1","card":"c2"}`, nil, map[string]string{"serial": "s1", "card": "c2"}},
		{
			`{"serial":"s2","card":"c3"}`,
			[]intake.Change{{Attribute: "serial", Was: "s1", Is: "s2"}, {Attribute: "card", Was: "c2", Is: "c3"}},
			map[string]string{"serial": "s2", "card": "c3"},
		},
	} {
		v := in.Judge("pi1", []byte(`{"samples":[],"attributes":`+tt.attributes+`}`), came(arrival))
		if d := cmp.Diff(tt.want, v.Changes); d != "" {
			t.Errorf("%d: changes (-want +got)\n%s", i, d)
		}
		if got := in.Attributes("pi1"); !maps.Equal(got, tt.kept) {
			t.Errorf("%d: kept %v", i, got)
		}
	}
	v := in.Judge("pi2", []byte(`{"samples":[],"attributes":{"a":[]}}`), came(arrival))
	if v.AttributesCut != 1 || in.Attributes("pi2") != nil {
		t.Errorf("got %+v", v)
	}
}

// A report of local samples only teaches the device's clock as any other, and one that is wanted is dated by it.
func TestIntake_Judge_localDated(t *testing.T) {
	t.Parallel()
	in := intake.New(ruled(nil, "load*", "max"))
	at := arrival.Add(-time.Minute).Unix()
	v := in.Judge("pi1", fmt.Appendf(nil,
		`{"boot":"b","uptime":100,"sent_uptime":160,"clock":"unsynced","samples":[],"local":[%s]}`,
		bare("load", `,"time":1100`)), came(arrival))
	if got := v.Samples; len(got) != 1 || int64(got[0].Time+v.Shift) != at {
		t.Errorf("got %+v with shift %v, want %d", got, v.Shift, at)
	}
}
