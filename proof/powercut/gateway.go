package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"piway/gateway/queue/ledger"
	"piway/proof/powercut/vm"
	"piway/proof/world"
	"piway/shared/pki"
)

const gatewayConfig = `
data: {dir: %[1]s}
broker: {listen_tls: "127.0.0.1:0", listen: "%[2]s"}
intake: {trust_clock: true, clock_tolerance: 1s}
rollup: {window: 1s, grace: 1s}
uplink:
  endpoint: "%[3]s"
  certs: {dir: %[4]s}
  form: emf
  canary: 0s
  connect_interval: 1s
  max_backoff: 1s
`

// load of each device: at most 20 reports a second.
var load = world.Load{Run: "powercut", Reports: 8, Pause: 400 * time.Millisecond}

const (
	deviceCount  = 10
	gatewayReady = "gateway ready"
	gatewayStore = "/data/store"
	gatewayLog   = gatewayStore + "/queue.db-wal"
	// redeliveryTime and drainTime bound what follows a cut.
	redeliveryTime = 2 * time.Minute
	drainTime      = 3 * time.Minute
)

// A gatewayTrial has the gateway in the machine, and devices and the cloud out here.
type gatewayTrial struct {
	machine *vm.Machine
	cloud   *cloud
	devices []*world.Device
	samples *world.Samples
	before  world.Verdict
}

// openGateway builds it in a folder and starts what is in the machine.
func openGateway(ctx context.Context, dir string, t vm.Tools, p world.Programs, self string, log *world.Log) (_ trial,
	err error,
) {
	g := &gatewayTrial{samples: new(world.Samples)}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	seed := filepath.Join(dir, "seed")
	certs := filepath.Join(seed, "certs")
	if g.cloud, err = newCloud(ctx, dir, certs, p.Localcore, log); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(gatewayConfig, gatewayStore, fmt.Sprintf(":%d", vm.MQTTPort), g.cloud.inside, "/data/certs")
	store := filepath.Join(seed, "store")
	if err := errors.Join(os.MkdirAll(store, 0o750),
		os.WriteFile(filepath.Join(seed, "gateway.yaml"), []byte(text), 0o600)); err != nil {
		return nil, err
	}
	var names []string
	for i := range deviceCount {
		names = append(names, fmt.Sprint("dev-", i))
	}
	passwords, err := world.AddDevices(store, names...)
	if err != nil {
		return nil, err
	}
	inside := map[string]string{"piway-gateway": p.Gateway, "powercut": self}
	if g.machine, err = t.Build(ctx, dir, seed, inside, log.Of("machine")); err != nil {
		return nil, err
	}
	for _, name := range names {
		client := world.Client{Addr: g.machine.MQTT, Name: name, Password: passwords[name]}
		g.devices = append(g.devices, &world.Device{Client: client, Load: load, Samples: g.samples})
	}
	if err := g.start(ctx); err != nil {
		return nil, err
	}
	return g, g.machine.Ready(ctx, gatewayReady)
}

// start boots the machine and starts the gateway in it.
func (g *gatewayTrial) start(ctx context.Context) error {
	if err := g.machine.Boot(ctx); err != nil {
		return err
	}
	return g.machine.Launch(ctx, "piway-gateway run --config /data/gateway.yaml")
}

// cut follows the plan, cuts the power, and counts after the next start.
func (g *gatewayTrial) cut(ctx context.Context, p plan, m *misfortune) (v world.Verdict, err error) {
	living, stop := context.WithCancel(ctx)
	defer stop()
	ending, cancel := context.WithCancel(ctx)
	defer cancel()
	senders := world.LiveAll(ending, living, g.devices)
	defer func() { cancel(); _ = senders.Wait() }() // the first error is the one to tell
	world.Wait(ctx, p.live)
	m.log, m.folders = gatewayLog, []string{gatewayStore}
	m.end = func(ctx context.Context) error {
		_, err := g.machine.Run(ctx, "kill -9 $(pidof piway-gateway); true")
		return err
	}
	if err := m.strike(ctx, g.machine, p, func() {}); err != nil {
		return v, err
	}
	stop()
	if err := m.again(ctx, g.machine, p, g.start); err != nil {
		return v, err
	}
	if err := g.machine.Ready(ctx, gatewayReady); err != nil {
		return v, err
	}
	timer := time.AfterFunc(redeliveryTime, cancel)
	defer timer.Stop()
	if err := senders.Wait(); err != nil {
		return v, fmt.Errorf("%s after the cut: %w", redeliveryTime, err)
	}
	if err := g.drain(ctx); err != nil {
		return v, err
	}
	err = g.samples.Take(g.cloud.record)
	all := g.samples.Verdict()
	v, g.before = all.Minus(g.before), all
	return v, err
}

// drain opens the cloud until the gateway has nothing left.
func (g *gatewayTrial) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if err := g.cloud.core.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = g.cloud.core.Stop() }() // what it took is in the record
	return world.Poll(ctx, "the gateway's queue to be empty", func() (bool, error) {
		out, err := g.machine.Run(ctx, "piway-gateway ledger --json --config /data/gateway.yaml 2>/dev/console")
		if err != nil {
			return false, err
		}
		var all []ledger.Account
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			return false, fmt.Errorf("reading the ledger: %w: %s", err, out)
		}
		return ledger.Sum(all).Waiting == 0, nil
	})
}

func (g *gatewayTrial) close() {
	if g.machine != nil {
		g.machine.Close()
	}
	if g.cloud != nil {
		g.cloud.core.Kill()
	}
}

// A cloud is localcore on this machine, up only while something is counted.
type cloud struct {
	core   *world.Process
	addr   string // of its broker
	inside string // the same, for who is in the machine
	record *world.Record
}

// newCloud makes its certificates in the folder certs, whose client's half is for the gateway.
func newCloud(ctx context.Context, dir, certs, program string, log *world.Log) (*cloud, error) {
	ports, err := world.FreePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	if err := pki.MakeAWS(certs, []string{"127.0.0.1", vm.HostAddr}); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(ports[0])
	if err != nil {
		return nil, err
	}
	c := &cloud{
		addr: ports[0], inside: net.JoinHostPort(vm.HostAddr, port),
		record: &world.Record{Path: filepath.Join(dir, "record")},
	}
	c.core = world.Localcore(program, ports[0], ports[1], certs, c.record.Path, log.Of("localcore"))
	return c, nil
}
