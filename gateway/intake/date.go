package intake

import (
	"fmt"
	"math"
	"time"

	"piway/shared/sample"
)

// A boot of a device, and when it began.
type boot struct {
	id    string
	began float64 // Unix seconds
	kept  bool    // on disk
}

const (
	// MaxBoots of a device are remembered, the newest.
	MaxBoots = 16
	// bootMoved is how far the beginning of a boot may be told differently, in seconds: messages take their time.
	bootMoved = 2
	// maxUptime in seconds is three centuries: what is longer is a mistake, and would not fit the arithmetic.
	maxUptime = 1e10
)

// date returns what to add to the times of a report's samples, and false if nothing says when they were taken.
//
// A synchronised clock is right, so an old "sent" of it is a delay. Of any other the report says how far off it was: by
// the uptimes at the newest sample and at the transmission, however the clock was set in between; by the uptime alone, if
// another report has told when that boot began; by "sent", which is the same clock's.
func (in *Intake) date(device string, r *sample.Report, arrived time.Time) (shift, booted float64, datable bool) {
	now := seconds(arrived)
	newest, hasUptime := bootTime(r)
	if r.Clock == sample.Synced {
		if hasUptime && plausible(newest, arrived) {
			booted = in.learn(device, r.Boot, newest-r.Uptime)
		}
		return 0, booted, true
	}
	if hasUptime {
		began, known := in.began(device, r.Boot)
		if r.SentUptime >= r.Uptime && r.SentUptime < maxUptime {
			began, known = now-r.SentUptime, true
			booted = in.learn(device, r.Boot, began)
		}
		if known {
			return in.tolerate(began + r.Uptime - newest), booted, true
		}
	}
	if r.Sent == 0 { // an agent that sends what an earlier boot read has no "sent" of that clock
		return 0, 0, r.Clock != sample.Unsynced || !hasUptime
	}
	return in.tolerate(now - r.Sent), 0, true
}

// plausible reports whether a clock that shows t at about now may be right.
func plausible(t float64, now time.Time) bool {
	return t >= noClockBefore && t <= float64(now.Add(maxAhead).Unix())
}

// bootTime is the time of the newest sample by the sender's clock, and whether the report says how long after a boot that was.
func bootTime(r *sample.Report) (newest float64, hasUptime bool) {
	for _, s := range r.Samples {
		newest = max(newest, s.Time)
	}
	return newest, r.Boot != "" && r.Uptime > 0 && r.Uptime < maxUptime && newest > 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// tolerate takes a small difference for none.
func (in *Intake) tolerate(off float64) float64 {
	if math.Abs(off) <= in.cfg.ClockTolerance.Seconds() {
		return 0
	}
	return off
}

func errUndatable(t float64) error {
	return fmt.Errorf("time %.0f: the clock was not set, and the device has started again since; nothing says when that boot began", t)
}

// learn remembers when a boot began. It returns that if it is to be kept on disk, else 0.
func (in *Intake) learn(device, id string, began float64) float64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.boots[device]
	for i := range list {
		b := &list[i]
		if b.id != id {
			continue
		}
		if math.Abs(b.began-began) > bootMoved {
			b.began, b.kept = began, false
		}
		if b.kept {
			return 0
		}
		return b.began
	}
	in.addBoot(device, boot{id: id, began: began})
	return began
}

// addBoot forgets the oldest for it. in.mu is held.
func (in *Intake) addBoot(device string, b boot) {
	list := append(in.boots[device], b)
	in.boots[device] = list[max(0, len(list)-MaxBoots):]
}

func (in *Intake) began(device, id string) (float64, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, b := range in.boots[device] {
		if b.id == id {
			return b.began, true
		}
	}
	return 0, false
}

// keptBoot notes that it is on disk when a boot began. in.mu is held.
func (in *Intake) keptBoot(device, id string, began float64) {
	for i := range in.boots[device] {
		if b := &in.boots[device][i]; b.id == id && b.began == began {
			b.kept = true
		}
	}
}

// KnowBoot tells the intake what was kept of an earlier one: when a boot of a device began. Call it before Judge, for the
// oldest boots first.
func (in *Intake) KnowBoot(device, id string, began float64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.addBoot(device, boot{id: id, began: began, kept: true})
}
