package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// A Stack is what CloudFormation says of one.
type Stack struct {
	Name, Status              string
	Parameters, Outputs, Tags map[string]string
}

// The tag by which the stacks of gateways know each other.
const (
	tagKey     = "piway"
	tagGateway = "gateway"
	tagAccount = "account"
)

// IsGateway says whether the stack is a gateway's.
func (s *Stack) IsGateway() bool { return s.Tags[tagKey] == tagGateway }

// InReview is true of a stack that was never begun, since CloudFormation refused its first change set. It holds nothing
// and has neither parameters nor tags.
func (s *Stack) InReview() bool { return s.Status == "REVIEW_IN_PROGRESS" }

// inProgress is true of a stack that CloudFormation is at work on.
func (s *Stack) inProgress() bool {
	return strings.HasSuffix(s.Status, "_IN_PROGRESS") && !s.InReview()
}

// never is true of a stack that was never made whole and holds nothing to keep: it can only be deleted
// (CloudFormation user guide, stack status codes).
func (s *Stack) never() bool {
	return slices.Contains([]string{"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}, s.Status)
}

type pairs []struct{ ParameterKey, ParameterValue, OutputKey, OutputValue, Key, Value string }

func (p pairs) toMap() map[string]string {
	m := map[string]string{}
	for _, e := range p {
		m[e.ParameterKey+e.OutputKey+e.Key] = e.ParameterValue + e.OutputValue + e.Value
	}
	return m
}

// Stack returns the stack of a name, nil if there is none.
func (c *CLI) Stack(ctx context.Context, name string) (*Stack, error) {
	all, err := c.stacks(ctx, cloud.NewCommand("cloudformation", "describe-stacks", "--stack-name", name))
	if Said(err, "does not exist") {
		return nil, nil
	}
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// Gateways returns the stacks of all gateways of the account and region but one.
func (c *CLI) Gateways(ctx context.Context, except string) ([]*Stack, error) {
	all, err := c.stacks(ctx, cloud.NewCommand("cloudformation", "describe-stacks"))
	return slices.DeleteFunc(all, func(s *Stack) bool {
		return !s.IsGateway() || s.InReview() || s.Name == except
	}), err
}

func (c *CLI) stacks(ctx context.Context, command cloud.Command) ([]*Stack, error) {
	var answer struct {
		Stacks []struct {
			StackName, StackStatus    string
			Parameters, Outputs, Tags pairs
		}
	}
	if err := c.Decode(ctx, "CloudFormation", command, &answer); err != nil {
		return nil, err
	}
	all := make([]*Stack, len(answer.Stacks))
	for i, s := range answer.Stacks {
		all[i] = &Stack{s.StackName, s.StackStatus, s.Parameters.toMap(), s.Outputs.toMap(), s.Tags.toMap()}
	}
	return all, nil
}

// Settle waits until CloudFormation is not at work on the stack, and returns it; nil if it is gone.
func (c *CLI) Settle(ctx context.Context, name string) (*Stack, error) {
	start := time.Now()
	for shown := time.Duration(0); ; {
		s, err := c.Stack(ctx, name)
		if err != nil || s == nil || !s.inProgress() {
			return s, err
		}
		if since := time.Since(start); shown == 0 || since-shown >= progressEvery {
			c.Waiting(fmt.Sprintf("the stack %s, which is %s", name, s.Status), since)
			shown = max(since, 1)
		}
		if err := c.Pause(ctx, pollEvery); err != nil {
			return nil, err
		}
	}
}

// Ready returns the stack in a state in which it can be deployed, nil if it is to be made. One that was never made
// whole is deleted.
func (c *CLI) Ready(ctx context.Context, name string) (*Stack, error) {
	s, err := c.Settle(ctx, name)
	switch {
	case err != nil || s == nil:
		return nil, err
	case s.never():
		return nil, c.Delete(ctx, name)
	case s.InReview():
		return nil, nil
	case s.Status == "UPDATE_ROLLBACK_FAILED":
		return nil, config.Try(fmt.Errorf("the stack %s is %s", name, s.Status),
			"aws cloudformation continue-update-rollback --stack-name "+name+", then run this again")
	}
	return s, nil
}

// A Deployment is a stack to make or to change.
type Deployment struct {
	Stack, Template string
	Account         bool // the account's, which makes IAM roles
	Parameters      cloud.Command
}

// Command is the call that deploys.
func (d Deployment) Command() cloud.Command {
	c := cloud.NewCommand("cloudformation", "deploy", "--no-fail-on-empty-changeset", "--stack-name", d.Stack,
		"--template-file", d.Template)
	tag := tagGateway
	if d.Account {
		c, tag = c.With("--capabilities", "CAPABILITY_IAM"), tagAccount
	}
	return c.With("--tags", tagKey+"="+tag, "--parameter-overrides").Then(d.Parameters)
}

// Deploy makes or changes a stack, and says what CloudFormation could not do and why.
func (c *CLI) Deploy(ctx context.Context, d Deployment) error {
	_, err := c.Run(ctx, "CloudFormation, which makes the stack "+d.Stack+" (a minute or two)", d.Command())
	if Said(err, "No updates are to be performed") {
		return nil // where an empty change is refused, not made
	}
	if failed, ok := errors.AsType[*CommandError](err); ok {
		if strings.Contains(failed.Stderr, earlyValidation) {
			return c.refused(ctx, d.Stack, failed)
		}
		if reasons := c.reasons(ctx, d.Stack); reasons != "" {
			said := *failed
			said.Stderr = reasons
			return config.Try(&said, c.hint(&said))
		}
	}
	return err
}

// Patience with what AWS does not know everywhere at once: a policy may be in use for five minutes after it was
// detached, and a thing's certificate is detached some time after AWS said so (AWS IoT API, DeletePolicy,
// DetachThingPrincipal).
const (
	detachEvery = 30 * time.Second
	detachTimes = 11
)

// Delete deletes a stack and waits until it is gone. What is still attached somewhere is waited for too.
func (c *CLI) Delete(ctx context.Context, name string) error {
	for n := 1; ; n++ {
		s, err := c.delete(ctx, name)
		if err != nil || s == nil {
			return err
		}
		why := c.reasons(ctx, name)
		if n == detachTimes || !attached(why) {
			return config.Try(fmt.Errorf("deleting the stack %s: it is %s: %s", name, s.Status, why),
				"undo in AWS's console what was attached by hand, then run this again")
		}
		c.Waiting(fmt.Sprintf("AWS to detach everywhere what the stack %s has, which may take five minutes (%s)", name, why),
			time.Duration(n-1)*detachEvery)
		if err := c.Pause(ctx, detachEvery); err != nil {
			return err
		}
	}
}

// delete returns the stack if it is still there.
func (c *CLI) delete(ctx context.Context, name string) (*Stack, error) {
	if _, err := c.Run(ctx, "CloudFormation", cloud.NewCommand("cloudformation", "delete-stack", "--stack-name",
		name)); err != nil {
		return nil, err
	}
	s, err := c.Settle(ctx, name)
	if err != nil || s == nil || s.Status == "DELETE_COMPLETE" {
		return nil, err
	}
	return s, nil
}

// attached says whether a stack could not be deleted because of what AWS has not detached yet.
func attached(why string) bool {
	return strings.Contains(why, "DeleteConflict") || strings.Contains(strings.ToLower(why), "attached")
}

// reasons returns what went wrong in a stack last, "" if that cannot be had.
func (c *CLI) reasons(ctx context.Context, name string) string {
	var answer struct {
		StackEvents []struct {
			LogicalResourceID                    string `json:"LogicalResourceId"`
			ResourceStatus, ResourceStatusReason string
		}
	}
	if err := c.Decode(ctx, "CloudFormation", cloud.NewCommand("cloudformation", "describe-stack-events", "--stack-name",
		name), &answer); err != nil {
		return "" // the error that led here is the one to tell
	}
	why := map[string]string{}
	for _, e := range answer.StackEvents { // newest first
		switch {
		case e.LogicalResourceID == name && strings.HasSuffix(e.ResourceStatus, "_IN_PROGRESS") &&
			strings.Contains(e.ResourceStatusReason, "User Initiated"):
			return joined(why) // an older attempt
		case strings.HasSuffix(e.ResourceStatus, "_FAILED") && !strings.Contains(e.ResourceStatusReason, "cancelled"):
			why[e.LogicalResourceID] = e.ResourceStatusReason
		}
	}
	return joined(why)
}

func joined(why map[string]string) string {
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(why)) {
		parts = append(parts, id+": "+why[id])
	}
	return strings.Join(parts, "; ")
}
