package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"piway/proof/powercut/vm"
	"piway/proof/world"
	"piway/shared/clock"
)

const (
	agentName   = "agent"
	agentConfig = `
device: %[1]s
gateway: {address: "%[2]s", password_file: /data/password, keep_alive: 5s}
collect: {interval: 1s, disks: [/, /data]}
spool: {dir: /data/spool, after: 1s}
`
	agentReady  = "agent started"
	spoolFolder = "/data/spool"
	spoolFiles  = spoolFolder + "/*.spool"
	// lookEvery is the time between two looks at the spool's files.
	lookEvery = time.Second
	// agentGivesUp and agentRecovers are what it says when it cannot promise anything for a while.
	agentGivesUp, agentRecovers = "folder cannot be used", "folder can be used again"
	// deliverTime bounds what follows a start.
	deliverTime = 2 * time.Minute
)

// An agentTrial has the agent in the machine; the gateway and the cloud are out here, and up only while something is
// counted.
type agentTrial struct {
	machine *vm.Machine
	cloud   *cloud
	gateway *world.Process
	diary   *diary
	before  world.Counts
}

func openAgent(ctx context.Context, dir string, t vm.Tools, p world.Programs, self string, log *world.Log) (_ trial,
	err error,
) {
	a := &agentTrial{diary: &diary{}}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	seed := filepath.Join(dir, "seed")
	if err := os.Mkdir(seed, 0o750); err != nil {
		return nil, err
	}
	certs := filepath.Join(dir, "certs")
	if a.cloud, err = newCloud(ctx, dir, certs, p.Localcore, log); err != nil {
		return nil, err
	}
	if err := a.addGateway(ctx, dir, seed, certs, p.Gateway, log); err != nil {
		return nil, err
	}
	if a.machine, err = t.Build(ctx, dir, seed, map[string]string{"piway-agent": p.Agent, "powercut": self},
		log.Of("machine")); err != nil {
		return nil, err
	}
	if err := a.start(ctx); err != nil {
		return nil, err
	}
	return a, a.machine.Ready(ctx, agentReady)
}

// addGateway makes a gateway on this machine, and what the agent needs to speak with it.
func (a *agentTrial) addGateway(ctx context.Context, dir, seed, certs, program string, log *world.Log) error {
	ports, err := world.FreePorts(ctx, 1)
	if err != nil {
		return err
	}
	store, file := filepath.Join(dir, "store"), filepath.Join(dir, "gateway.yaml")
	passwords, err := world.AddDevices(store, agentName)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(ports[0])
	if err != nil {
		return err
	}
	a.gateway = world.Gateway(program, file, log.Of("gateway"))
	return errors.Join(
		os.WriteFile(file, fmt.Appendf(nil, gatewayConfig, store, ports[0], a.cloud.addr, certs), 0o600),
		os.WriteFile(filepath.Join(seed, "agent.yaml"),
			fmt.Appendf(nil, agentConfig, agentName, net.JoinHostPort(vm.HostAddr, port)), 0o600),
		os.WriteFile(filepath.Join(seed, "password"), []byte(passwords[agentName]), 0o600),
	)
}

func (a *agentTrial) start(ctx context.Context) error {
	if err := a.machine.Boot(ctx); err != nil {
		return err
	}
	return a.machine.Launch(ctx, clock.Variable+"=0s,synced piway-agent run --config /data/agent.yaml")
}

// cut follows the plan, cuts the power, and counts after the next start.
func (a *agentTrial) cut(ctx context.Context, p plan, m *misfortune) (v world.Verdict, err error) {
	looking, stop := context.WithCancel(ctx)
	defer stop()
	var looks sync.WaitGroup
	looks.Go(func() { a.look(looking) })
	world.Wait(ctx, p.live)
	began := time.Now()
	m.end, m.folders = a.end, []string{spoolFolder}
	if err := m.strike(ctx, a.machine, p, func() { stop(); looks.Wait(); a.vouch(p, began) }); err != nil {
		return v, err
	}
	if err := m.again(ctx, a.machine, p, a.start); err != nil {
		return v, err
	}
	if err := a.machine.Ready(ctx, agentReady); err != nil {
		return v, err
	}
	err = a.deliver(ctx)
	all := a.diary.counts()
	v.Counts, a.before, v.FirstLost = all.Minus(a.before), all, a.diary.lost()
	return v, err
}

// look notes what is in the spool's files, now and then.
func (a *agentTrial) look(ctx context.Context) {
	for ctx.Err() == nil {
		// A file may go away meanwhile, and the machine may be slow: the next look will tell.
		if text, err := a.machine.Run(ctx, "cat "+spoolFiles+" 2>/dev/null; true"); err == nil {
			a.diary.note(text, time.Now())
		}
		world.Wait(ctx, lookEvery)
	}
}

// end stops the agent in order: what it then has in its files it has promised. It starts again by itself.
func (a *agentTrial) end(ctx context.Context) error {
	text, err := a.machine.Run(ctx, `agent=$(pidof piway-agent)
kill $agent
while [ -e /proc/$agent ]; do sleep 0.1; done
cat `+spoolFiles+` 2>/dev/null; true`)
	if err != nil {
		return err
	}
	a.diary.note(text, time.Now())
	a.diary.promise(time.Now())
	return nil
}

// vouch says what is promised now, just before the cut: what is in the files for longer than the agent may leave it
// without an fsync. While it says that its folder cannot be used, nothing that came since the errors began.
func (a *agentTrial) vouch(p plan, began time.Time) {
	upTo := time.Now()
	if a.machine.Said(agentGivesUp) > a.machine.Said(agentRecovers) && !p.kill && p.after < recovery {
		upTo = began
	}
	a.diary.promise(upTo.Add(-syncTime))
	a.diary.close()
}

// deliver opens the gateway and the cloud until all that is promised has come, or no more comes.
func (a *agentTrial) deliver(ctx context.Context) error {
	for _, p := range []*world.Process{a.cloud.core, a.gateway} {
		if err := p.Start(ctx); err != nil {
			return err
		}
		defer func() { _ = p.Stop() }() // what it took is in the record
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	empty := 0
	return world.Poll(ctx, "the agent's backlog", func() (bool, error) {
		if err := a.diary.take(a.cloud.record); err != nil {
			return false, err
		}
		if a.diary.counts().Lost == 0 {
			return true, nil
		}
		text, err := a.machine.Run(ctx, "ls "+spoolFiles+" 2>/dev/null; true")
		if err != nil {
			return false, err
		}
		if text == "" {
			empty++
		}
		return empty > emptyLooks, nil
	})
}

const (
	// emptyLooks at an empty spool are long enough for the gateway to send on what it got.
	emptyLooks = 30
	// syncTime is how long the agent may leave a reading without an fsync, five seconds, and some more for a slow
	// machine.
	syncTime = 8 * time.Second
)

func (a *agentTrial) close() {
	if a.machine != nil {
		a.machine.Close()
	}
	if a.gateway != nil {
		a.gateway.Kill()
	}
	if a.cloud != nil {
		a.cloud.core.Kill()
	}
}
