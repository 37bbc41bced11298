package cloud

import (
	"bytes"
	"encoding/json"
)

type document struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Effect    string                    `json:"Effect"`
	Principal map[string]string         `json:"Principal,omitempty"`
	Action    any                       `json:"Action"`
	Resource  any                       `json:"Resource,omitempty"`
	Condition map[string]map[string]any `json:"Condition,omitempty"`
}

func policy(s ...statement) document { return document{"2012-10-17", s} }

func allow(action, resource any) statement {
	return statement{Effect: "Allow", Action: action, Resource: resource}
}

// MaxPolicy is how many characters a policy may have, white space not counted (AWS IoT Core quotas, security).
const MaxPolicy = 2048

// Policy returns what the gateway's certificate may do, for `aws iot create-policy --policy-document`: connect under
// its own client ids, publish to its own topics, hear what became of them. Wildcards there are none.
func (n Names) Policy() []byte {
	connect := allow("iot:Connect", n.each("client/", n.clients()))
	// No will and no persistent session: only what Piway uses (AWS IoT, connect policies).
	connect.Condition = map[string]map[string]any{"ForAllValues:StringEquals": {"iot:ConnectAttributes": []string{}}}
	p := policy(connect, allow("iot:Publish", n.each("topic/", n.topics())))
	if own := n.ErrorTopics(); own != nil {
		p.Statement = append(p.Statement,
			allow("iot:Subscribe", n.each("topicfilter/", own)), // a subscription is to a filter,
			allow("iot:Receive", n.each("topic/", own)))         // what comes of it has a topic
	}
	return text(p)
}

// PolicySize is how many characters of MaxPolicy a document has.
func PolicySize(document []byte) int {
	var b bytes.Buffer
	if err := json.Compact(&b, document); err != nil {
		panic("cloud: a policy is not JSON: " + err.Error())
	}
	return b.Len()
}

func (n Names) each(kind string, names []string) []string {
	arns := make([]string, len(names))
	for i, name := range names {
		arns[i] = n.iot(kind + name)
	}
	return arns
}

// trust lets the rules of this account and region take a role, and nobody else's (AWS IoT, cross-service confused
// deputy).
func (n Names) trust() []byte {
	return text(policy(statement{
		Effect: "Allow", Principal: map[string]string{"Service": "iot.amazonaws.com"}, Action: "sts:AssumeRole",
		Condition: map[string]map[string]any{
			"StringEquals": {"aws:SourceAccount": n.Account},
			"ArnLike":      {"aws:SourceArn": n.iot("*")},
		},
	}))
}

// may is what the role of a kind allows.
func (n Names) may(kind string) []byte {
	report := allow("iot:Publish", n.iot("topic/"+n.reports()+"/*"))
	switch kind {
	case errorsRole:
		return text(policy(allow("sns:Publish", n.arn("sns", alerts))))
	case EMF:
		return text(policy(allow([]string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			n.arn("logs", "log-group:"+n.LogGroup+":*")), report))
	}
	write := allow("cloudwatch:PutMetricData", "*") // has no resources; the condition is what restricts it
	write.Condition = map[string]map[string]any{"StringEquals": {"cloudwatch:namespace": n.Namespace}}
	return text(policy(write, report))
}
