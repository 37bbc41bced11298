package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"piway/proof/world"
)

// mosquittoPeers are Eclipse Mosquitto's bridge, with the settings of Debian's package, with its most durable ones, and
// with these and so slow that it stays below AWS's rate.
func mosquittoPeers() []peer {
	needs := []string{"mosquitto"}
	paced := append(durable(), "max_inflight_messages 1")
	return []peer{
		{
			"mosquitto", "bridge, QoS 1, Debian's defaults, which have persistence true", needs,
			mosquittoBridge(30*time.Minute, nil, nil),
		},
		{"mosquitto-durable", "also " + strings.Join(durable(), ", "), needs, mosquittoBridge(time.Minute, durable(), nil)},
		{"mosquitto-paced", "also " + strings.Join(paced, ", "), needs, mosquittoBridge(time.Minute, paced, nil)},
	}
}

// durable are the settings with which the least is lost. Writing all messages to disk more often than once a minute
// would be gigabytes an hour for a day's backlog.
func durable() []string { return []string{"autosave_interval 60", "max_queued_messages 0"} }

// A mosquitto is a broker that keeps its messages in memory and writes all of it to disk each autosave_interval.
type mosquitto struct {
	proc     *world.Process
	addr     string
	load     load
	autosave time.Duration
}

// mosquittoBridge starts one that bridges to the upstream, cleansession false being its default.
func mosquittoBridge(autosave time.Duration, general, bridge []string) func(context.Context, *site) (forwarder, error) {
	return func(ctx context.Context, s *site) (forwarder, error) {
		return startMosquitto(ctx, s, autosave, general, append([]string{
			"connection aws",
			fmt.Sprintf("address localhost:%d", s.upstream.port),
			"topic " + recipeTopic + " out 1",
			"remote_clientid piway-outage",
			"bridge_protocol_version mqttv311",
			"try_private false",   // it is not mosquitto that is bridged to
			"notifications false", // AWS takes no topic that begins with $SYS
			"bridge_cafile " + s.files.Roots[0],
			"bridge_certfile " + s.files.Cert,
			"bridge_keyfile " + s.files.Key,
		}, bridge...))
	}
}

// startMosquitto starts a broker that is open to everyone on loopback.
func startMosquitto(ctx context.Context, s *site, autosave time.Duration, general, bridge []string) (*mosquitto,
	error,
) {
	addrs, err := world.FreePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addrs[0])
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("starting mosquitto: %w", err)
	}
	lines := slices.Concat([]string{
		"user " + me.Username, // as root it would become another
		"persistence true",
		"persistence_location " + s.dir + "/",
		"log_dest stderr",
	}, general, []string{
		"listener " + port + " 127.0.0.1",
		"allow_anonymous true",
	}, bridge)
	file := filepath.Join(s.dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("writing mosquitto's configuration: %w", err)
	}
	m := &mosquitto{proc: &world.Process{
		Path: s.programs.mosquitto, Args: []string{"-c", file}, Ready: " running",
		Log: s.log.Of("mosquitto"),
	}, addr: addrs[0], load: s.load, autosave: autosave}
	if err := m.proc.Start(ctx); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *mosquitto) door() door { return recipes(m.load, m.addr) }

func (m *mosquitto) kill(ctx context.Context) error {
	m.proc.Kill()
	return m.proc.Start(ctx)
}

func (m *mosquitto) revive(context.Context) (bool, error) { return false, nil }

func (m *mosquitto) step() time.Duration { return m.autosave }

// tick saves as autosave_interval would have: SIGUSR1 is the same save at once (mosquitto(8)). It returns when
// mosquitto has begun it; it does nothing else meanwhile.
func (m *mosquitto) tick(ctx context.Context) error {
	const saving = "Saving in-memory database"
	have := m.proc.Count(saving)
	if err := m.proc.Signal(syscall.SIGUSR1); err != nil {
		return fmt.Errorf("telling mosquitto to save: %w", err)
	}
	return m.proc.Await(ctx, saving, have+1)
}

func (m *mosquitto) written() int64                { return m.proc.Written() }
func (m *mosquitto) settled(context.Context) error { return nil }
func (m *mosquitto) close()                        { _ = m.proc.Stop() } // all is counted
