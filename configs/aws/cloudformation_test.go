package aws_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	files "piway/configs/aws"
	"piway/gateway/cloud"
)

const arn = "arn:aws:iam::123456789012:role/piway-"

// made is what Ref and Fn::GetAtt give for the resources, with the names that the static files have.
var made = map[string]string{
	"MetricRuleRole.Arn": arn + "metric-us-east-1", "EmfRuleRole.Arn": arn + "emf-us-east-1", "ErrorsRuleRole.Arn": arn +
		"errors-us-east-1",
	"Alerts": "arn:aws:sns:us-east-1:123456789012:piway-alerts", "Certificate": "0123abcd",
	"Certificate.Arn": "arn:aws:iot:us-east-1:123456789012:cert/0123abcd", "Policy": "piway-gateway-Policy-1",
	"Certificate2": "4567cdef", "Certificate2.Arn": "arn:aws:iot:us-east-1:123456789012:cert/4567cdef",
	"Thing": "piway-gateway",
}

func account(t *testing.T, parameters map[string]string) map[string]any {
	t.Helper()
	live, _ := readTemplate(t, files.AccountTemplate).resolve(t, parameters, made)
	checkProperties(t, live)
	return live
}

// canonical is JSON with members in order and numbers as numbers.
func canonical(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// api writes properties as the IoT API does: members begin with a small letter, and qos is a number.
func api(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = api(v[i])
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for name, e := range v {
			name = strings.ToLower(name[:1]) + name[1:]
			m[name] = api(e)
			if name == "qos" {
				m[name], _ = strconv.Atoi(e.(string))
			}
		}
		return m
	}
	return v
}

// What CloudFormation makes is what the static files say, which is what localcore loads.
func TestAccountTemplate_rules(t *testing.T) {
	all := map[string]struct {
		resource string
		text     []byte
	}{
		"piway_metric": {"MetricTopicRule", files.MetricRule},
		"piway_emf":    {"EmfTopicRule", files.EMFRule},
		"piway_errors": {"ErrorsTopicRule", files.ErrorsRule},
	}
	for form, want := range map[string][]string{
		"metric": {"piway_errors", "piway_metric"}, "emf": {"piway_emf", "piway_errors"},
		"both": {"piway_emf", "piway_errors", "piway_metric"},
	} {
		live := account(t, map[string]string{"Form": form})
		var got []string
		for name, rule := range all {
			res, ok := live[rule.resource].(map[string]any)
			if !ok {
				continue
			}
			properties := res["Properties"].(map[string]any)
			got = append(got, properties["RuleName"].(string))
			if diff := cmp.Diff(canonical(t, decoded(t, rule.text)),
				canonical(t, api(properties["TopicRulePayload"]))); diff != "" {
				t.Errorf("form %s, %s: static file and template differ:\n%s", form, name, diff)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("form %s: got rules %v, want %v", form, got, want)
		}
	}
}

func TestAccountTemplate_alarms(t *testing.T) {
	for _, c := range []struct {
		form, watched, email string
		want                 []string
	}{
		{"metric", "metric", "", []string{"MetricsStopped"}},
		{"metric", "emf", "", nil}, // there is no such rule
		{"both", "emf", "", []string{"DocumentsStopped"}},
		{"both", "both", "a@b.c", []string{"AlertsByMail", "DocumentsStopped", "MetricsStopped"}},
		{"emf", "none", "a@b.c", []string{"AlertsByMail"}},
	} {
		live := account(t, map[string]string{"Form": c.form, "AlarmForm": c.watched, "AlarmEmail": c.email})
		var got []string
		for _, name := range []string{"AlertsByMail", "DocumentsStopped", "MetricsStopped"} {
			if live[name] != nil {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s watched for %s, mail %q: got %v, want %v", c.form, c.watched, c.email, got, c.want)
		}
	}
}

// An alarm looks at as many minutes as its parameter says, and no alarm may look at more than a day (CloudWatch, alarm
// limits).
func TestAccountTemplate_minutes(t *testing.T) {
	parameter := readTemplate(t, files.AccountTemplate).section("Parameters")["AlarmMinutes"].(map[string]any)
	for _, minutes := range parameter["AllowedValues"].([]any) {
		alarm := account(t, map[string]string{"AlarmMinutes": minutes.(string)})["MetricsStopped"].(map[string]any)["Properties"].(map[string]any)
		period, _ := strconv.Atoi(alarm["Period"].(string))
		periods, _ := strconv.Atoi(alarm["EvaluationPeriods"].(string))
		if want, _ := strconv.Atoi(minutes.(string)); period*periods != want*60 || period%60 != 0 || want < 15 {
			t.Errorf("got %d periods of %d s, want %d minutes, 15 or more", periods, period, want)
		}
	}
}

var heredoc = regexp.MustCompile(`(?s)cat >(\S+) <<'PIWAY'\n(.*?)PIWAY\n`)

// The roles may what the commands without CloudFormation give them, and no more.
func TestAccountTemplate_roles(t *testing.T) {
	for form, role := range map[string]string{cloud.Metric: "MetricRuleRole", cloud.EMF: "EmfRuleRole"} {
		live := account(t, map[string]string{"Form": form})
		texts := map[string][]byte{}
		for _, m := range heredoc.FindAllSubmatch(cloud.Default().For(form).Script([]byte("csr"), "crt"), -1) {
			texts[string(m[1])] = m[2]
		}
		for name, file := range map[string]string{role: "rule-role.json", "ErrorsRuleRole": "errors-role.json"} {
			properties := live[name].(map[string]any)["Properties"].(map[string]any)
			policies := properties["Policies"].([]any)
			got := policies[0].(map[string]any)["PolicyDocument"]
			if diff := cmp.Diff(canonical(t, decoded(t, texts[file])), canonical(t, got)); diff != "" || len(policies) != 1 {
				t.Errorf("%s of %s: script and template differ:\n%s", name, form, diff)
			}
			if diff := cmp.Diff(canonical(t, decoded(t, texts["trust.json"])),
				canonical(t, properties["AssumeRolePolicyDocument"])); diff != "" {
				t.Errorf("%s of %s: script and template trust differently:\n%s", name, form, diff)
			}
		}
	}
}

// The documents of a backlog of 14 days must still be taken.
func TestAccountTemplate_retention(t *testing.T) {
	log := readTemplate(t, files.AccountTemplate).section("Parameters")["LogRetentionDays"].(map[string]any)
	for _, days := range log["AllowedValues"].([]any) {
		if n, _ := strconv.Atoi(days.(string)); n < 14 {
			t.Errorf("got a retention of %d days, want at least 14: older events of a backlog vanish", n)
		}
	}
}

func gateway(t *testing.T, parameters map[string]string) map[string]any {
	t.Helper()
	live, _ := readTemplate(t, files.GatewayTemplate).resolve(t, parameters, made)
	checkProperties(t, live)
	return live
}

func TestGatewayTemplate_policy(t *testing.T) {
	n := cloud.Default()
	emf := n.For(cloud.EMF)
	emf.ClientID, emf.ErrorsTopic = "gw-home", "e"
	topic := n.For(cloud.EMF)
	topic.Rule = ""
	plain := n
	plain.Rule, plain.Topic, plain.ErrorsTopic = "", "a/b", ""
	for name, c := range map[string]struct {
		parameters map[string]string
		want       []byte
	}{
		"default": {map[string]string{}, files.Policy},
		"emf": {map[string]string{
			"ClientId": "gw-home", "Rule": "piway_emf", "Topic": "piway/emf/gw-home",
			"FeedbackTopic": "piway/emf/gw-home-feedback", "ErrorsTopic": "e",
		}, emf.Policy()},
		"plain": {map[string]string{"Rule": "", "Topic": "a/b", "ErrorsTopic": ""}, plain.Policy()},
		"plain emf": {map[string]string{
			"Rule": "", "Topic": "piway/emf/piway-gateway",
			"FeedbackTopic": "piway/emf/piway-gateway-feedback",
		}, topic.Policy()},
	} {
		c.parameters["Csr"] = "-----BEGIN"
		live := gateway(t, c.parameters)
		got := live["Policy"].(map[string]any)["Properties"].(map[string]any)["PolicyDocument"]
		if diff := cmp.Diff(canonical(t, decoded(t, c.want)), canonical(t, got)); diff != "" {
			t.Errorf("%s: policy and template differ:\n%s", name, diff)
		}
		if c := live["Certificate"].(map[string]any)["Properties"].(map[string]any); c["CertificateSigningRequest"] != "-----BEGIN" || c["Status"] != "ACTIVE" {
			t.Errorf("%s: got certificate %v", name, c)
		}
	}
}

// Each of the two certificates is there with its request only, and may what the other may: while both are there a gateway
// goes from one to the other.
func TestGatewayTemplate_twoCertificates(t *testing.T) {
	for _, c := range []struct{ csr, csr2 string }{{"a", ""}, {"", "b"}, {"a", "b"}} {
		live := gateway(t, map[string]string{"Csr": c.csr, "Csr2": c.csr2})
		for name, csr := range map[string]string{"Certificate": c.csr, "Certificate2": c.csr2} {
			parts := []string{name, name + "May", name + "Is"}
			there := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return live[part] == nil })
			if want := csr != ""; (len(there) > 0) != want || want && len(there) != len(parts) {
				t.Errorf("%+v: got %v of %v", c, there, parts)
			}
			if csr == "" {
				continue
			}
			made := live[name].(map[string]any)["Properties"].(map[string]any)
			if made["CertificateSigningRequest"] != csr || made["Status"] != "ACTIVE" {
				t.Errorf("%+v: got %v", c, made)
			}
			for _, part := range parts[1:] {
				got := live[part].(map[string]any)["Properties"].(map[string]any)
				if got["Principal"] != "arn:aws:iot:us-east-1:123456789012:cert/"+
					map[string]string{"Certificate": "0123abcd", "Certificate2": "4567cdef"}[name] {
					t.Errorf("%+v: %s is of %v", c, part, got)
				}
			}
		}
	}
}

// Every parameter, condition and mapping is used in one form or another; every default is one that AWS would take.
func TestTemplates_names(t *testing.T) {
	for file, text := range map[string][]byte{
		"account.yaml": files.AccountTemplate,
		"gateway.yaml": files.GatewayTemplate,
	} {
		tpl := readTemplate(t, text)
		used := map[string]bool{}
		for _, p := range []map[string]string{
			{"Form": "both", "AlarmForm": "both", "AlarmEmail": "a@b.c"},
			{"Csr": "x"},
			{"Csr": "x", "Csr2": "y", "Rule": ""},
		} {
			if (p["Csr"] == "x") != (file == "gateway.yaml") {
				continue
			}
			_, r := tpl.resolve(t, p, made)
			maps.Copy(used, r.used)
		}
		for _, section := range []string{"Parameters", "Conditions", "Mappings"} {
			for name := range tpl.section(section) {
				if !used[name] {
					t.Errorf("%s: %s %s is not used", file, section, name)
				}
			}
		}
		for name, p := range tpl.section("Parameters") {
			checkDefault(t, file+" "+name, p.(map[string]any))
		}
		if size := len(text); size > 51200 {
			t.Errorf("%s: got %d bytes, want at most 51,200 (CloudFormation, template body)", file, size)
		}
	}
}

func checkDefault(t *testing.T, name string, p map[string]any) {
	t.Helper()
	d, ok := p["Default"].(string)
	pattern, _ := p["AllowedPattern"].(string)
	re, err := regexp.Compile(pattern)
	if err != nil || ok && !re.MatchString(d) {
		t.Errorf("%s: default %q does not match %q, %v", name, d, pattern, err)
	}
	if list, has := p["AllowedValues"].([]any); has && !slices.Contains(list, any(d)) {
		t.Errorf("%s: default %q is not one of %v", name, d, list)
	}
}

// checkProperties holds every property against the reference.
func checkProperties(t *testing.T, live map[string]any) {
	t.Helper()
	known := readReference(t)
	for name, res := range live {
		res := res.(map[string]any)
		kind := res["Type"].(string)
		table, ok := known[kind]
		if !ok {
			t.Errorf("%s: no type %s in testdata/resources.txt", name, kind)
		}
		properties, _ := res["Properties"].(map[string]any)
		checkNames(t, name, table, "", properties)
		for property, mark := range table {
			if mark == "must" && properties[property] == nil {
				t.Errorf("%s: required property %s is missing", name, property)
			}
		}
	}
}

// documents hold JSON of IAM's, not properties.
var documents = []string{"PolicyDocument", "AssumeRolePolicyDocument", "Policies[].PolicyDocument"}

func checkNames(t *testing.T, resource string, table map[string]string, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			checkNames(t, resource, table, at+"[]", e)
		}
	case map[string]any:
		for name, e := range v {
			path := strings.TrimPrefix(at+"."+name, ".")
			if mark := table[path]; mark != "may" && mark != "must" {
				t.Errorf("%s: CloudFormation has no property %s (%q)", resource, path, mark)
			}
			if !slices.Contains(documents, path) {
				checkNames(t, resource, table, path, e)
			}
		}
	}
}

func readReference(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/resources.txt")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]map[string]string{}
	var table map[string]string
	for line := range strings.Lines(string(text)) {
		var mark, path string
		switch n, _ := fmt.Sscan(line, &mark, &path); {
		case n == 1:
			table = map[string]string{}
			types[mark] = table
		case n == 2 && !strings.HasPrefix(line, "#"):
			table[path] = mark
		}
	}
	return types
}
