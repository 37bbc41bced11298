package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	awsfiles "piway/configs/aws"
	"piway/gateway/aws"
	"piway/shared/config"
	"piway/shared/pki"
)

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
	cfg, err := c.loadForSetup()
	if err != nil {
		return err
	}
	s := &setup{walk: newWalk(&c.configFile, c.awsAccess, cfg, out), asked: *c, prices: priceList(), check: check}
	if c.Print {
		return s.print()
	}
	return s.run(ctx)
}

// loadForSetup is load; a file that is not there will be made.
func (c *awsSetupCmd) loadForSetup() (Config, error) {
	if _, err := os.Stat(c.Config); os.IsNotExist(err) {
		return Default(), nil
	}
	cfg, err := c.load()
	if certs := cfg.Uplink.Certs; err == nil && (certs.Cert != "" || certs.Key != "") {
		err = config.Try(errors.New("uplink.certs.cert and uplink.certs.key name files of your own, which a gateway would take instead of the new ones"), "take both out of "+c.Config)
	}
	return cfg, err
}

// A setup is the whole way from credentials to a gateway that can connect.
type setup struct {
	*walk
	asked  awsSetupCmd
	prices priceOf
	check  func(context.Context, Config, io.Writer) error

	account  *aws.Stack   // the account's stack as it was, nil if there was none
	others   []*aws.Stack // of other gateways in this account and region
	request  *pki.Request
	csr      string // what the stack is or was made of
	dir      string // for the templates, while it runs
	endpoint string
}

func (s *setup) run(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "piway-aws-"); err != nil {
		return fmt.Errorf("making a folder for the templates: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	return s.walk.walk(ctx, []walkStep{
		{"asking AWS who you are", s.identity},
		{"looking at what is there", s.look},
		{"choosing the form", s.choose},
		{"making the key and the signing request", s.key},
		{"deploying the account's rules, roles and alarm", s.deployAccount},
		{"deploying the gateway's policy and certificate", s.deployGateway},
		{"fetching the certificate", s.certificate},
		{"asking for the address of IoT Core", s.address},
		{"writing the configuration", s.configure},
		{"checking the connection", s.connect},
		{"telling what is next", s.next},
	})
}

// look finds the stacks, in a state in which they can be deployed.
func (s *setup) look(ctx context.Context) (err error) {
	if s.stack, err = s.cli.Ready(ctx, s.names.GatewayStack()); err != nil {
		return err
	}
	if s.stack != nil {
		if err := s.own(); err != nil {
			return err
		}
	}
	if s.account, err = s.cli.Ready(ctx, aws.AccountStack); err != nil {
		return err
	}
	if s.account != nil && s.account.Parameters["Form"] == "" {
		return config.Try(fmt.Errorf("the stack %s is not Piway's", aws.AccountStack), "another region, or another name for that stack")
	}
	s.others, err = s.cli.Gateways(ctx, s.names.GatewayStack())
	return err
}

// key makes or finds the key. It does not make one where a stack has the certificate of another: that is how a lost
// folder looks, or the wrong one.
func (s *setup) key(context.Context) error {
	dir := s.cfg.Uplink.Certs.Dir
	path := certFile(dir, keyEnd)
	if err := canWrite(s.path); err != nil {
		return err // now, and not after all else is done
	}
	lost := func() error {
		return config.Try(fmt.Errorf("the stack %s has the certificate of a key that is not %s", s.stack.Name, path), "bring the key back, or piway-gateway aws remove and then this again")
	}
	if _, err := os.Lstat(path); s.stack != nil && os.IsNotExist(err) {
		return lost()
	}
	var err error
	if s.request, err = newRequest(dir); err != nil {
		return err
	}
	s.csr = string(s.request.PEM)
	if s.stack != nil {
		// Of one key there may be several requests, and another would make another certificate.
		if s.csr = s.stack.Parameters["Csr"]; !s.request.Fits([]byte(s.csr)) {
			return lost()
		}
	}
	s.say("  key %s, request %s", s.request.Key, s.request.CSR)
	return nil
}

func (s *setup) template(name string, text []byte) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, text, 0o600)
}

// certificate fetches what AWS made of the request.
func (s *setup) certificate(ctx context.Context) error {
	stack, err := s.cli.Stack(ctx, s.names.GatewayStack())
	if err != nil {
		return err
	}
	if stack == nil || stack.Outputs["CertificateId"] == "" {
		return fmt.Errorf("the stack %s does not say its certificate", s.names.GatewayStack())
	}
	id := stack.Outputs["CertificateId"]
	var answer struct {
		CertificateDescription struct{ CertificatePem, Status string }
	}
	if err := s.cli.Decode(ctx, "IoT Core", aws.NewCommand("iot", "describe-certificate", "--certificate-id", id), &answer); err != nil {
		return err
	}
	if answer.CertificateDescription.Status != "ACTIVE" { // as an aws remove that was broken off leaves it
		if _, err := s.cli.Run(ctx, "IoT Core", certificateStatus(id, "ACTIVE")); err != nil {
			return err
		}
	}
	if err := s.request.WriteCertificate([]byte(answer.CertificateDescription.CertificatePem)); err != nil {
		return err
	}
	s.say("  certificate %s", certFile(s.cfg.Uplink.Certs.Dir, certEnd))
	return nil
}

func certificateStatus(id, status string) aws.Command {
	return aws.NewCommand("iot", "update-certificate", "--certificate-id", id, "--new-status", status)
}

func (s *setup) address(ctx context.Context) error {
	var answer struct{ EndpointAddress string }
	if err := s.cli.Decode(ctx, "IoT Core", aws.EndpointCommand, &answer); err != nil {
		return err
	}
	if answer.EndpointAddress == "" {
		return fmt.Errorf("%s: its answer has no endpointAddress", aws.EndpointCommand)
	}
	s.endpoint = answer.EndpointAddress
	s.say("  %s", s.endpoint)
	return nil
}

// configure sets what has become known, and what would contradict it.
func (s *setup) configure(context.Context) error {
	c := &s.cfg.Uplink
	settings := []setting{{"uplink.endpoint", s.endpoint}, {"uplink.form", s.names.Form}, {"uplink.rule", s.names.Rule}}
	if host, port, err := c.hostPort(); err == nil && host == s.endpoint && port != mqttsPort {
		settings[0].value = c.Endpoint // with the port that was chosen
	}
	if c.Topic != "" {
		settings = append(settings, setting{"uplink.topic", ""})
	}
	if !c.RuleHasTimestamp {
		settings = append(settings, setting{"uplink.rule_has_timestamp", "true"})
	}
	changed, err := configure(s.path, settings)
	if err != nil {
		return err
	}
	if !changed {
		s.say("  %s says it already", s.path)
	}
	for _, set := range settings {
		if changed {
			s.say("  %s: %s: %s", s.path, set.key, set.value)
		}
	}
	s.cfg = Default()
	return config.Load(s.path, &s.cfg)
}

// What is new at AWS is not known everywhere at once: it says a few minutes of policies (AWS IoT, policies).
const (
	checkAgain = 15 * time.Second
	checkTimes = 12
)

// connect is piway-gateway check, with patience.
func (s *setup) connect(ctx context.Context) error {
	if _, err := uplinkConfig(&s.cfg, slog.New(slog.DiscardHandler)); err != nil {
		return err // nothing that waiting helps
	}
	for n := 1; ; n++ {
		var said lines
		err := s.check(ctx, s.cfg, &said)
		if err == nil || n == checkTimes || ctx.Err() != nil {
			said.indent(s.out)
			return err
		}
		s.say("  not yet (%v); a new certificate takes AWS up to some minutes, trying again in %s, %d of %d", err, checkAgain, n, checkTimes)
		if err := s.cli.Pause(ctx, checkAgain); err != nil {
			return err
		}
	}
}

func (s *setup) next(context.Context) error {
	if s.asked.Email != "" {
		s.say("  AWS has written to %s: confirm there, or no alarm will come", s.asked.Email)
	} else if s.account == nil {
		s.say("  nobody gets mail when metrics stop; --email ADDRESS sets that")
	}
	if tell := keyReader(&s.cfg); tell != "" {
		s.say("  %s", tell)
	}
	s.say("  the alarm rings from the start until the first metrics are there")
	s.say("done. Next: piway-gateway device add NAME, then (re)start piway-gateway run")
	return nil
}

// templates are the deployments' files by name, as --print writes them.
var templates = map[string][]byte{"account.yaml": awsfiles.AccountTemplate, "gateway.yaml": awsfiles.GatewayTemplate}
