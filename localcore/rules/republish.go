package rules

import (
	"errors"
	"strings"

	"piway/localcore/sql"
	"piway/localcore/strict"
)

// maxPayload is IoT Core's limit of a message.
const maxPayload = 128 * 1024

// A republishAction is one republish action (republish-rule-action).
type republishAction struct {
	topic sql.Template
	qos   byte
}

func readRepublish(o strict.Object, version sql.Version) action {
	a := republishAction{topic: readTemplate(o, "topic", version)}
	if a.topic.IsConstant() {
		if _, err := target(a.topic.String()); err != nil {
			o.Fail("topic", "%w", err)
		}
	}
	switch string(o.Members["qos"]) {
	case "", "0": // the default is 0
	case "1":
		a.qos = 1
	default:
		o.Fail("qos", "must be 0 or 1, got %.20s", o.Members["qos"])
	}
	return a
}

func (a republishAction) name() string { return "RepublishAction" }

func (a republishAction) do(r *run) (resource string, err error) {
	resource = a.topic.Resolve(r.in)
	topic, err := target(resource)
	if err != nil {
		return resource, failure{err, "topic"}
	}
	payload := sql.JSON(r.output)
	if len(payload) > maxPayload {
		return topic, fail("payload", "payload of %d bytes, IoT Core takes %d", len(payload), maxPayload)
	}
	return topic, r.republish(topic, a.qos, payload)
}

// target is the topic that is meant: a reserved one, which begins with $, is written with $$.
func target(text string) (string, error) {
	if strings.HasPrefix(text, "$") {
		reserved, ok := strings.CutPrefix(text, "$$")
		if !ok {
			return "", errors.New("a reserved topic is written with two dollar signs, try: $" + text)
		}
		text = "$" + reserved
	}
	return text, sql.CheckTopic(text)
}
