package rules

import (
	"errors"
	"fmt"
	"strings"

	"piway/localcore/sql"
	"piway/localcore/strict"
)

// An snsAction is one sns action (sns-rule-action).
type snsAction struct {
	target sql.Template
	isJSON bool
}

func readSNS(o strict.Object, version sql.Version) action {
	target, format := readTemplate(o, "targetArn", version), o.Text("messageFormat")
	if target.IsConstant() {
		if err := checkTarget(target.String()); err != nil {
			o.Fail("targetArn", "%w", err)
		}
	}
	if o.Has("messageFormat") && format != "RAW" && format != "JSON" {
		o.Fail("messageFormat", "must be RAW or JSON, got %.20q", format)
	}
	return snsAction{target, format == "JSON"} // the default is RAW
}

func checkTarget(arn string) error {
	if !strings.HasPrefix(arn, "arn:aws") || !strings.Contains(arn, ":sns:") { // in China it is aws-cn
		return fmt.Errorf("%.60q is not an SNS topic's ARN, try: arn:aws:sns:eu-central-1:123456789012:piway", arn)
	}
	if strings.HasSuffix(arn, ".fifo") {
		return errors.New("the SNS action does not support FIFO topics")
	}
	return nil
}

func (a snsAction) name() string { return "SnsAction" }

func (a snsAction) do(r *run) (resource string, err error) {
	arn := a.target.Resolve(r.in)
	if err := checkTarget(arn); err != nil {
		return arn, failure{err, "targetArn"}
	}
	payload := sql.JSON(r.output)
	if a.isJSON {
		if payload, err = defaultMessage(r.output); err != nil {
			return arn, err
		}
	}
	if len(payload) == 0 {
		return arn, fail("message", "message: empty, SNS takes none")
	}
	return arn, r.svc.Notify(arn, payload)
}

// defaultMessage is what SNS sends of a JSON message where nothing is said for the subscriber's protocol; it must be
// there (SNS API, Publish, MessageStructure).
func defaultMessage(output sql.Value) ([]byte, error) {
	o, ok := output.(*sql.Object)
	if !ok {
		return nil, fail("messageFormat", "messageFormat JSON: input must be an object, got %s", sql.Kind(output))
	}
	text, ok := o.Get("default").(string)
	if !ok {
		return nil, fail("messageFormat", "messageFormat JSON: member default must be a string, got %s",
			sql.Kind(o.Get("default")))
	}
	return []byte(text), nil
}
