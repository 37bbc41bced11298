package intake

import (
	"fmt"
	"math"
	"time"

	"piway/gateway/queue/ranges"
	"piway/shared/sample"
)

// What a device may send, for each of its metrics. It pays with the windows of samples, since each makes a datum of its
// own, however many samples are in it.
const (
	// burst is what it may send at once: all that the queue and CloudWatch keep, which is 14 days, and two more for what
	// is sent twice meanwhile.
	burst = 16 * 24 * time.Hour
	// perWindow is how many windows it may send in each, on and on: the present one, and one that is late.
	perWindow = 2
	// maxPaid is how many ranges of windows are remembered as paid for. Backlogs are one; only who scatters needs more.
	maxPaid = 64
)

// An allowance is what a device has used of its own. It is full again after a restart.
type allowance struct {
	spent float64 // datums
	at    float64 // the gateway's seconds since boot, when that was right
}

// spend takes a datum from the allowance of a device with so many metrics, or returns false if nothing is left.
func (a *allowance) spend(metrics int, window, now float64) bool {
	n := float64(metrics)
	a.spent = max(0, a.spent-perWindow*n*max(0, now-a.at)/window)
	a.at = max(a.at, now)
	if a.spent >= n*burst.Seconds()/window {
		return false
	}
	a.spent++
	return true
}

// paid are the windows of a metric that are paid for: their samples go into a datum that is made anyhow. That holds
// while the window lasts in which they arrived. What comes later goes into another pass and makes a datum of its own,
// but for the present window and the one before it, which a report may well be late for.
type paid struct {
	arrived     int64 // the number of the window
	now, before ranges.Ranges
}

// has reports whether a window is paid for when it arrives.
func (p *paid) has(window, arrived int64) bool {
	if arrived != p.arrived {
		if arrived != p.arrived+1 {
			p.now = nil
		}
		p.arrived, p.now, p.before = arrived, p.before[:0], p.now
	}
	late := window == arrived || window == arrived-1
	return p.now.Has(window) || late && p.before.Has(window)
}

// add remembers a window. Beyond the bound the oldest other one is forgotten.
func (p *paid) add(window int64) {
	p.now = p.now.Add(window)
	if len(p.now) <= maxPaid {
		return
	}
	oldest := 0
	if p.now[0].Lo <= window && window <= p.now[0].Hi {
		oldest = 1
	}
	p.now = append(p.now[:oldest], p.now[oldest+1:]...)
}

// take decides whether the device may send so many metrics, and so many datums of them. in.mu is held.
func (in *Intake) take(device string, s *sample.Sample, d *dating) (reason string, err error) {
	of, err := in.use(device, s.Name, s.Unit)
	if err != nil {
		return ReasonMetrics, err
	}
	if err := in.pay(device, of, s, d); err != nil {
		return ReasonRate, err
	}
	if at := sample.Seconds(d.arrived); of.see(s, at) {
		d.uses = append(d.uses, sample.Sample{Name: s.Name, Unit: s.Unit, Value: s.Value, Time: at})
	}
	in.sends(device, s.Name, of, d)
	return "", nil
}

// pay takes a sample's datum from its device's allowance, unless that is paid for. in.mu is held.
func (in *Intake) pay(device string, of *unit, s *sample.Sample, d *dating) error {
	seconds := max(in.cfg.Window.Seconds(), 1)
	taken := s.Time + d.shift
	arrived := sample.Seconds(d.arrived)
	if s.Time == 0 {
		taken = arrived
	}
	window := int64(math.Floor(taken / seconds))
	if of.paid.has(window, int64(math.Floor(arrived/seconds))) {
		return nil
	}
	a := in.allowances[device]
	if a == nil {
		a = &allowance{at: d.sinceBoot}
		in.allowances[device] = a
	}
	metrics := in.counts[device]
	if !a.spend(metrics, seconds, d.sinceBoot) {
		return fmt.Errorf("time %.0f: device %s sent %.0f datapoints, as many as its %d metrics may have at once, and then "+
			"%d in %s; send few different times of each metric, and look for a clock that jumps", s.Time, device,
			a.spent, metrics, perWindow*metrics, in.cfg.Window)
	}
	of.paid.add(window)
	d.charged++
	return nil
}

// refund gives back what a device was charged for that was not kept. in.mu is held.
func (in *Intake) refund(device string, charged int) {
	if a := in.allowances[device]; a != nil {
		a.spent = max(0, a.spent-float64(charged))
	}
}
