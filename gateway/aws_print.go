package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	awsfiles "piway/configs/aws"
	"piway/gateway/aws"
	"piway/gateway/devices"
	"piway/shared/config"
)

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
	cfg, err := c.loadOrDefault()
	if err != nil {
		return err
	}
	n, err := c.names(&cfg)
	if err != nil {
		return err
	}
	text, err := c.text(&cfg, n)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func (c *awsPrintCmd) names(cfg *Config) (aws.Names, error) {
	n := awsNames(cfg)
	if c.Form != "" {
		n = n.For(c.Form)
	}
	if c.Account != "" {
		n.Account = c.Account
	}
	if c.Region != "" {
		n.Region = c.Region
	}
	if c.What != "cli" {
		// What cannot find out for itself gets the values of AWS's examples.
		n.Account = strings.Replace(n.Account, aws.AccountPlaceholder, aws.Default().Account, 1)
		n.Region = strings.Replace(n.Region, aws.RegionPlaceholder, aws.Default().Region, 1)
	}
	if !accountNumber.MatchString(n.Account) || !regionName.MatchString(n.Region) {
		return n, fmt.Errorf("--account %q and --region %q: must be 12 digits and a name such as eu-west-1", c.Account, c.Region)
	}
	return n, checkNames(n)
}

var (
	accountNumber = regexp.MustCompile(`^([0-9]{12}|` + aws.AccountPlaceholder + `)$`)
	regionName    = regexp.MustCompile(`^([a-z0-9-]+|` + aws.RegionPlaceholder + `)$`)
)

// odd characters are taken by MQTT in a topic and mean something else in the SQL of a rule, in a template or in a policy.
const odd = "'\"*?${}\\"

// checkNames refuses names with which a rule or policy would not be what it looks like, or AWS would not take it.
func checkNames(n aws.Names) error {
	for key, topic := range map[string]string{"uplink.topic": n.Topic, "uplink.errors_topic": n.ErrorsTopic} {
		if strings.ContainsAny(topic, odd) {
			return config.Errorf(key, "must have none of %s to stand in a rule and a policy, got %q", odd, topic)
		}
	}
	if size := aws.PolicySize(n.Policy()); size > aws.MaxPolicy {
		return config.Try(fmt.Errorf("the policy has %d characters, and AWS takes %d", size, aws.MaxPolicy), "shorter names: site, uplink.client_id, uplink.rule, uplink.errors_topic")
	}
	return nil
}

func (c *awsPrintCmd) text(cfg *Config, n aws.Names) ([]byte, error) {
	switch c.What {
	case "rule":
		return n.DataRule(n.Form), nil
	case "errors-rule":
		return n.ErrorsRule(), nil
	case "policy":
		return n.Policy(), nil
	case "template":
		return awsfiles.AccountTemplate, nil
	case "gateway-template":
		return awsfiles.GatewayTemplate, nil
	case "cli":
		dir, err := filepath.Abs(cfg.Uplink.Certs.Dir)
		return n.Script(certFile(dir, csrEnd), certFile(dir, certEnd)), err
	}
	list, err := devices.Open(devicesPath(cfg.Data.Dir))
	if err != nil {
		return nil, err
	}
	return n.Dashboard(c.series(cfg, list.All())), nil
}

// series are the metrics that agents send of the devices on the list.
func (c *awsPrintCmd) series(cfg *Config, list []devices.Device) []aws.Series {
	var all []aws.Series
	for _, metric := range c.Metrics {
		for _, d := range list {
			s := aws.Series{Metric: metric, Device: d.Name, Name: metric}
			if cfg.Uplink.Form == FormMetric {
				s.Name = namesOf(cfg).Report(metric, d.Name)
			}
			all = append(all, s)
		}
	}
	return all
}
