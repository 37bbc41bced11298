package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"piway/agent/agent"
	"piway/shared/cli"
	"piway/shared/config"
	"piway/shared/runas"
)

// commands are the command line.
type commands struct {
	Run   runCmd   `cmd:"" help:"Report to the gateway until interrupted."`
	Once  onceCmd  `cmd:"" help:"Print one report as a line of JSON, or send it (for cron)."`
	Check checkCmd `cmd:"" help:"Check the configuration, the sensors and the login at the gateway."`
	Join  joinCmd  `cmd:"" help:"Become a device of a gateway, by the token that it printed."`
	Put   putCmd   `cmd:"" help:"Give the agent a reading of your own, such as a door sensor's."`
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
	if !cfg.IsSetUp() {
		return notJoined()
	}
	return agent.Run(ctx, cfg, cli.Logger(s.Err, cfg.Log.Level))
}

func notJoined() error {
	return config.NotSetUp(config.Try(errors.New("this machine has not joined a gateway yet"),
		"sudo piway-agent join TOKEN; sudo piway-gateway invite NAME on the gateway prints it"))
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
	return `Reads each sensor and each file of collect.folder, looks whether spool.dir can be written, and logs in at the gateway.
Sends nothing. What stays on the LAN unless a rule of the gateway names it is "local"; what counts or compares is over
one second. Given as root, it checks as the user of the service, who has spool.dir. The exit status is 0 unless a line
says FAILS or the login does not work; what this machine does not have is no failure.

Example:

  piway-agent check --config /etc/piway/agent.yaml`
}

// Run is called by the command line parser.
func (c checkCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	if u := cfg.ServiceUser(c.Config); u != nil {
		if ran, err := runas.Again(ctx, u, s, "check", "--config", c.Config); ran {
			return err
		}
	}
	quiet := slog.New(slog.DiscardHandler) // the outcome is printed
	readings, said, err := agent.Readings(ctx, cfg, quiet)
	if err != nil {
		return err
	}
	p := printer{w: s.Out}
	p.line("configuration  %s: ok, device %q", c.Config, cfg.Name())
	p.line("user           %s", runas.Me())
	p.identity(cfg)
	p.folders(cfg)
	p.readings(readings, said)
	for _, f := range agent.Own(ctx, cfg, readings, quiet) {
		p.file(f)
	}
	if !cfg.IsSetUp() {
		return p.end(notJoined())
	}
	at, err := agent.Probe(ctx, cfg, quiet)
	if err == nil {
		p.gateway(cfg, at)
	}
	return p.end(err)
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
	if cfg.Gateway.KeyFile != "" {
		return cfg, nil // no password is ever sent
	}
	password, err := config.ReadSecret(cfg.Gateway.PasswordFile, "PIWAY_PASSWORD")
	cfg.Gateway.Password = password
	return cfg, err
}
