package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/agent/loop"
	"piway/localcore/core"
	"piway/shared/config"
)

type demoCmd struct {
	For     time.Duration `help:"End by itself after this time, such as 20s; fails unless every metric of this machine arrived."`
	Agents  int           `help:"How many agents; those after the first have made-up names." default:"1"`
	Verbose bool          `help:"Log what the programs say." short:"v"`
}

// Help is the longer help of the command.
func (*demoCmd) Help() string {
	return `A local stand-in for AWS with certificates made on the spot, a gateway and an agent that reads this machine, over real TCP and mutual TLS. Nothing to configure; everything is in a temporary folder that is removed at the end.

Example:

  piway-gateway demo --for 20s --agents 3`
}

// The demo's pace: the first datapoint is a window, a grace and a second after the start.
const (
	demoWindow   = 3 * time.Second
	demoGrace    = time.Second
	demoInterval = time.Second
)

// Run shows the whole way on this machine.
func (c *demoCmd) Run(ctx context.Context, out io.Writer) error {
	if c.Agents < 1 || c.Agents > 100 {
		return fmt.Errorf("--agents: must be between 1 and 100, got %d", c.Agents)
	}
	dir, err := os.MkdirTemp("", "piway-demo-")
	if err != nil {
		return fmt.Errorf("making the demo's folder: %w", err)
	}
	err = c.run(ctx, dir, out)
	return errors.Join(err, os.RemoveAll(dir))
}

func (c *demoCmd) run(ctx context.Context, dir string, out io.Writer) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if c.Verbose {
		log = logger("info")
	}
	d := &demo{log: log, table: newTable(out)}
	if err := d.open(ctx, dir, c.Agents); err != nil {
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
	core    *core.Core
	gateway *gateway
	agents  []loop.Config
}

func (d *demo) open(ctx context.Context, dir string, agents int) (err error) {
	certs := filepath.Join(dir, "certs")
	d.core, err = core.Open(ctx, core.Config{
		Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Certs: certs, OnDatum: d.table.add,
	}, d.log.With("program", "localcore"))
	if err != nil {
		return err
	}
	d.gateway, err = openGateway(ctx, demoConfig(dir, certs, d.core.MQTTAddr()), d.log.With("program", "gateway"))
	if err != nil {
		return errors.Join(err, d.core.Run(ended(ctx)))
	}
	for i := range agents {
		a := loop.Default()
		a.Device = a.Name()
		if a.Device == "" || i > 0 {
			a.Device = fmt.Sprintf("demo-pi-%d", i+1)
		}
		password, err := d.gateway.devices.Add(a.Device)
		if err != nil {
			d.gateway.abandon(ctx)
			return errors.Join(err, d.core.Run(ended(ctx)))
		}
		a.Gateway.Address, a.Gateway.Password = d.gateway.broker.Addr().String(), config.Secret(password)
		a.Collect.Interval = demoInterval
		d.agents = append(d.agents, a)
	}
	return nil
}

// ended is a context under which Run only releases what Open acquired.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// demoConfig is the default configuration at the demo's pace, on free ports.
func demoConfig(dir, certs string, aws net.Addr) Config {
	cfg := Default()
	cfg.Data.Dir = filepath.Join(dir, "data")
	cfg.Broker.Listen = "127.0.0.1:0"
	cfg.Intake.ClockTolerance = demoGrace
	cfg.Rollup.Window, cfg.Rollup.Grace = demoWindow, demoGrace
	cfg.Uplink.Endpoint = aws.String()
	cfg.Uplink.Certs.Dir = certs
	cfg.Uplink.ConnectInterval = time.Second
	return cfg
}

func (d *demo) serve(ctx context.Context) error {
	programs, ctx := errgroup.WithContext(ctx)
	programs.Go(func() error { return d.core.Run(ctx) })
	programs.Go(func() error { return d.gateway.Run(ctx) })
	for _, a := range d.agents {
		programs.Go(func() error { return loop.Run(ctx, a, d.log.With("program", "agent", "device", a.Device)) })
	}
	return programs.Wait()
}

// verdict returns nil if every metric that this machine has arrived for every agent.
func (d *demo) verdict(ctx context.Context) error {
	readings, err := loop.Readings(ctx, d.agents[0], slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	names := d.table.names()
	var missing []string
	for _, a := range d.agents {
		for _, r := range readings {
			if r.Err != nil {
				continue // this machine has no such sensor
			}
			if name := r.Name + " (" + a.Device + ")"; !slices.Contains(names, name) {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) > 0 {
		return config.Try(fmt.Errorf("did not arrive: %s", strings.Join(missing, ", ")), "a longer --for, or --verbose to see why")
	}
	return nil
}
