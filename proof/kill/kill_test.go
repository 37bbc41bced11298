package kill_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/gateway/queue/ledger"
	"piway/localcore/localcore"
	"piway/proof/world"
)

// The load. Every sample is a datum of its own, so that each can be looked for in the cloud.
const (
	devices = 50
	between = 50 // samples that arrive before each kill
	window  = 20
)

// times that the gateway is killed.
func times() int {
	if world.Long() {
		return 30
	}
	return 3
}

var load = world.Load{Run: "kill", Reports: 1, Pause: 400 * time.Millisecond}

const config = `
data: {dir: %s}
broker: {listen_tls: "127.0.0.1:0", listen: "%s"}
intake: {clock_tolerance: 1s, trust_clock: true} # all runs by one clock
queue: {commit_interval: 50ms} # so that a kill finds reports that are not committed
rollup:
  window: 1s
  grace: 1s
  rules: [{match: "*", reduce: all}]
uplink:
  endpoint: %s
  certs: {dir: %s}
  window: %d
  publishes_per_second: 100
  connect_interval: 1s
`

// TestGateway_kill kills the gateway with SIGKILL under load, again and again. Every report that was acknowledged to a
// device must reach the cloud, at most a window of datums twice for each kill, and the ledger must balance.
func TestGateway_kill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	file, data, record := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "data"),
		&world.Record{Path: filepath.Join(dir, "record")}
	endpoint, certs := world.Core(t, localcore.Config{Record: record.Path})
	addrs, err := world.FreePorts(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, config, data, addrs[0], endpoint, certs, window), 0o600); err != nil {
		t.Fatal(err)
	}
	samples, all := new(world.Samples), senders(t, data, addrs[0])
	for _, d := range all {
		d.Samples = samples
	}
	gateway := world.Gateway(world.Built(t).Gateway, file, nil)
	world.Run(t, gateway)

	living, last := context.WithCancel(ctx)
	defer last()
	sending := world.LiveAll(ctx, living, all)
	for i := range times() {
		arrived(ctx, t, samples, record, (i+1)*between)
		// Right behind an acknowledgement, when one that was given too early is found out.
		before := samples.Verdict().Acked
		if !samples.Wait(ctx, func(c world.Counts) bool { return c.Acked > before }) {
			t.Fatal("no device gets an acknowledgement")
		}
		gateway.Kill()
		if err := gateway.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	last()
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
	accounts, err := world.Drained(ctx, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := samples.Take(record); err != nil {
		t.Fatal(err)
	}
	v := samples.Verdict()
	if v.Lost > 0 {
		t.Errorf("%d of %d acknowledged samples are not in the cloud: %s", v.Lost, v.Acked, v.FirstLost)
	}
	if most := times() * window; v.Twice > most || v.Wrong > 0 {
		t.Errorf("%d datums arrived twice, want at most %d: a window for each kill; %d are wrong: %s", v.Twice, most, v.Wrong,
			v.FirstWrong)
	}
	if sum, want := ledger.Sum(accounts), int64(v.Acked); v.Acked < times()*between || sum.Stored != want ||
		sum.Sent != want {
		t.Errorf("ledger: got %d stored, %d sent, want %d of each", sum.Stored, sum.Sent, want)
	}
}

func senders(t *testing.T, data, addr string) (all []*world.Device) {
	t.Helper()
	var names []string
	for i := range devices {
		names = append(names, fmt.Sprintf("pi-%02d", i))
	}
	passwords, err := world.AddDevices(data, names...)
	if err != nil {
		t.Fatal(err)
	}
	for name, password := range passwords {
		all = append(all, &world.Device{Client: world.Client{Addr: addr, Name: name, Password: password}, Load: load})
	}
	return all
}

// arrived waits until n samples are in the cloud.
func arrived(ctx context.Context, t *testing.T, samples *world.Samples, record *world.Record, n int) {
	t.Helper()
	err := world.Poll(ctx, "samples to arrive", func() (bool, error) {
		err := samples.Take(record)
		return samples.Verdict().Delivered >= n, err
	})
	if err != nil {
		t.Fatalf("%v: %+v, the gateway stalls", err, samples.Verdict())
	}
}
