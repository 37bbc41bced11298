package intake

import (
	"math"
	"slices"
	"time"

	"piway/shared/sample"
)

// A moment is a Moment in seconds.
type moment struct{ wall, boot float64 }

func (m moment) offset() float64 { return m.wall - m.boot }

func (m Moment) seconds() moment {
	return moment{wall: sample.Seconds(m.Wall), boot: m.SinceBoot.Seconds()}
}

// Date returns what to add to the times of a report's samples, 0 mostly, and false if nothing says when they were
// taken. It is what Judge does, for a report that came while the gateway's clock was not right: call it when the clock
// is, with the arrival as it is known then. Of the report it takes the envelope and the time of the newest sample.
func (in *Intake) Date(r *sample.Report, arrived time.Time) (shift float64, datable bool) {
	now := in.cfg.Now().seconds()
	wall := sample.Seconds(arrived)
	at := moment{wall: wall, boot: wall - now.offset()}
	if at.boot < 0 { // in an earlier run of this machine, of which the time may be a guess: it teaches nothing
		in = in.aside(r.Device)
	}
	shift, _, datable = in.date(r, at, true)
	return shift, datable
}

// aside returns an intake that knows what this one knows of a device's clock, and whose learning is forgotten.
func (in *Intake) aside(device string) *Intake {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := &Intake{
		cfg: in.cfg, boots: map[string][]boot{device: slices.Clone(in.boots[device])},
		clocks: map[string]*beginning{},
	}
	if b := in.clocks[device]; b != nil {
		known := *b
		out.clocks[device] = &known
	}
	return out
}

// date returns what to add to the times of a report's samples, and false if nothing says when they were taken.
//
// A synchronised clock is right, so an old "sent" of it is a delay. Of any other the report says how far off it was:
// by the uptimes at the newest sample and at the transmission, however the clock was set in between; by the uptime
// alone, if another report has told when that boot began; by "sent", which is the same clock's. How long this report
// was under way is not known; earlier ones tell, see beginning. While the gateway's clock is not right, it only
// learns.
func (in *Intake) date(r *sample.Report, at moment, right bool) (shift, booted float64, datable bool) {
	newest, hasUptime := bootTime(r)
	var began float64
	known := false
	if hasUptime {
		began, known, booted = in.learn(r, at, right)
	}
	switch {
	case r.Clock == sample.Synced:
		return 0, booted, true
	case known:
		return in.tolerate(began + r.Uptime - newest), booted, true
	case r.Sent == 0: // an agent that sends what an earlier boot read has no "sent" of that clock
		return 0, 0, r.Clock != sample.Unsynced || !hasUptime
	default:
		return in.tolerate(in.sent(r.Device, r.Sent, at) + at.offset()), 0, true
	}
}

// sent is the beginning of a device's own clock, as its reports tell by the time at which they were sent. The clock
// may be set: a beginning that no delay explains is another one at once, any other is believed when nothing speaks
// against it for long.
func (in *Intake) sent(device string, sent float64, at moment) float64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	began := at.boot - sent
	b := in.clocks[device]
	if b == nil || began-b.low > maxDelay {
		b = &beginning{low: began, at: at.boot}
		in.clocks[device] = b
	}
	b.tell(began, at.boot)
	return b.low
}

// plausible reports whether a clock that shows t at about now may be right.
func plausible(t, now float64) bool { return t >= noClockBefore && t <= now+sample.MaxAhead.Seconds() }

// bootTime is the time of the newest sample by the sender's clock, and whether the report says how long after a boot
// that was.
func bootTime(r *sample.Report) (newest float64, hasUptime bool) {
	samples := r.Samples
	if len(samples) == 0 {
		samples = r.Local
	}
	for i := range samples {
		newest = max(newest, samples[i].Time)
	}
	return newest, r.Boot != "" && r.Uptime > 0 && r.Uptime < maxUptime && newest > 0
}

// tolerate takes a small difference for none.
func (in *Intake) tolerate(off float64) float64 {
	if math.Abs(off) <= in.cfg.ClockTolerance.Seconds() {
		return 0
	}
	return off
}

func undatable(t float64) error {
	return timeError{t, "the clock was not set, and the device has started again since; nothing says when that boot began"}
}
