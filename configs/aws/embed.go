// Package aws holds the files of the AWS side, so that a program carries the very rule that a user installs.
package aws

import _ "embed" // for the rule file

// TopicRule is topic-rule.json, in the form that `aws iot create-topic-rule --topic-rule-payload` takes.
// Callers must not change it.
//
//go:embed topic-rule.json
var TopicRule []byte
