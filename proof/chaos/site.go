package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"piway/proof/faultfs"
	"piway/proof/world"
	"piway/shared/pki"
)

const (
	devicePrefix = "dev-"
	agentPrefix  = "agent-"
	// window of the uplink: what may be sent twice for each connection that ends.
	window = 50
)

// load of each device: at most 20 samples a second.
var load = world.Load{Run: "chaos", Reports: 8, Pause: 400 * time.Millisecond, Mixed: true}

// startTime is for all programs together.
const startTime = time.Minute

const gatewayConfig = `
data: {dir: %[1]s}
broker: {listen_tls: "127.0.0.1:0", listen: "%[2]s"}
intake: {clock_tolerance: 1s, max_metrics: 5000}
rollup: {window: 1s, grace: 1s}
uplink:
  endpoint: "%[3]s"
  certs: {dir: %[4]s}
  form: %[5]s
  window: %[6]d
  canary: 0s
  connect_interval: 1s
  max_backoff: 1s
  ack_timeout: 3s
`

const agentConfig = `
device: %[1]s
gateway: {address: "%[2]s", password_file: %[3]s, keep_alive: %[5]s}
collect: {interval: 1s, disks: ["%[6]s"]}
spool: {dir: %[4]s, after: 1s}
`

// An agent is a real one, with a clock of its own.
type agent struct {
	*world.Process

	clock *wall
}

// A world is all of Piway as real processes, with the lines between them.
type site struct {
	dir, data     string
	record        *world.Record
	config        string // the gateway's
	upstream      *upstream
	gateway       *world.Process
	clock         *wall // the gateway's
	agents        []agent
	lan, wan, far *world.Proxy // far is the LAN of the agents
	devices       []*world.Device
	samples       *world.Samples
	disk          *disk
	dial          *faultfs.Dial // what agents measure; nil where none can be mounted
}

// open starts everything. A gateway's data are on a small disk of their own where this user may make one.
func open(ctx context.Context, dir string, p world.Programs, o options, log *world.Log) (_ *site, err error) {
	w := &site{
		dir: dir, data: filepath.Join(dir, "data"), record: &world.Record{Path: filepath.Join(dir, "record")},
		config: filepath.Join(dir, "gateway.yaml"), samples: new(world.Samples),
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.disk, err = openDisk(w.data); err != nil {
		return nil, err
	}
	if w.disk.faults != nil {
		if w.dial, err = faultfs.OpenDial(filepath.Join(dir, "dial")); err != nil {
			return nil, err
		}
	}
	if err := w.configure(ctx, p, o, log); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, program := range w.programs() {
		if err := program.Start(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// programs are all that run, in the order in which they start.
func (w *site) programs() (all []*world.Process) {
	if w.upstream != nil {
		all = append(all, w.upstream.programs...)
	}
	if w.gateway != nil {
		all = append(all, w.gateway)
	}
	for _, a := range w.agents {
		all = append(all, a.Process)
	}
	return all
}

// configure makes the lines, and all that the programs need to start.
func (w *site) configure(ctx context.Context, p world.Programs, o options, log *world.Log) error {
	ports, err := world.FreePorts(ctx, 3)
	if err != nil {
		return err
	}
	mqtt, http, lan := ports[0], ports[1], ports[2]
	for _, line := range []struct {
		proxy **world.Proxy
		to    string
	}{{&w.wan, mqtt}, {&w.lan, lan}, {&w.far, lan}} {
		if *line.proxy, err = world.NewProxy(ctx, line.to); err != nil {
			return err
		}
	}
	certs := filepath.Join(w.dir, "certs")
	if err := pki.MakeAWS(certs, nil); err != nil {
		return err
	}
	if o.Upstream == mosquittoUpstream {
		w.upstream, err = newMosquitto(w.dir, certs, mqtt, w.record.Path, log)
	} else {
		w.upstream = newLocalcore(p.Localcore, certs, mqtt, http, w.record.Path, log)
	}
	if err != nil {
		return err
	}
	text := fmt.Sprintf(gatewayConfig, w.data, lan, w.wan.Addr(), certs, o.Form, window)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		return err
	}
	if w.clock, err = newWall(filepath.Join(w.dir, "gateway.clock")); err != nil {
		return err
	}
	w.gateway = world.Gateway(p.Gateway, w.config, log.Of("gateway"))
	w.gateway.Env = w.clock.env()
	return w.addSenders(p, o, log)
}

func (w *site) addSenders(p world.Programs, o options, log *world.Log) error {
	var devices, agents []string
	for i := range o.Devices {
		devices = append(devices, fmt.Sprint(devicePrefix, i))
	}
	for i := range o.Agents {
		agents = append(agents, fmt.Sprint(agentPrefix, i))
	}
	passwords, err := world.AddDevices(w.data, slices.Concat(devices, agents)...)
	if err != nil {
		return err
	}
	for _, name := range devices {
		client := world.Client{Addr: w.lan.Addr(), Name: name, Password: passwords[name]}
		w.devices = append(w.devices, &world.Device{Client: client, Load: load, Samples: w.samples})
	}
	for i, name := range agents {
		// One notices a dead line, the other waits.
		a, err := w.newAgent(p.Agent, name, passwords[name], []string{"5s", "1m"}[i%2])
		if err != nil {
			return err
		}
		a.Log = log.Of(name)
		w.agents = append(w.agents, a)
	}
	return nil
}

func (w *site) newAgent(program, name, password, keepAlive string) (agent, error) {
	measured := "/"
	if w.dial != nil {
		measured = w.dialPath()
	}
	secret, config := filepath.Join(w.dir, name+".password"), filepath.Join(w.dir, name+".yaml")
	text := fmt.Sprintf(agentConfig, name, w.far.Addr(), secret, filepath.Join(w.dir, name+".spool"), keepAlive, measured)
	if err := errors.Join(os.WriteFile(secret, []byte(password), 0o600),
		os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return agent{}, err
	}
	clock, err := newWall(filepath.Join(w.dir, name+".clock"))
	if err == nil { // as one without a battery for it
		err = clock.set(-17*time.Minute, false)
	}
	return agent{&world.Process{
		Path: program, Args: []string{"run", "--config", config}, Env: clock.env(),
		Ready: "agent started",
	}, clock}, err
}

func (w *site) dialPath() string { return filepath.Join(w.dir, "dial") }

func (w *site) close() {
	for _, p := range w.programs() {
		p.Kill()
	}
	for _, p := range []*world.Proxy{w.lan, w.wan, w.far} {
		if p != nil {
			p.Close()
		}
	}
	if w.dial != nil {
		_ = w.dial.Close() // gone with this process otherwise
	}
	w.disk.close()
}
