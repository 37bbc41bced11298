package main

import (
	"context"
	"io"

	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/gateway/setup"
)

type awsCmd struct {
	Setup  awsSetupCmd  `cmd:"" help:"Make all that AWS needs and this gateway's certificate, in one go."`
	Remove awsRemoveCmd `cmd:"" help:"Undo what aws setup made."`
	CSR    awsCSRCmd    `cmd:"" name:"csr" help:"Make a private key and a certificate signing request."`
	Print  awsPrintCmd  `cmd:"" help:"Print a rule, the policy, a template, the plain commands or a dashboard."`
}

// awsAccess are the flags of setup.Access.
type awsAccess struct {
	Region  string `help:"The AWS region; without it the one that the aws tool is configured for." placeholder:"REGION"`
	Profile string `help:"The profile of the aws tool." placeholder:"PROFILE"`
}

type awsSetupCmd struct {
	configFile
	awsAccess
	Form    string `help:"metric or emf; asked for if you leave it out." enum:",metric,emf" default:""`
	Devices int    `help:"For the prices: how many Pis." default:"5"`
	Metrics int    `help:"For the prices: how many metrics each." default:"4"`
	Email   string `help:"Who gets mail when metrics stop or are refused. AWS asks the address first." placeholder:"ADDRESS"`
	Print   bool   `help:"Only print the commands, for a shell, and change nothing."`
}

// Help is the longer help of the command.
func (*awsSetupCmd) Help() string {
	return `Makes a key and a signing request, deploys two CloudFormation stacks with your aws tool (rules, roles and an alarm for the account; policy and certificate for this gateway), writes the certificate folder, sets uplink.endpoint, uplink.form and uplink.rule in the configuration, and connects once. Each command is shown before it is run.

Interrupted or failed, run it again: it goes on where it stopped. A key that is there is never replaced. aws remove undoes it; docs/aws.md explains it.

Examples:

  piway-gateway aws setup --form emf --email you@example.com --region eu-west-1
  piway-gateway aws setup --form metric --print`
}

// Run sets up.
func (c *awsSetupCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := setup.Load(c.Config)
	if err != nil {
		return err
	}
	asked := setup.Asked{Access: setup.Access(c.awsAccess), Form: c.Form, Devices: c.Devices, Metrics: c.Metrics, Email: c.Email}
	if c.Print {
		return setup.Commands(c.Config, cfg, asked, out)
	}
	return setup.Run(ctx, c.Config, cfg, asked, setup.Gateway{Ready: gateway.Ready, Check: gateway.Check}, out)
}

type awsRemoveCmd struct {
	configFile
	awsAccess
	Yes   bool `help:"Do not ask."`
	Purge bool `help:"Delete the key and the certificate, instead of putting them aside."`
}

// Help is the longer help of the command.
func (*awsRemoveCmd) Help() string {
	return `Deactivates the certificate, which cuts the gateway off at once, deletes the gateway's stack, and the account's stack too unless another gateway uses it. Key and certificate are put aside in the certificate folder, or deleted with --purge. uplink.endpoint and uplink.rule are emptied.

What the gateway has not sent yet stays in its queue. Metrics in CloudWatch stay; they cannot be deleted and cost nothing once no data comes.

Example:

  piway-gateway aws remove --region eu-west-1`
}

// Run removes.
func (c *awsRemoveCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := settings.LoadOrDefault(c.Config)
	if err != nil {
		return err
	}
	what := setup.Removing{Access: setup.Access(c.awsAccess), Yes: c.Yes, Purge: c.Purge}
	return setup.Remove(ctx, c.Config, cfg, what, out)
}

type awsCSRCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*awsCSRCmd) Help() string {
	return `Writes the key (mode 0600), the request and Amazon's root certificates into uplink.certs.dir. A key that is there is kept, always. What is missing then is the certificate, which AWS makes of the request: aws setup and aws print cli do that.

Example:

  piway-gateway aws csr`
}

// Run makes key and request.
func (c *awsCSRCmd) Run(out io.Writer) error {
	cfg, err := settings.LoadOrDefault(c.Config)
	if err != nil {
		return err
	}
	return setup.Request(&cfg, out)
}

type awsPrintCmd struct {
	configFile
	What    string   `arg:"" enum:"rule,errors-rule,policy,template,gateway-template,cli,dashboard" help:"rule, errors-rule, policy, template (the account's), gateway-template, cli or dashboard."`
	Form    string   `help:"For another form than uplink.form: metric or emf." enum:",metric,emf" default:""`
	Account string   `help:"The number of your AWS account." placeholder:"NUMBER"`
	Region  string   `help:"The region, unless uplink.endpoint says it." placeholder:"REGION"`
	Metrics []string `help:"For the dashboard: the metrics of a device." default:"cpu usage,cpu temperature,memory usage,disk usage /" placeholder:"NAME"`
}

// Help is the longer help of the command.
func (*awsPrintCmd) Help() string {
	return `With the names of the configuration. Without --account and --region a rule or policy is for 123456789012 and us-east-1; the commands of "cli" find both out by themselves.

  cli        the plain aws commands in order, with the files they need, to paste into bash: for those without CloudFormation
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
	what := setup.Printing{What: c.What, Form: c.Form, Account: c.Account, Region: c.Region, Metrics: c.Metrics}
	return setup.Print(&cfg, what, out)
}
