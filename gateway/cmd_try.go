package main

import (
	"context"
	"errors"

	"piway/gateway/trial"
	"piway/shared/cli"
	"piway/shared/service"
)

type tryCmd struct {
	configFile
	Port  int  `help:"Port of the stand-in on this machine; its page has the one after it. Default: that of before, or 8885." placeholder:"PORT"`
	Serve bool `help:"Be the stand-in, until interrupted. What the service piway-try runs."`
	Stop  bool `help:"Take the stand-in away again."`
}

// Help is the longer help of the command.
func (*tryCmd) Help() string {
	return `Puts a local stand-in in AWS's place, so that you can use everything before you have an account. Makes certificates, sets uplink.endpoint, uplink.certs.dir and uplink.rule in the configuration, and starts the services piway-try and piway-gateway. Prints the address of the stand-in's page, which has the graphs.

The page can be read from your network, by everybody and in clear, and not be used to change anything. Metrics are in the stand-in's memory, and gone when it ends. A gateway that is set up for AWS is left alone.

"aws setup" switches to AWS. What the gateway has sent to the stand-in stays there; what it has not sent goes to AWS.

Examples:

  sudo piway-gateway try
  sudo piway-gateway try --stop
  piway-gateway try --serve --config gateway.yaml`
}

// Run tries.
func (c *tryCmd) Run(ctx context.Context, s cli.Streams) error {
	if c.Serve && c.Stop {
		return errors.New("--serve and --stop: one of them")
	}
	if c.Serve {
		return trial.Serve(ctx, c.Config, cli.Logger(s.Err, "info"))
	}
	o := trial.Options{
		Config: c.Config, Port: c.Port, Out: s.Out,
		Look: service.Look, Restart: service.Restart, Stop: service.Stop,
	}
	if c.Stop {
		return cli.Interrupted(ctx, trial.Stop(ctx, o))
	}
	return cli.Interrupted(ctx, trial.Start(ctx, o))
}
