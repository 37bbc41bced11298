package intake

import (
	"cmp"
	"fmt"
	"slices"

	"piway/shared/sample"
)

const (
	// maxLocal is how many names a device may have that stay on the LAN: a machine of many disks and networks has 100.
	maxLocal = 200
	// localKept in seconds is how long one is shown that comes no more, if a new one needs its place.
	localKept = 3600
)

// locals are the newest samples of a device that stay on the LAN, by name. They are in memory only.
type locals struct {
	last  map[string]local
	swept float64 // when old ones made room last, in seconds since boot
}

// A local is the newest sample of a name.
type local struct {
	sample.Sample // Time is when it arrived, by the wall clock

	at   float64 // the same in seconds since boot
	none bool    // a rule says that it stays, wherever in a message it stands
}

// stays reports whether a sample stays on the LAN. base is its name as sent, listed says that it came as local.
func (in *Intake) stays(device, name, base string, listed bool) bool {
	if in.cfg.StaysLocal == nil {
		return listed
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	was, isLocal := in.locals[device].find(name)
	switch { // what is known is not looked up again: patterns take long
	case listed && isLocal, was.none:
		return true
	case in.metrics[metric{device, name}].goes(listed):
		return false
	}
	return in.cfg.StaysLocal(name, base, device, listed)
}

// goes reports whether the metric is known to go to the cloud.
func (u *units) goes(listed bool) bool {
	return u != nil && slices.ContainsFunc(u.all, func(of unit) bool { return listed && of.wanted || !listed && of.sent })
}

func (l *locals) find(name string) (local, bool) {
	if l == nil {
		return local{}, false
	}
	was, ok := l.last[name]
	return was, ok
}

// show keeps a sample that stays on the LAN, to be shown, or returns why it cannot be.
func (in *Intake) show(device string, s *sample.Sample, d *dating) (reason string, err error) {
	if err := sample.CheckName(s.Name); err != nil { // the template or the site made it longer
		return sample.ReasonName, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	of := in.locals[device]
	if of == nil {
		of = &locals{last: map[string]local{}}
		in.locals[device] = of
	}
	was, known := of.find(s.Name)
	if !known && !of.room(d.sinceBoot) {
		return ReasonMetrics, fmt.Errorf("name %q: device %s has %d names already that stay on the LAN, the most that are kept",
			s.Name, device, maxLocal)
	}
	now := local{Sample: *s, at: d.sinceBoot, none: was.none || !d.listed}
	now.Time = sample.Seconds(d.arrived)
	of.last[s.Name] = now
	if u := in.metrics[metric{device, s.Name}].find(s.Unit); u != nil {
		u.sent = false
	}
	return "", nil
}

// room reports whether there is room for one more name. Where there is none, those go that did not come for long; that
// is tried once a minute, since who sends ever new names has none of them.
func (l *locals) room(now float64) bool {
	if len(l.last) < maxLocal {
		return true
	}
	if now-l.swept < 60 && l.swept <= now {
		return false
	}
	l.swept = now
	for name, was := range l.last {
		if now-was.at > localKept {
			delete(l.last, name)
		}
	}
	return len(l.last) < maxLocal
}

// sends notes that a sample of a metric goes to the cloud. in.mu is held.
func (in *Intake) sends(device, name string, of *unit, d *dating) {
	if !of.sent && !d.listed {
		of.sent = true
		if l := in.locals[device]; l != nil {
			delete(l.last, name)
		}
	}
	if d.listed && !of.wanted {
		of.wanted, d.wants = true, true
		in.want(device, name)
	}
}

// want notes that the device is to send a local metric with the others. in.mu is held.
func (in *Intake) want(device, name string) {
	if in.wanted[device] == nil {
		in.wanted[device] = map[string]bool{}
	}
	in.wanted[device][name] = true
}

// isNone reports whether a metric stays on the LAN wherever in a message it stands; isWanted, whether it goes to the
// cloud where it comes as local.
func (in *Intake) isNone(device, name string) bool {
	return in.cfg.StaysLocal != nil && in.cfg.StaysLocal(name, "", device, false)
}

func (in *Intake) isWanted(device, name string) bool {
	return in.cfg.StaysLocal != nil && !in.cfg.StaysLocal(name, in.cfg.Names.Base(name, device), device, true)
}

// Wanted returns the names of a device's local samples that go to the cloud by the rules, as the device sends them: the
// first sample.MaxWanted of those that it has sent, sorted.
func (in *Intake) Wanted(device string) (names []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for name := range in.wanted[device] {
		names = append(names, in.cfg.Names.Base(name, device))
	}
	slices.Sort(names)
	return names[:min(len(names), sample.MaxWanted)]
}

// Local returns the newest samples of a device that stay on the LAN, by name, with the arrival in Time.
func (in *Intake) Local(device string) (all []sample.Sample) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if of := in.locals[device]; of != nil {
		for _, l := range of.last {
			all = append(all, l.Sample)
		}
	}
	slices.SortFunc(all, func(a, b sample.Sample) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
