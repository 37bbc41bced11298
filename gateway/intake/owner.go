package intake

import (
	"errors"
	"fmt"
	"strings"
)

type metric struct{ device, name string }

type owner struct {
	device  string
	kept    bool // on disk
	pending int  // verdicts with this claim of which it is not known whether they are
}

// errPending is why nothing may be decided yet.
var errPending = errors.New("uses it first, which is not on disk yet")

// own decides whether the device may use the metric name. In the cloud the name is all that tells devices apart, so it
// belongs to the device whose name it ends with in brackets, else to the one that used it first.
func (in *Intake) own(device, name string) (claim bool, reason string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if of := bracketed(name); of != "" && in.cfg.IsDevice(of) {
		if of != device {
			return false, ReasonOwner, fmt.Errorf("name %q: belongs to device %s, this is %s", name, of, device)
		}
		return false, ReasonMetrics, in.use(device, name)
	}
	if o := in.owners[name]; o != nil {
		return o.decide(device, name)
	}
	if err := in.use(device, name); err != nil {
		return false, ReasonMetrics, err
	}
	in.owners[name] = &owner{device: device, pending: 1}
	return true, "", nil
}

// decide is own for a name that is taken.
func (o *owner) decide(device, name string) (claim bool, reason string, err error) {
	switch {
	case o.device == device && o.kept:
		return false, "", nil
	case o.device == device:
		o.pending++
		return true, "", nil
	case o.kept:
		return false, ReasonOwner, fmt.Errorf("name %q: device %s used it first; put the device's name into it", name, o.device)
	default:
		return false, ReasonOwner, fmt.Errorf("name %q: device %s: %w", name, o.device, errPending)
	}
}

// use counts a metric of a device, or says that it is one too many. Each costs money every month.
func (in *Intake) use(device, name string) error {
	k := metric{device, name}
	if _, ok := in.metrics[k]; ok {
		return nil
	}
	if in.counts[device] >= in.cfg.MaxMetrics {
		return fmt.Errorf("name %q: device %s has %d metrics already, the most allowed (intake.max_metrics)", name, device, in.cfg.MaxMetrics)
	}
	in.metrics[k] = struct{}{}
	in.counts[device]++
	return nil
}

// unuse takes a use back.
func (in *Intake) unuse(device, name string) {
	k := metric{device, name}
	if _, ok := in.metrics[k]; ok {
		delete(in.metrics, k)
		in.counts[device]--
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
		if o := in.owners[name]; o != nil {
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
