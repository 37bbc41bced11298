package policy_test

import (
	"strings"
	"testing"

	"piway/localcore/policy"
)

// The examples of AWS's pages pub-sub-policy, connect-policy and basic-policy-variables, cut to what they show.
func TestAllows_examples(t *testing.T) {
	statements := func(s ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(s, ",") + `]}`
	}
	statement := func(effect, action, resource, more string) string {
		return `{"Effect":"` + effect + `","Action":["` + action + `"],` + resource + more + `}`
	}
	attributes := func(operator, list string) string {
		return `,"Condition":{"` + operator + `":{"iot:ConnectAttributes":` + list + `}}`
	}
	const client, all = `"Resource":"arn:aws:iot:us-east-1:123456789012:client/gw"`, `"Resource":"*"`
	will, persistent, both := []string{"LastWill"}, []string{"PersistentConnect"}, []string{"PersistentConnect", "LastWill"}
	for name, tc := range map[string]struct {
		text, action, resource string
		attributes             []string
		want                   bool
	}{
		"subtopics": {
			statements(
				statement("Allow", "iot:Publish", `"Resource":["`+here+`topic/department/*"]`, ""),
				statement("Deny", "iot:Publish", `"Resource":["`+here+`topic/department/admins"]`, "")),
			policy.Publish, "topic/department/a/b", nil, true,
		},
		"but one": {
			statements(
				statement("Allow", "iot:Publish", `"Resource":["`+here+`topic/department/*"]`, ""),
				statement("Deny", "iot:Publish", `"Resource":["`+here+`topic/department/admins"]`, "")),
			policy.Publish, "topic/department/admins", nil, false,
		},
		"NotResource, outside": {
			statements(statement("Allow", "iot:Receive", `"NotResource":"`+here+`topic/p/restricted/*"`, "")),
			policy.Receive, "topic/p/topic1", nil, true,
		},
		"NotResource, inside": {
			statements(statement("Allow", "iot:Receive", `"NotResource":"`+here+`topic/p/restricted/*"`, "")),
			policy.Receive, "topic/p/restricted/a", nil, false,
		},
		"NotResource in a Deny": {
			statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
				statement("Deny", "iot:Publish", `"NotResource":["`+here+`topic/a","`+here+`topic/b"]`, "")),
			policy.Publish, "topic/c", nil, false,
		},
		"NotResource in a Deny, inside": {
			statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
				statement("Deny", "iot:Publish", `"NotResource":["`+here+`topic/a","`+here+`topic/b"]`, "")),
			policy.Publish, "topic/b", nil, true,
		},
		"NotAction": {
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":["iot:Publish"],"Resource":"*"}}`,
			policy.Subscribe, "topicfilter/a", nil, true,
		},
		"NotAction, that": {
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":["iot:Publish"],"Resource":"*"}}`,
			policy.Publish, "topic/a", nil, false,
		},
		"NotAction in a Deny": {statements(`{"Effect":"Allow","Action":"iot:*","Resource":"*"}`,
			`{"Effect":"Deny","NotAction":"iot:Connect","Resource":"*"}`), policy.Publish, "topic/a", nil, false},
		"a filter of MQTT": {
			one("Allow", "iot:Subscribe", here+"topicfilter/department/+/employees", ""),
			policy.Subscribe, "topicfilter/department/+/employees", nil, true,
		},
		"a filter within it": {
			one("Allow", "iot:Subscribe", here+"topicfilter/department/+/employees", ""),
			policy.Subscribe, "topicfilter/department/x/employees", nil, false,
		},
		"literal wildcards": {one("Allow", "iot:Publish", here+"topic/${*}/${?}", ""), policy.Publish, "topic/*/?", nil, true},
		"literal wildcards, others": {
			one("Allow", "iot:Publish", here+"topic/${*}/${?}", ""), policy.Publish, "topic/a/b",
			nil, false,
		},
		"may persist": {statements(statement("Allow", "iot:Connect", client, attributes("ForAllValues:StringEquals",
			`["PersistentConnect"]`))), policy.Connect, "client/gw", persistent, true},
		"may persist, will": {statements(statement("Allow", "iot:Connect", client, attributes("ForAllValues:StringEquals",
			`["PersistentConnect"]`))), policy.Connect, "client/gw", will, false},
		"anything but persist": {statements(statement("Allow", "iot:Connect", client, attributes("ForAllValues:StringNotEquals",
			`["PersistentConnect"]`))), policy.Connect, "client/gw", will, true},
		"anything but persist, both": {statements(statement("Allow", "iot:Connect", client, attributes(
			"ForAllValues:StringNotEquals", `["PersistentConnect"]`))), policy.Connect, "client/gw", both, false},
		"denied any": {statements(statement("Allow", "iot:Connect", client, ""), statement("Deny", "iot:Connect", all,
			attributes("ForAnyValue:StringEquals", `["PersistentConnect"]`))), policy.Connect, "client/gw", both, false},
		"denied any, none": {statements(statement("Allow", "iot:Connect", client, ""), statement("Deny", "iot:Connect", all,
			attributes("ForAnyValue:StringEquals", `["PersistentConnect"]`))), policy.Connect, "client/gw", nil, true},
		"will or none": {
			statements(statement("Allow", "iot:Connect", client, attributes("StringEquals", `"LastWill"`))),
			policy.Connect, "client/gw", nil, true,
		},
		"will or none, both": {
			statements(statement("Allow", "iot:Connect", client, attributes("StringEquals", `"LastWill"`))),
			policy.Connect, "client/gw", both, false,
		},
		"only persisting": {statements(statement("Allow", "iot:Connect", client, attributes("ForAnyValue:StringEquals",
			`["PersistentConnect"]`))), policy.Connect, "client/gw", nil, false},
		"must have both, one": {
			statements(
				statement("Allow", "iot:Connect", client, attributes("ForAllValues:StringEquals", `["PersistentConnect","LastWill"]`)),
				statement("Deny", "iot:Connect", all, attributes("ForAllValues:StringEquals", `["PersistentConnect"]`)),
				statement("Deny", "iot:Connect", all, attributes("ForAllValues:StringEquals", `[]`))),
			policy.Connect, "client/gw", persistent, false,
		},
		"must have both": {
			statements(
				statement("Allow", "iot:Connect", client, attributes("ForAllValues:StringEquals", `["PersistentConnect","LastWill"]`)),
				statement("Deny", "iot:Connect", all, attributes("ForAllValues:StringEquals", `["PersistentConnect"]`)),
				statement("Deny", "iot:Connect", all, attributes("ForAllValues:StringEquals", `[]`))),
			policy.Connect, "client/gw", both, true,
		},
		"not this client": {
			statements(`{"Effect":"Allow","Action":"iot:Connect","Resource":"*","Condition":{"StringNotEquals":{"iot:ClientId":["a","gw"]}}}`),
			policy.Connect, "client/gw", nil, false,
		},
		"not that client": {
			statements(`{"Effect":"Allow","Action":"iot:Connect","Resource":"*","Condition":{"StringNotLike":{"iot:ClientId":"b*"}}}`),
			policy.Connect, "client/gw", nil, true,
		},
		"a thing that is none": {
			statements(`{"Effect":"Allow","Action":"iot:Connect","Resource":"*","Condition":{"StringNotEquals":{"iot:Connection.Thing.ThingName":"x"}}}`),
			policy.Connect, "client/gw", nil, true,
		},
		"if there is a thing": {
			statements(`{"Effect":"Allow","Action":"iot:Connect","Resource":"*","Condition":{"StringEqualsIfExists":{"iot:Connection.Thing.ThingName":"x"}}}`),
			policy.Connect, "client/gw", nil, true,
		},
	} {
		ps := parse(t, tc.text)
		r := request(tc.action, tc.resource)
		r.ConnectAttributes = tc.attributes
		if got := allows(ps, r); got != tc.want || ps.Warnings(r.Region, r.Account) != nil {
			t.Errorf("%s: got %v and %q, want %v", name, got, ps.Warnings(r.Region, r.Account), tc.want)
		}
	}
}
