package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"piway/gateway/ctl"
	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/gateway/where"
	"piway/shared/cli"
	"piway/shared/config"
	"piway/shared/runas"
)

const description = `Bridges the Raspberry Pis of a LAN to AWS CloudWatch through one AWS IoT Core certificate.

See it work on this machine, with nothing to configure: piway-gateway demo`

// configFile is a flag that most commands have.
type configFile struct {
	Config string `help:"Configuration (default: ${default}). configs/gateway.yaml explains every key." default:"/etc/piway/gateway.yaml" placeholder:"FILE" type:"path"`
}

// load reads the configuration. Every mistake in it is told.
func (c *configFile) load() (settings.Config, error) { return settings.Load(c.Config) }

// start is what has a stopped gateway run.
func start(cfg *settings.Config) string {
	if cfg.Uplink.Endpoint == "" {
		return "sudo piway-gateway try, or sudo -E piway-gateway aws setup"
	}
	return "sudo systemctl start piway-gateway, or without systemd piway-gateway run"
}

// notSetUp gives an error of asking a gateway that does not run, because it cannot yet, the hint that helps.
func notSetUp(cfg *settings.Config, err error) error {
	if cfg.Uplink.Endpoint == "" && errors.Is(err, ctl.ErrNotRunning) {
		return config.Try(fmt.Errorf("%w, which is not set up yet: %s", ctl.ErrNotRunning, cfg.Data.Dir), start(cfg))
	}
	return err
}

// withDevices gives f the device list of the gateway, which may be stopped.
func (c *configFile) withDevices(s cli.Streams, f func(ctl.Devices) error) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return ctl.Place{
		DataDir: cfg.Data.Dir, TrustClock: cfg.Intake.TrustClock, Log: cli.Logger(s.Err, "info"),
		Addresses: func() []string { return where.Addresses(cfg.Broker.Advertise, cfg.Broker.TLSAddress()) },
	}.WithDevices(f)
}

type commands struct {
	Run    runCmd    `cmd:"" help:"Bridge until interrupted."`
	Demo   demoCmd   `cmd:"" help:"Run everything on this machine: agent, gateway, a local AWS."`
	Try    tryCmd    `cmd:"" help:"Put a local stand-in in AWS's place, until you have an account."`
	Check  checkCmd  `cmd:"" help:"Check configuration, certificates and the connection to AWS."`
	Ledger ledgerCmd `cmd:"" help:"Show what became of every sample."`
	Health healthCmd `cmd:"" help:"Say whether the running gateway works."`
	AWS    awsCmd    `cmd:"" name:"aws" help:"Set up AWS: rules, policy, certificate."`
	Invite inviteCmd `cmd:"" help:"Let devices in: print a line to paste on each."`
	Device deviceCmd `cmd:"" help:"List, rename, revoke and remove the devices that may connect."`
	CA     caCmd     `cmd:"" name:"ca" help:"Print the certificate by which other clients than agents know the gateway."`

	Backup  backupCmd  `cmd:"" help:"Write what another machine needs to be this gateway."`
	Restore restoreCmd `cmd:"" help:"Make this machine the gateway of a backup."`
}

type runCmd struct {
	configFile
}

// gcPercent trades time for memory: a connection takes a fifth less than by default, and where reports come as fast as
// they can, each takes a twentieth more of the processor. At the rate at which devices send neither shows; see
// BenchmarkFleet.
const gcPercent = 75

// Help is the longer help of the command.
func (*runCmd) Help() string {
	return `Takes samples over MQTT, stores them on disk and sends them to AWS. Ends cleanly on SIGINT and SIGTERM, and loses nothing on SIGKILL.

Its memory stays below three quarters of what its cgroup may use, or half of the machine's, if that can be. The environment variable GOMEMLIMIT, such as 128MiB, sets another bound.

Examples:

  piway-gateway device add kitchen --config gateway.yaml
  piway-gateway run --config gateway.yaml`
}

// Run bridges until ctx ends.
func (c *runCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	limitMemory()
	go returnMemory(ctx)
	return gateway.Supervise(ctx, cfg, cli.Logger(s.Err, cfg.Log.Level))
}

type checkCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*checkCmd) Help() string {
	return `Reads the configuration and the certificates, looks whether data.dir can be written, and connects to AWS once, as the client id followed by "-check". Given as root, it checks as the user of the service, who has data.dir. The exit status is 0 only if all that it tests works.

AWS acknowledges a message even if no rule takes it. So, while the gateway does not run, check sends a canary: a message that the rule must refuse and report. If the report comes back, the rule exists and its error action works.

Example:

  piway-gateway check --config gateway.yaml`
}

// Run checks.
func (c *checkCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if u := gateway.ServiceUser(cfg.Data.Dir, c.Config == settings.DefaultPath); u != nil {
		if ran, err := runas.Again(ctx, u, s, "check", "--config", c.Config); ran {
			return err
		}
	}
	return gateway.Check(ctx, cfg, s.Out)
}
