package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"piway/localcore/policy"
)

// wizard is what the console's connect wizard makes.
const wizard = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["iot:Publish","iot:Receive","iot:PublishRetain"],"Resource":[
	 "arn:aws:iot:us-east-1:123456789012:topic/sdk/test/java","arn:aws:iot:us-east-1:123456789012:topic/sdk/test/js"]},
	{"Effect":"Allow","Action":"iot:Subscribe","Resource":["arn:aws:iot:us-east-1:123456789012:topicfilter/sdk/test/java"]},
	{"Effect":"Allow","Action":"iot:Connect","Resource":["arn:aws:iot:us-east-1:123456789012:client/sdk-java",
	 "arn:aws:iot:us-east-1:123456789012:client/basicPubSub"]}]}`

const shadow = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["iot:Publish","iot:Subscribe","iot:Connect","iot:Receive"],"Resource":"*"},
	{"Effect":"Allow","Action":["iot:GetThingShadow","iot:UpdateThingShadow","iot:DeleteThingShadow"],"Resource":"*"}]}`

const mqttWildcard = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
	{"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:us-east-1:123456789012:topic/raspi/#"}]}`

// Each warning is named by what it must hold; what loads without one has none.
func TestWarnings(t *testing.T) {
	const foreign = "not an action of the message broker"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"least privilege":  {least, nil},
		"wizard":           {wizard, []string{`Statement[0].Action: "iot:PublishRetain": ` + foreign}},
		"shadow":           {shadow, []string{`"iot:GetThingShadow": ` + foreign, `"iot:UpdateThingShadow"`, `"iot:DeleteThingShadow"`}},
		"# in a topic":     {mqttWildcard, []string{`topic/raspi/#": matches nothing, + and # are plain characters`}},
		"+ in a topic":     {one("Allow", "iot:Receive", here+"topic/a/+/b", ""), []string{"matches nothing, + and #"}},
		"# with *":         {one("Deny", "iot:Publish", here+"topic/a/*/#", ""), []string{"matches nothing, + and #"}},
		"# beside foreign": {strings.ReplaceAll(wizard, "test/js", "#"), []string{`"iot:PublishRetain"`, "matches nothing, + and #"}},
		"# in a filter":    {one("Allow", "iot:Subscribe", here+"topicfilter/location/#", ""), nil},
		"# in a client":    {one("Allow", "iot:Connect", here+"client/#", ""), nil},
		"greengrass":       {one("Allow", "greengrass:*", "*", ""), []string{`"greengrass:*": ` + foreign}},
		"jobs": {
			one("Allow", "iotjobsdata:DescribeJobExecution", "arn:aws:iot:us-east-1:123456789012:thing/x", ""),
			[]string{`"iotjobsdata:DescribeJobExecution": ` + foreign},
		},
		"a pattern of things": {one("Allow", "iot:*Thing*", here+"thing/x", ""), []string{`"iot:*Thing*": ` + foreign}},
		"a typo":              {one("Allow", "iot:Publsh", "*", ""), []string{`"iot:Publsh": ` + foreign}},
		"another case":        {one("Allow", "iot:publish", "*", ""), []string{`there are iot:Connect, iot:Publish,`}},
		"all of IoT":          {one("Allow", "iot:*", "*", ""), nil},
		"everything":          {one("Allow", "*", "*", ""), nil},
		"another service's ARN": {
			one("Allow", "greengrass:Discover", "arn:aws:greengrass:eu-west-1:1:/x", ""),
			[]string{foreign},
		},
		"filter for publish":   {one("Allow", "iot:Publish", here+"topicfilter/a", ""), []string{"the actions do not ask for it"}},
		"topic for subscribe":  {one("Allow", "iot:Subscribe", here+"topic/a", ""), []string{"topicfilter/FILTER for iot:Subscribe"}},
		"# for subscribe":      {one("Allow", "iot:Subscribe", here+"topic/a/#", ""), []string{"topicfilter/FILTER for iot:Subscribe"}},
		"topic for connect":    {one("Allow", "iot:Connect", here+"topic/a", ""), []string{"client/ID for iot:Connect"}},
		"no ARN":               {one("Allow", "iot:Connect", "client/a", ""), []string{"client/ID for iot:Connect"}},
		"a pattern of kinds":   {one("Allow", "iot:Publish", here+"top*", ""), nil},
		"unknown variable":     {one("Allow", "iot:Publish", here+"topic/${iot:ClientID}", ""), []string{`"iot:ClientID" has no value here`}},
		"attribute":            {one("Allow", "iot:Publish", here+"topic/${iot:Connection.Thing.Attributes[v]}", ""), []string{"has no value here"}},
		"certificate variable": {one("Allow", "iot:Connect", here+"client/${iot:Certificate.Subject.CommonName}", ""), []string{"has no value here"}},
		"source address": {
			one("Allow", "iot:Connect", "*", `{"IpAddress":{"aws:SourceIp":"123.45.167.89"}}`),
			[]string{"Statement[0].Condition.IpAddress.aws:SourceIp: not supported here"},
		},
		"domain": {one("Allow", "iot:Connect", "*", `{"StringEquals":{"iot:DomainName":"x"}}`), []string{"iot:DomainName: not supported"}},
		"will":   {one("Allow", "iot:Connect", "*", `{"ArnEquals":{"iot:LastWillTopic":"x"}}`), []string{"iot:LastWillTopic: not supported"}},
		"a client by attribute": {
			one("Allow", "iot:Connect", "*", `{"StringLike":{"iot:ClientId":"*${iot:Connection.Thing.Attributes[e]}"}}`),
			[]string{"has no value here"},
		},
		"variables of 2008": {
			strings.Replace(one("Allow", "iot:Publish", here+"topic/${iot:ClientId}", ""), "2012", "2008", 1),
			[]string{"Version: ${…} is plain text before 2012-10-17, try: 2012-10-17"},
		},
		"no version":      {`{"Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}`, nil},
		"another account": {one("Allow", "iot:Publish", "arn:aws:iot:us-east-1:111122223333:topic/a", ""), []string{"matches nothing of arn:aws:iot:us-east-1:123456789012, try: --region and --account"}},
		"another region":  {one("Allow", "iot:Publish", "arn:aws:iot:eu-west-1:123456789012:topic/a", ""), []string{"matches nothing of"}},
		"any account":     {one("Allow", "iot:Publish", "arn:aws:iot:*:*:topic/a", ""), nil},
	} {
		got := parse(t, tc.text).Warnings("us-east-1", "123456789012")
		if len(got) != len(tc.want) {
			t.Errorf("%s: got %q, want %d", name, got, len(tc.want))
			continue
		}
		for i, want := range tc.want {
			if !strings.HasPrefix(got[i], "test: ") || !strings.Contains(got[i], want) {
				t.Errorf("%s: got %q, want %q in it", name, got[i], want)
			}
		}
	}
}

// What is warned of allows nothing.
func TestAllows_nothingOfWhatIsForeign(t *testing.T) {
	for _, text := range []string{
		one("Allow", "iot:PublishRetain", "*", ""),
		one("Allow", "iot:publish", "*", ""),
		one("Allow", "iot:*Thing*", "*", ""),
		one("Allow", "iot:Publish", here+"topic/${iot:Connection.Thing.Attributes[v]}*", ""),
		one("Allow", "iot:*", "*", `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`),
		one("Allow", "iot:*", "*", `{"StringNotEquals":{"iot:DomainName":"x"}}`),
		one("Allow", "iot:*", "*", `{"ForAllValues:StringEquals":{"aws:TagKeys":[]}}`),
		one("Allow", "iot:*", "*", `{"Null":{"iot:ClientId":"false"}}`),
		one("Allow", "iot:*", "*", `{"StringLikeIfExists":{"iot:Certificate.SerialNumber":"*"}}`),
		mqttWildcard,
		strings.Replace(one("Allow", "iot:Publish", here+"topic/${iot:ClientId}", ""), "2012", "2008", 1),
	} {
		for _, action := range []string{policy.Publish, policy.RetainPublish} {
			if allows(parse(t, text), request(action, "topic/gw")) {
				t.Errorf("%s: allows %s", text, action)
			}
		}
	}
	if ps := parse(t, strings.Replace(one("Allow", "iot:Publish", here+"topic/${iot:ClientId}", ""), "2012", "2008",
		1)); !allows(ps, request(policy.Publish, "topic/${iot:ClientId}")) {
		t.Error("a variable of 2008 is not plain text")
	}
}

// What AWS's commands print, and take.
func TestParse_unwraps(t *testing.T) {
	quoted, err := json.Marshal(least)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"get-policy": `{"policyName":"gw","policyArn":"arn:aws:iot:us-east-1:123456789012:policy/gw","policyDocument":` +
			string(quoted) + `,"defaultVersionId":"1","creationDate":1700000000.5,"generationId":"x"}`,
		"get-policy-version":     `{"policyDocument":` + string(quoted) + `,"policyVersionId":"2","isDefaultVersion":true}`,
		"create-policy":          `{"policyName":"gw","policyDocument":` + string(quoted) + `,"tags":[{"Key":"a","Value":"b"}]}`,
		"a document in a policy": `{"policyDocument":` + least + `}`,
	} {
		if ps := parse(t, text); !allows(ps, request(policy.Connect, "client/gw")) ||
			allows(ps, request(policy.Connect, "client/other")) {
			t.Errorf("%s: decides otherwise than what it holds", name)
		}
	}
	long := strings.Replace(least, "client/gw\"", "client/"+strings.Repeat("x", 1200)+"\"", 1)
	quoted, _ = json.Marshal(long)
	if _, err := policy.Parse("p", []byte(`{"policyArn":"`+strings.Repeat("x", 1000)+`","policyDocument":`+string(quoted)+`}`)); err != nil {
		t.Errorf("what stands beside the document counts: %v", err)
	}
}

func TestDecide_partitions(t *testing.T) {
	ps := parse(t, one("Allow", "iot:Publish", "arn:aws-cn:iot:cn-north-1:123456789012:topic/a", ""))
	r := request(policy.Publish, "topic/a")
	if r.Region = "cn-north-1"; !allows(ps, r) {
		t.Error("a resource in China is denied")
	}
}

// Many stars must not take exponential time.
func TestAllows_manyStars(t *testing.T) {
	ps := parse(t, one("Allow", "iot:Publish", here+"topic/"+strings.Repeat("*a", 500)+"b", ""))
	done := make(chan bool, 1)
	go func() { done <- allows(ps, request(policy.Publish, "topic/"+strings.Repeat("a", 256))) }()
	select {
	case got := <-done:
		if got {
			t.Error("it matches")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("matching does not end")
	}
}
