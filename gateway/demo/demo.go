// Package demo runs the three programs in one process, with nothing to configure. Its one promise: it is the real way,
// over TCP and TLS, with agents that pair by invitation, and nothing of it is left behind.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/agent/agent"
	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/shared/config"
)

// Options of a demo.
type Options struct {
	// For ends it by itself after that time, if it is set; Run then fails unless every metric of this machine arrived.
	For time.Duration
	// Form is how datapoints go to the cloud.
	Form string
	// Agents is how many there are, 1 to 100; those after the first have made-up names.
	Agents int
	// Log is for what the programs say.
	Log *slog.Logger
}

// The demo's pace: the first datapoint is a window, a grace and a second after the start.
const (
	window   = 3 * time.Second
	grace    = time.Second
	Interval = time.Second
)

// Run shows the whole way on this machine: a stand-in for AWS, a gateway, and agents that read this machine.
func Run(ctx context.Context, c Options, out io.Writer) error {
	if c.Agents < 1 || c.Agents > 100 {
		return fmt.Errorf("--agents: must be between 1 and 100, got %d", c.Agents)
	}
	dir, err := os.MkdirTemp("", "piway-demo-")
	if err != nil {
		return fmt.Errorf("making the demo's folder: %w", err)
	}
	err = run(ctx, dir, c, out)
	return errors.Join(err, os.RemoveAll(dir))
}

func run(ctx context.Context, dir string, c Options, out io.Writer) error {
	d := &demo{log: c.Log, table: newTable(out)}
	if err := d.open(ctx, dir, &c); err != nil {
		return err
	}
	if err := d.table.head(d); err != nil {
		return err
	}
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if err := d.serve(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n%d datapoints of %d metrics\n", d.table.points(), len(d.table.names()))
	if c.For > 0 {
		return d.verdict(context.WithoutCancel(ctx))
	}
	return nil
}

// A demo is the three programs in one process.
type demo struct {
	log     *slog.Logger
	table   *table
	core    *localcore.Core
	gateway *gateway.Gateway
	agents  []*invited
}

func (d *demo) open(ctx context.Context, dir string, c *Options) (err error) {
	cfg := Config(dir, filepath.Join(dir, "certs"))
	cfg.Uplink.Form = c.Form
	if d.core, err = openCloud(ctx, dir, &cfg, d.table.add, d.log.With("program", "localcore")); err != nil {
		return err
	}
	cfg.Uplink.Endpoint = d.core.MQTTAddr().String()
	d.gateway, err = gateway.Open(ctx, cfg, d.log.With("program", "gateway"))
	if err != nil {
		return errors.Join(err, d.core.Run(ended(ctx)))
	}
	if d.agents, err = invite(ctx, d.gateway, dir, c.Agents); err != nil {
		d.gateway.Close(ctx)
		return errors.Join(err, d.core.Run(ended(ctx)))
	}
	return nil
}

// ended is a context under which Run only releases what Open acquired.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// openCloud opens a localcore with the rules and the policy that a user with the gateway's configuration would install.
// It sets the rule to publish to.
func openCloud(ctx context.Context, dir string, cfg *settings.Config, onDatum func(cloudwatch.Datum),
	log *slog.Logger,
) (*localcore.Core, error) {
	names := cfg.Cloud().For(cfg.Uplink.Form)
	cfg.Uplink.Rule = names.Rule
	stand := localcore.Default()
	names.Account, names.Region = stand.Account, stand.Region
	policy := filepath.Join(dir, "policy.json")
	if err := os.WriteFile(policy, names.Policy(), 0o600); err != nil {
		return nil, fmt.Errorf("writing the demo's policy: %w", err)
	}
	stand.Listen, stand.HTTP, stand.Certs = "127.0.0.1:0", "127.0.0.1:0", cfg.Uplink.Certs.Dir
	stand.Policies, stand.OnDatum = []string{policy}, onDatum
	return localcore.Open(ctx, stand, log)
}

// Config is the default configuration at the demo's pace, on free ports.
func Config(dir, certs string) settings.Config {
	cfg := settings.Default()
	cfg.Data.Dir = filepath.Join(dir, "data")
	cfg.Broker.ListenTLS, cfg.Broker.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Intake.ClockTolerance, cfg.Intake.TrustClock = grace, true // all runs by one clock
	cfg.Rollup.Window, cfg.Rollup.Grace = window, grace
	cfg.Uplink.Certs.Dir = certs
	cfg.Uplink.ConnectInterval = time.Second
	cfg.Uplink.Canary = 0 // it would show as a failed action in localcore's log
	return cfg
}

func (d *demo) serve(ctx context.Context) error {
	programs, ctx := errgroup.WithContext(ctx)
	programs.Go(func() error { return d.core.Run(ctx) })
	programs.Go(func() error { return d.gateway.Run(ctx) })
	turns := make(chan struct{}, atATime)
	for _, a := range d.agents {
		programs.Go(func() error { return a.run(ctx, turns, d.log.With("program", "agent", "device", a.name)) })
	}
	return programs.Wait()
}

// verdict returns nil if every metric that this machine has arrived for every agent.
func (d *demo) verdict(ctx context.Context) error {
	readings, _, err := agent.Readings(ctx, d.agents[0].cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	names := d.table.names()
	var missing []string
	for _, a := range d.agents {
		for _, r := range readings {
			if r.Err != nil || r.Local {
				continue // this machine has no such sensor, or it is not for the cloud
			}
			if name := r.Name + " (" + a.name + ")"; !slices.Contains(names, name) {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) > 0 {
		return config.Try(fmt.Errorf("did not arrive: %s", strings.Join(missing, ", ")),
			"a longer --for, or --verbose to see why")
	}
	return nil
}
