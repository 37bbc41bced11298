package gateway

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/localcore/cloudwatch"
)

// The load of the fault tests: every sample is a datum of its own and has a value of its own.
const (
	faultDevices = 4
	faultEvery   = 100 * time.Millisecond
	faultReports = 50 // of each device
	faultFrom    = 10 // reports before the fault
	faultLength  = 3 * time.Second
	faultWindow  = 50
)

// TestCloud_faults switches each of AWS's faults on for some seconds during load and off again. Everything arrives, the
// ledger balances, and no more arrive twice than are in the window.
func TestCloud_faults(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	for name, faults := range map[string][]string{
		"withhold": {"withhold"}, "delay": {"delay"}, "close": {"close"}, "refuse": {"refuse", "close"},
		"throttle": {"throttle"}, "fail": {"fail"}, "offline": {"offline"},
	} {
		// At the same time, however many tests may run in parallel: they mostly wait.
		all.Go(func() { t.Run(name, func(t *testing.T) { underFault(t, faults) }) })
	}
}

func underFault(t *testing.T, faults []string) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	took := &arrivals{n: map[string]int{}}
	cfg := worldConfig(cloud.Metric)
	cfg.Rollup.Rules = []settings.Rule{{Match: "*", Reduce: "all"}}
	cfg.Uplink.Window = faultWindow
	cfg.Uplink.AckTimeout = faultLength + 2*time.Second // as the default is longer than a short fault
	w := newWorld(t, took.add, nil, &cfg)
	var names []string
	for i := range faultDevices {
		names = append(names, fmt.Sprintf("pi-%d", i))
	}
	p := w.gateway(&cfg, names...)
	tick := time.NewTicker(faultEvery)
	defer tick.Stop()
	for i := range faultReports {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the devices are held up")
		}
		if i == faultFrom {
			for _, f := range faults {
				if err := w.core.SetFault(f, "", faultLength); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, name := range names {
			p.report(name, "load", float64(i))
		}
	}
	p.drained(ctx)
	// What a failing action lost is reported by the rule, and counted.
	by := p.until(ctx, "all is accounted for", func(ledger.Account) bool {
		return took.distinct()+refusedByCloud(t, p) >= faultDevices*faultReports
	})
	var sent int64
	for _, a := range by {
		sent += a.Sent
	}
	if sent != faultDevices*faultReports {
		t.Errorf("sent %d, want %d", sent, faultDevices*faultReports)
	}
	if twice := took.twice(); twice > faultWindow {
		t.Errorf("%d arrived twice, want at most the window of %d", twice, faultWindow)
	}
	t.Logf("%d arrived, %d of them twice, %d refused by the cloud; %+v", took.distinct(), took.twice(),
		refusedByCloud(t, p), w.state().Broker)
}

func refusedByCloud(t *testing.T, p *place) (n int) {
	t.Helper()
	all, err := p.queue.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		for _, m := range a.RefusedByCloud {
			n += int(m)
		}
	}
	return n
}

// arrivals counts each datum.
type arrivals struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

func (a *arrivals) add(d cloudwatch.Datum) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n[fmt.Sprint(d.Name, " ", d.Value)]++
}

func (a *arrivals) distinct() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.n)
}

func (a *arrivals) twice() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, times := range a.n {
		n += times - 1
	}
	return n
}
