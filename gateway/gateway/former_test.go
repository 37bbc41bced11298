package gateway

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/queue/ledger"
)

// formerPolicy makes of a policy the one that an earlier version printed, whose publishes were behind the rule's name
// on the client id alone.
func formerPolicy(text []byte) []byte {
	old := strings.ReplaceAll(string(text), "/piway/emf/piway-gateway", "/piway-gateway")
	return []byte(strings.Replace(old, `piway_metric/raspi/metrics"`,
		`piway_metric/piway-gateway", "arn:aws:iot:us-east-1:123456789012:topic/$aws/rules/piway_metric/piway-gateway-feedback"`, 1))
}

// from is the clause of a rule that an AWS which ignores it for Basic Ingest would not have.
var from = regexp.MustCompile(` FROM '[^']*'`)

// A gateway that was set up by an earlier version has a policy for other topics, which no FROM selects. Whether AWS
// asks FROM there is not documented; both must end well. Where it does not, data goes on without a set-up; where it
// does, what would be acknowledged and dropped is kept. Both say what to do.
func TestCloud_policyOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, form string
		asksFrom   bool
	}{
		{"metric, FROM is ignored", cloud.Metric, false},
		{"metric, FROM is asked", cloud.Metric, true},
		{"emf, FROM is ignored", cloud.EMF, false},
		{"emf, FROM is asked", cloud.EMF, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var took datums
			cfg := worldConfig(tc.form)
			cfg.Uplink.MaxBackoff = time.Second
			w := newWorld(t, took.add, func(name string, text []byte) []byte {
				switch {
				case strings.HasPrefix(name, "policy"):
					return formerPolicy(text)
				case name == "piway_"+tc.form+".json" && !tc.asksFrom:
					return from.ReplaceAll(text, nil)
				}
				return text
			}, &cfg)
			p := w.gateway(&cfg, "kitchen")
			p.report("kitchen", "load", 1)
			if tc.asksFrom {
				p.said.Want(ctx, t, "level=ERROR", "no rule answers on its topic", "piway-gateway aws setup again")
				p.said.Want(ctx, t, "level=ERROR", "AWS ends the connection at every publish", "piway-gateway aws setup again",
					"$aws/rules/piway_"+tc.form+"/")
				for _, a := range p.until(ctx, "it looks", func(ledger.Account) bool { return true }) {
					if a.Waiting != 1 || a.Sent != 0 {
						t.Errorf("got %+v, want all kept", a)
					}
				}
				return
			}
			p.said.Want(ctx, t, "level=WARN", "of an earlier version; the gateway uses its topic",
				"piway-gateway aws setup again")
			p.drained(ctx)
			if got := took.values(); len(got) != 1 {
				t.Errorf("got %v, want the datum", got)
			}
		})
	}
}
