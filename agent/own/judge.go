package own

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"piway/shared/clock"
	"piway/shared/sample"
)

// A look is one at all files.
type look struct {
	dir, device string
	// now is by time.Now: its wall clock is that of the files, and durations go by its monotonic one. wall is what
	// readings are dated by.
	now, wall time.Time
	// first says that there was none before; most is the most that a file can be old that was written since then.
	first bool
	most  time.Duration
}

func (f *Folder) begin() look {
	l := look{
		dir: f.opt.Dir, device: f.opt.Device, now: time.Now(), wall: clock.Now().Truncate(time.Millisecond),
		first: f.looked.IsZero(), most: math.MaxInt64,
	}
	if !l.first {
		l.most = l.now.Sub(f.looked)
	} else if up := clock.SinceBoot(); up > 0 && inMemory(l.dir) {
		l.most = up
	}
	return l
}

// age is how long ago a file was written, by a clock that may have been set since: what cannot be is cut off.
func (l *look) age(written time.Time) time.Duration {
	return min(max(l.now.Sub(written), 0), l.most)
}

// A judge says at one look which readings hold.
type judge struct {
	look
	agents map[string]bool   // folded names
	owners map[string]string // files by folded names
	count  int
}

// ahead is how far the time of a reading may be ahead of the clock, which scripts round.
const ahead = time.Second

// reasonFile is why nothing of a file is taken that cannot be read.
const reasonFile = "file"

// judge returns what a file gives.
func (j *judge) judge(e *entry) Outcome {
	if e.fault != nil && j.now.Sub(e.faultSince) >= unfinished {
		reason := sample.ReasonJSON
		if e.stamp == nil {
			reason = reasonFile
		}
		e.readings, e.Refusals = nil, sample.Refusals{}
		e.Refuse(1, sample.Refusal{Index: -1, Reason: reason, Error: e.fault.Error()})
	}
	o := Outcome{File: e.name, Refusals: sample.Refusals{
		Refused: slices.Clone(e.Refused), Reasons: maps.Clone(e.Reasons),
	}}
	for i := range e.readings {
		r := &e.readings[i]
		old := j.now.Sub(e.since)
		if old >= r.ttl && !e.fresh {
			continue
		}
		if reason, err := j.check(e, r); err != nil {
			o.Refuse(1, sample.Refusal{Index: r.at, Name: r.Name, Reason: reason, Error: err.Error()})
			continue
		}
		if r.Time == 0 || !r.given {
			o.Samples = append(o.Samples, j.dated(r, old))
			r.given = true
		}
	}
	e.fresh = false
	return o
}

// check says why a reading is not taken that is right in itself.
func (j *judge) check(e *entry, r *reading) (reason string, err error) {
	name := folded(r.Name)
	owner, owned := j.owners[name]
	switch {
	case j.agents[name]:
		return sample.ReasonName, fmt.Errorf("name %q: the agent reads that itself; choose another, or switch "+
			"the agent's off (collect in agent.yaml)", r.Name)
	case owned && owner != e.name:
		return sample.ReasonName, fmt.Errorf("name %q: %.100q has it, and was there first; choose another, or "+
			"remove that file", r.Name, owner)
	case r.Time > sample.Seconds(j.wall.Add(ahead)):
		return sample.ReasonTime, fmt.Errorf("time %.0f: ahead of this machine's clock; leave it out for now", r.Time)
	}
	if j.count++; j.count > maxReadings {
		return sample.ReasonSize, fmt.Errorf("name %q: the files hold more than %d readings, the most that are taken", r.Name,
			maxReadings)
	}
	j.owners[name] = e.name
	return "", nil
}

// dated returns the sample of a reading of an age. One that holds no more is given once, as of when it still did.
func (j *judge) dated(r *reading, old time.Duration) sample.Sample {
	s, at := r.Sample, j.wall
	if s.Time != 0 {
		return s
	}
	if old >= r.ttl {
		at = at.Add(-old)
	}
	s.Time = sample.Seconds(at)
	return s
}
