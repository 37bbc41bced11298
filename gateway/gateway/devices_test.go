package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/ctl"
	"piway/gateway/datadir"
	"piway/gateway/devices"
)

// take hands the gateway a script's sample, and returns how many it refused of it.
func (p *place) take(device, name string) (refused int) {
	p.t.Helper()
	return p.takeText(device, fmt.Sprintf(`{"name":%q,"unit":"None","value":1}`, name))
}

func (p *place) takeText(device, text string) (refused int) {
	p.t.Helper()
	before := p.refusedOf(device)
	done := make(chan error, 1)
	p.handle(device, []byte(text), func(err error) { done <- err })
	if err := <-done; err != nil {
		p.t.Fatalf("%s: %v", device, err)
	}
	return p.refusedOf(device) - before
}

func (p *place) refusedOf(device string) (n int) {
	p.t.Helper()
	all, err := p.queue.Ledger(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range all {
		if all[i].Device == device {
			refused, _, _ := all[i].Totals()
			n = int(refused)
		}
	}
	return n
}

// ask is what a command asks of the gateway.
func (p *place) ask(method, path string) error {
	return control.Call(p.t.Context(), p.cfg.Data.Dir, method, path, nil, nil)
}

// owned returns the claims in the store.
func (p *place) owned() map[string]string {
	p.t.Helper()
	owners, err := p.queue.Owners(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return owners
}

func newPlace(t *testing.T, devices ...string) (*world, *place) {
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	return w, w.gateway(&cfg, devices...)
}

// again stops a gateway, lets somebody change its device list, and starts it.
func (w *world) again(p *place, change func(*devices.List) error) *place {
	w.t.Helper()
	p.stop()
	list, err := devices.Open(datadir.Devices(p.cfg.Data.Dir))
	if err == nil {
		err = change(list)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	p = w.gateway(p.cfg)
	if err := p.ask("GET", "/devices"); err != nil { // it answers when all that is done
		w.t.Fatal(err)
	}
	return p
}

func unchanged(*devices.List) error { return nil }

// The names of a removed device are free at once and after a start; what it sent waits and is sent.
func TestGateway_removeDevice(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t, "kitchen", "cellar")
	if p.take("kitchen", "cpu") != 0 || p.take("cellar", "cpu") != 1 {
		t.Fatal("the name is not kitchen's")
	}
	closed := p.links["kitchen"].Lost()
	if err := p.ask("DELETE", "/devices/kitchen"); err != nil {
		t.Fatal(err)
	}
	<-closed
	done := make(chan error, 1)
	p.handle("kitchen", []byte(`{"name":"fan","unit":"None","value":1}`), func(err error) { done <- err })
	if err := <-done; !errors.Is(err, errNoDevice) {
		t.Errorf("what its connection still sends: got %v", err)
	}
	if _, err := p.AddDevice("kitchen", true); err != nil {
		t.Fatal(err)
	}
	if p.take("cellar", "CPU") != 0 || p.take("kitchen", "cpu") != 1 {
		t.Error("the name of a removed device is not free, or one that was added anew has it")
	}
	by := p.drained(t.Context())
	if a := by["kitchen"]; a.Sent != 1 {
		t.Errorf("what waited of the removed device was not sent: %+v", a)
	}
	p = w.again(p, unchanged)
	if got := p.owned(); !maps.Equal(got, map[string]string{"CPU": "cellar"}) {
		t.Errorf("in the store: %v", got)
	}
}

// One name is freed, as it goes to the cloud or as it is in a report, and is the next one's who uses it.
func TestGateway_freeMetric(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "kitchen", "cellar")
	p.take("kitchen", "temprature")
	p.take("kitchen", "fan")
	for _, bad := range []string{
		"/devices/kitchen/metrics?name=nothing", "/devices/kitchen/metrics?name=",
		"/devices/attic/metrics?name=fan",
	} {
		if err := p.ask("DELETE", bad); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
	if err := p.ask("DELETE", "/devices/kitchen/metrics?name=temprature"); err != nil {
		t.Fatal(err)
	}
	if got := p.owned(); !maps.Equal(got, map[string]string{"fan": "kitchen"}) || p.intake.Has("kitchen", "temprature") {
		t.Errorf("in the store: %v", got)
	}
	if p.take("cellar", "temprature") != 0 || p.take("cellar", "fan") != 1 {
		t.Error("the name is not free, or another one is")
	}
	p.takeText("kitchen", `{"run":"r","seq":1,"samples":[{"name":"cpu","unit":"None","value":1}]}`)
	if err := p.ask("DELETE", "/devices/kitchen/metrics?name=cpu"); err != nil ||
		p.intake.Has("kitchen", "cpu (kitchen)") {
		t.Errorf("a report's metric: %v", err)
	}
}

// A renamed device has its claims, and what its agent sends again is recognised; what waits keeps its name.
func TestGateway_renameDevice(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t, "kitchen", "cellar")
	text := `{"run":"r","seq":1,"samples":[{"name":"load","unit":"None","value":1}]}`
	p.take("kitchen", "cpu")
	p.takeText("kitchen", text)
	closed := p.links["kitchen"].Lost()
	for _, bad := range []string{"cellar", "kitchen", "a%2Fb", "%20"} {
		if err := p.ask("POST", "/devices/kitchen/rename/"+bad); err == nil {
			t.Errorf("to %s: got no error", bad)
		}
	}
	if err := p.ask("POST", "/devices/kitchen/rename/pantry"); err != nil {
		t.Fatal(err)
	}
	<-closed
	for range 2 {
		if p.take("pantry", "cpu") != 0 || p.take("cellar", "cpu") != 1 {
			t.Error("the claim was not handed on")
		}
		p.takeText("pantry", text)
		p = w.again(p, unchanged)
	}
	by := p.drained(t.Context())
	if k, n := by["kitchen"], by["pantry"]; k.Sent != 2 || n.Sent != 2 || n.Duplicate != 2 || n.Missing+n.Late > 0 {
		t.Errorf("got %+v and %+v", k, n)
	}
}

// What is done to the list of a stopped gateway takes effect when it starts, by the commands and by hand; a kill in
// between has it done again.
func TestGateway_stoppedChanges(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t, "a", "b", "c", "d")
	for _, name := range []string{"a", "b", "c", "d"} {
		p.take(name, "of "+name)
	}
	p.take("d", "mistyped")
	want := map[string]string{"of b": "e", "of d": "d"}
	p = w.again(p, func(l *devices.List) error {
		if _, err := l.Password("d"); err != nil {
			return err
		}
		err := errors.Join(l.Remove("a"), l.Rename("b", "e"), l.Free("d", "mistyped"))
		if err == nil {
			_, err = l.Add("a", true)
		}
		return err
	})
	p.stop()
	path := datadir.Devices(p.cfg.Data.Dir)
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "changes") {
		t.Fatalf("got %s, %v", text, err)
	}
	// Killed before the list was written: the store has it already. Meanwhile c is taken out by hand.
	cut := regexp.MustCompile(`(?s)\{\s*"name": "c".*?\},`).ReplaceAll(text, nil)
	redo := strings.Replace(string(cut), `"devices"`, `"changes":[{"device":"b","to":"e"},{"device":"a"}],"devices"`, 1)
	if err := os.WriteFile(path, []byte(redo), 0o600); err != nil {
		t.Fatal(err)
	}
	p = w.again(p, unchanged)
	if p.devices.Has("c") {
		t.Fatal("c is on the list still")
	}
	if got := p.owned(); !maps.Equal(got, want) || p.take("a", "of c") != 0 || p.take("a", "of b") != 1 {
		t.Errorf("in the store: %v, want %v", got, want)
	}
}

// Of two who want one name, one gets it.
func TestGateway_renameDevice_atOnce(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "a", "b")
	p.take("a", "of a")
	p.take("b", "of b")
	var errs [2]error
	var both sync.WaitGroup
	for i, old := range []string{"a", "b"} {
		both.Go(func() { errs[i] = p.ask("POST", "/devices/"+old+"/rename/c") })
	}
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("got %v", errs)
	}
	want := map[string]string{"of a": "c", "of b": "b"}
	if errs[1] == nil {
		want = map[string]string{"of a": "a", "of b": "c"}
	}
	if got := p.owned(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What a device sends is bounded over a start too, and shown: names in brackets, units, the newest values, the price.
func TestGateway_metricsOutliveAStart(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	cfg.Intake.MaxMetrics = 3
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen")
	sends := func(name, unit string, value float64) (refused int) {
		return p.takeText("kitchen", fmt.Sprintf(`{"name":%q,"unit":%q,"value":%g}`, name, unit, value))
	}
	for i := range 2 {
		v := float64(i)
		if sends("net (kitchen)", "Bytes", v)+sends("net (kitchen)", "Bits", v)+sends("cpu", "Percent", v+12.5) != 0 {
			t.Error("what it sends is refused")
		}
		if sends("net (kitchen)", "Count", 1) != 1 || sends("fan", "Count", 1) != 1 || sends("cpu", "Count", 1) != 1 {
			t.Error("there are more than three metrics")
		}
		p = w.again(p, unchanged)
	}
	var out bytes.Buffer
	rate := ctl.Rate{Form: cfg.Uplink.Form, Window: time.Minute}
	if err := ctl.Show(t.Context(), cfg.Data.Dir, "kitchen", rate, false, &out); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^metric +unit +last value +last seen +USD a month
cpu +Percent +12.5 +20\S+Z +0\.\d\d
net \(kitchen\) +Bits +0 +20\S+Z +0\.\d\d
net \(kitchen\) +Bytes +0 +20\S+Z +0\.\d\d
3 metrics, \d\.\d\d USD a month`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got\n%s", &out)
	}
	out.Reset()
	if err := ctl.Show(t.Context(), cfg.Data.Dir, "kitchen", rate, true, &out); err != nil {
		t.Fatal(err)
	}
	var shown struct{ Metrics []map[string]any }
	if err := json.Unmarshal(out.Bytes(), &shown); err != nil || len(shown.Metrics) != 3 ||
		shown.Metrics[0]["unit"] != "Percent" {
		t.Errorf("got %v, %s", err, &out)
	}
	for name, want := range map[string]error{"cellar": devices.ErrUnknown, "a/b": devices.ErrName} {
		if err := ctl.Show(t.Context(), cfg.Data.Dir, name, rate, true, &out); err == nil ||
			!strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	if err := p.ask("POST", "/devices/kitchen/rename/pantry"); err != nil { // the names with kitchen in them are over
		t.Fatal(err)
	}
	if p.take("pantry", "a")+p.take("pantry", "b") != 0 || p.take("pantry", "c") != 1 {
		t.Error("after the new name: not two metrics more")
	}
	p = w.again(p, func(l *devices.List) error { return l.Free("pantry", "a") })
	if p.take("pantry", "c") != 0 || p.take("pantry", "d") != 1 {
		t.Error("after a name was freed, and a start: not one metric more")
	}
}

// The commands do at a running gateway what they do on the list of a stopped one, whatever a name holds.
func TestGateway_deviceCommands(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "kitchen")
	const odd = "50% of a&b=c#/d?"
	p.take("kitchen", odd)
	var password string
	if err := (ctl.Place{DataDir: p.cfg.Data.Dir}).WithDevices(func(list ctl.Devices) error {
		full, err := list.Free(t.Context(), "kitchen", odd)
		if err != nil || full != odd || len(p.owned()) > 0 {
			t.Errorf("freeing: got %q, %v", full, err)
		}
		if err := list.Rename(t.Context(), "kitchen", "pan.try"); err != nil {
			t.Error(err)
		}
		if password, err = list.Password(t.Context(), "pan.try"); err != nil {
			t.Error(err)
		}
		for _, bad := range []string{"", ".", "..", "a/b", "%41", "a b"} {
			if err := list.Rename(t.Context(), "pan.try", bad); err == nil ||
				!strings.Contains(err.Error(), devices.ErrName.Error()) {
				t.Errorf("to %q: got %v", bad, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	<-p.links["kitchen"].Lost()
	if !p.devices.Authenticate("pan.try", password, true) {
		t.Error("the new password is not let in")
	}
}
