// Package aws holds the files of the AWS side, so that a program carries the very rules that a user installs.
package aws

import "embed"

// The topic rules, in the form that `aws iot create-topic-rule --topic-rule-payload` takes, and the policy of a
// gateway; all for the default names, the account 123456789012 and us-east-1. Callers must not change them.
var (
	// MetricRule is for one message a datapoint.
	//
	//go:embed rules/piway_metric.json
	MetricRule []byte
	// EMFRule is for batches of documents in the embedded metric format.
	//
	//go:embed rules/piway_emf.json
	EMFRule []byte
	// ErrorsRule mails what the two could not do.
	//
	//go:embed rules/piway_errors.json
	ErrorsRule []byte
	// Policy is for `aws iot create-policy --policy-document`: a gateway in the metric form with Basic Ingest.
	//
	//go:embed policy.json
	Policy []byte
)

// The CloudFormation templates. Callers must not change them.
var (
	// AccountTemplate is for an account and region: rules, roles, alarms.
	//
	//go:embed account.yaml
	AccountTemplate []byte
	// GatewayTemplate is for one gateway: certificate and policy.
	//
	//go:embed gateway.yaml
	GatewayTemplate []byte
)

//go:embed roots/*.crt
var roots embed.FS

// Names of the rules as installed.
const (
	MetricRuleName = "piway_metric"
	EMFRuleName    = "piway_emf"
	ErrorsRuleName = "piway_errors"
)

// Roots returns Amazon's root certificates, PEM, by the names that AWS gives them: AmazonRootCA1.pem and so on.
func Roots() map[string][]byte {
	entries, err := roots.ReadDir("roots")
	if err != nil {
		panic("aws: the embedded roots cannot be listed: " + err.Error())
	}
	all := map[string][]byte{}
	for _, e := range entries {
		text, err := roots.ReadFile("roots/" + e.Name())
		if err != nil {
			panic("aws: an embedded root cannot be read: " + err.Error())
		}
		all[e.Name()[:len(e.Name())-len(".crt")]+".pem"] = text
	}
	return all
}
