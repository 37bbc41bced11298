package rollup_test

import (
	"strings"
	"testing"
	"time"

	"piway/gateway/rollup"
	"piway/shared/sample"
)

func TestSettings_StaysLocal(t *testing.T) {
	t.Parallel()
	rules := func(pairs ...string) (all []rollup.Rule) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, rollup.Rule{Match: pairs[i], Reduce: rollup.Reduction(pairs[i+1])})
		}
		return all
	}
	for name, tt := range map[string]struct {
		rules               []rollup.Rule
		base                string
		local, other, emfIn bool // of a local sample, of another, and of a local one where the form takes the device off
	}{
		"no rule":             {nil, "load", true, false, true},
		"another's":           {rules("disk*", "max"), "load", true, false, true},
		"it is named":         {rules("load*", "max"), "load", false, false, false},
		"by its base":         {rules("load", "max"), "load", true, false, false}, // which the metric form does not have
		"behind wildcards":    {rules("*load (*", "max"), "load", false, false, false},
		"a part of it":        {rules("load*", "max"), "load average", true, false, true},
		"the documented rule": {rules("cpu temperature *", "max"), "cpu temperature of the disk", true, false, true},
		"wildcards alone":     {rules("*", "max", "load*", "max"), "load", true, false, true},
		"none by wildcards":   {rules("*", "none", "load*", "max"), "load", true, true, true},
		"none behind":         {rules("load*", "sum", "*", "none"), "load", false, false, false},
		"none of another":     {rules("disk*", "none"), "load", true, false, true},
		"an escaped name":     {rules(`disk usage /mnt/a\*b*`, "max"), "disk usage /mnt/a*b", false, false, false},
	} {
		set := rollup.Settings{Window: time.Minute, Rules: tt.rules}
		full := tt.base + " (kitchen)"
		if got := set.StaysLocal(full, tt.base, "kitchen", true); got != tt.local {
			t.Errorf("%s: a local sample stays: %t", name, got)
		}
		if got := set.StaysLocal(full, tt.base, "kitchen", false); got != tt.other {
			t.Errorf("%s: another stays: %t", name, got)
		}
		set.Base = func(name, device string) string { return strings.TrimSuffix(name, " ("+device+")") }
		if got := set.StaysLocal(full, tt.base, "kitchen", true); got != tt.emfIn {
			t.Errorf("%s: in the emf form a local sample stays: %t", name, got)
		}
	}
}

// What was stored before a rule said none is sent as by default, in either form: nothing of it is lost.
func TestDatums_none(t *testing.T) {
	t.Parallel()
	set := settings(rollup.Rule{Match: "*", Reduce: rollup.None})
	r := rollup.New(set)
	r.Add("kitchen", []sample.Sample{one("m", 1, 60), one("m", 2, 61), one("m", 6, 62)})
	if got := r.Datums(); len(got) != 1 || got[0].Value != 3 || got[0].Samples != 3 {
		t.Errorf("got %+v, want one average of 3", got)
	}
	set.Default = rollup.Values
	r = rollup.New(set)
	r.Add("kitchen", []sample.Sample{one("m", 1, 60), one("m", 2, 61), one("m", 6, 62)})
	if got := r.Datums(); len(got) != 1 || len(got[0].Values) != 3 {
		t.Errorf("got %+v, want three values", got)
	}
}
