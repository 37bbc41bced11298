package main

import (
	"context"
	"io"

	"piway/gateway/ctl"
)

type ledgerCmd struct {
	configFile
	JSON bool `help:"As JSON, for programs." name:"json"`
}

// Help is the longer help of the command.
func (*ledgerCmd) Help() string {
	return `Asks the running gateway. All figures are samples:

  received = refused + duplicate + local + stored
  stored   = waiting + sent + expired + dropped

What is local stays on the LAN: device show lists it.
Exits with 1 if the figures of any device do not add up.

Example:

  piway-gateway ledger --config gateway.yaml`
}

// Run shows the ledger.
func (c *ledgerCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return notSetUp(&cfg, ctl.Ledger(ctx, cfg.Data.Dir, c.JSON, out))
}
