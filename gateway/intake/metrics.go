package intake

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"piway/shared/sample"
)

// A metric is a name with a unit: CloudWatch keeps the units of a name apart, and each costs money every month.
type metric struct{ device, name string }

// units are those in which a device sends a name.
type units struct {
	all []unit
	// stored says that an earlier version claimed the name. Of which units is not known, so none is one too many.
	stored bool
	// own is the version of the device list by which the name is the device's without a claim, 0 if that is not known.
	own uint64
}

// isOwn says that the name is known to be the device's by this version of the device list.
func (u *units) isOwn(version uint64) bool { return u != nil && version != 0 && u.own == version }

// A unit is one in which a device sends a name.
type unit struct {
	name  string
	value float64 // of the newest sample
	seen  float64 // when that arrived, in Unix seconds
	kept  float64 // as on disk, 0 if it is not there
	paid  paid
	// sent says that it came as one that goes to the cloud, and not as local since; wanted, that it goes there also where
	// it comes as local.
	sent, wanted bool
}

// find returns a unit, or nil.
func (u *units) find(name string) *unit {
	if u == nil {
		return nil
	}
	for i := range u.all {
		if u.all[i].name == name {
			return &u.all[i]
		}
	}
	return nil
}

// keepAgain is how many seconds the time on disk may be behind: a metric costs the disk a row an hour.
const keepAgain = 3600

// see notes a sample, and reports whether that is to be kept.
func (u *unit) see(s *sample.Sample, at float64) bool {
	u.value, u.seen = s.Value, at
	if u.kept != 0 && math.Abs(at-u.kept) < keepAgain {
		return false
	}
	u.kept = at
	return true
}

// keep counts a name that was in use before, also where a smaller bound was set since.
func (in *Intake) keep(device, name string) {
	in.hold(device, name, &units{stored: true})
}

// hold counts the units of a name as a device's. in.mu is held.
func (in *Intake) hold(device, name string, u *units) {
	in.metrics[metric{device, name}] = u
	in.counts[device] += u.n()
}

// n is how many metrics they are.
func (u *units) n() int {
	if u.stored {
		return max(1, len(u.all))
	}
	return len(u.all)
}

// use returns a metric of a device, which it counts if it is new, or says that it is one too many. in.mu is held, also
// while it is used.
func (in *Intake) use(device, name, unitName string) (*unit, error) {
	u := in.metrics[metric{device, name}]
	known := u.find(unitName)
	switch {
	case known != nil:
		return known, nil
	case u != nil && u.stored:
		if len(u.all) == 0 { // the one that keep counted
			in.counts[device]--
		}
	case in.counts[device] >= in.cfg.MaxMetrics:
		return nil, fmt.Errorf("name %q in %s: device %s has %d metrics already, the most allowed (intake.max_metrics)",
			name, unitName, device, in.counts[device])
	case u == nil:
		u = &units{}
		in.metrics[metric{device, name}] = u
	}
	u.all = append(u.all, unit{name: unitName})
	in.counts[device]++
	return &u.all[len(u.all)-1], nil
}

// unuse takes the uses of a name back. in.mu is held.
func (in *Intake) unuse(device, name string) {
	k := metric{device, name}
	if u := in.metrics[k]; u != nil {
		in.counts[device] -= u.n()
		delete(in.metrics, k)
		delete(in.wanted[device], name)
	}
}

// KnowMetric tells the intake what was kept of an earlier one: a metric of a device with its newest value, and in Time
// when that arrived. Call it before Judge. One that stays on the LAN by now is none of the device's metrics any more.
func (in *Intake) KnowMetric(device string, last sample.Sample) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.isNone(device, last.Name) {
		in.unuse(device, last.Name)
		return
	}
	u := in.metrics[metric{device, last.Name}]
	if u == nil {
		u = &units{}
	}
	in.unuse(device, last.Name)
	u.stored = false
	wanted := in.isWanted(device, last.Name)
	u.all = append(u.all, unit{name: last.Unit, value: last.Value, seen: last.Time, kept: last.Time, wanted: wanted})
	in.hold(device, last.Name, u)
	if wanted {
		in.want(device, last.Name)
	}
}

// Metrics returns the metrics of a device by name and unit, each with its newest value, and in Time when that arrived in
// Unix seconds; 0 where an earlier version counted it.
func (in *Intake) Metrics(device string) (all []sample.Sample) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, name := range in.namesOf(device) {
		u := in.metrics[metric{device, name}]
		for i := range u.all {
			all = append(all, sample.Sample{Name: name, Unit: u.all[i].name, Value: u.all[i].value, Time: u.all[i].seen})
		}
		if len(u.all) == 0 {
			all = append(all, sample.Sample{Name: name})
		}
	}
	slices.SortFunc(all, func(a, b sample.Sample) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return all
}

// unkeep says that what was used was not kept. in.mu is held.
func (in *Intake) unkeep(device string, uses []sample.Sample) {
	for i := range uses {
		if u := in.metrics[metric{device, uses[i].Name}].find(uses[i].Unit); u != nil {
			u.kept = 0
		}
	}
}
