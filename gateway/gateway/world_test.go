package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/localcore/bill"
	"piway/localcore/broker"
	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/localcore/rules"
	"piway/shared/mqttlink"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// A world is a localcore with the rules and the policy that `aws print` renders for a gateway's configuration, and such
// gateways.
type world struct {
	t     testing.TB
	core  *localcore.Core
	certs string
	dir   string
}

// worldConfig is a gateway's at a test's pace: windows of a second, and a rule of its own for each form.
func worldConfig(form string) settings.Config {
	cfg := settings.Default()
	cfg.Broker.ListenTLS, cfg.Broker.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Broker.MDNS = false
	cfg.Intake.ClockTolerance, cfg.Intake.TrustClock = time.Second, true
	cfg.Rollup.Window, cfg.Rollup.Grace = time.Second, time.Second
	cfg.Uplink.Form, cfg.Uplink.Rule = form, cloud.Names{}.For(form).Rule
	cfg.Uplink.ConnectInterval, cfg.Uplink.MaxBackoff, cfg.Uplink.AckTimeout = time.Second, 2*time.Second, 2*time.Second
	return cfg
}

// newWorld runs a localcore until the test ends, for gateways of these configurations. change may spoil its files,
// and leave one out by returning nil.
func newWorld(t testing.TB, onDatum func(cloudwatch.Datum), change func(name string, text []byte) []byte,
	gateways ...*settings.Config,
) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.certs = filepath.Join(w.dir, "certs")
	cfg := localcore.Default()
	cfg.Listen, cfg.HTTP, cfg.Certs, cfg.OnDatum = "127.0.0.1:0", "127.0.0.1:0", w.certs, onDatum
	put := func(name string, text []byte, to *[]string) {
		if change != nil {
			if text = change(name, text); text == nil {
				return
			}
		}
		path := filepath.Join(w.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		*to = append(*to, path)
	}
	for i, g := range gateways {
		n := g.Cloud()
		n.Account, n.Region = cfg.Account, cfg.Region
		if i == 0 {
			for name, text := range n.Rules() {
				put(name+".json", text, &cfg.Rules)
			}
		}
		put(fmt.Sprintf("policy-%d.json", i), n.Policy(), &cfg.Policies)
	}
	c, err := localcore.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.core = c
	w.serve("localcore", c.Run)
	for i, g := range gateways {
		g.Data.Dir = filepath.Join(w.dir, fmt.Sprintf("data-%d", i))
		g.Uplink.Endpoint, g.Uplink.Certs.Dir = c.MQTTAddr().String(), w.certs
	}
	return w
}

// serve runs something until the test ends.
func (w *world) serve(what string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("%s: %v", what, err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// A place is a running gateway, its log, and a connection of each of its devices.
type place struct {
	*Gateway

	t     testing.TB
	cfg   *settings.Config
	said  *testlog.Log
	stop  func()
	links map[string]*mqttlink.Link
	seq   map[string]int64
}

func (w *world) gateway(cfg *settings.Config, devices ...string) *place {
	w.t.Helper()
	if err := cfg.Validate(); err != nil {
		w.t.Fatal(err)
	}
	p := &place{t: w.t, cfg: cfg, said: new(testlog.Log), links: map[string]*mqttlink.Link{}, seq: map[string]int64{}}
	var err error
	if p.Gateway, err = Open(w.t.Context(), *cfg, slog.New(slog.NewTextHandler(p.said, nil))); err != nil {
		w.t.Fatal(err)
	}
	p.stop = w.serve("gateway", p.Run)
	for _, name := range devices {
		password, err := p.AddDevice(name, true)
		if err != nil {
			w.t.Fatal(err)
		}
		if p.links[name], err = mqttlink.Connect(w.t.Context(), mqttlink.Options{
			Broker: "tcp://" + p.broker.Addr().String(), ClientID: name, Username: name, Password: password,
			KeepAlive: time.Minute,
		}); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(p.links[name].Close)
	}
	return p
}

// report sends samples of a device's metric at this moment, and returns when they are on the gateway's disk.
func (p *place) report(device, metric string, values ...float64) {
	p.t.Helper()
	var samples []sample.Sample
	for _, v := range values {
		samples = append(samples, sample.Sample{Name: metric, Unit: "Count", Value: v, Time: sample.Seconds(time.Now())})
	}
	p.send(device, samples)
}

// send sends samples of a device, and returns when they are on the gateway's disk.
func (p *place) send(device string, samples []sample.Sample) {
	p.t.Helper()
	p.seq[device]++
	r := sample.Report{Run: "run", Seq: p.seq[device], Clock: sample.Synced, Samples: samples}
	payload, err := r.JSON()
	if err != nil {
		p.t.Fatal(err)
	}
	d := p.links[device].Publish("pi/"+device+"/samples", payload)
	if <-d.Done(); d.Err() != nil {
		p.t.Fatal(d.Err())
	}
}

// drained waits until nothing waits any more and returns the ledger, which balances at every look.
func (p *place) drained(ctx context.Context) map[string]ledger.Account {
	p.t.Helper()
	return p.until(ctx, "nothing waits", func(a ledger.Account) bool { return a.Waiting == 0 })
}

// until waits until all accounts are as wanted.
func (p *place) until(ctx context.Context, what string, good func(ledger.Account) bool) map[string]ledger.Account {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var all []ledger.Account
		if err := control.Call(ctx, p.cfg.Data.Dir, "GET", "/ledger", nil, &all); err != nil {
			p.t.Fatalf("waiting until %s: %v", what, err)
		}
		if err := ledger.Balance(all); err != nil {
			p.t.Fatal(err)
		}
		by, wanted := map[string]ledger.Account{}, true
		for _, a := range all {
			by[a.Device], wanted = a, wanted && good(a)
		}
		if wanted {
			return by
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("waiting until %s: %+v", what, by)
		}
	}
}

// cloudState is what of metrics.json the tests look at.
type cloudState struct {
	Metrics      []cloudwatch.Metric    `json:"metrics"`
	RuleFailures struct{ rules.Counts } `json:"rule_failures"`
	Broker       broker.Counts
	Bill         bill.Reading
}

func (w *world) state() (s cloudState) {
	w.t.Helper()
	resp, err := http.Get("http://" + w.core.HTTPAddr().String() + "/metrics.json")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read as far as needed
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		w.t.Fatal(err)
	}
	return s
}
