package intake_test

import (
	"testing"

	"piway/gateway/intake"
	"piway/gateway/names"
)

// A claim that could not be kept binds nobody, and costs the device none of its metrics.
func TestIntake_Failed(t *testing.T) {
	cfg := settings()
	cfg.MaxMetrics = 1
	in := intake.New(cfg)
	v := in.Judge("pi1", []byte(bare("cpu", "")), came(arrival))
	in.Failed(&v)
	other := in.Judge("pi2", []byte(bare("cpu", "")), came(arrival))
	if len(other.Samples) != 1 || len(other.Claims) != 1 || other.Undecided {
		t.Errorf("after the first claim failed: got %+v, want the name claimed by the second device", other)
	}
	in.Kept(&other)
	if v := in.Judge("pi1", []byte(bare("memory", "")), came(arrival)); len(v.Samples) != 1 {
		t.Errorf("the failed claim counts as a metric: %+v", v.Refused)
	}
}

// A claim in several reports is taken back when none of them was kept, and stays when one was.
func TestIntake_Failed_oneOfSeveral(t *testing.T) {
	for _, kept := range []int{-1, 0, 1} {
		in := intake.New(settings())
		var all [2]intake.Verdict
		for i := range all {
			if all[i] = in.Judge("pi1", []byte(bare("cpu", "")), came(arrival)); len(all[i].Claims) != 1 {
				t.Fatalf("not on disk yet: got %+v, want the claim again", all[i])
			}
		}
		for i := range all {
			if i == kept {
				in.Kept(&all[i])
				continue
			}
			in.Failed(&all[i])
		}
		v := in.Judge("pi2", []byte(bare("cpu", "")), came(arrival))
		if refused := len(v.Refused) == 1 && v.Refused[0].Reason == intake.ReasonOwner; refused != (kept >= 0) ||
			v.Undecided {
			t.Errorf("report %d kept: got %+v", kept, v)
		}
	}
}

// While it is not known whether a claim is kept, nothing is refused by it.
func TestIntake_Judge_undecided(t *testing.T) {
	in := intake.New(settings())
	first := in.Judge("pi1", []byte(bare("cpu", "")), came(arrival))
	both := report("", bare("cpu (pi2)", ""), bare("x", ""))
	if v := in.Judge("pi2", []byte(both), came(arrival)); v.Undecided {
		t.Errorf("of other names: got %+v", v)
	}
	second := in.Judge("pi2", []byte(bare("cpu", "")), came(arrival))
	if !second.Undecided {
		t.Errorf("got %+v, want it undecided", second)
	}
	in.Failed(&second)
	in.Kept(&first)
	if v := in.Judge("pi2", []byte(bare("cpu", "")), came(arrival)); v.Undecided || len(v.Refused) != 1 {
		t.Errorf("the claim is on disk: got %+v, want it refused", v)
	}
}

// The name of a sample that is refused for another reason stays free.
func TestIntake_Judge_refusedClaimsNothing(t *testing.T) {
	cfg := settings()
	cfg.Names = names.New("{name}", "")
	in := intake.New(cfg)
	undated := report(`,"boot":"b","uptime":5,"clock":"unsynced"`, bare("late", `,"time":1799999999`))
	if v := in.Judge("pi1", []byte(undated), came(arrival)); len(v.Refused) != 1 || len(v.Claims) > 0 {
		t.Fatalf("got %+v, want it refused", v)
	}
	if v := in.Judge("pi2", []byte(report("", bare("late", ""))), came(arrival)); v.Undecided || len(v.Claims) != 1 {
		t.Errorf("a name of a refused sample: got %+v, want it free", v)
	}
}
