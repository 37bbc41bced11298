package main

import (
	"context"
	"fmt"
	"io"

	"piway/gateway/ctl"
	"piway/shared/cli"
)

type deviceRenameCmd struct {
	configFile
	jsonFlag
	Old string `arg:"" help:"Name of the device."`
	New string `arg:"" help:"Its new name, which no device has."`
}

// Help is the longer help of the command.
func (*deviceRenameCmd) Help() string {
	return `Its id, its key or password, and the metric names that it was the first to use stay its own; names with the device in them are new metrics at AWS. What the gateway has stored of it is sent under the old name. Its connections are closed. An agent that joined goes on by its key; one with a password needs the new name. Works whether the gateway runs or not.

Example:

  piway-gateway device rename kitchen pantry --config gateway.yaml`
}

type devicePasswordCmd struct {
	configFile
	jsonFlag
	Name         string `arg:"" help:"Name of the device."`
	PasswordFile string `help:"Write the password to a new FILE (mode 0600) instead of printing it." placeholder:"FILE" type:"path"`
}

// Help is the longer help of the command.
func (*devicePasswordCmd) Help() string {
	return `The old password is void at once, and the device's connections are closed. A device with a key has none. Works whether the gateway runs or not.

Example:

  piway-gateway device password kitchen --password-file kitchen.password`
}

// Run renames a device.
func (c *deviceRenameCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.withDevices(s, func(list ctl.Devices) error {
		if err := list.Rename(ctx, c.Old, c.New); err != nil {
			return err
		}
		return c.say(s.Out, map[string]string{"device": c.New, "was": c.Old}, fmt.Sprintf("%s is %s now\n", c.Old, c.New))
	})
}

// Run makes a new password.
func (c *devicePasswordCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.withDevices(s, func(list ctl.Devices) error {
		return ctl.NewPassword(ctx, list, c.Name, ctl.Password{File: c.PasswordFile, JSON: c.JSON, Out: s.Out})
	})
}

type deviceShowCmd struct {
	configFile
	jsonFlag
	Name string `arg:"" help:"Name of the device."`
}

// Help is the longer help of the command.
func (*deviceShowCmd) Help() string {
	return `Asks the running gateway. Shows each metric of the device as it is called at AWS, with its unit, its newest value, when that came, and what it costs a month at the list prices of us-east-1 while it is sent; then what stays on the LAN, and what the device says of itself, as far as the gateway has heard since its start. A rule in rollup.rules sends what it names. Free a name that was mistyped with "device remove NAME --metric METRIC".

Example:

  piway-gateway device show kitchen --config gateway.yaml`
}

// Run shows a device.
func (c *deviceShowCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	rate := ctl.Rate{Form: cfg.Uplink.Form, Window: cfg.Rollup.Window, Worth: cfg.Worth()}
	return ctl.Show(ctx, cfg.Data.Dir, c.Name, rate, c.JSON, out)
}
