package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"piway/gateway/ctl"
)

type deviceCmd struct {
	Add    deviceAddCmd    `cmd:"" help:"Let a device in, and print its new password, once."`
	List   deviceListCmd   `cmd:"" help:"List the devices."`
	Remove deviceRemoveCmd `cmd:"" help:"Lock a device out and close its connections."`
}

type deviceAddCmd struct {
	configFile
	Name         string `arg:"" help:"Its MQTT user name, and part of its metric names."`
	PasswordFile string `help:"Write the password to a new FILE (mode 0600) instead of printing it." placeholder:"FILE" type:"path"`
	Keep         bool   `help:"Succeed and change nothing if the device and FILE exist."`
}

// Help is the longer help of the command.
func (*deviceAddCmd) Help() string {
	return `The password is random (at least 128 bits); the gateway keeps only its SHA-256. Works whether the gateway runs or not.

Example:

  piway-gateway device add kitchen --config gateway.yaml`
}

type deviceListCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*deviceListCmd) Help() string {
	return `Shows each device and when it was added, and whether two machines have spoken under its name within a day, as far as the running gateway knows. Works whether the gateway runs or not.

Example:

  piway-gateway device list --config gateway.yaml`
}

type deviceRemoveCmd struct {
	configFile
	Name string `arg:"" help:"Name of the device."`
}

// Help is the longer help of the command.
func (*deviceRemoveCmd) Help() string {
	return `Locks the device out at once and closes its connections. What the gateway has stored of it is still sent. Works whether the gateway runs or not.

Example:

  piway-gateway device remove kitchen --config gateway.yaml`
}

// Run adds a device.
func (c *deviceAddCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return ctl.WithDevices(cfg.Data.Dir, func(list ctl.Devices) error {
		return ctl.AddDevice(ctx, list, c.Name, c.PasswordFile, c.Keep, out)
	})
}

// Run lists the devices.
func (c *deviceListCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return ctl.WithDevices(cfg.Data.Dir, func(list ctl.Devices) error {
		all, err := list.All(ctx)
		if err != nil {
			return err
		}
		twins, err := ctl.Twins(ctx, cfg.Data.Dir)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "device\tadded")
		for _, d := range all {
			mark := ""
			if pair, two := twins[d.Name]; two {
				mark = "\ttwo machines speak as this one: " + pair[0] + " and " + pair[1]
			}
			_, _ = fmt.Fprintf(t, "%s\t%s%s\n", d.Name, d.Added.Format(time.RFC3339), mark)
		}
		return t.Flush() // the lines above report their errors here
	})
}

// Run removes a device.
func (c *deviceRemoveCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return ctl.WithDevices(cfg.Data.Dir, func(list ctl.Devices) error {
		if err := list.Remove(ctx, c.Name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "%s removed\n", c.Name)
		return err
	})
}
