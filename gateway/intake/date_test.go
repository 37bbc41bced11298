package intake_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"piway/gateway/intake"
	"piway/shared/sample"
)

// A reading is a report of one sample of a device of which the clock may be wrong.
type reading struct {
	boot       string
	uptime     float64 // at the sample
	shows      float64 // the device's clock then
	sent       float64 // its clock when it sends, 0 if that is after another boot
	sentUptime float64 // the uptime then
	clock      string
}

func (r reading) json() []byte {
	text := fmt.Sprintf(`"run":"r","seq":1,"boot":%q,"uptime":%f,"clock":%q`, r.boot, r.uptime, r.clock)
	if r.sent > 0 {
		text += fmt.Sprintf(`,"sent":%f`, r.sent)
	}
	if r.sentUptime > 0 {
		text += fmt.Sprintf(`,"sent_uptime":%f`, r.sentUptime)
	}
	return fmt.Appendf(nil, `{%s,"samples":[{"name":"x","unit":"None","value":1,"time":%f}]}`, text, r.shows)
}

// dated returns how long before its arrival the sample was taken, as judged, or -1 if it is refused as not to be dated.
func dated(t *testing.T, in *intake.Intake, r reading) float64 {
	t.Helper()
	v := in.Judge("pi1", r.json(), came(arrival))
	in.Kept(&v)
	if len(v.Refused) > 0 {
		if v.Refused[0].Reason != intake.ReasonNoClock {
			t.Fatalf("refused: %+v", v.Refused)
		}
		return -1
	}
	return now() - v.Samples[0].Time - v.Shift
}

func now() float64 { return float64(arrival.UnixMicro()) / 1e6 }

// In each case the sample was taken 100 s before it arrives, whatever the device's clock says.
func TestIntake_Judge_dates(t *testing.T) {
	const hour, day = 3600, 24 * 3600
	first := reading{boot: "a", uptime: 500, shows: now() - 100, sent: now() - 99, sentUptime: 501, clock: sample.Synced}
	for name, tt := range map[string]struct {
		before []reading // heard of the device earlier
		last   reading
	}{
		"1970, and never set":                    {nil, reading{"b", 20, 20, 120, 120, sample.Unsynced}},
		"1970, and set before it was sent":       {nil, reading{"b", 20, 20, now(), 120, sample.Unsynced}},
		"jumped back an hour before it was sent": {nil, reading{"b", 2000, now() - 100, now() - hour, 2100, sample.Unsynced}},
		"an hour ahead":                          {nil, reading{"b", 2000, now() - 100 + hour, now() + hour, 2100, ""}},
		"sent after another boot, its own known by a synchronised report": {
			[]reading{first}, reading{"a", 500, now() - 3*day, 0, 0, sample.Unsynced},
		},
		"sent after another boot, its own known by one that was sent in time": {
			[]reading{{"a", 460, 460, 600, 600, sample.Unsynced}}, reading{"a", 500, 500, 0, 0, sample.Unsynced},
		},
		"synchronised, and sent late":                        {nil, reading{"a", 500, now() - 100, now(), 0, sample.Synced}},
		"by sent, of one that does not tell its uptime then": {nil, reading{"a", 500, 500, 600, 0, sample.Unsynced}},
		"without a boot, by sent": {
			nil,
			reading{"", 0, now() - 100 - day, now() - day, 0, sample.Unsynced},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := intake.New(settings())
			for _, r := range tt.before {
				dated(t, in, r)
			}
			if ago := dated(t, in, tt.last); math.Abs(ago-100) > 0.1 {
				t.Errorf("dated %.1f s before its arrival, want 100", ago)
			}
		})
	}
}

// Nothing says when a boot was of which only this is known, so its samples are refused rather than shown at a wrong
// time.
func TestIntake_Judge_noDate(t *testing.T) {
	in := intake.New(settings())
	dated(t, in, reading{"a", 500, now(), now(), 500, sample.Synced})
	for name, r := range map[string]reading{
		"1970":               {"b", 500, 500, 0, 0, sample.Unsynced},
		"wrong by some days": {"b", 500, now() - 3*24*3600, 0, 0, sample.Unsynced},
	} {
		if ago := dated(t, in, r); ago != -1 {
			t.Errorf("%s: dated %.1f s before its arrival, want it refused", name, ago)
		}
	}
}

// When a boot began is handed on until it is kept, and after a restart is known from there; only the newest are.
func TestIntake_Judge_booted(t *testing.T) {
	in := intake.New(settings())
	r := reading{"a", 500, now(), now(), 500, sample.Synced}
	for range 2 {
		if v := in.Judge("pi1", r.json(), came(arrival)); math.Abs(v.Booted-(now()-500)) > 0.1 {
			t.Fatalf("not kept yet: got %v, want the boot's beginning", v.Booted)
		}
	}
	dated(t, in, r)
	if v := in.Judge("pi1", r.json(), came(arrival.Add(time.Second))); v.Booted != 0 {
		t.Errorf("kept: got it again")
	}
	again := intake.New(settings())
	again.KnowBoot("pi1", "a", now()-600)
	late := reading{"a", 500, 500, 0, 0, sample.Unsynced}
	if ago := dated(t, again, late); math.Abs(ago-100) > 0.1 {
		t.Errorf("after a restart: dated %.1f s before its arrival, want 100", ago)
	}
	for i := range intake.MaxBoots {
		again.KnowBoot("pi1", fmt.Sprint("boot ", i), now())
	}
	if ago := dated(t, again, late); ago != -1 {
		t.Errorf("after %d more boots: dated %.1f s before its arrival, want it forgotten", intake.MaxBoots, ago)
	}
}
