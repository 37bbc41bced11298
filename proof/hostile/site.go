package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/pairing"
	"piway/shared/pki"
)

const (
	deviceCount = 20
	freshCount  = 4 // of these log in anew for each report
	guestCount  = 8
	window      = time.Second
)

func deviceName(i int) string { return fmt.Sprintf("pi-%02d", i) }

// The clock is trusted: all runs by one.
const gatewayConfig = `
data: {dir: %s}
broker: {listen_tls: "127.0.0.1:0", listen: "127.0.0.1:0"}
intake: {clock_tolerance: 1s, trust_clock: true}
rollup: {window: 1s, grace: 1s}
uplink:
  endpoint: "%s"
  certs: {dir: %s}
  canary: 0s
  connect_interval: 1s
  max_backoff: 1s
`

// startTime is for all programs together.
const startTime = time.Minute

// A site is a gateway with its devices and its cloud, for one phase.
type site struct {
	phase   phase
	dir     string // of its own
	data    string // the gateway's
	gateway *world.Process
	log     *counter // the gateway's
	core    *localcore.Core
	stop    func() error // ends the core
	devices []*world.Device
	token   pairing.Token // the last
	guests  []guest
	loot    loot
	samples *world.Samples
	record  *world.Record
	hostile datums
}

// open starts the gateway and the cloud.
func open(ctx context.Context, dir string, p world.Programs, phase phase, log *world.Log) (_ *site, err error) {
	s := &site{
		phase: phase, dir: dir, data: filepath.Join(dir, "data"), log: &counter{to: log.Of("gateway")},
		samples: new(world.Samples), record: &world.Record{Path: filepath.Join(dir, "record")}, hostile: datums{},
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	cfg := localcore.Default()
	cfg.Listen, cfg.HTTP, cfg.Record, cfg.Certs = "127.0.0.1:0", "127.0.0.1:0", s.record.Path, filepath.Join(dir, "certs")
	coreLog := slog.New(slog.NewTextHandler(log.Of("localcore"), nil))
	if s.core, s.stop, err = world.OpenCore(ctx, cfg, coreLog); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "gateway.yaml")
	text := fmt.Sprintf(gatewayConfig, s.data, s.core.MQTTAddr(), cfg.Certs) + phase.config
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	passwords, err := world.AddDevices(s.data, guestNames()...)
	if err != nil {
		return nil, err
	}
	s.gateway = world.Gateway(p.Gateway, config, s.log)
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := s.gateway.Start(ctx); err != nil {
		return nil, err
	}
	for i := range deviceCount {
		key, err := s.pair(ctx, deviceName(i))
		if err != nil {
			return nil, err
		}
		c := world.Client{Addr: s.gateway.AddrTLS(), Name: deviceName(i), TLS: pki.Pinned([]pki.Sum{s.token.Pin}, key)}
		s.devices = append(s.devices, &world.Device{
			Client: c, Load: world.Load{
				Run: "load", Reports: 1, Pause: time.Second, Steady: true, Anew: i < freshCount,
			}, Samples: s.samples,
		})
	}
	for _, name := range guestNames() {
		s.guests = append(s.guests, guest{name, passwords[name]})
	}
	return s, s.steal(ctx)
}

// pair invites a device, and has it join with a key of its own.
func (s *site) pair(ctx context.Context, name string) (key *tls.Certificate, err error) {
	if s.token, err = world.Invite(ctx, s.data, name); err != nil {
		return nil, err
	}
	if key, err = pki.MakeDeviceKey(filepath.Join(s.dir, name+".key")); err != nil {
		return nil, err
	}
	_, err = world.Join(ctx, s.token, key)
	return key, err
}

// steal is how the hostile got what they have beside the guests' passwords.
func (s *site) steal(ctx context.Context) (err error) {
	s.loot.used = s.token // of the last honest device
	if s.loot.revoked, err = s.pair(ctx, "stolen"); err != nil {
		return err
	}
	if err := world.Revoke(ctx, s.data, "stolen"); err != nil {
		return err
	}
	s.loot.secure.name = "secure"
	s.loot.secure.password, err = world.AddSecure(ctx, s.data, s.loot.secure.name)
	return err
}

func guestNames() (all []string) {
	for i := range guestCount {
		all = append(all, fmt.Sprint("guest-", i))
	}
	return all
}

func (s *site) close() {
	if s.gateway != nil {
		s.gateway.Kill()
	}
	if s.stop != nil {
		_ = s.stop() // what it took is in the record
	}
}

// take books what came to the cloud since it last did.
func (s *site) take() error {
	all, err := s.record.New()
	honest := map[string]bool{}
	for _, d := range s.devices {
		honest[d.Name] = true
	}
	for _, d := range all {
		if _, device := world.Named(&d); honest[device] {
			s.samples.Took(&d)
		} else {
			s.hostile.add(&d)
		}
	}
	return err
}
