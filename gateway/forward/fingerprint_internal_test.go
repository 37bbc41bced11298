package forward

import (
	"testing"
	"time"

	"piway/gateway/rollup"
)

// A pass that was sent in part starts again when anything changes that the numbers of its datums depend on: the
// position of the old numbers would skip samples by the new ones.
func TestForward_fingerprint(t *testing.T) {
	settings := func() rollup.Settings {
		return rollup.Settings{
			Window: time.Minute, Default: rollup.Avg,
			Rules: []rollup.Rule{{Match: "cpu*", Reduce: rollup.Max}, {Match: "*", Reduce: rollup.Min}},
		}
	}
	mark := func(s rollup.Settings, form string) string {
		f := Forwarder{cfg: Config{Rollup: s, FormMark: form}}
		return f.fingerprint()
	}
	was := mark(settings(), "metric 1")
	if want := "rollup 2 window 1m0s default avg rules [{cpu* max} {* min}] kept 3600 of 300000 form metric 1"; was != want {
		t.Errorf("got %q, want %q: passes that were sent in part would be sent again", was, want)
	}
	if got := mark(settings(), "metric 1"); got != was {
		t.Errorf("the same settings: got %q, want %q", got, was)
	}
	if mark(settings(), "emf 2") == was {
		t.Error("another form changes nothing")
	}
	for name, change := range map[string]func(*rollup.Settings){
		"window":          func(s *rollup.Settings) { s.Window = time.Hour },
		"default":         func(s *rollup.Settings) { s.Default = rollup.Last },
		"no rules":        func(s *rollup.Settings) { s.Rules = nil },
		"a rule's match":  func(s *rollup.Settings) { s.Rules[0].Match = "memory*" },
		"a rule's reduce": func(s *rollup.Settings) { s.Rules[0].Reduce = rollup.Sum },
		"order of rules":  func(s *rollup.Settings) { s.Rules[0], s.Rules[1] = s.Rules[1], s.Rules[0] },
	} {
		s := settings()
		if change(&s); mark(s, "metric 1") == was {
			t.Errorf("%s: a change changes nothing", name)
		}
	}
}
