package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"piway/agent/agent"
	"piway/agent/collect"
	"piway/shared/cli"
	"piway/shared/config"
)

// commands are the command line.
type commands struct {
	Run   runCmd   `cmd:"" help:"Report to the gateway until interrupted."`
	Once  onceCmd  `cmd:"" help:"Print one report as a line of JSON, or send it (for cron)."`
	Check checkCmd `cmd:"" help:"Check the configuration, the sensors and the login at the gateway."`
}

type runCmd struct {
	Config string `default:"/etc/piway/agent.yaml" placeholder:"FILE" help:"Configuration (default: ${default}). configs/agent.yaml explains every key."`
}

func (runCmd) Help() string {
	return `Reads the machine every collect.interval and reports it. Keeps its reports while the gateway is away. SIGINT and SIGTERM end it.

Example:

  piway-agent run --config /etc/piway/agent.yaml`
}

// Run is called by the command line parser.
func (c runCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	return agent.Run(ctx, cfg, cli.Logger(s.Err, cfg.Log.Level))
}

type onceCmd struct {
	Config  string `placeholder:"FILE" help:"Configuration. Without it the defaults hold."`
	Publish bool   `help:"Send the report instead of printing it; succeed only when the gateway has acknowledged it."`
}

func (onceCmd) Help() string {
	return `Takes a second, during which it measures the CPU.

Examples, the second one for cron:

  piway-agent once
  * * * * * /usr/local/bin/piway-agent once --publish --config /etc/piway/agent.yaml`
}

// Run is called by the command line parser.
func (c onceCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	log := cli.Logger(s.Err, "warn") // cron sends a mail for every line
	report, err := agent.Once(ctx, cfg, log)
	if err != nil {
		return err
	}
	if c.Publish {
		return agent.Publish(ctx, cfg, report, log)
	}
	line, err := report.JSON()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s\n", line)
	return err
}

type checkCmd struct {
	Config string `default:"/etc/piway/agent.yaml" placeholder:"FILE" help:"Configuration to check (default: ${default})."`
}

func (checkCmd) Help() string {
	return `Reads each sensor once and logs in at the gateway. Sends nothing.

Example:

  piway-agent check --config /etc/piway/agent.yaml`
}

// Run is called by the command line parser.
func (c checkCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler) // the outcome is printed
	readings, err := agent.Readings(ctx, cfg, quiet)
	if err != nil {
		return err
	}
	p := printer{w: s.Out}
	p.line("configuration  %s: ok, device %q", c.Config, cfg.Name())
	for _, r := range readings {
		p.line("sensor         %s: %s", r.Name, outcome(r))
	}
	if err := agent.Probe(ctx, cfg, quiet); err != nil {
		return errors.Join(p.err, err)
	}
	p.line("gateway        %s: login as %q accepted", cfg.Gateway.Address, cfg.Username())
	return p.err
}

// outcome says what a sensor gave.
func outcome(r collect.Reading) string {
	switch {
	case errors.Is(r.Err, collect.ErrAbsent):
		return "none on this machine"
	case r.Err != nil:
		return "FAILS: " + r.Err.Error()
	case r.Name == "cpu temperature":
		return fmt.Sprintf("%g °C", r.Value)
	}
	return fmt.Sprintf("%g %s", r.Value, r.Unit)
}

// printer keeps the first error of several writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// load reads the configuration, if a file is named, and the password.
func load(path string) (agent.Config, error) {
	cfg := agent.Default()
	if path == "" {
		if err := cfg.Validate(); err != nil {
			return cfg, err
		}
	} else if err := config.Load(path, &cfg); err != nil {
		return cfg, err
	}
	password, err := config.ReadSecret(cfg.Gateway.PasswordFile, "PIWAY_PASSWORD")
	cfg.Gateway.Password = password
	return cfg, err
}
