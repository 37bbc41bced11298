package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/agent"
	"piway/gateway/cloud"
	"piway/gateway/ctl"
	"piway/gateway/devices"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/localcore/cloudwatch"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// theFour are the recipe's metrics: what goes to CloudWatch of a device unless somebody wants more.
var theFour = []string{"cpu temperature", "cpu usage", "disk usage /", "memory usage"}

// agentBefore are the messages of an agent of the version before reports had local samples, as it sent them.
func agentBefore(t *testing.T, device string) (messages []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/agent-before.txt")
	if err != nil {
		t.Fatal(err)
	}
	return replaced(string(text), device)
}

func replaced(text, device string) (messages []string) {
	text = strings.NewReplacer("DEVICE", device, "NOW", fmt.Sprint(time.Now().Unix())).Replace(text)
	return slices.Collect(strings.Lines(text))
}

// agentNow is a message of an agent with sixty readings beside the four. seq goes on.
func agentNow(t *testing.T, device string, seq int64) string {
	t.Helper()
	at := sample.Seconds(time.Now())
	r := sample.Report{
		Device: device, Run: "now", Seq: seq, Clock: sample.Synced,
		Attributes: map[string]string{"model": "Raspberry Pi 4 Model B Rev 1.4", "serial": "10000000" + device},
	}
	for _, name := range theFour {
		r.Samples = append(r.Samples, sample.Sample{Name: name, Unit: "None", Value: 20, Time: at})
	}
	names := []string{
		"undervoltage seconds", "storage errors", "failed units", "load 1m", "uptime", "cpu clock", "cpu pressure",
		"disk usage /boot/firmware", "cpu temperature of the disk", "memory pressure",
	}
	for i := len(names); i < 60; i++ {
		names = append(names, fmt.Sprintf("disk busy sd%d", i))
	}
	for _, name := range names {
		r.Local = append(r.Local, sample.Sample{Name: name, Unit: "None", Value: 7, Time: at})
	}
	text, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metricsAt returns the names of the metrics of a device in the cloud, without the device.
func (w *world) metricsAt(device string) []string {
	w.t.Helper()
	names := map[string]bool{}
	for _, m := range w.state().Metrics {
		of := slices.ContainsFunc(m.Dimensions, func(d cloudwatch.Dimension) bool { return d.Value == device })
		if base, cut := strings.CutSuffix(m.Name, " ("+device+")"); cut || of {
			names[base] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// No upgrade sends more: of an agent before and of one now the same four metrics go to CloudWatch, in both forms, and
// also by rules that were there before and match what is new.
func TestPromise_fourMetricsPerDevice(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]settings.Rule{
		"by default":     nil,
		"with wildcards": {{Match: "cpu temperature *", Reduce: "max"}, {Match: "disk*", Reduce: "last"}, {Match: "*", Reduce: "avg"}},
	} {
		for _, form := range []string{cloud.Metric, cloud.EMF} {
			t.Run(name+" "+form, func(t *testing.T) {
				t.Parallel()
				cfg := worldConfig(form)
				cfg.Rollup.Rules = rules
				w := newWorld(t, nil, nil, &cfg)
				p := w.gateway(&cfg, "before", "now", "upgraded")
				check := func(when string) {
					t.Helper()
					by := p.drained(t.Context())
					for device := range by {
						if d := cmp.Diff(theFour, w.metricsAt(device)); d != "" {
							t.Errorf("%s: metrics of %s in CloudWatch (-want +got)\n%s", when, device, d)
						}
					}
				}
				for _, device := range []string{"before", "upgraded"} {
					for _, text := range agentBefore(t, device) {
						p.takeText(device, text)
					}
				}
				check("before")
				for seq := range int64(3) {
					for _, device := range []string{"now", "upgraded"} {
						if n := p.takeText(device, agentNow(t, device, seq+1)); n > 0 {
							t.Errorf("%d refused", n)
						}
					}
				}
				check("after")
				by := p.drained(t.Context())
				if a := by["now"]; a.Received != 3*64 || a.Local != 3*60 || a.Stored != 3*4 || a.Sent != 3*4 {
					t.Errorf("got %+v", a)
				}
				if before, now := by["before"], by["upgraded"]; now.Stored != before.Stored+3*4 || before.Local != 0 {
					t.Errorf("got %+v, before %+v", now, before)
				}
				p = w.again(p, unchanged)
				p.takeText("now", agentNow(t, "now", 4))
				check("after a restart")
			})
		}
	}
}

// Of an agent with all that it reads, what goes to CloudWatch is among the four; the rest stays on the LAN.
func TestPromise_agent(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg)
	password, err := p.AddDevice("kitchen", true)
	if err != nil {
		t.Fatal(err)
	}
	a := agent.Default()
	a.Device, a.Gateway.Address, a.Gateway.Password = "kitchen", p.Addr().String(), config.Secret(password)
	a.Collect.Interval, a.Spool.Dir = time.Second, t.TempDir()
	stop := w.serve("agent", func(ctx context.Context) error {
		return agent.Run(ctx, a, slog.New(slog.DiscardHandler))
	})
	sent := func(a ledger.Account) bool { return a.Sent > 0 && a.Local >= 5 }
	for !sent(p.until(t.Context(), "something was sent and something stayed", sent)["kitchen"]) {
		time.Sleep(50 * time.Millisecond) // no account yet
	}
	stop()
	p.drained(t.Context())
	for _, name := range w.metricsAt("kitchen") {
		if !slices.Contains(theFour, name) {
			t.Errorf("%s went to CloudWatch", name)
		}
	}
	if len(p.intake.Local("kitchen")) < 5 || p.intake.Attributes("kitchen") == nil {
		t.Errorf("got %v of %v", p.intake.Local("kitchen"), p.intake.Attributes("kitchen"))
	}
}

// An earlier gateway reads no member that it does not know: of an agent's report of now it sees the four.
func TestPromise_earlierGateway(t *testing.T) {
	t.Parallel()
	var seen struct {
		Samples []struct{ Name string } `json:"samples"`
	}
	if err := json.Unmarshal([]byte(agentNow(t, "kitchen", 1)), &seen); err != nil || len(seen.Samples) != len(theFour) {
		t.Errorf("got %+v, %v", seen, err)
	}
}

// What a rule wants goes to CloudWatch, what a rule keeps does not, and the canary is none of the rules' business.
func TestGateway_localRules(t *testing.T) {
	t.Parallel()
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			cfg := worldConfig(form)
			cfg.Rollup.Rules = []settings.Rule{
				{Match: "undervoltage seconds (*)", Reduce: "sum"},
				{Match: "cpu usage*", Reduce: "last"},
				{Match: "*", Reduce: "none"},
			}
			w := newWorld(t, nil, nil, &cfg)
			p := w.gateway(&cfg, "kitchen")
			p.takeText("kitchen", agentNow(t, "kitchen", 1))
			p.takeText("kitchen", agentNow(t, "kitchen", 2))
			p.takeText("kitchen", agentNow(t, "kitchen", 2)) // again
			p.takeText("kitchen", `[{"name":"door (kitchen)","unit":"Count","value":1}]`)
			by := p.drained(t.Context())
			if d := cmp.Diff([]string{"cpu usage", "undervoltage seconds"}, w.metricsAt("kitchen")); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			want := ledger.Account{Received: 3*64 + 1, Duplicate: 64, Local: 2*62 + 1, Stored: 4, Sent: 4}
			if a := by["kitchen"]; a.Received != want.Received || a.Duplicate != want.Duplicate || a.Local != want.Local ||
				a.Stored != want.Stored || a.Sent != want.Sent {
				t.Errorf("got %+v, want %+v", a, want)
			}
			for w.state().RuleFailures.ErrorActionSuccess == 0 {
				time.Sleep(20 * time.Millisecond) // until the test's deadline
			}
		})
	}
}

// What a gateway wants of a device is told when the device asks, and when it becomes more; the agent then keeps it
// until it is acknowledged.
func TestGateway_wanted(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	cfg.Rollup.Rules = []settings.Rule{{Match: "load 1m*", Reduce: "max"}, {Match: "failed units*", Reduce: "max"}}
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen", "attic")
	told := make(chan []string, 10)
	listen := func(device string) *mqttlink.Link {
		password, err := p.devices.Password(device)
		if err != nil {
			t.Fatal(err)
		}
		link, err := mqttlink.Connect(t.Context(), mqttlink.Options{
			Broker: "tcp://" + p.Addr().String(), ClientID: device, Username: device, Password: password, KeepAlive: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(link.Close)
		if err := link.SubscribeInOrder(t.Context(), "pi/"+device+"/config", func(text []byte) {
			b, err := sample.DecodeBounds(text)
			if err != nil || b.MaxSamples != cfg.Intake.MaxSamples {
				t.Errorf("got %s, %v", text, err)
			}
			told <- b.Wanted
		}); err != nil {
			t.Fatal(err)
		}
		return link
	}
	want := func(names ...string) {
		t.Helper()
		if d := cmp.Diff(names, <-told); d != "" {
			t.Errorf("told (-want +got)\n%s", d)
		}
	}
	kitchen := listen("kitchen")
	want()
	p.takeText("kitchen", agentNow(t, "kitchen", 1))
	want("failed units", "load 1m")
	p.takeText("kitchen", agentNow(t, "kitchen", 2))
	listen("attic")
	want() // and nothing came of the second report
	kitchen.Close()
	listen("kitchen")
	want("failed units", "load 1m")
	p.drained(t.Context())
	p = w.again(p, unchanged)
	listen("kitchen")
	want("failed units", "load 1m")
	if len(told) > 0 {
		t.Errorf("told once more: %v", <-told)
	}
}

// device show lists what stays, without a price, what the device says of itself, and what is worth its price.
func TestGateway_deviceShow_local(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "kitchen")
	p.takeText("kitchen", agentNow(t, "kitchen", 1))
	p.takeText("kitchen", strings.ReplaceAll(agentNow(t, "kitchen", 2), "10000000kitchen", "10000000pantry"))
	p.takeText("kitchen", strings.ReplaceAll(agentNow(t, "kitchen", 3), "10000000kitchen", "10000000pantry"))
	rate := ctl.Rate{Form: p.cfg.Uplink.Form, Window: time.Minute, Worth: p.cfg.Worth()}
	var out bytes.Buffer
	if err := ctl.Show(t.Context(), p.cfg.Data.Dir, "kitchen", rate, false, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^cpu usage \(kitchen\) +None +20 +20\S+Z +0\.\d\d$`,
		`(?m)^storage errors \(kitchen\) +None +7 +20\S+Z +stays on the LAN$`,
		`(?m)^4 metrics, 2\.\d\d USD`, `(?m)^model: Raspberry Pi 4 Model B Rev 1.4$`, `(?m)^serial: 10000000pantry$`,
		`worth sending too, for 0\.\d\d USD a month each, under rollup.rules:
  - \{match: "failed units \(\*\)", reduce: max\}
  - \{match: "storage errors \(\*\)", reduce: max\}
  - \{match: "undervoltage seconds \(\*\)", reduce: sum\}
$`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
	if n := strings.Count(out.String(), "stays on the LAN"); n != 60 {
		t.Errorf("%d stay", n)
	}
	out.Reset()
	if err := ctl.Show(t.Context(), p.cfg.Data.Dir, "kitchen", rate, true, &out); err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Metrics, Local []map[string]any
		Attributes     map[string]string
	}
	if err := json.Unmarshal(out.Bytes(), &shown); err != nil || len(shown.Metrics) != 4 || len(shown.Local) != 60 ||
		shown.Local[0]["usd_month"] != nil || shown.Attributes["serial"] != "10000000pantry" {
		t.Errorf("got %v, %s", err, &out)
	}
	if n := p.said.Count("another machine than before"); n != 1 {
		t.Errorf("told %d times of another machine\n%s", n, p.said)
	}
	for _, want := range []string{`was="serial 10000000kitchen"`, `is="serial 10000000pantry"`} {
		if !strings.Contains(p.said.String(), want) {
			t.Errorf("no %s in\n%s", want, p.said)
		}
	}
	if err := p.ask("DELETE", "/devices/kitchen/metrics?name=load+1m"); err != nil {
		t.Error(err)
	}
	if p.intake.Has("kitchen", "load 1m (kitchen)") || !p.intake.Has("kitchen", "uptime (kitchen)") {
		t.Error("not just the one is gone")
	}
	if err := p.ask("GET", "/devices/cellar/beside"); err == nil || !strings.Contains(err.Error(), devices.ErrUnknown.Error()) {
		t.Errorf("got %v", err)
	}
}

// Who sends a thousand new local names in each message makes neither log nor disk nor memory grow.
func TestGateway_localNames_bounded(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "kitchen")
	for i := range 20 {
		r := sample.Report{Run: "r", Seq: int64(i + 1), Samples: []sample.Sample{}, Attributes: map[string]string{}}
		for k := range p.cfg.Intake.MaxSamples {
			r.Local = append(r.Local, sample.Sample{Name: fmt.Sprintf("m%d", i*1000+k), Unit: "None"})
		}
		for k := range 100 {
			r.Attributes[fmt.Sprint("card", i, k)] = strings.Repeat("v", 500)
		}
		text, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		p.takeText("kitchen", string(text))
	}
	a := p.drained(t.Context())["kitchen"]
	if a.Received != 20_000 || a.Local != 200 || a.Refused["metrics"] != 19_800 {
		t.Errorf("got %+v", a)
	}
	if n := len(p.intake.Local("kitchen")); n != 200 {
		t.Errorf("%d are kept", n)
	}
	if lines := strings.Count(p.said.String(), "\n"); lines > 20 {
		t.Errorf("%d lines in the log\n%s", lines, p.said)
	}
	if n := len(p.intake.Attributes("kitchen")); n > sample.MaxAttributes {
		t.Errorf("%d attributes are kept", n)
	}
	var own, metrics int
	if err := p.queue.Metrics(t.Context(), func(string, sample.Sample) { metrics++ }); err != nil {
		t.Fatal(err)
	}
	own = len(p.owned())
	if own+metrics > 0 {
		t.Errorf("the store has %d owners and %d metrics", own, metrics)
	}
}
