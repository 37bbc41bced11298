package main

import (
	"context"
	"io"

	"piway/gateway/ctl"
)

type healthCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*healthCmd) Help() string {
	return `Asks the running gateway whether it stores what it receives and whether all its parts move. Prints one line that begins with "ok", or exits with 1 and the reason: a full or read-only disk, a part that stands still, or no answer. A gateway that waits for its disk says so, and what to do.

Example:

  piway-gateway health --config gateway.yaml`
}

// Run shows the health.
func (c *healthCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return notSetUp(&cfg, ctl.Health(ctx, cfg.Data.Dir, out))
}
