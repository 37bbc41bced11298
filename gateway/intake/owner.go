package intake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"piway/shared/sample"
)

// errPending is why nothing may be decided yet.
var errPending = errors.New("uses it first, which is not on disk yet")

// own decides whether the device may use the metric of a sample. In the cloud the name is all that tells devices
// apart, so it belongs to the device that it is reserved for, else to the one that used it first.
func (in *Intake) own(device string, s *sample.Sample, d *dating) (claim bool, reason string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	name, k, version := s.Name, metric{device, s.Name}, in.cfg.version()
	if in.metrics[k].isOwn(version) {
		reason, err = in.take(device, s, d)
		return false, reason, err
	}
	of, sure := in.reserved(name)
	if len(of) > 0 && !slices.Contains(of, device) {
		return false, ReasonOwner, fmt.Errorf("name %q: belongs to device %s, this is %s", name, of[0], device)
	}
	first := len(of) != 1
	if first {
		if o := in.keptOut(device, name); o != nil {
			return false, ReasonOwner, o.keepsOut(name)
		}
	}
	if reason, err := in.take(device, s, d); err != nil {
		return false, reason, err
	}
	if sure && !first {
		in.metrics[k].own = version
	}
	return first && in.claim(device, name), "", nil
}

// reserved returns the devices of which a name is by itself, mostly one: of whose reports the template makes it, else
// the one in brackets at its end. Case counts only between devices that differ in nothing else; a name in another case
// than the device's stays with who claimed it before. It is sure if only the device list can change it. in.mu is held.
func (in *Intake) reserved(name string) (of []string, sure bool) {
	k, is := key(name), in.cfg.Names.IsReport
	of = in.cfg.Names.Devices(k, in.alike)
	if len(of) == 0 {
		of = in.alike(bracketed(k))
		is = func(name, device string) bool { return bracketed(name) == device }
	}
	if len(of) == 1 && is(name, of[0]) { // mostly
		return of, true
	}
	if exact := slices.DeleteFunc(slices.Clone(of), func(d string) bool { return !is(name, d) }); len(exact) > 0 {
		return exact, true
	}
	if o := in.owners.of(name); o != nil && in.cfg.IsDevice(o.device) {
		return nil, false
	}
	return of, false
}

// version is that of the device list, 0 if it is not known.
func (c *Config) version() uint64 {
	if c.Version == nil {
		return 0
	}
	return c.Version()
}

// alike returns the devices of a name, whatever its case.
func (in *Intake) alike(device string) []string {
	switch {
	case device == "":
		return nil
	case in.cfg.Alike != nil:
		return in.cfg.Alike(device)
	case in.cfg.IsDevice(device):
		return []string{device}
	default:
		return nil
	}
}

// bracketed returns X of a name that ends with "(X)".
func bracketed(name string) string {
	if !strings.HasSuffix(name, ")") {
		return ""
	}
	i := strings.LastIndexByte(name, '(')
	if i < 0 {
		return ""
	}
	return name[i+1 : len(name)-1]
}

// Kept says that a verdict's Claims and Booted are on disk and need not be kept again.
func (in *Intake) Kept(v *Verdict) {
	if len(v.Claims) == 0 && v.Booted == 0 {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, name := range v.Claims {
		if o := in.owners.of(name); o != nil && o.device == v.Device {
			o.kept = true
			o.pending--
		}
	}
	if b := in.boot(v.Device, v.Boot); b != nil && v.Booted != 0 {
		b.kept = v.Booted
	}
}

// Failed says that nothing of a verdict was kept: a claim that is in no other one is taken back.
func (in *Intake) Failed(v *Verdict) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.refund(v.Device, v.Charged)
	in.unkeep(v.Device, v.Uses)
	for _, name := range v.Claims {
		o := in.owners.of(name)
		if o == nil || o.device != v.Device { // given up meanwhile
			continue
		}
		if o.pending--; o.pending == 0 && !o.kept {
			in.owners.drop(name)
			in.unuse(v.Device, name)
		}
	}
}
