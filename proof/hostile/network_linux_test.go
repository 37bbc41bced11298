package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/mdns"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// A network is one of its own, in which programs can be started, and this test on its thread alone.
type network struct {
	path string // of its namespace
	do   chan func()
}

// newNetwork makes one that lasts as long as the test.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n, ready := &network{do: make(chan func())}, make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		n.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())
		ready <- err
		for f := range n.do {
			f()
		}
	}()
	t.Cleanup(func() { close(n.do) })
	if err := <-ready; err != nil {
		t.Skip("no network namespace here: ", err)
	}
	return n
}

// on runs f on the network's thread.
func (n *network) on(f func()) {
	ended := make(chan struct{})
	n.do <- func() { defer close(ended); f() }
	<-ended
}

// in is a command in the network.
func (n *network) in(words ...string) []string { return append([]string{"--net=" + n.path}, words...) }

func (n *network) run(t *testing.T, command string) {
	t.Helper()
	args := n.in(strings.Fields(command)...)
	if out, err := exec.CommandContext(t.Context(), "nsenter", args...).CombinedOutput(); err != nil {
		t.Skipf("%s: %v %s", command, err, out)
	}
}

// lan makes the networks of two machines that a cable joins: 10.9.8.7 and 10.9.8.8.
func lan(t *testing.T) (near, far *network) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	for _, tool := range []string{"nsenter", "ip"} {
		world.Tool(t, tool)
	}
	near, far = newNetwork(t), newNetwork(t)
	near.run(t, "ip link add lan0 type veth peer name far0 netns "+far.path)
	for n, at := range map[*network]string{near: "10.9.8.7/24 dev lan0", far: "10.9.8.8/24 dev far0"} {
		n.run(t, "ip link set lo up")
		n.run(t, "ip addr add "+at)
		n.run(t, "ip link set "+at[len(at)-4:]+" up")
	}
	return near, far
}

// A gateway gets another address. Who announces himself in its name meanwhile is asked, and told nothing; the agent
// finds the gateway when that is there, by what it announces.
func TestRogues_mDNS(t *testing.T) {
	p := world.Built(t)
	near, far := lan(t)
	dir := t.TempDir()
	endpoint, certs := world.Core(t, localcore.Default())
	config, data := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "data")
	gateway := func(port string) *world.Process {
		text := fmt.Sprintf("data: {dir: %q}\nbroker: {listen_tls: '10.9.8.7:%s'}\n"+
			"uplink: {endpoint: %q, certs: {dir: %q}}\n", data, port, endpoint, certs)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g := world.Gateway("nsenter", config, t.Output())
		g.Args = near.in(append([]string{p.Gateway}, g.Args...)...)
		world.Run(t, g)
		return g
	}
	first := gateway("8883")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	token, err := world.Invite(ctx, data, "kitchen")
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.MakeDeviceKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if far.on(func() { _, err = world.Join(ctx, token, key) }); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	them, _ := authority(t)
	var rogue *rogue
	near.on(func() { rogue = rogueAt(t, "a rogue on the network", "10.9.8.7:8889", speaking(0, them.Certificate())) })
	announcing, end := context.WithCancel(t.Context())
	announced := make(chan error, 1)
	near.do <- func() {
		announced <- mdns.Announce(announcing, 8889, [8]byte(token.Pin[:8]), slog.New(slog.NewTextHandler(t.Output(), nil)))
	}
	log := new(testlog.Log)
	login := fmt.Sprintf("key_file: %q", filepath.Join(dir, "key"))
	yaml := agentConfig(t, token.Pin, login, "10.9.8.7:8883")
	text, err := os.ReadFile(yaml)
	if err == nil {
		err = os.WriteFile(yaml, []byte(strings.Replace(string(text), "mdns: false", "mdns: true", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	world.Run(t, &world.Process{
		Path: "nsenter", Args: far.in(p.Agent, "run", "--config", yaml), Ready: "agent started", Log: log,
	})
	rogue.await(ctx, t, 1)
	gateway("8884")
	if _, err := log.Await(ctx, 1, "level=INFO", "gateway=10.9.8.7:8884"); err != nil { // it is back
		t.Error(err)
	}
	rogue.mustKnowNothing(t, []byte("kitchen"), key.Leaf.RawSubjectPublicKeyInfo)
	if n := log.Count("passed over", "address=10.9.8.7:8889"); n != 1 {
		t.Errorf("it is told of in %d lines:\n%s", n, log)
	}
	end()
	select {
	case err := <-announced:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("announcing does not end")
	}
}
