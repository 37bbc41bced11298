package localcore

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"piway/localcore/broker"
	"piway/localcore/page"
	"piway/shared/config"
)

// A Fault is something that goes wrong on request.
type Fault struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	Value string `json:"value,omitempty"` // such as a delay
	// Until is when it ends by itself; zero while it is off.
	Until time.Time `json:"until,omitzero"`
}

// The faults by name, each with what it does and the value that it has if none is given.
var faultTable = []struct{ name, what, value string }{
	{"withhold", "messages are taken and not acknowledged", ""},
	{"delay", "acknowledgements come late, by a duration", "2s"},
	{"close", "all connections are closed, now and each second", ""},
	{"refuse", "connects are refused: server unavailable", ""},
	{"throttle", "publishes above a number a second are silently discarded", "10"},
	{"fail", "rule actions fail, with a message", "Rate exceeded (Service: AmazonCloudWatch; Error Code: Throttling)"},
	{"offline", "off the network: nothing is answered and nothing closed", ""},
}

// Bounds of a fault.
const (
	defaultFault = 10 * time.Second
	maxFault     = 24 * time.Hour
	closeEvery   = time.Second
)

// faults switches them. Its methods are safe for concurrent use.
type faults struct {
	broker *broker.Broker
	cloud  *Cloud

	mu     sync.Mutex // guards active; held while a fault is applied, so that the last one set counts
	active map[string]*activeFault
}

type activeFault struct {
	value string
	until time.Time
	timer *time.Timer
}

func newFaults(b *broker.Broker, c *Cloud) *faults {
	return &faults{broker: b, cloud: c, active: map[string]*activeFault{}}
}

// set switches a fault on for a time, or off if that is 0. A value of "" means the fault's own.
func (f *faults) set(name, value string, length time.Duration) error {
	i := slices.IndexFunc(faultTable, func(t struct{ name, what, value string }) bool { return t.name == name })
	if i < 0 {
		return config.Try(fmt.Errorf("fault %.40q: not known", name), "one of "+strings.Join(faultNames(), ", "))
	}
	value = cmp.Or(value, faultTable[i].value)
	if err := checkFault(name, value, length); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.active[name]; old != nil {
		old.timer.Stop()
		delete(f.active, name)
	}
	if length > 0 {
		a := &activeFault{value: value, until: time.Now().Add(length)}
		a.timer = time.AfterFunc(length, func() { f.end(name, a) })
		f.active[name] = a
	}
	f.apply()
	if name == "close" && length > 0 {
		f.closeAgain(f.active[name])
	}
	return nil
}

func checkFault(name, value string, length time.Duration) error {
	if length < 0 || length > maxFault {
		return fmt.Errorf("fault %s: must last between 0s and %s, got %s", name, maxFault, length)
	}
	switch name {
	case "delay":
		if d, err := time.ParseDuration(value); err != nil || d <= 0 {
			return fmt.Errorf("fault %s: must be a duration such as 2s, got %.40q", name, value)
		}
	case "throttle":
		if n, err := strconv.Atoi(value); err != nil || n < 1 {
			return fmt.Errorf("fault %s: must be a number of publishes a second, 1 or more, got %.40q", name, value)
		}
	}
	return nil
}

func faultNames() []string {
	names := make([]string, len(faultTable))
	for i, t := range faultTable {
		names[i] = t.name
	}
	return names
}

// end switches a fault off when its time is over, unless it was set anew meanwhile.
func (f *faults) end(name string, a *activeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active[name] == a {
		delete(f.active, name)
		f.apply()
	}
}

// closeAgain closes all connections, now and while the fault lasts. f.mu is held.
func (f *faults) closeAgain(a *activeFault) {
	f.broker.Drop()
	time.AfterFunc(closeEvery, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.active["close"] == a {
			f.closeAgain(a)
		}
	})
}

// apply puts the active faults into force. f.mu is held.
func (f *faults) apply() {
	var b broker.Faults
	_, b.WithholdPubacks = f.active["withhold"]
	_, b.RefuseConnects = f.active["refuse"]
	_, b.Offline = f.active["offline"]
	if a := f.active["delay"]; a != nil {
		b.PubackDelay, _ = time.ParseDuration(a.value) // checked in set
	}
	if a := f.active["throttle"]; a != nil {
		b.PublishesPerSecond, _ = strconv.Atoi(a.value) // checked in set
	}
	f.broker.SetFaults(b)
	message := ""
	if a := f.active["fail"]; a != nil {
		message = a.value
	}
	f.cloud.setFail(message)
}

// stop ends all faults, so that no timer outlives the core.
func (f *faults) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, a := range f.active {
		a.timer.Stop()
		delete(f.active, name)
	}
	f.apply()
}

// all returns every fault and whether it is on.
func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Fault, len(faultTable))
	for i, t := range faultTable {
		list[i] = Fault{Name: t.name, What: t.what}
		if a := f.active[t.name]; a != nil {
			list[i].Value, list[i].Until = a.value, a.until
		}
	}
	return list
}

// parseFault reads NAME, NAME:LENGTH or NAME:LENGTH:VALUE, as on the command line.
func parseFault(text string) (name, value string, length time.Duration, err error) {
	name, rest, _ := strings.Cut(text, ":")
	lengthText, value, _ := strings.Cut(rest, ":")
	length = defaultFault
	if lengthText != "" {
		if length, err = time.ParseDuration(lengthText); err != nil {
			return "", "", 0, config.Try(fmt.Errorf("fault %.60q: %q is not a duration", text, lengthText),
				"NAME:LENGTH or NAME:LENGTH:VALUE, such as delay:1m:500ms")
		}
	}
	return name, value, length, nil
}

// handle answers POST /faults/{name} with for=LENGTH and value=VALUE, in the query or as a form; for=0s switches off.
func (f *faults) handle(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	name, value, length, err := parseFault(r.PathValue("name") + ":" + r.FormValue("for") + ":" + r.FormValue("value"))
	if err == nil {
		err = f.set(name, value, length)
	}
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		http.Redirect(w, r, page.Back(r), http.StatusSeeOther) //nolint:gosec // a person pressed a button; Back stays on this page
	default:
		writeJSON(w, f.all())
	}
}
