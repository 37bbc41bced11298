package main

import (
	"context"
	"time"

	"piway/gateway/demo"
	"piway/shared/cli"
)

type demoCmd struct {
	For     time.Duration `help:"End after this time, such as 20s; fail unless every metric of this machine arrived."`
	Form    string        `help:"The form of messages to AWS: metric or emf." enum:"metric,emf" default:"metric"`
	Agents  int           `help:"Number of agents. All but the first have made-up names." default:"1"`
	Verbose bool          `help:"Log what the programs say." short:"v"`
}

// Help is the longer help of the command.
func (*demoCmd) Help() string {
	return `Runs a local stand-in for AWS, a gateway, and an agent that reads this machine, over real TCP and mutual TLS. Makes its own certificates. There is nothing to configure: everything is in a temporary folder, which is removed at the end.

Examples:

  piway-gateway demo --for 20s --agents 3
  piway-gateway demo --form emf`
}

// Run shows the whole way on this machine.
func (c *demoCmd) Run(ctx context.Context, s cli.Streams) error {
	level := "warn"
	if c.Verbose {
		level = "info"
	}
	return demo.Run(ctx, demo.Options{For: c.For, Form: c.Form, Agents: c.Agents, Log: cli.Logger(s.Err, level)}, s.Out)
}
