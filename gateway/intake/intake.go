package intake

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"piway/gateway/names"
	"piway/shared/sample"
)

// Reasons for which a sample is refused, beside those of its content alone (sample.ReasonJSON and so on).
const (
	ReasonOwner   = "owner"           // the metric name belongs to another device
	ReasonFuture  = "future"          // further ahead than CloudWatch takes
	ReasonNoClock = "no clock"        // it cannot be dated
	ReasonSize    = sample.ReasonSize // more samples in a message than allowed
	ReasonMetrics = "metrics"         // more metrics of one device than allowed, which are names with a unit
	ReasonRate    = "rate"            // more windows of one device's metrics than its allowance
)

// Bounds of time.
const (
	// noClockBefore: a clock before 2020 was never set. No Raspberry Pi has a battery for it.
	noClockBefore = 1577836800
	// noDateAfter is the year 5138: no clock shows it, and what lies beyond would not fit the arithmetic.
	noDateAfter = 1e11
)

// Config says what is allowed.
type Config struct {
	// Names names the samples as they go to the cloud.
	Names names.Names
	// Reserved reports whether the form that is sent has a use of its own for a base name, as the emf form has. A
	// metric of such a name is refused. May be nil, if there is none.
	Reserved func(base string) bool
	// StaysLocal reports whether samples of a metric stay on the LAN, by the rules: of its name in the cloud, the name as
	// sent (empty if not local), its device, and whether it came as local. Nil, where there is no rule, says that just the
	// local ones do.
	StaysLocal func(name, base, device string, local bool) bool
	// ClockTolerance is how far an unsynchronised sender's clock may be off before its samples are shifted.
	ClockTolerance time.Duration
	// Now is the gateway's moment, for Date.
	Now func() Moment
	// Window is how long those are that samples are reduced to; a device has an allowance of them.
	Window time.Duration
	// MaxSamples in one message, MaxMetrics of one device.
	MaxSamples, MaxMetrics int
	// IsDevice reports whether a device of that name exists.
	IsDevice func(name string) bool
	// Alike returns the devices of that name whatever its case; nil says that case counts.
	Alike func(name string) []string
	// Version changes with what IsDevice and Alike answer, and is never 0; nil says that nobody knows when they do.
	Version func() uint64
	// Owners are the names that are taken already, with their devices. The intake owns the map from then on.
	Owners map[string]string
}

// A Moment is a time by both of the gateway's clocks, and what is known of the first.
type Moment struct {
	// Wall is by the clock on the wall. Right says that it is known to be right; while it is not, nothing is shifted
	// nor refused by time.
	Wall  time.Time
	Right bool
	// SinceBoot is the time since the gateway's machine started, sleep included, which nobody sets. A message's way is
	// measured by it, so that a step of the clock on the wall changes the date of nothing else.
	SinceBoot time.Duration
}

// A Verdict is what a payload amounts to.
type Verdict struct {
	// Report is the message's: the envelope as sent but for Device, which is the authenticated one, and the samples that
	// passed and go to the cloud, named as they do there, times as sent. It has no Local and no Attributes.
	sample.Report

	// Shift in seconds is to be added to the samples' times, 0 mostly.
	Shift float64
	// Booted is when Boot began, in Unix seconds, where that is not on disk or has moved: keep it, then call Kept.
	Booted float64
	// Refusals are of the samples that did not pass.
	sample.Refusals
	// LocalCount is how many samples stay on the LAN. They are among those that Local returns.
	LocalCount int
	// Wants says that Wanted returns more than before.
	Wants bool
	// Changes are what of the device's identity is another than it was. AttributesCut counts what it said of itself beyond
	// the bounds.
	Changes       []Change
	AttributesCut int
	// Claims are names that the device is the first to use: keep them with the samples, then call Kept, or Failed if
	// that could not be.
	Claims []string
	// Uses are metrics of the device that are new, or of which it was not kept for an hour that they are in use: keep name,
	// unit, value, and the arrival in Time with the samples, or call Failed.
	Uses []sample.Sample
	// Charged is how much of the device's allowance the samples took, which Failed gives back.
	Charged int
	// Undecided means that a sample would be refused by another device's claim that is not on disk yet, and may never
	// be. Neither keep nor acknowledge anything of the message, and call Failed; the device sends it again.
	Undecided bool
}

// An Intake judges payloads. Its methods are safe for concurrent use.
type Intake struct {
	cfg Config

	mu         sync.Mutex // guards what follows
	owners     owners
	metrics    map[metric]*units
	counts     map[string]int               // metrics by device
	allowances map[string]*allowance        // by device
	boots      map[string][]boot            // by device, oldest first
	clocks     map[string]*beginning        // of devices that tell no uptime, by device
	locals     map[string]*locals           // by device
	wanted     map[string]map[string]bool   // names of metrics that came as local and go to the cloud, by device
	attributes map[string]map[string]string // by device
}

// New returns an intake.
func New(cfg Config) *Intake {
	in := &Intake{
		cfg: cfg, owners: owners{}, metrics: map[metric]*units{}, counts: map[string]int{},
		allowances: map[string]*allowance{}, boots: map[string][]boot{}, clocks: map[string]*beginning{},
		locals: map[string]*locals{}, wanted: map[string]map[string]bool{}, attributes: map[string]map[string]string{},
	}
	for name, device := range cfg.Owners {
		in.owners.put(&owner{name: name, device: device, kept: true})
		if !in.isNone(device, name) {
			in.keep(device, name)
		}
	}
	return in
}

// Judge decides over a payload that the authenticated device sent and that arrived at that moment.
func (in *Intake) Judge(device string, payload []byte, arrived Moment) Verdict {
	m, err := sample.DecodeUpTo(payload, in.cfg.MaxSamples)
	v := Verdict{Report: m.Report, Refusals: m.Refusals}
	v.Device = device
	if err != nil {
		v.Refuse(1, sample.Refusal{Index: -1, Reason: sample.ReasonJSON, Error: err.Error()})
		return v
	}
	d := dating{arrived: arrived.Wall, sinceBoot: arrived.SinceBoot.Seconds(), right: arrived.Right}
	d.shift, v.Booted, d.datable = in.date(&v.Report, arrived.seconds(), d.right)
	if !d.right {
		d.shift, d.datable = 0, true
	}
	v.Shift, v.AttributesCut = d.shift, m.AttributesCut
	v.Changes = in.identify(device, m.Report.Attributes)
	v.Samples, v.Local, v.Attributes = v.Samples[:0], nil, nil
	for i := range m.Report.Samples {
		in.add(&v, &d, &m, i, false)
	}
	for i := range m.Report.Local {
		in.add(&v, &d, &m, i, true)
	}
	v.Charged, v.Uses, v.Wants = d.charged, d.uses, d.wants
	return v
}

// add decides over one sample of a message, the i-th of the local ones or of the others.
func (in *Intake) add(v *Verdict, d *dating, m *sample.Message, i int, listed bool) {
	s, index, member := m.Report.Samples, m.Index, m.TimeMember
	if listed {
		s, index, member = m.Report.Local, m.LocalIndex, m.LocalTimeMember
	}
	one, base := s[i], s[i].Name
	one.Name = in.name(m.Form, base, v.Device)
	d.listed = listed
	var claim bool
	var reason string
	var err error
	stays := in.stays(v.Device, one.Name, base, listed)
	if stays {
		reason, err = in.show(v.Device, &one, d)
	} else {
		claim, reason, err = in.judge(v.Device, one, d)
	}
	if t, ok := errors.AsType[timeError](err); ok {
		err = t.of(member(i))
	}
	switch {
	case err != nil:
		v.Undecided = v.Undecided || errors.Is(err, errPending)
		v.Refuse(1, sample.Refusal{Index: index(i), Local: listed, Name: one.Name, Reason: reason, Error: err.Error()})
	case stays:
		v.LocalCount++
	default:
		v.Samples = append(v.Samples, one)
		if claim {
			v.Claims = append(v.Claims, one.Name)
		}
	}
}

// name returns how a sample that came in a message of the form is named in the cloud.
func (in *Intake) name(form sample.Form, name, device string) string {
	if form == sample.FormReport {
		return in.cfg.Names.Report(name, device)
	}
	return in.cfg.Names.Script(name)
}

// A dating is what a message's samples are dated by, what their windows cost, and what is to be kept of their
// metrics.
type dating struct {
	arrived   time.Time
	sinceBoot float64 // then
	right     bool    // the gateway's clock is
	shift     float64
	datable   bool
	charged   int
	uses      []sample.Sample
	wants     bool // Wanted returns more than before
	listed    bool // the sample in hand came as local
}

// judge decides over one sample that is to go to the cloud, named as it does.
func (in *Intake) judge(device string, s sample.Sample, d *dating) (claim bool, reason string, err error) {
	if err := in.checkName(s.Name, device); err != nil {
		return false, sample.ReasonName, err
	}
	if !d.datable && s.Time != 0 {
		return false, ReasonNoClock, undatable(s.Time)
	}
	if reason, err := checkTime(s.Time, d.shift, d.arrived); err != nil && (d.right || reason == sample.ReasonTime) {
		return false, reason, err
	}
	return in.own(device, &s, d)
}

// checkName checks a name as it goes to the cloud.
func (in *Intake) checkName(full, device string) error {
	if err := sample.CheckName(full); err != nil { // the template or the site made it longer
		return err
	}
	if in.cfg.Reserved == nil {
		return nil
	}
	if base := in.cfg.Names.Base(full, device); in.cfg.Reserved(base) {
		return fmt.Errorf("name %q: every document of the emf form has a member %q of its own; rename the metric, such as to %q", full, base, base+" value")
	}
	return nil
}

func checkTime(t, shift float64, arrived time.Time) (reason string, err error) {
	if t == 0 {
		return "", nil // it counts as taken at its arrival
	}
	at := t + shift
	switch {
	case at < noClockBefore:
		return ReasonNoClock, timeError{t, `the clock was not set, and without "sent" the sample cannot be dated; set it, or ` +
			"leave the time out, which dates the sample by its arrival"}
	case at > noDateAfter:
		return sample.ReasonTime, timeError{t, "beyond the year 5138, which no clock shows; write seconds since 1970"}
	case at > float64(arrived.Add(sample.MaxAhead).Unix()):
		return ReasonFuture, timeError{t, fmt.Sprintf("%.1f h ahead of the gateway, CloudWatch takes 2; set the device's clock",
			(at-float64(arrived.Unix()))/3600)}
	default:
		return "", nil
	}
}

// A timeError says what is wrong with a time. It does not know what that is called in the message.
type timeError struct {
	t   float64
	why string
}

func (e timeError) Error() string { return e.of("time").Error() }

// of is the error with the member's name: the time in seconds, and where it can be told, as people read it.
func (e timeError) of(member string) error {
	date := ""
	if math.Abs(e.t) < noDateAfter {
		date = " (" + sample.Time(e.t).UTC().Format(time.RFC3339) + ")"
	}
	return fmt.Errorf("%s %.0f%s: %s", member, e.t, date, e.why)
}
