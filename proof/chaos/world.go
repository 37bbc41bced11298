package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/devices"
	"piway/gateway/queue/ledger"
	"piway/proof/faultfs"
	"piway/proof/rig"
	"piway/shared/pki"
)

const (
	devicePrefix = "dev-"
	agentPrefix  = "agent-"
	// window of the uplink: what may be sent twice for each connection that ends.
	window = 50
)

// startTime is for all programs together.
const startTime = time.Minute

const gatewayConfig = `
data: {dir: %[1]s}
broker: {listen: "%[2]s"}
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

// programs are those to run.
type programs struct{ agent, gateway, localcore string }

// An agent is a real one, with a clock of its own.
type agent struct {
	*rig.Process

	clock *wall
}

// A world is all of Piway as real processes, with the lines between them.
type world struct {
	dir, data, record string
	config            string // the gateway's
	gatewayPath       string
	upstream          *upstream
	gateway           *rig.Process
	clock             *wall // the gateway's
	agents            []agent
	lan, wan, far     *rig.Proxy // far is the LAN of the agents
	devices           []*device
	book              *book
	disk              *disk
	dial              *faultfs.Dial // what agents measure; nil where none can be mounted
}

// open starts everything. A gateway's data are on a small disk of their own where this user may make one.
func open(ctx context.Context, dir string, p programs, o options, log io.Writer) (_ *world, err error) {
	w := &world{
		dir: dir, data: filepath.Join(dir, "data"), record: filepath.Join(dir, "record"),
		config: filepath.Join(dir, "gateway.yaml"), gatewayPath: p.gateway, book: new(book),
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
func (w *world) programs() (all []*rig.Process) {
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
func (w *world) configure(ctx context.Context, p programs, o options, log io.Writer) error {
	ports, err := freePorts(ctx, 3)
	if err != nil {
		return err
	}
	mqtt, http, lan := ports[0], ports[1], ports[2]
	for _, line := range []struct {
		proxy **rig.Proxy
		to    string
	}{{&w.wan, mqtt}, {&w.lan, lan}, {&w.far, lan}} {
		if *line.proxy, err = rig.NewProxy(ctx, line.to); err != nil {
			return err
		}
	}
	certs := filepath.Join(w.dir, "certs")
	if err := pki.MakeAWS(certs, nil); err != nil {
		return err
	}
	if o.Upstream == mosquittoUpstream {
		w.upstream, err = newMosquitto(w.dir, certs, mqtt, w.record, log)
	} else {
		w.upstream = newLocalcore(p.localcore, certs, mqtt, http, w.record, log)
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
	w.gateway = &rig.Process{Path: p.gateway, Args: []string{"run", "--config", w.config}, Env: w.clock.env(), Ready: "gateway ready", Log: prefixed(log, "gateway")}
	return w.addSenders(p, o, log)
}

func (w *world) addSenders(p programs, o options, log io.Writer) error {
	list, err := devices.Open(filepath.Join(w.data, "devices.json"))
	if err != nil {
		return err
	}
	for i := range o.Devices {
		name := fmt.Sprint(devicePrefix, i)
		password, err := list.Add(name)
		if err != nil {
			return err
		}
		w.devices = append(w.devices, &device{name: name, password: password, addr: w.lan.Addr(), number: i, book: w.book})
	}
	for i := range o.Agents {
		name := fmt.Sprint(agentPrefix, i)
		password, err := list.Add(name)
		if err != nil {
			return err
		}
		// One notices a dead line, the other waits.
		a, err := w.newAgent(p.agent, name, password, []string{"5s", "1m"}[i%2])
		if err != nil {
			return err
		}
		a.Log = prefixed(log, name)
		w.agents = append(w.agents, a)
	}
	return nil
}

func (w *world) newAgent(program, name, password, keepAlive string) (agent, error) {
	measured := "/"
	if w.dial != nil {
		measured = w.dialPath()
	}
	secret, config := filepath.Join(w.dir, name+".password"), filepath.Join(w.dir, name+".yaml")
	text := fmt.Sprintf(agentConfig, name, w.far.Addr(), secret, filepath.Join(w.dir, name+".spool"), keepAlive, measured)
	if err := errors.Join(os.WriteFile(secret, []byte(password), 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return agent{}, err
	}
	clock, err := newWall(filepath.Join(w.dir, name+".clock"))
	if err == nil { // as one without a battery for it
		err = clock.set(-17*time.Minute, false)
	}
	return agent{&rig.Process{Path: program, Args: []string{"run", "--config", config}, Env: clock.env(), Ready: "agent started"}, clock}, err
}

func (w *world) dialPath() string { return filepath.Join(w.dir, "dial") }

// freePorts returns addresses on the loopback that nobody listens on. They lie below those that the kernel gives to
// whoever asks for any, which would be taken while a program is down.
func freePorts(ctx context.Context, n int) (addrs []string, err error) {
	var lc net.ListenConfig
	for range 1000 {
		l, err := lc.Listen(ctx, "tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(10_000))) //nolint:gosec // any
		if err != nil {
			continue // taken
		}
		defer func() { _ = l.Close() }() // nothing was accepted
		if addrs = append(addrs, l.Addr().String()); len(addrs) == n {
			return addrs, nil
		}
	}
	return nil, errors.New("no port of the loopback is free")
}

// ledger asks the gateway, by its command line.
func (w *world) ledger(ctx context.Context) ([]ledger.Account, error) {
	out, err := exec.CommandContext(ctx, w.gatewayPath, "ledger", "--json", "--config", w.config).Output() //nolint:gosec // our own program
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return nil, fmt.Errorf("ledger: %w: %s", err, exit.Stderr)
		}
		return nil, err
	}
	var all []ledger.Account
	return all, json.Unmarshal(out, &all)
}

// drained waits until the gateway has nothing left, and tells how far it is.
func (w *world) drained(ctx context.Context, tell func(waiting int64)) (all []ledger.Account, err error) {
	err = rig.Poll(ctx, "the gateway's queue to be empty", func() (bool, error) {
		if all, err = w.ledger(ctx); err != nil {
			return false, err
		}
		waiting := ledger.Sum(all).Waiting
		tell(waiting)
		return waiting == 0, nil
	})
	return all, err
}

// live lets the devices send until living ends.
func (w *world) live(ctx, living context.Context) *errgroup.Group {
	var all errgroup.Group
	for _, d := range w.devices {
		all.Go(func() error { return d.live(ctx, living) })
	}
	return &all
}

func (w *world) close() {
	for _, p := range w.programs() {
		p.Kill()
	}
	for _, p := range []*rig.Proxy{w.lan, w.wan, w.far} {
		if p != nil {
			p.Close()
		}
	}
	if w.dial != nil {
		_ = w.dial.Close() // gone with this process otherwise
	}
	w.disk.close()
}
