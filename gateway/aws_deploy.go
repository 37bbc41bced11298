package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"piway/gateway/aws"
	"piway/shared/config"
)

func (s *setup) deployAccount(ctx context.Context) error {
	parameters, err := s.accountParameters()
	if err != nil {
		return err
	}
	path, err := s.template("account.yaml", templates["account.yaml"])
	if err != nil {
		return err
	}
	return s.cli.Deploy(ctx, aws.Deployment{Stack: aws.AccountStack, Template: path, Account: true, Parameters: parameters})
}

// accountParameters are for this gateway and, without harm to them, the others that the account has: a rule that one of
// them uses stays, and so does the old form's when this one changes it, since it goes on sending there until its restart.
func (s *setup) accountParameters() (aws.Command, error) {
	form, ruleKey := s.names.Form, "MetricRule"
	if form == aws.EMF {
		ruleKey = "EmfRule"
	}
	errorsTopic := s.names.ErrorsTopic
	if errorsTopic == "" {
		errorsTopic = aws.DefaultErrorsTopic
	}
	p := map[string]string{
		"Form": form, "AlarmForm": form, "AlarmMinutes": alarmMinutes(&s.cfg.Rollup, 0),
		"Namespace": s.names.Namespace, "ErrorsTopic": errorsTopic, ruleKey: s.names.RuleName(),
	}
	if s.account != nil {
		old := s.account.Parameters
		p["Form"] = union(form, old["Form"])
		if len(s.others) > 0 {
			if err := s.agree(p, old, ruleKey); err != nil {
				return aws.Command{}, err
			}
			p["AlarmForm"] = union(form, old["AlarmForm"])
			minutes, _ := strconv.Atoi(old["AlarmMinutes"]) // 0 asks for nothing
			p["AlarmMinutes"] = alarmMinutes(&s.cfg.Rollup, minutes)
		}
	}
	if s.asked.Email != "" {
		p["AlarmEmail"] = s.asked.Email
	}
	var c aws.Command
	for _, key := range []string{"Form", "AlarmForm", "AlarmMinutes", "AlarmEmail", "Namespace", "ErrorsTopic", "MetricRule", "EmfRule"} {
		if v, ok := p[key]; ok {
			c = c.With(key + "=" + v)
		}
	}
	return c, nil
}

// agree refuses to change under other gateways what they rely on.
func (s *setup) agree(p, old map[string]string, ruleKey string) error {
	for key, name := range map[string]string{"Namespace": "uplink.namespace", "ErrorsTopic": "uplink.errors_topic", ruleKey: "uplink.rule"} {
		if is := old[key]; is != "" && is != p[key] {
			return config.Try(fmt.Errorf("%s is %q, and the account's rules, which %d other gateways use, have %q", name, p[key], len(s.others), is),
				fmt.Sprintf("%s: %s in %s", name, is, s.path))
		}
	}
	return nil
}

func union(form, old string) string {
	if old == "" || old == form || old == "none" {
		return form
	}
	return aws.Both
}

// alarmMinutes is the shortest silence, of those that the template knows, in which two windows fit.
func alarmMinutes(c *RollupConfig, atLeast int) string {
	need := max(atLeast, int(math.Ceil((2*c.Window + c.Grace).Minutes())))
	for _, m := range []int{15, 30, 60, 120} {
		if m >= need {
			return strconv.Itoa(m)
		}
	}
	return "240"
}

func (s *setup) deployGateway(ctx context.Context) error {
	path, err := s.template("gateway.yaml", templates["gateway.yaml"])
	if err != nil {
		return err
	}
	return s.cli.Deploy(ctx, aws.Deployment{Stack: s.names.GatewayStack(), Template: path, Parameters: s.gatewayParameters()})
}

func (s *setup) gatewayParameters() aws.Command {
	// In the shell the file's text loses its last newline; so it does here.
	csr := certFile(s.cfg.Uplink.Certs.Dir, csrEnd)
	return aws.Command{}.Shown("Csr="+strings.TrimSpace(s.csr), `"Csr=$(cat `+aws.Quote(csr)+`)"`).
		With("ClientId="+s.names.ClientID, "ThingName="+s.names.ThingName(), "Rule="+s.names.Rule, "ErrorsTopic="+s.names.ErrorsTopic)
}

// choose settles the form: as asked, as the stack has it from a broken-off run, or as the user says.
func (s *setup) choose(ctx context.Context) error {
	form := s.asked.Form
	was := s.formBefore()
	switch {
	case form != "":
	case s.answer == nil && was == "":
		return config.Try(fmt.Errorf("a form must be chosen, and nobody is there to ask"), "--form metric or --form emf")
	case s.answer == nil:
		form = was
	default:
		s.describe()
		first, second := aws.Metric, aws.EMF
		if was == aws.EMF {
			first, second = second, first
		}
		var err error
		if form, err = s.ask(ctx, "which form", first, second); err != nil {
			return err
		}
	}
	if was != "" && was != form {
		s.say("  the form was %s: all metrics start anew under other names, the old graphs stay as they are until they are 15 months old", was)
	}
	s.names = s.names.For(form)
	s.say("  form %s, rule %s", form, s.names.Rule)
	return checkPolicy(s.names)
}

// formBefore is the form that the gateway's stack is for, "" if there is none.
func (s *setup) formBefore() string {
	if s.stack == nil {
		return ""
	}
	for _, form := range []string{aws.Metric, aws.EMF} {
		if s.stack.Parameters["Rule"] == s.names.For(form).Rule {
			return form
		}
	}
	return ""
}

// describe tells what the forms are and cost.
func (s *setup) describe() {
	s.say("  metric  a message and a CloudWatch call for each datapoint; metrics are named NAME (DEVICE). What the usual cron script does.")
	s.price(aws.Metric)
	s.say("  emf     many datapoints in a message; metrics are named NAME, with the device as a dimension, and keep minimum, maximum and percentiles.")
	s.price(aws.EMF)
	s.say("  Changing it later renames every metric: graphs and alarms start anew.")
}

func (s *setup) price(form string) {
	if s.prices == nil {
		return
	}
	total, free := s.prices(fleet{form, s.asked.Devices, s.asked.Metrics, s.cfg.Rollup.Window})
	s.say("          about %.2f USD a month for %d devices with %d metrics each, %.2f after what AWS gives for nothing", total, s.asked.Devices, s.asked.Metrics, free)
}

// lines gathers what is to be shown, or not.
type lines struct{ bytes.Buffer }

func (l *lines) indent(out io.Writer) {
	for line := range strings.Lines(l.String()) {
		_, _ = fmt.Fprint(out, "  ", line) // as say
	}
}

// print writes the commands for a shell.
func (s *setup) print() error {
	form := s.asked.Form
	if form == "" {
		form = s.cfg.Uplink.Form
	}
	s.names = s.names.For(form)
	if err := checkPolicy(s.names); err != nil {
		return err
	}
	parameters, err := s.accountParameters()
	if err != nil {
		return err
	}
	w := printer{s.asked.awsAccess, s.out}
	w.line("# What aws setup does, by hand. Nothing has been changed.")
	w.line("piway-gateway aws csr --config " + aws.Quote(s.path))
	w.line("piway-gateway aws print template > account.yaml")
	w.line("piway-gateway aws print gateway-template > gateway.yaml")
	w.aws("", aws.NewCommand("sts", "get-caller-identity"), "")
	w.aws("", aws.Deployment{Stack: aws.AccountStack, Template: "account.yaml", Account: true, Parameters: parameters}.Command(), "")
	w.aws("", aws.Deployment{Stack: s.names.GatewayStack(), Template: "gateway.yaml", Parameters: s.gatewayParameters()}.Command(), "")
	w.aws("CERTIFICATE=$(", aws.NewCommand("cloudformation", "describe-stacks", "--stack-name", s.names.GatewayStack(),
		"--query", "Stacks[0].Outputs[?OutputKey=='CertificateId'].OutputValue", "--output", "text"), ")")
	w.aws("", aws.NewCommand("iot", "describe-certificate").Shown("", `--certificate-id "$CERTIFICATE"`).
		With("--query", "certificateDescription.certificatePem", "--output", "text"), " > "+aws.Quote(certFile(s.cfg.Uplink.Certs.Dir, certEnd)))
	w.aws("", aws.EndpointCommand.With("--query", "endpointAddress", "--output", "text"), "")
	w.line(fmt.Sprintf("# In %s set uplink.endpoint to what the last command said, uplink.form to %s and uplink.rule to %s.", s.path, form, s.names.Rule))
	w.line("piway-gateway check --config " + aws.Quote(s.path))
	return nil
}

// A printer writes lines for a shell.
type printer struct {
	access awsAccess
	out    io.Writer
}

func (p printer) line(text string) { _, _ = fmt.Fprintln(p.out, text) } // as say

func (p printer) aws(before string, c aws.Command, behind string) {
	if p.access.Region != "" {
		c = c.With("--region", p.access.Region)
	}
	if p.access.Profile != "" {
		c = c.With("--profile", p.access.Profile)
	}
	p.line(before + c.String() + behind)
}
