package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"piway/localcore/policy"
)

// least is the policy of a gateway that publishes by Basic Ingest and listens to its failures.
const least = `{"Version":"2012-10-17","Statement":[
	{"Sid":"connect","Effect":"Allow","Action":"iot:Connect",
	 "Resource":["arn:aws:iot:us-east-1:123456789012:client/gw","arn:aws:iot:us-east-1:123456789012:client/gw-feedback"],
	 "Condition":{"ForAllValues:StringEquals":{"iot:ConnectAttributes":[]}}},
	{"Effect":"Allow","Action":["iot:Publish"],"Resource":"arn:aws:iot:us-east-1:123456789012:topic/$aws/rules/piway_metric/${iot:ClientId}"},
	{"Effect":"Allow","Action":"iot:Subscribe","Resource":"arn:aws:iot:us-east-1:123456789012:topicfilter/piway/errors/gw"},
	{"Effect":"Allow","Action":"iot:Receive","Resource":"arn:aws:iot:us-east-1:123456789012:topic/piway/errors/gw"}]}`

func parse(t testing.TB, text string) policy.Policies {
	t.Helper()
	p, err := policy.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return policy.Policies{p}
}

func allows(ps policy.Policies, r policy.Request) bool { return ps.Decide(r) == nil }

// one is a policy of one statement.
func one(effect, action, resource, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Action":%q,"Resource":%q%s}}`, effect, action,
		resource, condition)
}

const here = "arn:aws:iot:us-east-1:123456789012:"

func request(action, resource string) policy.Request {
	return policy.Request{Action: action, Resource: resource, Region: "us-east-1", Account: "123456789012", ClientID: "gw"}
}

func TestAllows_leastPrivilege(t *testing.T) {
	ps := parse(t, least)
	for _, tc := range []struct {
		action, resource string
		want             bool
	}{
		{policy.Connect, "client/gw", true},
		{policy.Connect, "client/gw-feedback", true},
		{policy.Connect, "client/gw2", false},
		{policy.Publish, "topic/$aws/rules/piway_metric/gw", true},
		{policy.Publish, "topic/$aws/rules/piway_metric/other", false},
		{policy.Publish, "topic/raspi/metrics", false},
		{policy.Subscribe, "topicfilter/piway/errors/gw", true},
		{policy.Subscribe, "topicfilter/piway/errors/+", false},
		{policy.Receive, "topic/piway/errors/gw", true},
		{policy.Receive, "topic/piway/errors/other", false},
		{policy.RetainPublish, "topic/piway/errors/gw", false},
	} {
		if got := allows(ps, request(tc.action, tc.resource)); got != tc.want {
			t.Errorf("%s on %s: got %v, want %v", tc.action, tc.resource, got, tc.want)
		}
	}
	will := request(policy.Connect, "client/gw")
	will.ConnectAttributes = []string{"LastWill"}
	if allows(ps, will) {
		t.Error("a connection with a last will is allowed, the condition forbids it")
	}
	elsewhere := request(policy.Connect, "client/gw")
	elsewhere.Region = "eu-west-1"
	if allows(ps, elsewhere) {
		t.Error("another region's client is allowed")
	}
	if err := ps.Decide(request(policy.Publish, "topic/raspi/metrics")); err == nil ||
		!strings.Contains(err.Error(), "no statement allows iot:Publish on "+here+"topic/raspi/metrics") {
		t.Errorf("explained as %v", err)
	}
}

func TestAllows_wildcards(t *testing.T) {
	for _, tc := range []struct {
		pattern, resource string
		want              bool
	}{
		{here + "topic/a/*", "topic/a/b", true},
		{here + "topic/a/*", "topic/a/b/c", true}, // over levels
		{here + "topic/a/*", "topic/a/", true},
		{here + "topic/a/*", "topic/a", false},
		{here + "topic/a?c", "topic/abc", true},
		{here + "topic/a?c", "topic/ac", false},
		{here + "topic/a/+", "topic/a/b", false}, // MQTT's wildcards are plain
		{here + "topic/a/+", "topic/a/+", true},
		{here + "topic/*b*d", "topic/abcd", true},
		{here + "topic/*b*d", "topic/abcde", false},
		{"*", "topic/a", true},
		{"arn:aws:iot:*:*:topic/a", "topic/a", true},
		{here + "*", "topic/a", true},
	} {
		ps := parse(t, one("Allow", "iot:Publish", tc.pattern, ""))
		if got := allows(ps, request(policy.Publish, tc.resource)); got != tc.want {
			t.Errorf("%s on %s: got %v, want %v", tc.pattern, tc.resource, got, tc.want)
		}
	}
}

// What a client calls itself is no wildcard.
func TestAllows_variables(t *testing.T) {
	ps := parse(t, one("Allow", "iot:Publish", here+"topic/${iot:ClientId}/data", ""))
	r := request(policy.Publish, "topic/other/data")
	r.ClientID = "*"
	if allows(ps, r) {
		t.Error("a client id * matches everything")
	}
	r = request(policy.Publish, "topic/gw/data")
	if !allows(ps, r) {
		t.Error("its own topic is denied")
	}

	ps = parse(t, one("Allow", "iot:Connect", here+"client/${iot:Connection.Thing.ThingName}", ""))
	for _, tc := range []struct {
		thing     string
		exclusive bool
		client    string
		want      bool
	}{
		{"gw", false, "gw", true},
		{"", false, "gw", false},
		{"gw", false, "gw-check", false},
		{"gw", true, "gw", true},
		{"gw", true, "gw-check", false},
	} {
		r := request(policy.Connect, "client/"+tc.client)
		r.ClientID, r.Thing, r.Exclusive = tc.client, tc.thing, tc.exclusive
		if got := allows(ps, r); got != tc.want {
			t.Errorf("%+v: got %v", tc, got)
		}
	}
}

func TestAllows_denyWins(t *testing.T) {
	ps := append(parse(t, one("Allow", "iot:*", "*", "")),
		parse(t, one("Deny", "iot:Publish", here+"topic/secret", ""))...)
	if !allows(ps, request(policy.Publish, "topic/a")) || allows(ps, request(policy.Publish, "topic/secret")) {
		t.Error("want all but the secret topic")
	}
	if err := ps.Decide(request(policy.Publish, "topic/secret")); err == nil ||
		!strings.Contains(err.Error(), "denies it") {
		t.Errorf("explained as %v", err)
	}
	if allows(policy.Policies{}, request(policy.Connect, "client/gw")) {
		t.Error("no policy allows something")
	}
	if err := make(policy.Policies, 11).Check(); err == nil {
		t.Error("11 policies are taken")
	}
}

func TestAllows_conditions(t *testing.T) {
	for _, tc := range []struct {
		condition string
		change    func(*policy.Request)
		want      bool
	}{
		{`{"Bool":{"iot:Connection.Thing.IsAttached":["true"]}}`, func(r *policy.Request) { r.Attached = true }, true},
		{`{"Bool":{"iot:Connection.Thing.IsAttached":"true"}}`, func(*policy.Request) {}, false},
		{`{"StringEquals":{"iot:ClientId":"gw"}}`, func(*policy.Request) {}, true},
		{`{"StringEquals":{"iot:ClientId":"g*"}}`, func(*policy.Request) {}, false},
		{`{"StringLike":{"iot:ClientId":"g*"}}`, func(*policy.Request) {}, true},
		{`{"StringEquals":{"iot:Connection.Thing.ThingName":"gw"}}`, func(*policy.Request) {}, false},
		{
			`{"ForAllValues:StringEquals":{"iot:ConnectAttributes":["LastWill"]}}`,
			func(r *policy.Request) { r.ConnectAttributes = []string{"LastWill"} }, true,
		},
		{
			`{"ForAllValues:StringEquals":{"iot:ConnectAttributes":["LastWill"]}}`,
			func(r *policy.Request) { r.ConnectAttributes = []string{"PersistentConnect"} }, false,
		},
		// both
		{
			`{"StringLike":{"iot:ClientId":"g*"},"Bool":{"iot:Connection.Thing.IsAttached":"true"}}`, func(*policy.Request) {},
			false,
		},
	} {
		ps := parse(t, one("Allow", "iot:Connect", "*", tc.condition))
		r := request(policy.Connect, "client/gw")
		tc.change(&r)
		if got := allows(ps, r); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.condition, got, tc.want)
		}
	}
}

func TestParse_mistakes(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{``, "policy: must be a JSON object"},
		{`{"Version":"2012-10-17"}`, "Statement: required and missing"},
		{`{"Version":"2012-10-18","Statement":[]}`, `Version: "2012-10-18": must be 2012-10-17 or 2008-10-17`},
		{`{"Version":"2008-10-17","Statement":[]}`, "Statement: must have at least one"},
		{`{"policyDocument":"{\"Version\":1}"}`, "Version: must be a string"},
		{`{"policyDocument":5}`, "policy: must be a JSON object"},
		{`{"policyName":"p"}`, "policyName: not a member that is known here"},
		{`{"Version":"2012-10-17","Statement":[]}`, "Statement: must have at least one"},
		{`{"Version":"2012-10-17","Version":"2012-10-17"}`, "Version: given twice"},
		{`{"version":"2012-10-17"}`, "version: not a member that is known here"},
		{strings.Replace(least, "Effect", "effect", 1), "Statement[0].effect: not a member"},
		{strings.Replace(least, "Allow", "allow", 1), `Statement[0].Effect: "allow": must be Allow or Deny`},
		{one("Allow", "Publish", "*", ""), `Statement[0].Action: "Publish": must be SERVICE:ACTION`},
		{one("Deny", "iot:Publish", here+"topic/${iot:ClientID}", ""), `the variable "iot:ClientID" is not supported here`},
		{
			strings.Replace(one("Allow", "iot:Publish", here+"topic/${iot:X}", ""), "Resource", "NotResource", 1),
			`Statement[0].NotResource: "` + here + `topic/${iot:X}": the variable "iot:X" is not supported here`,
		},
		{one("Allow", "iot:Publish", here+"topic/${iot:ClientId", ""), "has no closing brace"},
		{
			one("Deny", "iot:Publish", "*", `{"IpAddress":{"aws:SourceIp":"1.2.3.4"}}`),
			"Statement[0].Condition.IpAddress.aws:SourceIp: not supported here, try: StringEquals",
		},
		{one("Deny", "iot:Publish", "*", `{"StringEquals":{"iot:ClientID":"x"}}`), "StringEquals.iot:ClientID: not supported"},
		{one("Deny", "iot:Publish", "*", `{"Bool":{"*":"x"}}`), "Condition.Bool.*: not supported"},
		{one("Deny", "iot:Publish", "*", `{"StringNotEquals":{"iot:ClientId":"${a}"}}`), `variable "a" is not supported`},
		{
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}`,
			"Statement[0].Action: must not be empty",
		},
		{
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":"iot:Connect","Action":"*","Resource":"*"}}`,
			"Statement[0].NotAction: stands beside Action, try: one of them",
		},
		{
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":[],"Resource":"*"}}`,
			"Statement[0].NotAction: must not be empty",
		},
		{
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`,
			"Statement[0].Principal: not a member",
		},
		{
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":5,"Resource":"*"}}`,
			"Statement[0].Action: must be a string or a list",
		},
		{
			one("Allow", "iot:Connect", here+"client/"+strings.Repeat("x", 2048), ""),
			"characters without white space, IoT Core takes 2048",
		},
		{least + "x", "text after the closing brace"},
	} {
		_, err := policy.Parse("p.json", []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), "loading policy p.json: ") ||
			!strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.80s\ngot %v\nwant %s", tc.text, err, tc.want)
		}
	}
	if _, err := policy.Parse("spaces", []byte(strings.Replace(least, ",", ","+strings.Repeat(" \n", 2000),
		1))); err != nil {
		t.Errorf("white space counts: %v", err)
	}
	if _, err := policy.Load(t.TempDir() + "/absent"); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("got %v, want the path", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(least), "topic/a", "gw")
	f.Add([]byte(one("Allow", "iot:*", here+"topic/${iot:ClientId}*?", `{"StringLike":{"iot:ClientId":"*"}}`)), "topic/x",
		"*")
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[[{}]]}`), "", "")
	f.Add([]byte(`{"policyDocument":"{\"Statement\":{\"Effect\":\"Deny\",\"NotAction\":\"a:b\",\"NotResource\":\"${x}\"}}"}`), "", "")
	f.Fuzz(func(t *testing.T, text []byte, resource, client string) {
		p, err := policy.Parse("fuzz", text)
		if err != nil {
			return
		}
		for _, w := range (policy.Policies{p}).Warnings("r", "a") {
			if !strings.HasPrefix(w, "fuzz: ") {
				t.Errorf("the warning %q does not name its policy", w)
			}
		}
		for _, action := range []string{
			policy.Connect, policy.Publish, policy.Subscribe, policy.Receive,
			policy.RetainPublish,
		} {
			r := policy.Request{Action: action, Resource: resource, Region: "r", Account: "a", ClientID: client, Thing: client}
			if err := (policy.Policies{p}).Decide(r); err != nil && err.Error() == "" {
				t.Error("denied without a reason")
			}
		}
	})
}
