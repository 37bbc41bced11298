package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/queue/ledger"
	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

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
	aws := newCloud()
	endpoint, certs := serveCore(t, aws.add)
	dir := t.TempDir()
	file := filepath.Join(dir, "gateway.yaml")
	data := filepath.Join(dir, "data")
	if err := os.WriteFile(file, fmt.Appendf(nil, killConfig, data, endpoint, certs, killWindow), 0o600); err != nil {
		t.Fatal(err)
	}
	passwords := addDevices(t, data)
	p := &process{t: t, args: []string{"run", "--config", file}, addr: make(chan struct{}), acked: make(chan struct{})}
	p.start()
	defer p.kill()

	var clients sync.WaitGroup
	var sent atomic.Int64
	for name, password := range passwords {
		clients.Go(func() { sent.Add(publishAll(ctx, t, p, name, password)) })
	}
	for i := range killTimes {
		if !aws.wait(ctx, (i+1)*killClients*killReports/(3*killTimes)) {
			t.Fatalf("before kill %d: %d datums arrived, the gateway stalls", i+1, aws.distinct())
		}
		// Right behind an acknowledgement, when one that was given too early is found out.
		select {
		case <-p.acked:
		case <-ctx.Done():
			t.Fatal("no client gets an acknowledgement")
		}
		p.kill()
		p.start()
	}
	p.last.Store(true)
	clients.Wait()
	if ctx.Err() != nil {
		t.Fatal("the clients did not get all their reports acknowledged in time")
	}
	if !aws.wait(ctx, int(sent.Load())) {
		t.Fatalf("%d of %d acknowledged samples are in the cloud", aws.distinct(), sent.Load())
	}
	if twice, most := aws.duplicates(), killTimes*killWindow; twice > most {
		t.Errorf("%d datums arrived twice, want at most %d: a window for each kill", twice, most)
	}
	checkLedger(ctx, t, data, sent.Load())
}

// serveCore runs a localcore for the test and returns its address and its certificates.
func serveCore(t testing.TB, onDatum func(cloudwatch.Datum)) (endpoint, certs string) {
	t.Helper()
	certs = filepath.Join(t.TempDir(), "certs")
	c, err := localcore.Open(t.Context(), localcore.Config{Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Certs: certs, OnDatum: onDatum}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("localcore: %v", err)
		}
	})
	return c.MQTTAddr().String(), certs
}

func addDevices(t *testing.T, data string) map[string]string {
	t.Helper()
	if err := os.MkdirAll(data, 0o750); err != nil {
		t.Fatal(err)
	}
	list, err := devices.Open(datadir.Devices(data))
	if err != nil {
		t.Fatal(err)
	}
	passwords := map[string]string{}
	for i := range killClients {
		name := fmt.Sprintf("pi-%02d", i)
		if passwords[name], err = list.Add(name); err != nil {
			t.Fatal(err)
		}
	}
	return passwords
}

// publishAll sends a client's reports on time, each again until it is acknowledged.
func publishAll(ctx context.Context, t *testing.T, p *process, device, password string) (acked int64) {
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
			Samples: []sample.Sample{{Name: "seq", Unit: "Count", Value: float64(seq), Time: float64(time.Now().UnixMilli()) / 1000}},
		}
		payload, err := report.JSON()
		if err != nil {
			t.Errorf("encoding: %v", err)
			return acked
		}
		for ctx.Err() == nil {
			if link == nil {
				link = p.connect(ctx, device, password)
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

// A process is a gateway that is killed and started again.
type process struct {
	t    testing.TB
	as   string // what to run, see asProgram; the gateway if empty
	args []string
	cmd  *exec.Cmd
	// acked gets a value when a client got an acknowledgement and somebody waits for that.
	acked chan struct{}
	last  atomic.Bool // it was killed for the last time

	mu    sync.Mutex // guards the fields below
	at    string
	addr  chan struct{} // closed while at is that of a running gateway
	ended chan struct{}
}

var listening = regexp.MustCompile(`gateway ready.* listen=(\S+)`)

// start returns when the gateway listens.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), asProgram+"="+cmp.Or(p.as, "gateway"))
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan string, 1)
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
	}()
	select {
	case at := <-ready:
		p.mu.Lock()
		p.at = at
		close(p.addr)
		p.mu.Unlock()
	case <-p.ended:
		p.t.Fatalf("the gateway ended at its start: %v", p.cmd.Wait())
	}
}

// kill ends the gateway as a power cut would, seen from the process.
func (p *process) kill() {
	p.mu.Lock()
	p.addr = make(chan struct{})
	p.mu.Unlock()
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	_ = p.cmd.Wait() // killed
}

// connect returns a connection to the gateway when there is one, nil if it went away meanwhile.
func (p *process) connect(ctx context.Context, device, password string) *mqttlink.Link {
	p.mu.Lock()
	up := p.addr
	p.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil
	}
	p.mu.Lock()
	at := p.at
	p.mu.Unlock()
	link, err := mqttlink.Connect(ctx, mqttlink.Options{
		Broker: "tcp://" + at, ClientID: device, Username: device, Password: password, KeepAlive: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil
	}
	return link
}

// A cloud counts the datums that CloudWatch took.
type cloud struct {
	mu      sync.Mutex // guards the fields below
	seen    map[string]int
	changed chan struct{}
}

func newCloud() *cloud { return &cloud{seen: map[string]int{}, changed: make(chan struct{})} }

func (c *cloud) add(d cloudwatch.Datum) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[fmt.Sprint(d.Name, " ", d.Value)]++
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait returns true when n different datums have arrived, false when ctx ends before.
func (c *cloud) wait(ctx context.Context, n int) bool {
	for {
		c.mu.Lock()
		changed, have := c.changed, len(c.seen)
		c.mu.Unlock()
		if have >= n {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (c *cloud) distinct() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

func (c *cloud) duplicates() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.seen {
		n += times - 1
	}
	return n
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
