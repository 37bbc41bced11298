package intake_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/intake"
	"piway/gateway/names"
	"piway/shared/sample"
)

// refused reports whether a device may not use a script's name; what it claims is kept.
func refused(in *intake.Intake, device, name string) bool {
	v := in.Judge(device, []byte(bare(name, "")), came(arrival))
	in.Kept(&v)
	return v.Reasons[intake.ReasonOwner] == 1
}

// alike knows the devices, whatever the case.
func alike(devices ...string) func(string) []string {
	return func(name string) (all []string) {
		for _, d := range devices {
			if strings.EqualFold(d, name) {
				all = append(all, d)
			}
		}
		return all
	}
}

// What the template yields for a device is its own, whoever claimed it, unless that claim is of another case.
func TestIntake_Judge_reservedByTemplate(t *testing.T) {
	for name, tt := range map[string]struct {
		template, metric string
		owners           map[string]string
		refused          []bool // pi1, pi2, pi3
	}{
		"in front":     {"{device}.{name}", "pi2.cpu", nil, []bool{true, false, true}},
		"of no device": {"{device}.{name}", "pi9.cpu", nil, []bool{false, true, true}},
		"claimed by another": {
			"{device}.{name}", "pi2.cpu",
			map[string]string{"pi2.cpu": "pi1"},
			[]bool{true, false, true},
		},
		"in another case": {"{device}.{name}", "PI2.CPU", nil, []bool{true, false, true}},
		"claimed in another case": {
			"{device}.{name}", "PI2.CPU",
			map[string]string{"PI2.CPU": "pi3"},
			[]bool{true, true, false},
		},
		"in brackets all the same":   {"{device}.{name}", "cpu (pi2)", nil, []bool{true, false, true}},
		"the template before them":   {"{device}.{name}", "pi1.cpu (pi2)", nil, []bool{false, true, true}},
		"space and case in brackets": {"{name} ({device})", " CPU (PI2) ", nil, []bool{true, false, true}},
		"without a device":           {"{name}", "pi2", nil, []bool{false, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings()
			cfg.Names, cfg.Alike, cfg.Owners = names.New(tt.template, ""), alike("pi1", "pi2", "pi3"), tt.owners
			in := intake.New(cfg)
			for i, device := range []string{"pi1", "pi2", "pi3"} {
				if got := refused(in, device, tt.metric); got != tt.refused[i] {
					t.Errorf("%s: refused %t, want %t", device, got, tt.refused[i])
				}
			}
		})
	}
}

// A name that may be of two devices by the template is that one's which uses it first; devices that differ in case only
// keep what is theirs.
func TestIntake_Judge_ambiguous(t *testing.T) {
	cfg := settings()
	devices := []string{"a", "a.b", "A"}
	cfg.Names, cfg.Alike = names.New("{device}.{name}", ""), alike(devices...)
	cfg.IsDevice = func(name string) bool { return slices.Contains(devices, name) }
	in := intake.New(cfg)
	for _, tt := range []struct {
		device, name string
		refused      bool
	}{
		{"A", "a.b.cpu", true},
		{"a.b", "a.b.cpu", false},
		{"a", "a.b.cpu", true},
		{"A", "A.cpu", false},
		{"a", "a.cpu", false},
		{"a", "A.cpu", true},
	} {
		if got := refused(in, tt.device, tt.name); got != tt.refused {
			t.Errorf("%s of %s: refused %t", tt.name, tt.device, got)
		}
	}
}

// Names that differ in case and outer space only are one device's; what different ones had before stays theirs.
func TestIntake_Judge_case(t *testing.T) {
	cfg := settings()
	cfg.MaxMetrics = 10
	cfg.Owners = map[string]string{"CPU": "pi1", "cpu": "pi2", "Fan": "gone", "load": "pi1"}
	in := intake.New(cfg)
	for _, tt := range []struct {
		device, name string
		refused      bool
	}{
		{"pi1", "CPU", false},
		{"pi2", "cpu", false},
		{"pi1", "cpu", true},
		{"pi2", "CPU", true},
		{"pi3", "Cpu", true},
		{"pi2", "Cpu", false},
		{"pi1", "Cpu", true},
		{"pi2", " LOAD ", true},
		{"pi1", " LOAD ", false},
		{"pi2", "fan", false},
		{"pi1", "Fan", true},
		{"pi2", "Fan", false},
	} {
		if got := refused(in, tt.device, tt.name); got != tt.refused {
			t.Errorf("%s of %s: refused %t", tt.name, tt.device, got)
		}
	}
}

// While a claim in another case is on its way nothing is refused by it.
func TestIntake_Judge_undecidedCase(t *testing.T) {
	in := intake.New(settings())
	first := in.Judge("pi1", []byte(bare("cpu", "")), came(arrival))
	if v := in.Judge("pi2", []byte(bare("CPU", "")), came(arrival)); !v.Undecided {
		t.Errorf("got %+v, want it undecided", v)
	}
	in.Failed(&first)
	if refused(in, "pi2", "CPU") {
		t.Error("a claim that failed keeps another device out")
	}
}

// What a device gives up costs it nothing any more; what it hands on costs the new name the same.
func TestIntake_namesMove(t *testing.T) {
	in := intake.New(settings()) // three metrics
	for _, name := range []string{"a", "b", "c (pi1)"} {
		refused(in, "pi1", name)
	}
	full := func(device string) bool {
		v := in.Judge(device, []byte(bare("one more", "")), came(arrival))
		in.Failed(&v)
		return v.Reasons[intake.ReasonMetrics] == 1
	}
	if !full("pi1") {
		t.Fatal("it has fewer than three")
	}
	in.Free("pi1", "a")
	in.Free("pi2", "b") // which is not its own
	if full("pi1") || refused(in, "pi2", "a") || !refused(in, "pi2", "b") {
		t.Error("a is not free, or b is")
	}
	in.Rename("pi1", "pi3") // c (pi1) is over
	if refused(in, "pi3", "d") || refused(in, "pi3", "e") || !full("pi3") || full("pi1") || !refused(in, "pi1", "b") {
		t.Error("the names were not handed on, or more than them")
	}
	in.Forget("pi3")
	if full("pi3") || refused(in, "pi1", "b") {
		t.Error("the names are not free")
	}
}

// A metric is kept when it is new, once an hour, and again where that failed.
func TestIntake_Judge_uses(t *testing.T) {
	in := intake.New(settings())
	judge := func(after time.Duration) intake.Verdict {
		return in.Judge("pi1", []byte("["+bare("cpu", "")+","+bare("cpu", "")+"]"), came(arrival.Add(after)))
	}
	v := judge(0)
	in.Failed(&v)
	for _, tt := range []struct {
		after time.Duration
		kept  int
	}{{time.Second, 1}, {time.Hour, 0}, {time.Hour + time.Second, 1}, {time.Hour + time.Minute, 0}, {0, 1}} {
		v := judge(tt.after)
		in.Kept(&v)
		if len(v.Uses) != tt.kept {
			t.Errorf("after %s: got %+v", tt.after, v.Uses)
		}
	}
	again := intake.New(settings())
	for _, m := range v.Uses {
		again.KnowMetric("pi1", m)
	}
	want := []sample.Sample{{Name: "cpu", Unit: "Percent", Value: 12.5, Time: 1800000000.5}}
	if got := again.Metrics("pi1"); !slices.Equal(got, want) || len(v.Uses) != 1 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Whose a name is by itself is worked out once, and again when the device list has changed.
func TestIntake_Judge_listChanges(t *testing.T) {
	asked, version, known := 0, uint64(1), []string{"a"}
	cfg := settings()
	cfg.Names = names.New("{device}.{name}", "")
	cfg.IsDevice = func(name string) bool { return slices.Contains(known, name) }
	cfg.Version = func() uint64 { return version }
	cfg.Alike = func(name string) []string {
		if asked++; cfg.IsDevice(name) {
			return []string{name}
		}
		return nil
	}
	in := intake.New(cfg)
	judge := func() (claims []string) {
		v := in.Judge("a", []byte(report("", bare("b.cpu", ""))), came(arrival))
		if len(v.Samples) != 1 {
			t.Fatalf("got refused %v", v.Refused)
		}
		return v.Claims
	}
	judge()
	once := asked
	if claims := judge(); asked != once || claims != nil {
		t.Errorf("again: asked %d times more; claims %v", asked-once, claims)
	}
	version, known = 2, []string{"a", "a.b"}
	for range 2 { // a claim is not known by the list alone
		if claims := judge(); !slices.Equal(claims, []string{"a.b.cpu"}) {
			t.Errorf("with a.b: got claims %v", claims)
		}
	}
	version, known = 3, []string{"a"}
	if claims := judge(); claims != nil {
		t.Errorf("without a.b: got claims %v", claims)
	}
}
