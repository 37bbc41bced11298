package aws

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// earlyValidation is in the words of a deployment that CloudFormation refuses before it makes anything: since November
// 2025 that is how a name that is taken shows. The reason is not among the stack's events (CloudFormation user guide,
// validate stack deployments).
const earlyValidation = "AWS::EarlyValidation::"

// A finding is a resource that CloudFormation refuses.
type finding struct {
	LogicalID  string `json:"LogicalResourceId"`
	PhysicalID string `json:"PhysicalResourceId"`
	Kind       string `json:"ResourceType"`
	Reason     string `json:"ValidationStatusReason"`
	Path       string `json:"ValidationPath"`
	Event      string `json:"EventType"`
	Mode       string `json:"ValidationFailureMode"`
	Operation  string `json:"OperationId"`
	Time       string `json:"Timestamp"`
}

// refused says which resources are why CloudFormation refused a deployment, and what to do about each.
func (c *CLI) refused(ctx context.Context, stack string, failed *CommandError) error {
	var answer struct{ OperationEvents []finding }
	if err := c.Decode(ctx, "CloudFormation", cloud.NewCommand("cloudformation", "describe-events", "--stack-name", stack),
		&answer); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// An older tool does not know the command, and some credentials may not use it.
		return config.Try(failed, "something of this name exists already. A newer aws tool and the right to "+
			"cloudformation:DescribeEvents tell what; so does CloudFormation's console, stack "+stack+", change sets. Delete "+
			"that, or set another name in the configuration, then run this again")
	}
	found := newest(answer.OperationEvents)
	if len(found) == 0 {
		return config.Try(failed, c.hint(failed))
	}
	var reasons, fixes []string
	for _, f := range found {
		reasons = append(reasons, f.String())
		if fix := c.undo(f); fix != "" {
			fixes = append(fixes, fix)
		}
	}
	said := *failed
	said.Stderr = strings.Join(reasons, "; ")
	if len(fixes) == 0 {
		return config.Try(&said, "delete what is there under this name, or set another name in the configuration")
	}
	return config.Try(&said, strings.Join(fixes, "; ")+"   if nothing else uses what is there, then run this again; or set "+
		"another name in the configuration (uplink.rule, uplink.client_id, site)")
}

// newest returns what kept the last operation from being done: earlier attempts are in the list too.
func newest(all []finding) []finding {
	all = slices.DeleteFunc(all, func(f finding) bool { return f.Event != "VALIDATION_ERROR" || f.Mode == "WARN" })
	if len(all) == 0 {
		return nil
	}
	last := slices.MaxFunc(all, func(a, b finding) int { return strings.Compare(a.Time, b.Time) })
	return slices.DeleteFunc(all, func(f finding) bool { return f.Operation != last.Operation })
}

var identifier = regexp.MustCompile(`identifier '([^']+)'`)

// name is what the resource is called in the account, "" if CloudFormation does not say.
func (f finding) name() string {
	if m := identifier.FindStringSubmatch(f.Reason); m != nil && f.PhysicalID == "" {
		return m[1]
	}
	return f.PhysicalID
}

func (f finding) String() string {
	where := strings.TrimSpace(f.Kind + " " + f.name())
	if where == "" {
		where = f.Path
	}
	return fmt.Sprintf("%s (%s): %s", f.LogicalID, where, f.Reason)
}

// undo is the command that deletes what is in the way, "" if there is none for it.
func (c *CLI) undo(f finding) string {
	command, ok := map[string]cloud.Command{
		"AWS::IoT::TopicRule": cloud.NewCommand("iot", "delete-topic-rule", "--rule-name"),
		"AWS::IoT::Thing":     cloud.NewCommand("iot", "delete-thing", "--thing-name"),
		"AWS::IoT::Policy":    cloud.NewCommand("iot", "delete-policy", "--policy-name"),
		"AWS::Logs::LogGroup": cloud.NewCommand("logs", "delete-log-group", "--log-group-name"),
	}[f.Kind]
	if !ok || f.name() == "" {
		return ""
	}
	return c.complete(command.With(f.name())).String()
}
