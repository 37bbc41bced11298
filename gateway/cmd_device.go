package main

import (
	"context"
	"fmt"
	"io"

	"piway/gateway/ctl"
	"piway/shared/cli"
)

type deviceCmd struct {
	Add      deviceAddCmd      `cmd:"" help:"Let a device in that is no agent, and print its new password, once."`
	List     deviceListCmd     `cmd:"" help:"List the devices."`
	Show     deviceShowCmd     `cmd:"" help:"Show what a device sends, and what that costs."`
	Rename   deviceRenameCmd   `cmd:"" help:"Give a device another name."`
	Password devicePasswordCmd `cmd:"" help:"Give a device a new password."`
	Revoke   deviceRevokeCmd   `cmd:"" help:"Lock a device out for good, and keep its name and metric names."`
	Remove   deviceRemoveCmd   `cmd:"" help:"Lock a device out and free its names, or free one metric name."`
}

// jsonFlag is a flag of all that tell something.
type jsonFlag struct {
	JSON bool `help:"As JSON, for programs." name:"json"`
}

// say tells what was done, as v or as text.
func (f jsonFlag) say(out io.Writer, v any, text string) error {
	if f.JSON {
		return ctl.JSON(out, v)
	}
	_, err := io.WriteString(out, text)
	return err
}

type deviceAddCmd struct {
	configFile
	jsonFlag
	Name         string `arg:"" help:"Its MQTT user name, and part of its metric names."`
	PasswordFile string `help:"Write the password to a new FILE (mode 0600) instead of printing it." placeholder:"FILE" type:"path"`
	Plain        bool   `help:"Let it in without TLS too, on port 1883: for firmware that knows no TLS. Who listens on the LAN reads its password."`
	Keep         bool   `help:"Succeed and change nothing if the device and FILE exist."`
}

// Help is the longer help of the command.
func (*deviceAddCmd) Help() string {
	return `For scripts and firmware: an agent is let in with "piway-gateway invite", which needs no password. The password is random (at least 128 bits); the gateway keeps only its SHA-256. It is taken over TLS (mqtts, port 8883), and with --plain without TLS too (port 1883). Works whether the gateway runs or not.

Examples:

  piway-gateway device add garden --config gateway.yaml
  piway-gateway device add plug --plain`
}

type deviceListCmd struct {
	configFile
	jsonFlag
}

// Help is the longer help of the command.
func (*deviceListCmd) Help() string {
	return `Shows each device with its id, which survives renaming; how it proves who it is: by a key, by a password, or by a password that it may show without TLS (plain), of which it warns; when it was heard last, from which address, and its agent's version, as far as the running gateway has heard since its start; and where it stands: connected, offline, revoked, invited. Warns where two machines have spoken under one name within a day. Works whether the gateway runs or not.

Examples:

  piway-gateway device list --config gateway.yaml
  piway-gateway device list --json`
}

type deviceRemoveCmd struct {
	configFile
	jsonFlag
	Name   string  `arg:"" help:"Name of the device."`
	Metric *string `help:"Only free this metric name of it, such as one that was mistyped; the device stays." placeholder:"NAME"`
}

// Help is the longer help of the command.
func (*deviceRemoveCmd) Help() string {
	return `Locks the device out at once and closes its connections; its key is never let in again, under no name. Withdraws its invitation. What the gateway has stored of it is still sent. Its name and its metric names are free for other devices. Works whether the gateway runs or not; the names are free from the gateway's next start then.

Examples:

  piway-gateway device remove kitchen --config gateway.yaml
  piway-gateway device remove kitchen --metric temprature`
}

// Run adds a device.
func (c *deviceAddCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.withDevices(s, func(list ctl.Devices) error {
		return ctl.AddDevice(ctx, list, c.Name, c.Plain, c.Keep, ctl.Password{File: c.PasswordFile, JSON: c.JSON, Out: s.Out})
	})
}

// Run lists the devices.
func (c *deviceListCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return c.withDevices(s, func(list ctl.Devices) error {
		twins, err := ctl.Twins(ctx, cfg.Data.Dir)
		if err != nil {
			return err
		}
		return ctl.List(ctx, list, twins, c.JSON, s.Out)
	})
}

// Run removes a device.
func (c *deviceRemoveCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.withDevices(s, func(list ctl.Devices) error {
		if c.Metric != nil { // an empty one too must not remove the device
			return c.free(ctx, list, s.Out)
		}
		if err := list.Remove(ctx, c.Name); err != nil {
			return err
		}
		return c.say(s.Out, map[string]string{"removed": c.Name}, c.Name+" removed\n")
	})
}

type deviceRevokeCmd struct {
	configFile
	jsonFlag
	Name string `arg:"" help:"Name of the device."`
}

// Help is the longer help of the command.
func (*deviceRevokeCmd) Help() string {
	return `For a device that was stolen or lost, or may have been read. Locks it out at once and closes its connections: its key is never let in again, its password is forgotten, its open invitation is void. It stays on the list with its metric names. "invite NAME --replace" gives a new card its place. Works whether the gateway runs or not.

Example:

  piway-gateway device revoke kitchen --config gateway.yaml`
}

// Run revokes a device.
func (c *deviceRevokeCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.withDevices(s, func(list ctl.Devices) error {
		if err := list.Revoke(ctx, c.Name); err != nil {
			return err
		}
		return c.say(s.Out, map[string]string{"revoked": c.Name}, c.Name+" revoked\n")
	})
}

func (c *deviceRemoveCmd) free(ctx context.Context, list ctl.Devices, out io.Writer) error {
	full, err := list.Free(ctx, c.Name, *c.Metric)
	if err != nil {
		return err
	}
	return c.say(out, map[string]string{"device": c.Name, "freed": full}, fmt.Sprintf(
		"%q is free and no longer counted; %s claims it again if it still sends it\n", full, c.Name))
}
