package kill_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/control"
	"piway/gateway/queue/ledger"
	"piway/proof/world"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

func TestMain(m *testing.M) { world.Main(m) }

// The load of the kill test. Every sample is a datum of its own, so that each can be looked for in the cloud.
const (
	killClients = 50
	killReports = 28 // of each client, and more until the last kill
	killPace    = 400 * time.Millisecond
	killTimes   = 5
	killWindow  = 20
)

const killConfig = `
data: {dir: %s}
broker: {listen: "127.0.0.1:0"}
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
// client must reach the cloud, at most a window of datums twice for each kill, and the ledger must balance.
func TestGateway_kill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	aws := world.NewBook()
	endpoint, certs := world.Core(t, aws.Add)
	dir := t.TempDir()
	file := filepath.Join(dir, "gateway.yaml")
	data := filepath.Join(dir, "data")
	if err := os.WriteFile(file, fmt.Appendf(nil, killConfig, data, endpoint, certs, killWindow), 0o600); err != nil {
		t.Fatal(err)
	}
	passwords := world.Devices(t, data, killClients)
	p := &victim{Process: world.NewProcess(t, world.Gateway(t), nil, "run", "--config", file), acked: make(chan struct{})}
	p.Start()
	defer p.Kill()

	var clients sync.WaitGroup
	var sent atomic.Int64
	for name, password := range passwords {
		clients.Go(func() { sent.Add(publishAll(ctx, t, p, name, password)) })
	}
	for i := range killTimes {
		if !aws.Wait(ctx, (i+1)*killClients*killReports/(3*killTimes)) {
			t.Fatalf("before kill %d: %d datums arrived, the gateway stalls", i+1, aws.Distinct())
		}
		// Right behind an acknowledgement, when one that was given too early is found out.
		select {
		case <-p.acked:
		case <-ctx.Done():
			t.Fatal("no client gets an acknowledgement")
		}
		p.Kill()
		p.Start()
	}
	p.last.Store(true)
	clients.Wait()
	if ctx.Err() != nil {
		t.Fatal("the clients did not get all their reports acknowledged in time")
	}
	if !aws.Wait(ctx, int(sent.Load())) {
		t.Fatalf("%d of %d acknowledged samples are in the cloud", aws.Distinct(), sent.Load())
	}
	if twice, most := aws.Twice(), killTimes*killWindow; twice > most {
		t.Errorf("%d datums arrived twice, want at most %d: a window for each kill", twice, most)
	}
	checkLedger(ctx, t, data, sent.Load())
}

// A victim is a gateway that is killed under its clients.
type victim struct {
	*world.Process
	acked chan struct{} // gets a value when a client got an acknowledgement and somebody waits for that
	last  atomic.Bool   // it was killed for the last time
}

// publishAll sends a client's reports on time, each again until it is acknowledged.
func publishAll(ctx context.Context, t *testing.T, p *victim, device, password string) (acked int64) {
	tick := time.NewTicker(killPace)
	defer tick.Stop()
	var link *mqttlink.Link
	defer func() {
		if link != nil {
			link.Close()
		}
	}()
	for seq := int64(1); seq <= killReports || !p.last.Load(); seq++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return acked
		}
		report := sample.Report{
			Run: "run of " + device, Seq: seq, Clock: sample.Synced,
			Samples: []sample.Sample{{Name: "seq", Unit: "Count", Value: float64(seq), Time: sample.Seconds(time.Now())}},
		}
		payload, err := report.JSON()
		if err != nil {
			t.Errorf("encoding: %v", err)
			return acked
		}
		for ctx.Err() == nil {
			if link == nil {
				link = p.Connect(ctx, device, password)
				continue
			}
			d := link.Publish("pi/"+device+"/samples", payload)
			<-d.Done() // ends with the link at the latest, which a kill resets
			if d.Err() == nil {
				acked++
				select {
				case p.acked <- struct{}{}:
				default: // nobody waits for one
				}
				break
			}
			link.Close()
			link = nil
		}
	}
	return acked
}

// checkLedger waits until nothing waits any more, and holds the ledger to what was sent.
func checkLedger(ctx context.Context, t *testing.T, data string, sent int64) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var accounts []ledger.Account
		if err := control.Call(ctx, data, "GET", "/ledger", nil, &accounts); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Balance(accounts); err != nil {
			t.Fatal(err) // at any moment
		}
		sum := ledger.Sum(accounts)
		if sum.Waiting == 0 {
			if sum.Stored != sent || sum.Sent != sum.Stored {
				t.Errorf("ledger: got %d stored, %d sent, want %d of each", sum.Stored, sum.Sent, sent)
			}
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d samples still wait", sum.Waiting)
		}
	}
}
