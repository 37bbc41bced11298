package intake

import (
	"math"

	"piway/shared/sample"
)

const (
	// MaxBoots of a device are remembered, the newest.
	MaxBoots = 16
	// bootMoved is how far the beginning of a boot moves before it is kept on disk again, in seconds: at the worst
	// drift that is once in five hours.
	bootMoved = 2
	// maxUptime in seconds is three centuries: what is longer is a mistake, and would not fit the arithmetic.
	maxUptime = 1e10
)

// A boot of a device, and when it began.
type boot struct {
	id string
	// wall is that in Unix seconds, by the device's own clock while that was right, or as kept on disk; 0 once messages
	// have told it since.
	wall float64
	// begin is what messages told, if known.
	begin beginning
	known bool
	kept  float64 // as on disk, 0 if it is not there
}

// told takes what a message told that was sent at this uptime. While the gateway's clock is not right, wall is left
// for later.
func (b *boot) told(sentUptime float64, at moment, right bool) {
	began := at.boot - sentUptime
	if b.known {
		b.begin.tell(began, at.boot)
	} else {
		b.begin, b.known = beginning{low: began, at: at.boot}, true
	}
	if !right || b.wall == 0 {
		return
	}
	// What was known before is the smaller one, if a delay can be between them; else one of them is by a wrong clock.
	if was := b.wall - at.offset(); was <= b.begin.low && b.begin.low-was <= maxDelay {
		b.begin = beginning{low: was, at: at.boot}
	}
	b.wall = 0
}

// began is when the boot began, in Unix seconds by the gateway's clock of now.
func (b *boot) began(at moment) float64 {
	if b.wall != 0 {
		return b.wall
	}
	return b.begin.low + at.offset()
}

// learn takes what a report tells of its boot and returns when that began in Unix seconds, if it is known, and the
// same if it is to be kept on disk, else 0.
func (in *Intake) learn(r *sample.Report, at moment, right bool) (began float64, known bool, booted float64) {
	newest, _ := bootTime(r)
	exact := r.Clock == sample.Synced && right && plausible(newest, at.wall)
	tells := r.SentUptime >= r.Uptime && r.SentUptime < maxUptime
	in.mu.Lock()
	defer in.mu.Unlock()
	b := in.boot(r.Device, r.Boot)
	if !exact && !tells {
		if b == nil {
			return 0, false, 0
		}
		return b.began(at), true, 0
	}
	if b == nil {
		b = in.addBoot(r.Device, boot{id: r.Boot})
	}
	if exact {
		b.wall, b.known = newest-r.Uptime, false
	} else {
		b.told(r.SentUptime, at, right)
	}
	began = b.began(at)
	return began, true, b.unkept(began, right)
}

// unkept returns when the boot began if that is to be kept on disk, else 0.
func (b *boot) unkept(began float64, right bool) float64 {
	if !right || math.Abs(began-b.kept) <= bootMoved {
		return 0
	}
	return began
}

// boot returns what is known of a boot, or nil. in.mu is held, also while it is used.
func (in *Intake) boot(device, id string) *boot {
	for i := range in.boots[device] {
		if b := &in.boots[device][i]; b.id == id {
			return b
		}
	}
	return nil
}

// addBoot forgets the oldest for it. in.mu is held, also while it is used.
func (in *Intake) addBoot(device string, b boot) *boot {
	list := append(in.boots[device], b)
	list = list[max(0, len(list)-MaxBoots):]
	in.boots[device] = list
	return &list[len(list)-1]
}

// KnowBoot tells the intake what was kept of an earlier one: when a boot of a device began. Call it before Judge, for
// the oldest boots first.
func (in *Intake) KnowBoot(device, id string, began float64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.addBoot(device, boot{id: id, wall: began, kept: began})
}
