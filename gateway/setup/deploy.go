package setup

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"piway/gateway/aws"
	"piway/gateway/cloud"
	"piway/gateway/settings"
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
	return s.cli.Deploy(ctx, aws.Deployment{
		Stack: cloud.AccountStack, Template: path, Account: true,
		Parameters: parameters,
	})
}

// accountParameters are for this gateway and, without harm to them, the others that the account has: a rule that one
// of them uses stays, and so does the old form's when this one changes it, since it goes on sending there until its
// restart.
func (s *setup) accountParameters() (cloud.Command, error) {
	form, ruleKey := s.names.Form, "MetricRule"
	if form == cloud.EMF {
		ruleKey = "EmfRule"
	}
	errorsTopic := s.names.ErrorsTopic
	if errorsTopic == "" {
		errorsTopic = cloud.DefaultErrorsTopic
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
				return cloud.Command{}, err
			}
			p["AlarmForm"] = union(form, old["AlarmForm"])
			minutes, _ := strconv.Atoi(old["AlarmMinutes"]) // 0 asks for nothing
			p["AlarmMinutes"] = alarmMinutes(&s.cfg.Rollup, minutes)
		}
	}
	switch s.asked.Email {
	case "": // as it is
	case Nobody:
		p["AlarmEmail"] = ""
	default:
		p["AlarmEmail"] = s.asked.Email
	}
	var c cloud.Command
	for _, key := range []string{
		"Form", "AlarmForm", "AlarmMinutes", "AlarmEmail", "Namespace", "ErrorsTopic",
		"MetricRule", "EmfRule",
	} {
		if v, ok := p[key]; ok {
			c = c.With(key + "=" + v)
		}
	}
	return c, nil
}

// agree refuses to change under other gateways what they rely on.
func (s *setup) agree(p, old map[string]string, ruleKey string) error {
	for key, name := range map[string]string{
		"Namespace": "uplink.namespace", "ErrorsTopic": "uplink.errors_topic",
		ruleKey: "uplink.rule",
	} {
		if is := old[key]; is != "" && is != p[key] {
			return config.Try(fmt.Errorf("%s is %q, and the account's rules, which %d other gateways use, have %q", name, p[key],
				len(s.others), is),
				fmt.Sprintf("%s: %s in %s", name, is, s.path))
		}
	}
	return nil
}

func union(form, old string) string {
	if old == "" || old == form || old == "none" {
		return form
	}
	return cloud.Both
}

// alarmMinutes is the shortest silence, of those that the template knows, in which two windows fit.
func alarmMinutes(c *settings.Rollup, atLeast int) string {
	need := max(atLeast, int(math.Ceil((2*c.Window + c.Grace).Minutes())))
	for _, m := range []int{15, 30, 60, 120} {
		if m >= need {
			return strconv.Itoa(m)
		}
	}
	return "240"
}

// deployGateway does not deploy over a stack that another machine has made meanwhile: that one's certificate would end.
func (s *setup) deployGateway(ctx context.Context) error {
	if s.stack == nil {
		now, err := s.cli.Ready(ctx, s.names.GatewayStack())
		if err != nil {
			return err
		}
		if now != nil {
			return config.Try(fmt.Errorf("another aws setup has made the stack %s meanwhile", now.Name),
				"this again; it looks at whose that is")
		}
	}
	return s.deploy(ctx, s.gatewayParameters())
}

// deploy makes or changes the gateway's stack.
func (s *setup) deploy(ctx context.Context, parameters cloud.Command) error {
	path, err := s.template("gateway.yaml", templates["gateway.yaml"])
	if err != nil {
		return err
	}
	return s.cli.Deploy(ctx, aws.Deployment{
		Stack: s.names.GatewayStack(), Template: path,
		Parameters: parameters,
	})
}

// gatewayParameters leave the slot that is not in use as it is.
func (s *setup) gatewayParameters() cloud.Command {
	return s.parameters(s.slot, s.csr, certFile(s.cfg.Uplink.Certs.Dir, csrEnd))
}

// parameters are for a certificate of the request csr, which is in the file at path, in a slot.
func (s *setup) parameters(in slot, csr, path string) cloud.Command {
	// In the shell the file's text loses its last newline; so it does here.
	topic, feedback := s.names.TemplateTopics()
	shown := `"` + in.parameter + `=$(cat ` + cloud.Quote(path) + `)"`
	return cloud.Command{}.Shown(in.parameter+"="+strings.TrimSpace(csr), shown).
		With("ClientId="+s.names.ClientID, "ThingName="+s.names.ThingName(), "Rule="+s.names.Rule,
			"Topic="+topic, "FeedbackTopic="+feedback, "ErrorsTopic="+s.names.ErrorsTopic)
}
