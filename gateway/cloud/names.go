// Package cloud is where a gateway and AWS meet: client ids, topics, ARNs, and what is made of them for AWS, which is
// rules, policy, commands and dashboard. Its promises: what the gateway connects as, publishes to and listens on is
// what its policy allows and its rules take, since both come of one set of names; and what it prints for the default
// names is, byte for byte, what configs/aws holds and tests load.
package cloud

import (
	"strings"

	files "piway/configs/aws"
)

// The forms in which datapoints go to AWS, and what account.yaml calls the two together.
const (
	Metric = "metric"
	EMF    = "emf"
	Both   = "both"
)

// Defaults for what the gateway's configuration has no key for, or where it leaves one empty.
const (
	DefaultLogGroup    = "/piway/metrics"
	DefaultErrorsTopic = "piway/errors"
	DefaultMetricTopic = "raspi/metrics"
	DefaultEMFFilter   = "piway/emf/+"
	// AccountStack is the CloudFormation stack of an account and region.
	AccountStack = "piway"
)

// Suffixes of the client ids beside the gateway's own, each for a connection of its own.
const (
	feedbackSuffix = "-feedback"
	checkSuffix    = "-check"
)

// IoT Core takes client ids of up to LongestID characters (AWS IoT Core quotas, message broker). A gateway's own is no
// longer than MaxClientID, so that a suffix fits behind it.
const (
	LongestID   = 128
	MaxClientID = LongestID - len(feedbackSuffix)
)

// ClientID is a gateway's: the site keeps two gateways of one account from closing each other's connections.
func ClientID(configured, site string) string {
	if site == "" {
		return configured
	}
	return configured + "-" + site
}

// Names say what things are called. All of them have been validated with the configuration; nothing here needs escaping
// in JSON, an ARN or a policy.
type Names struct {
	Account, Region string
	// ClientID is the gateway's, with the site.
	ClientID string
	Site     string
	// Form is Metric or EMF.
	Form string
	// Rule is published to directly (Basic Ingest). Without one, Topic is; both empty means the form's own topic.
	Rule, Topic string
	Namespace   string
	// ErrorsTopic empty means that the gateway does not listen for failures.
	ErrorsTopic string
	LogGroup    string
}

// Default are the names in the files of configs/aws.
func Default() Names {
	return Names{
		Account: "123456789012", Region: "us-east-1", ClientID: "piway-gateway", Form: Metric, Rule: files.MetricRuleName,
		Namespace: "RaspberryPi", ErrorsTopic: DefaultErrorsTopic, LogGroup: DefaultLogGroup,
	}
}

// For returns the names for another form. A rule that is the other form's own is exchanged for this one's.
func (n Names) For(form string) Names {
	if n.Form == form && n.Rule != "" && n.Rule != defaultRule(other(form)) {
		return n
	}
	n.Form, n.Rule, n.Topic = form, defaultRule(form), ""
	return n
}

func other(form string) string {
	if form == EMF {
		return Metric
	}
	return EMF
}

func defaultRule(form string) string {
	if form == EMF {
		return files.EMFRuleName
	}
	return files.MetricRuleName
}

// RuleName is the rule that takes what the gateway sends: the configured one, or the form's own, listening on a topic.
func (n Names) RuleName() string {
	if n.Rule != "" {
		return n.Rule
	}
	return defaultRule(n.Form)
}

// filter is the FROM of a form's rule, for Basic Ingest too.
func (n Names) filter(form string) string {
	switch {
	case form == n.Form && n.Rule == "" && n.Topic != "":
		return n.Topic
	case form == EMF:
		return DefaultEMFFilter
	}
	return DefaultMetricTopic
}

// reports is below which topic the rules report; a gateway that does not listen leaves the default.
func (n Names) reports() string {
	if n.ErrorsTopic == "" {
		return DefaultErrorsTopic
	}
	return n.ErrorsTopic
}

// DataTopic is where the gateway publishes datapoints: the topic that the rule's FROM selects, behind the rule's name
// where one is published to directly. Basic Ingest puts $aws/rules/RULE/ before the topic that would trigger the rule
// otherwise (AWS IoT, Basic Ingest); it does not say that FROM is ignored.
func (n Names) DataTopic() string { return n.direct() + n.plainTopic() }

// CanaryTopic is where the canary goes, on the connection for feedback: the rule that takes the data takes it too.
func (n Names) CanaryTopic() string {
	if n.ownLevel() {
		return n.DataTopic() + feedbackSuffix
	}
	return n.DataTopic()
}

// Former are the topics of data and canary that earlier versions published to directly, which no FROM of Piway's rules
// selects. Their policies allow these and no others. Empty where there is no rule.
func (n Names) Former() (data, canary string) {
	if n.Rule == "" {
		return "", ""
	}
	return n.direct() + n.ClientID, n.direct() + n.FeedbackClient()
}

func (n Names) direct() string {
	if n.Rule == "" {
		return ""
	}
	return "$aws/rules/" + n.Rule + "/"
}

// ownLevel says whether the topic's last level is the client id.
func (n Names) ownLevel() bool { return n.Topic == "" && n.Form == EMF }

// topics are all that the gateway publishes to: datapoints, and its canary under the client id for feedback.
func (n Names) topics() []string {
	if n.ErrorsTopic == "" || n.CanaryTopic() == n.DataTopic() {
		return []string{n.DataTopic()}
	}
	return []string{n.DataTopic(), n.CanaryTopic()}
}

// plainTopic is what the rule's FROM selects.
func (n Names) plainTopic() string {
	switch {
	case n.Topic != "":
		return n.Topic
	case n.ownLevel():
		return strings.TrimSuffix(DefaultEMFFilter, "+") + n.ClientID
	}
	return DefaultMetricTopic
}

// TemplateTopics are the parameters Topic and FeedbackTopic of gateway.yaml, which stand behind the rule's name if
// there is one.
func (n Names) TemplateTopics() (topic, feedback string) {
	topic = n.plainTopic()
	if n.ErrorsTopic != "" && n.ownLevel() {
		feedback = topic + feedbackSuffix
	}
	return topic, feedback
}

// FeedbackClient is the client id of the connection on which failures are reported.
func (n Names) FeedbackClient() string { return n.ClientID + feedbackSuffix }

// CheckClient is the client id of a check, which leaves the running gateway's connection alone.
func (n Names) CheckClient() string { return n.ClientID + checkSuffix }

// clients are the ids under which the gateway connects.
func (n Names) clients() []string {
	if n.ErrorsTopic == "" {
		return []string{n.ClientID, n.CheckClient()}
	}
	return []string{n.ClientID, n.FeedbackClient(), n.CheckClient()}
}

// ErrorTopics are where failures of messages of the gateway, and of its connection for feedback, are reported; none
// where it does not listen.
func (n Names) ErrorTopics() []string {
	if n.ErrorsTopic == "" {
		return nil
	}
	return []string{n.ErrorsTopic + "/" + n.ClientID, n.ErrorsTopic + "/" + n.FeedbackClient()}
}

// ThingName is the client id as AWS takes it for a thing, which may have no dot (AWS::IoT::Thing ThingName).
func (n Names) ThingName() string { return strings.ReplaceAll(n.ClientID, ".", "_") }

// GatewayStack is the CloudFormation stack of the gateway: letters, digits and hyphens, and never AccountStack.
func (n Names) GatewayStack() string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r == ':' {
			return '-'
		}
		return r
	}, n.ClientID)
	if strings.HasPrefix(name, AccountStack+"-") {
		return name
	}
	return AccountStack + "-" + name
}

// partition is the part of AWS that a region lies in (ARNs and partitions, AWS general reference).
func (n Names) partition() string {
	switch {
	case n.Region == RegionPlaceholder:
		return partitionPlaceholder
	case strings.HasPrefix(n.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(n.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// iot is an ARN of IoT Core; resource is KIND/NAME.
func (n Names) iot(resource string) string { return n.arn("iot", resource) }

func (n Names) arn(service, resource string) string {
	return "arn:" + n.partition() + ":" + service + ":" + n.Region + ":" + n.Account + ":" + resource
}

// roleName is of the role for a form's rule, or for errors. Roles have no region, so their names have.
func (n Names) roleName(kind string) string { return AccountStack + "-" + kind + "-" + n.Region }

func (n Names) roleARN(kind string) string {
	return "arn:" + n.partition() + ":iam::" + n.Account + ":role/" + n.roleName(kind)
}

// errorsRole is the kind of the third role.
const errorsRole = "errors"

// alerts is the SNS topic to which the rule for errors writes.
const alerts = "piway-alerts"
