package feedback

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// A Failure is a message that a rule was given and could not act on.
type Failure struct {
	Rule     string
	ClientID string // who published the message
	Payload  []byte // as it was published
	Action   string // that failed first, such as CloudwatchMetricAction
	Message  string // AWS's words, shortened
	Reason   string // one of a short list
}

// maxMessage bounds what is kept of AWS's words.
const maxMessage = 300

// Parse reads the document that AWS hands to a rule's error action:
//
//	{"ruleName":…,"topic":…,"cloudwatchTraceId":…,"clientId":…,"base64OriginalPayload":…,
//	 "failures":[{"failedAction":…,"failedResource":…,"errorMessage":…}]}
//
// (AWS IoT Developer Guide, error handling: error action message). Members that are not known are ignored.
func Parse(text []byte) (Failure, error) {
	var doc struct {
		RuleName              string `json:"ruleName"`
		ClientID              string `json:"clientId"`
		Base64OriginalPayload string `json:"base64OriginalPayload"`
		Failures              []struct {
			FailedAction string `json:"failedAction"`
			ErrorMessage string `json:"errorMessage"`
		} `json:"failures"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return Failure{}, fmt.Errorf("reading a rule's error: %w", err)
	}
	if len(doc.Failures) == 0 {
		return Failure{}, fmt.Errorf("reading a rule's error: no failures in it, %d bytes", len(text))
	}
	payload, err := base64.StdEncoding.DecodeString(doc.Base64OriginalPayload)
	if err != nil {
		return Failure{}, fmt.Errorf("reading a rule's error: its payload: %w", err)
	}
	first := doc.Failures[0]
	return Failure{
		Rule: doc.RuleName, ClientID: doc.ClientID, Payload: payload, Action: first.FailedAction,
		Message: clip(first.ErrorMessage), Reason: reason(first.ErrorMessage),
	}, nil
}

func clip(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

// Reasons that stand in the way of every message.
const (
	reasonPermission = "permission"
	reasonLogGroup   = "log group"
)

// Blocks reports whether a reason stands in the way of every message.
func Blocks(reason string) bool { return reason == reasonPermission || reason == reasonLogGroup }

// reasons are what AWS's words amount to and what to change, tried in order: the words of one may be in a later one's
// text.
var reasons = []struct {
	name  string
	words []string
	fix   string
}{
	{
		reasonPermission,
		[]string{"not authorized", "accessdenied", "access denied", "assume role", "assumerole"},
		"the rule's role must allow cloudwatch:PutMetricData for uplink.namespace, or logs:PutLogEvents, CreateLogStream " +
			"and DescribeLogStreams for the log group (piway-gateway aws print template)",
	},
	{reasonLogGroup, []string{"resourcenotfound", "log group"}, "the log group of the rule does not exist: deploy " +
		"configs/aws/account.yaml, or aws logs create-log-group"},
	{
		"throttled",
		[]string{"throttl", "rate exceeded", "limitexceeded"},
		"CloudWatch's quota of calls is used up by this account: raise it, lengthen rollup.window, or use uplink.form: emf",
	},
	{"order", []string{"chronological", "24 hours"}, "the batch must be in order of time and span at most 24 h; the " +
		"rule must pass it on as it is: SELECT VALUE *.batch"},
	{"unit", []string{".unit", "unit"}, "the rule's metricUnit must be ${unit} (piway-gateway aws print rule)"},
	{"time", []string{"timestamp"}, "the rule's metricTimestamp must be ${timestamp}, which is in seconds " +
		"(piway-gateway aws print rule)"},
	{"namespace", []string{"namespace"}, "the rule's metricNamespace must be a name such as RaspberryPi (piway-gateway " +
		"aws print rule)"},
	{"name", []string{"metricname"}, "the rule's metricName must be ${name} (piway-gateway aws print rule)"},
	{"batch", []string{"batch", "array", "element"}, "the rule must pass the batch on: SELECT VALUE *.batch, with " +
		"batchMode true (piway-gateway aws print rule)"},
	{"value", []string{"value", "number"}, "the rule's metricValue must be ${value} (piway-gateway aws print rule)"},
}

// Other is the reason of a failure that none of the known words explain.
const Other = "other"

func reason(message string) string {
	lower := strings.ToLower(message)
	for _, r := range reasons {
		for _, w := range r.words {
			if strings.Contains(lower, w) {
				return r.name
			}
		}
	}
	return Other
}

// Fix says what to change for a reason.
func Fix(reason string) string {
	for _, r := range reasons {
		if r.name == reason {
			return r.fix
		}
	}
	return "compare the rule with: piway-gateway aws print rule"
}
