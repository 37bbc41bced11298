package intake

import (
	"errors"
	"fmt"
	"strings"

	"piway/shared/sample"
)

type owner struct {
	device  string
	kept    bool // on disk
	pending int  // verdicts with this claim of which it is not known whether they are
}

// errPending is why nothing may be decided yet.
var errPending = errors.New("uses it first, which is not on disk yet")

// own decides whether the device may use the metric of a sample. In the cloud the name is all that tells devices apart,
// so it belongs to the device whose name it ends with in brackets, else to the one that used it first.
func (in *Intake) own(device string, s *sample.Sample, d *dating) (claim bool, reason string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if of := bracketed(s.Name); of != "" && in.cfg.IsDevice(of) {
		if of != device {
			return false, ReasonOwner, fmt.Errorf("name %q: belongs to device %s, this is %s", s.Name, of, device)
		}
		reason, err = in.take(device, s, d)
		return false, reason, err
	}
	if o := in.owners[s.Name]; o != nil && o.device != device {
		return false, ReasonOwner, o.keepsOut(s.Name)
	}
	if reason, err := in.take(device, s, d); err != nil {
		return false, reason, err
	}
	return in.claim(device, s.Name), "", nil
}

// claim makes the name the device's, and reports whether that is yet to be kept. in.mu is held.
func (in *Intake) claim(device, name string) bool {
	o := in.owners[name]
	if o == nil {
		o = &owner{device: device}
		in.owners[name] = o
	}
	if !o.kept {
		o.pending++
	}
	return !o.kept
}

// keepsOut is why another device may not use the name.
func (o *owner) keepsOut(name string) error {
	if o.kept {
		return fmt.Errorf("name %q: device %s used it first; put the device's name into it", name, o.device)
	}
	return fmt.Errorf("name %q: device %s: %w", name, o.device, errPending)
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
		if o := in.owners[name]; o != nil {
			o.kept = true
			o.pending--
		}
	}
	if b := in.boot(v.Device, v.Boot); b != nil && v.Booted != 0 {
		b.kept = v.Booted
	}
}

// Failed says that nothing of a verdict was kept: a claim that is in no other one is taken back, and the device is not
// charged for it.
func (in *Intake) Failed(v *Verdict) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.refund(v.Device, v.Charged)
	for _, name := range v.Claims {
		o := in.owners[name]
		if o == nil {
			continue
		}
		if o.pending--; o.pending == 0 && !o.kept {
			delete(in.owners, name)
			in.unuse(v.Device, name)
		}
	}
}
