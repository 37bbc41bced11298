package intake_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"piway/gateway/intake"
	"piway/shared/sample"
)

// A line carries reports of a device without a right clock to an intake, with delays. Time is in seconds since the
// start.
type line struct {
	t    *testing.T
	in   *intake.Intake
	off  float64 // of the device's clock
	rate float64 // by which the device's clocks run slow
	step float64 // of the gateway's wall clock

	withoutUptime bool // a script: only its clock tells
	wrong         bool // the gateway's clock, and known to be
	now           float64
	booted        int // how often a beginning was to be kept
	last          sample.Report
}

const booted = 5000 // the device's uptime at the start

func newLine(t *testing.T) *line {
	l := &line{t: t, off: -3600}
	l.restart()
	return l
}

// restart begins a new intake, as a gateway does that starts again.
func (l *line) restart() {
	cfg := settings()
	cfg.MaxMetrics = 1000
	cfg.Now = l.moment
	l.in = intake.New(cfg)
}

func (l *line) moment() intake.Moment {
	return intake.Moment{Wall: l.wall(l.now), Right: !l.wrong, SinceBoot: time.Duration((900 + l.now) * 1e9)}
}

func (l *line) wall(at float64) time.Time { return arrival.Add(time.Duration((at + l.step) * 1e9)) }

// send sends a sample that was taken then, and returns by how much it is dated wrong when it arrives.
func (l *line) send(taken, arrives float64) (off float64) {
	l.t.Helper()
	l.now = arrives
	shows := now() + taken*(1-l.rate) + l.off
	uptime := ""
	if !l.withoutUptime {
		uptime = fmt.Sprintf(`"boot":"a","uptime":%f,"sent_uptime":%[1]f,`, booted+taken*(1-l.rate))
	}
	text := fmt.Sprintf(`{"run":"r","seq":1,%s"clock":"unsynced","sent":%f,"samples":[{"name":"x","unit":"None","value":1,"time":%[2]f}]}`, uptime, shows)
	v := l.in.Judge("pi1", []byte(text), l.moment())
	if len(v.Refused) > 0 {
		l.t.Fatalf("refused: %+v", v.Refused)
	}
	if v.Booted != 0 {
		l.booted++
	}
	l.in.Kept(&v)
	l.last = v.Report
	return v.Samples[0].Time + v.Shift - now() - taken
}

func (l *line) want(taken, arrives, off, within float64) {
	l.t.Helper()
	if got := l.send(taken, arrives); math.Abs(got-off) > within {
		l.t.Errorf("taken at %.0f s, arrived at %.0f s: dated %.2f s wrong, want %.2f", taken, arrives, got, off)
	}
}

// A link that stands still for 24 s, then lets all through at once: what it held up is dated as if it had come at once.
func TestIntake_Judge_stalledLink(t *testing.T) {
	for _, script := range []bool{false, true} {
		l := newLine(t)
		l.withoutUptime = script
		for i := range 60 {
			l.want(float64(i), float64(i)+0.1, 0, 1)
		}
		for i := 60; i < 84; i++ {
			l.want(float64(i), 84.1, 0, 1)
		}
		l.want(85, 85.1, 0, 1)
		if l.booted > 1 {
			t.Errorf("a beginning was to be kept %d times, want once", l.booted)
		}
	}
}

// Two quartz clocks part: at 100 ppm by four minutes in 30 days. The dates follow, also where readings are hours
// apart, and so does what is kept, seldom.
func TestIntake_Judge_drift(t *testing.T) {
	const days = 30 * 24 * 3600
	for _, rate := range []float64{100e-6, -100e-6} {
		for _, every := range []int{300, 6 * 3600} {
			for _, script := range []bool{false, true} {
				l := newLine(t)
				l.rate, l.withoutUptime = rate, script
				for at := 0; at < days; at += every {
					l.want(float64(at), float64(at)+0.05*float64(at/every%7), 0, 1)
				}
				l.want(days, days+0.1, 0, 1)
				l.want(days+1, days+24, 0, 1)
				if l.booted > 140 {
					t.Errorf("drift of %.6f: a beginning was to be kept %d times in 30 days, want at most 140", rate, l.booted)
				}
			}
		}
	}
}

// A gateway's clock that is set wrong dates what comes then, and nothing afterwards.
func TestIntake_Judge_steppedGateway(t *testing.T) {
	for _, step := range []float64{3600, -3600, 20} {
		l := newLine(t)
		for i := range 30 {
			at := float64(i) * 15
			l.step = 0
			if i >= 10 && i < 20 {
				l.step = step
			}
			l.want(at, at+0.1, l.step, 1)
			l.want(at+1, at+13, l.step, 1) // held up
		}
		if l.booted != 3 {
			t.Errorf("a step of %.0f s: a beginning was to be kept %d times, want at the start and at both steps", step,
				l.booted)
		}
	}
}

// What was kept of a boot dates what is held up when the gateway starts again; what no delay explains is not believed.
func TestIntake_KnowBoot_stalledLink(t *testing.T) {
	for _, tt := range []struct{ told, want float64 }{{0, 0}, {-1.5, -1.5}, {-3600, 24}, {3600, 24}} {
		l := newLine(t)
		l.in.KnowBoot("pi1", "a", now()-booted+tt.told)
		l.want(100, 124, tt.want, 0.1)
		if tt.want > 0 {
			l.want(130, 130, 0, 0.1)
		}
	}
}

// What came while the gateway's clock was wrong is dated when it is right, and what it told meanwhile counts.
func TestIntake_Date(t *testing.T) {
	for _, script := range []bool{false, true} {
		for _, restart := range []bool{false, true} {
			l := newLine(t)
			l.withoutUptime, l.wrong, l.step = script, true, -20*24*3600
			l.send(0, 0.1)
			first := l.last
			if got := l.send(10, 34); math.Abs(got-l.off) > 1e-3 {
				t.Errorf("without a right clock: shifted by %.1f s, want it as it came", got-l.off)
			}
			held := l.last
			l.wrong, l.step, l.now = false, 0, 100
			if restart {
				l.restart()
			}
			for _, r := range []struct {
				report  sample.Report
				arrived float64
			}{{first, 0.1}, {held, 34}} {
				shift, ok := l.in.Date(&r.report, l.wall(r.arrived))
				if want := -l.off; !ok || math.Abs(shift-want) > 0.5 {
					t.Errorf("arrived at %.1f s: got a shift of %.1f s, %v, want %.1f", r.arrived, shift, ok, want)
				}
			}
		}
	}
}

// A script's clock may be set while it runs.
func TestIntake_Judge_setClock(t *testing.T) {
	l := newLine(t)
	l.withoutUptime = true
	at := 0.0
	run := func(minutes int) (off float64) {
		for range minutes {
			off = l.send(at, at+0.1)
			at += 60
		}
		return off
	}
	run(10)
	for _, tt := range []struct {
		step    float64
		minutes int
	}{{7200, 1}, {30, 1}, {-3600, 1}, {-30, 63}} { // a small step back looks like a delay, for an hour
		l.off += tt.step
		if off := run(tt.minutes); math.Abs(off) > 1 {
			t.Errorf("%d minutes after a step of %.0f s: dated %.1f s wrong", tt.minutes, tt.step, off)
		}
	}
}
