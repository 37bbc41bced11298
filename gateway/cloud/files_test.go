package cloud_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/cloud"
)

var update = flag.Bool("update", false, "write configs/aws")

// The files that localcore and its users load are what the gateway prints for its default names.
func TestNames_defaultFiles(t *testing.T) {
	n := cloud.Default()
	for name, got := range map[string][]byte{
		"rules/piway_metric.json": n.DataRule(cloud.Metric),
		"rules/piway_emf.json":    n.DataRule(cloud.EMF),
		"rules/piway_errors.json": n.ErrorsRule(),
		"policy.json":             n.Policy(),
	} {
		path := filepath.Join("../../configs/aws", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s, write it anew with -update:\n%s", name, diff)
		}
	}
}

func TestNames_policy(t *testing.T) {
	n := cloud.Default()
	long := n
	long.ClientID = strings.Repeat("c", 119)
	long.Rule, long.ErrorsTopic = strings.Repeat("r", 128), strings.Repeat("e", 120)
	for name, c := range map[string]struct {
		names         cloud.Names
		want, wantNot string
	}{
		"default": {n, ":topic/$aws/rules/piway_metric/raspi/metrics\"", "RetainPublish"},
		"emf": {
			n.For(cloud.EMF), ":topic/$aws/rules/piway_emf/piway/emf/piway-gateway-feedback\"",
			"piway_metric",
		},
		"site": {
			with(n, func(n *cloud.Names) { n.ClientID = "gw-home" }), ":client/gw-home-check",
			"piway-gateway",
		},
		"plain topic": {with(n, func(n *cloud.Names) { n.Rule = "" }), ":topic/raspi/metrics", "$aws"},
		"plain emf": {
			with(n.For(cloud.EMF), func(n *cloud.Names) { n.Rule = "" }),
			":topic/piway/emf/piway-gateway-feedback\"", "$aws",
		},
		"own topic":   {with(n, func(n *cloud.Names) { n.Rule, n.Topic = "", "a/b" }), ":topic/a/b", "raspi"},
		"no feedback": {with(n, func(n *cloud.Names) { n.ErrorsTopic = "" }), "piway-gateway-check", "feedback"},
		"another country": {
			with(n, func(n *cloud.Names) { n.Region = "cn-north-1" }), "arn:aws-cn:iot:cn-north-1:",
			"arn:aws:",
		},
	} {
		got := string(c.names.Policy())
		if !strings.Contains(got, c.want) || strings.Contains(got, c.wantNot) {
			t.Errorf("%s: got %s, want %q in it and %q not", name, got, c.want, c.wantNot)
		}
		if strings.ContainsAny(got, "*?") {
			t.Errorf("%s: got a wildcard in %s", name, got)
		}
		if size := cloud.PolicySize([]byte(got)); size > cloud.MaxPolicy {
			t.Errorf("%s: got %d characters, want at most %d", name, size, cloud.MaxPolicy)
		}
	}
	if cloud.PolicySize(long.Policy()) <= cloud.MaxPolicy {
		t.Error("the longest names fit: the check of the size can go")
	}
}

func with(n cloud.Names, change func(*cloud.Names)) cloud.Names {
	change(&n)
	return n
}

func TestNames_stack(t *testing.T) {
	for id, want := range map[string]string{
		"piway-gateway": "piway-gateway", "piway-gateway-home": "piway-gateway-home", "gw.1_a:b": "piway-gw-1-a-b",
		"piway": "piway-piway", "7": "piway-7",
	} {
		if got := (cloud.Names{ClientID: id}).GatewayStack(); got != want || got == cloud.AccountStack {
			t.Errorf("%s: got stack %q, want %q", id, got, want)
		}
	}
}

func TestNames_For(t *testing.T) {
	n := cloud.Default()
	if got := n.For(cloud.EMF); got.Rule != "piway_emf" || got.Form != cloud.EMF {
		t.Errorf("got %+v, want the emf rule", got)
	}
	own := with(n, func(n *cloud.Names) { n.Rule = "mine" })
	if got := own.For(cloud.Metric).Rule; got != "mine" {
		t.Errorf("got rule %q, want the configured one", got)
	}
	if got := own.For(cloud.EMF).Rule; got != "piway_emf" {
		t.Errorf("got rule %q for another form, want its own", got)
	}
	plain := with(n, func(n *cloud.Names) { n.Rule, n.Topic = "", "a/b" })
	if got := plain.For(cloud.Metric); got.Rule != "piway_metric" || got.Topic != "" {
		t.Errorf("got %+v, want a rule in place of the topic", got)
	}
	var rule struct{ SQL string }
	if err := json.Unmarshal(plain.DataRule(cloud.Metric), &rule); err != nil || rule.SQL != "SELECT * FROM 'a/b'" {
		t.Errorf("got %q, %v, want the configured topic", rule.SQL, err)
	}
	if bytes.Contains(n.DataRule(cloud.EMF), []byte(`\u00`)) {
		t.Error("got escapes, want plain text")
	}
}
