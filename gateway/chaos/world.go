package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/devices"
	"piway/gateway/queue"
	"piway/gateway/rig"
	"piway/shared/pki"
)

const (
	devicePrefix = "dev-"
	agentPrefix  = "agent-"
	// window of the uplink: what may be sent twice for each connection that ends.
	window = 50
)

const gatewayConfig = `
data: {dir: %[1]s}
broker: {listen: "%[2]s"}
intake: {trust_clock: true, clock_tolerance: 1s}
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
gateway: {address: "%[2]s", password_file: %[3]s, keep_alive: 5s}
collect: {interval: 1s, disks: ["/"]}
spool: {dir: %[4]s, after: 1s}
`

// programs are those to run.
type programs struct{ agent, gateway, localcore string }

// A world is all of Piway as real processes, with the lines between them.
type world struct {
	dir, data, record string
	config            string // the gateway's
	gatewayPath       string
	http              string // localcore's
	core, gateway     *rig.Process
	agents            []*rig.Process
	lan, wan          *rig.Proxy
	devices           []*device
	book              *book
	disk              *disk
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
	if err := w.configure(ctx, p, o, log); err != nil {
		return nil, err
	}
	for _, program := range append([]*rig.Process{w.core, w.gateway}, w.agents...) {
		if err := program.Start(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// configure makes the lines, and all that the programs need to start.
func (w *world) configure(ctx context.Context, p programs, o options, log io.Writer) error {
	ports, err := freePorts(ctx, 3)
	if err != nil {
		return err
	}
	mqtt, http, lan := ports[0], ports[1], ports[2]
	w.http = http
	if w.wan, err = rig.NewProxy(ctx, mqtt); err != nil {
		return err
	}
	if w.lan, err = rig.NewProxy(ctx, lan); err != nil {
		return err
	}
	certs := filepath.Join(w.dir, "certs")
	if err := pki.MakeAWS(certs, nil); err != nil {
		return err
	}
	text := fmt.Sprintf(gatewayConfig, w.data, lan, w.wan.Addr(), certs, o.Form, window)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		return err
	}
	w.core = &rig.Process{
		Path: p.localcore, Args: []string{"run", "--listen", mqtt, "--http", http, "--certs", certs, "--record", w.record},
		Ready: "msg=serving", Log: prefixed(log, "localcore"),
	}
	w.gateway = &rig.Process{Path: p.gateway, Args: []string{"run", "--config", w.config}, Ready: "gateway ready", Log: prefixed(log, "gateway")}
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
		secret, config := filepath.Join(w.dir, name+".password"), filepath.Join(w.dir, name+".yaml")
		text := fmt.Sprintf(agentConfig, name, w.lan.Addr(), secret, filepath.Join(w.dir, name+".spool"))
		if err := errors.Join(os.WriteFile(secret, []byte(password), 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
			return err
		}
		w.agents = append(w.agents, &rig.Process{
			Path: p.agent, Args: []string{"run", "--config", config}, Ready: "agent started", Log: prefixed(log, name),
		})
	}
	return nil
}

// freePorts returns addresses on the loopback that nobody listens on.
func freePorts(ctx context.Context, n int) (addrs []string, err error) {
	var lc net.ListenConfig
	for range n {
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // nothing was accepted
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// fault switches one of localcore's on. It may be down just now.
func (w *world) fault(ctx context.Context, name string, length time.Duration, value string) {
	url := fmt.Sprintf("http://%s/faults/%s?for=%s&value=%s", w.http, name, length, value)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close() // nothing in it is of interest
	}
}

// ledger asks the gateway, by its command line.
func (w *world) ledger(ctx context.Context) ([]queue.Account, error) {
	out, err := exec.CommandContext(ctx, w.gatewayPath, "ledger", "--json", "--config", w.config).Output() //nolint:gosec // our own program
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return nil, fmt.Errorf("ledger: %w: %s", err, exit.Stderr)
		}
		return nil, err
	}
	var all []queue.Account
	return all, json.Unmarshal(out, &all)
}

// drained waits until the gateway has nothing left, and tells how far it is.
func (w *world) drained(ctx context.Context, tell func(waiting int64)) (all []queue.Account, err error) {
	err = rig.Poll(ctx, "the gateway's queue to be empty", func() (bool, error) {
		if all, err = w.ledger(ctx); err != nil {
			return false, err
		}
		waiting := int64(0)
		for _, a := range all {
			waiting += a.Waiting
		}
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
	for _, p := range append([]*rig.Process{w.gateway, w.core}, w.agents...) {
		if p != nil {
			p.Kill()
		}
	}
	for _, p := range []*rig.Proxy{w.lan, w.wan} {
		if p != nil {
			p.Close()
		}
	}
	w.disk.close()
}

// A disk is a small file system for the gateway's data, if this user may mount one.
type disk struct {
	dir     string
	mounted bool
}

// diskBytes leaves room for what a minute brings.
const diskBytes = 64 << 20

func openDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0750", diskBytes))
	return &disk{dir, err == nil}, nil
}

// fill leaves no byte free; free makes room again.
func (d *disk) fill() {
	f, err := os.Create(filepath.Join(d.dir, "filler"))
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // it fails, that is the point
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if _, err := f.Write(chunk); err != nil {
			chunk = chunk[:len(chunk)/2]
		}
	}
}

func (d *disk) free() { _ = os.Remove(filepath.Join(d.dir, "filler")) } // it may not be there

func (d *disk) close() {
	if d != nil && d.mounted {
		_ = syscall.Unmount(d.dir, syscall.MNT_DETACH) // gone with this process's folder otherwise
	}
}
