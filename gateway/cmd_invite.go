package main

import (
	"context"
	"errors"
	"io"

	"piway/gateway/ctl"
	"piway/shared/cli"
	"piway/shared/config"
)

type inviteCmd struct {
	configFile
	jsonFlag
	Names   []string `arg:"" name:"name" help:"Names of the devices, which become part of their metric names."`
	Replace bool     `help:"Give devices that are on the list another key: a new card, or an agent that has a password."`

	TokenFile string `help:"Write the token of one device to FILE (mode 0600) instead of printing it." placeholder:"FILE" type:"path"`
	Keep      bool   `help:"With --token-file: succeed and change nothing if the device has a key or is revoked; --replace if it has a password."`
}

// Help is the longer help of the command.
func (*inviteCmd) Help() string {
	return `Prints one line for each device. Paste it there: it pairs the agent with this gateway, over TLS, without a password. It works once and for an hour; if the machine of the gateway restarts, only while its clock is right. Inviting a name again voids the line before. All are invited or none.

With --replace the device keeps its name, its id, its metric names and its history. Its key, or its password, is void when the new key comes, and not before.

The line tells the device up to three addresses of the gateway. Set broker.advertise where they are not what devices reach: in a container, or behind a name. "device remove NAME" withdraws an invitation. Works whether the gateway runs or not.

Examples:

  piway-gateway invite kitchen
  piway-gateway invite kitchen attic cellar --json
  piway-gateway invite kitchen --replace
  piway-gateway invite kitchen --token-file kitchen.token --keep`
}

// Run invites.
func (c *inviteCmd) Run(ctx context.Context, s cli.Streams) error {
	switch {
	case c.TokenFile == "" && c.Keep:
		return config.Try(errors.New("--keep: there is no file to keep"), "--token-file FILE")
	case c.TokenFile != "" && (len(c.Names) != 1 || c.JSON):
		return errors.New("--token-file: takes the token of one device, and no --json")
	case c.TokenFile != "":
		return c.withDevices(s, func(list ctl.Devices) error {
			return ctl.InviteToFile(ctx, list, c.Names[0], c.Replace, c.Keep, c.TokenFile, s.Out)
		})
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return c.withDevices(s, func(list ctl.Devices) error {
		return ctl.Invite(ctx, list, c.Names, c.Replace, c.JSON, start(&cfg), s.Out, s.Err)
	})
}

type caCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*caCmd) Help() string {
	return `Prints the certificate (PEM) of the authority that vouches for this gateway on the LAN, for clients that are no agents: mosquitto_pub --cafile. Agents need no file: the line of "invite" says by what they know the gateway. It is no secret. Works whether the gateway runs or not.

Example:

  piway-gateway ca > gateway.root.ca.pem`
}

// Run prints the certificate.
func (c *caCmd) Run(out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return ctl.CA(cfg.Data.Dir, out)
}
