package intake

import "fmt"

// A metric is a name with a unit: CloudWatch keeps the units of a name apart, and each costs money every month.
type metric struct{ device, name string }

// units are those in which a device sends a name.
type units struct {
	all []unit
	// stored says that the name was in use before this intake. Of which units is not known, so none is one too many.
	stored bool
}

// keep counts a name that was in use before, also where a smaller bound was set since.
func (in *Intake) keep(device, name string) {
	in.metrics[metric{device, name}] = &units{stored: true}
	in.counts[device]++
}

// A unit is one in which a device sends a name, and what is paid for of that metric.
type unit struct {
	name string
	paid paid
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
		in.counts[device] -= len(u.all)
		delete(in.metrics, k)
	}
}
