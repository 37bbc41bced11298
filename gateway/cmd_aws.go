package main

import (
	"context"
	"errors"
	"io"

	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/gateway/setup"
	"piway/shared/config"
	"piway/shared/service"
)

type awsCmd struct {
	Setup  awsSetupCmd  `cmd:"" help:"Make all that AWS needs, and this gateway's certificate."`
	Remove awsRemoveCmd `cmd:"" help:"Undo what aws setup made."`
	CSR    awsCSRCmd    `cmd:"" name:"csr" help:"Make a private key and a certificate signing request."`
	Print  awsPrintCmd  `cmd:"" help:"Print a rule, the policy, a template, the plain commands or a dashboard."`
}

// awsAccess are the flags of setup.Access.
type awsAccess struct {
	Region  string `help:"The AWS region. Default: that of the aws tool." placeholder:"REGION"`
	Profile string `help:"Profile of the aws tool." placeholder:"PROFILE"`
}

// inService is the gateway of this machine.
var inService = setup.Gateway{
	Ready: gateway.Ready, Check: gateway.Check, Restart: service.Restart, Stop: service.Stop,
}

type awsSetupCmd struct {
	configFile
	awsAccess
	Form      string `help:"metric or emf. The first setup asks if you leave it out." enum:",metric,emf" default:""`
	Email     string `help:"Who gets mail when metrics stop or are refused, or none. AWS asks the address first." placeholder:"ADDRESS"`
	Dashboard string `help:"Make a CloudWatch dashboard: free (if AWS charges nothing for it), yes or no." enum:"free,yes,no" default:"free"`
	Devices   int    `help:"For the price estimate: number of Pis. Default: those on the list, or 5." placeholder:"N"`
	Metrics   int    `help:"For the price estimate: metrics of each Pi." default:"4"`
	Renew     bool   `help:"Make a new key and certificate, switch to them, and deactivate the old certificate."`
	Print     bool   `help:"Print the commands for a shell; change nothing."`
}

// Help is the longer help of the command.
func (*awsSetupCmd) Help() string {
	return `Makes a key and a signing request. Deploys two CloudFormation stacks with your aws tool: rules, roles and an alarm for the account; policy and certificate for this gateway. Writes the certificate folder, sets uplink.endpoint, uplink.form and uplink.rule in the configuration, connects once, and starts the service piway-gateway. Shows each command before running it.

If it is interrupted or fails, run it again: it continues where it stopped. It replaces no key, unless you say --renew. "aws remove" undoes it; docs/aws.md explains it.

With --renew, AWS takes the old and the new certificate until the new one has connected; then the files change places, and the old certificate is deactivated, not deleted. A gateway that runs goes on. It asks for no other flags than --region and --profile.

Examples:

  piway-gateway aws setup --form emf --email you@example.com --region eu-west-1
  piway-gateway aws setup --form metric --print
  sudo -E piway-gateway aws setup --renew`
}

// Run sets up.
func (c *awsSetupCmd) Run(ctx context.Context, out io.Writer) error {
	if c.Renew {
		return c.renew(ctx, out)
	}
	cfg, err := setup.Load(c.Config)
	if err != nil {
		return err
	}
	asked := setup.Asked{
		Access: setup.Access(c.awsAccess), Form: c.Form, Devices: c.Devices, Metrics: c.Metrics,
		Email: c.Email, Dashboard: c.Dashboard,
	}
	if c.Print {
		return setup.Commands(c.Config, cfg, asked, out)
	}
	return setup.Run(ctx, c.Config, cfg, asked, inService, out)
}

func (c *awsSetupCmd) renew(ctx context.Context, out io.Writer) error {
	cfg, err := setup.LoadForRenewal(c.Config)
	if err != nil {
		return err
	}
	access := setup.Access(c.awsAccess)
	if c.Print {
		return setup.RenewCommands(c.Config, cfg, access, out)
	}
	return setup.Renew(ctx, c.Config, cfg, access, inService, out)
}

type awsRemoveCmd struct {
	configFile
	awsAccess
	Yes   bool `help:"Do not ask first."`
	Purge bool `help:"Delete the key and the certificate instead of setting them aside."`
}

// Help is the longer help of the command.
func (*awsRemoveCmd) Help() string {
	return `Deactivates the certificate, and AWS cuts the gateway off within minutes. Deletes the gateway's stack, and the account's stack too unless another gateway uses it. Sets key and certificate aside in the certificate folder, or deletes them with --purge. Empties uplink.endpoint and uplink.rule, and stops the service piway-gateway.

What the gateway has not sent yet stays in its queue. Metrics in CloudWatch cannot be deleted; they cost nothing once no data comes.

Example:

  piway-gateway aws remove --region eu-west-1`
}

// Run removes.
func (c *awsRemoveCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := settings.LoadOrDefault(c.Config)
	if err != nil {
		return err
	}
	if cfg.OnTrial() {
		return config.Try(errors.New("this gateway is on trial with localcore"),
			"sudo piway-gateway try --stop, then this again")
	}
	what := setup.Removing{Access: setup.Access(c.awsAccess), Yes: c.Yes, Purge: c.Purge}
	return setup.Remove(ctx, c.Config, cfg, what, inService, out)
}

type awsCSRCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*awsCSRCmd) Help() string {
	return `Writes the key (mode 0600), the request and Amazon's root certificates into uplink.certs.dir. Never replaces a key. The certificate is still missing then: AWS makes it from the request, through "aws setup" or the commands of "aws print cli".

Example:

  piway-gateway aws csr`
}

// Run makes key and request.
func (c *awsCSRCmd) Run(out io.Writer) error {
	cfg, err := settings.LoadOrDefault(c.Config)
	if err != nil {
		return err
	}
	cfg = cfg.WithoutTrial()
	return setup.Request(&cfg, out)
}

type awsPrintCmd struct {
	configFile
	What    string   `arg:"" enum:"rule,errors-rule,policy,template,gateway-template,cli,dashboard" help:"rule, errors-rule, policy, template (the account's), gateway-template, cli or dashboard."`
	Form    string   `help:"metric or emf, if not uplink.form." enum:",metric,emf" default:""`
	Account string   `help:"Number of your AWS account." placeholder:"NUMBER"`
	Region  string   `help:"The region, if neither uplink.endpoint nor AWS_REGION names it." placeholder:"REGION"`
	Metrics []string `help:"For the dashboard: metrics of a device." default:"cpu usage,cpu temperature,memory usage,disk usage /" placeholder:"NAME"`
}

// Help is the longer help of the command.
func (*awsPrintCmd) Help() string {
	return `Takes the names from the configuration. Without --account a rule or policy is for 123456789012; without --region it is for the one in uplink.endpoint, in AWS_REGION or AWS_DEFAULT_REGION, or us-east-1. The commands of "cli" find out both by themselves.

  cli        plain aws commands in order, with the files that they need, for bash: the way without CloudFormation
  dashboard  for aws cloudwatch put-dashboard, with the devices of the device list

Examples:

  piway-gateway aws print policy --account 123456789012 --region eu-west-1
  piway-gateway aws print cli | bash
  aws cloudwatch put-dashboard --dashboard-name piway --dashboard-body "$(piway-gateway aws print dashboard --region eu-west-1)"`
}

// Run prints.
func (c *awsPrintCmd) Run(_ context.Context, out io.Writer) error {
	cfg, err := settings.LoadOrDefault(c.Config)
	if err != nil {
		return err
	}
	cfg = cfg.WithoutTrial()
	what := setup.Printing{What: c.What, Form: c.Form, Account: c.Account, Region: c.Region, Metrics: c.Metrics}
	return setup.Print(&cfg, what, out)
}
