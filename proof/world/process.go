package world

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"sync"
	"testing"
	"time"

	"piway/proof/rig"
	"piway/shared/mqttlink"
)

// A Process is a gateway, or what says that it is one, that is killed and started again. Connect may be called
// meanwhile.
type Process struct {
	t testing.TB
	p *rig.Process

	mu   sync.Mutex // guards the fields below
	at   string
	addr chan struct{} // closed while at is that of a running gateway
}

// NewProcess returns a program that does not run yet.
func NewProcess(t testing.TB, path string, env []string, args ...string) *Process {
	p := &rig.Process{Path: path, Args: args, Env: env, Ready: "gateway ready", Log: io.Discard}
	return &Process{t: t, p: p, addr: make(chan struct{})}
}

var listening = regexp.MustCompile(`listen=(\S+)`)

// readyWithin is how long a program may take to be ready.
const readyWithin = time.Minute

// Start returns when the program listens.
func (p *Process) Start() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), readyWithin)
	defer cancel()
	if err := p.p.Start(ctx); err != nil {
		p.t.Fatal(err)
	}
	m := listening.FindStringSubmatch(p.p.Line(p.p.Ready))
	if m == nil {
		p.t.Fatalf("%s does not say where it listens", p.p.Path)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = m[1]
	close(p.addr)
}

// Kill ends the program as a power cut would, seen from the program.
func (p *Process) Kill() {
	p.mu.Lock()
	p.addr = make(chan struct{})
	p.mu.Unlock()
	p.p.Kill()
}

// Addr is where the program listens that runs.
func (p *Process) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// PID is that of the program that runs.
func (p *Process) PID() int { return p.p.PID() }

// Connect returns a connection to the gateway when there is one, nil if it went away meanwhile.
func (p *Process) Connect(ctx context.Context, device, password string) *mqttlink.Link {
	p.mu.Lock()
	up := p.addr
	p.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil
	}
	link, err := mqttlink.Connect(ctx, mqttlink.Options{
		Broker: "tcp://" + p.Addr(), ClientID: device, Username: device, Password: password, KeepAlive: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil
	}
	return link
}
