package intake

import (
	"fmt"
	"slices"
	"strings"
)

// An owner is a claim.
type owner struct {
	name, device string
	kept         bool // on disk
	pending      int  // verdicts with this claim of which it is not known whether they are
}

// owners are the claims, by the key of their names. One key has several where a device writes a name in several ways,
// and those that different devices had when case still counted.
type owners map[string][]*owner

// key is what of a name tells it from others.
func key(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// of returns the claim on exactly this name, or nil.
func (all owners) of(name string) *owner {
	for _, o := range all[key(name)] {
		if o.name == name {
			return o
		}
	}
	return nil
}

// put replaces the claim on exactly this name.
func (all owners) put(o *owner) {
	all.drop(o.name)
	all[key(o.name)] = append(all[key(o.name)], o)
}

func (all owners) drop(name string) {
	k := key(name)
	if all[k] = slices.DeleteFunc(all[k], func(o *owner) bool { return o.name == name }); len(all[k]) == 0 {
		delete(all, k)
	}
}

// keptOut returns the claim that keeps a device from a name, or nil. What one has of exactly this name decides; else one
// of its own, before those of others. The claims of devices that are gone have lapsed. in.mu is held.
func (in *Intake) keptOut(device, name string) (by *owner) {
	mine := false
	for _, o := range in.owners[key(name)] {
		switch {
		case o.device != device && !in.cfg.IsDevice(o.device):
		case o.name == name && o.device == device:
			return nil
		case o.name == name:
			return o
		case o.device == device:
			mine = true
		default:
			by = o
		}
	}
	if mine {
		return nil
	}
	return by
}

// claim makes the name the device's, and reports whether that is yet to be kept. in.mu is held.
func (in *Intake) claim(device, name string) bool {
	o := in.owners.of(name)
	if o == nil || o.device != device {
		o = &owner{name: name, device: device}
		in.owners.put(o)
	}
	if !o.kept {
		o.pending++
	}
	return !o.kept
}

// keepsOut is why another device may not use the name.
func (o *owner) keepsOut(name string) error {
	as := ""
	if o.name != name {
		as = fmt.Sprintf(" as %q", o.name)
	}
	if o.kept {
		return fmt.Errorf("name %q: device %s used it first%s; put the device's name into it", name, o.device, as)
	}
	return fmt.Errorf("name %q: device %s%s: %w", name, o.device, as, errPending)
}

// Has reports whether the device uses a metric of that name, also one that stays on the LAN.
func (in *Intake) Has(device, name string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	_, isLocal := in.locals[device].find(name)
	return isLocal || in.metrics[metric{device, name}] != nil
}

// Free takes one metric name from a device. As with Forget and Rename, no verdict of the device may be open.
func (in *Intake) Free(device, name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.free(device, name)
}

// free is Free. in.mu is held.
func (in *Intake) free(device, name string) {
	if o := in.owners.of(name); o != nil && o.device == device {
		in.owners.drop(name)
	}
	in.unuse(device, name)
	if l := in.locals[device]; l != nil {
		delete(l.last, name)
	}
}

// Forget takes all metric names from a device.
func (in *Intake) Forget(device string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, name := range in.namesOf(device) {
		in.free(device, name)
	}
	delete(in.allowances, device)
	delete(in.locals, device)
	delete(in.wanted, device)
	delete(in.attributes, device)
}

// Rename hands the claims of a device on to the name that it has now. Those of its metrics that have the old name in
// theirs are over.
func (in *Intake) Rename(old, device string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if a := in.allowances[old]; a != nil {
		delete(in.allowances, old)
		in.allowances[device] = a
	}
	if all, ok := in.attributes[old]; ok {
		delete(in.attributes, old)
		in.attributes[device] = all
	}
	delete(in.locals, old) // most have the old name in theirs, and all come again
	for _, name := range in.namesOf(old) {
		o, k := in.owners.of(name), metric{old, name}
		if o == nil || o.device != old {
			in.unuse(old, name)
			continue
		}
		o.device = device
		u := in.metrics[k]
		in.unuse(old, name)
		for i := range u.all {
			u.all[i].sent, u.all[i].wanted = false, false // the rules may say otherwise of it now
		}
		in.hold(device, name, u)
	}
	delete(in.wanted, old)
}

// namesOf returns the metric names of a device. in.mu is held.
func (in *Intake) namesOf(device string) (names []string) {
	for k := range in.metrics {
		if k.device == device {
			names = append(names, k.name)
		}
	}
	return names
}
