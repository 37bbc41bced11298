package rules

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"piway/localcore/sql"
)

func newDocument(rule string, m Message, failed []ActionFailure) Document {
	return Document{
		RuleName: rule, Topic: m.Topic, CloudwatchTraceID: newUUID(), ClientID: m.ClientID,
		Base64OriginalPayload: base64.StdEncoding.EncodeToString(m.Payload), Failures: failed,
	}
}

// newUUID is a random one (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// value is the document as an action's input.
func (d Document) value() sql.Value {
	text, err := json.Marshal(d)
	if err != nil {
		panic("rules: error document does not encode: " + err.Error())
	}
	v, err := sql.ParsePayload(text, sql.V2016)
	if err != nil {
		panic("rules: error document does not decode: " + err.Error())
	}
	return v
}
