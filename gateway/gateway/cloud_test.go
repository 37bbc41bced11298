package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/ctl"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/localcore/cloudwatch"
)

// patience ends a test that would hang; no test waits for it.
const patience = 3 * time.Minute

// datums keeps what CloudWatch took.
type datums struct {
	mu  sync.Mutex // guards all
	all []cloudwatch.Datum
}

func (d *datums) add(x cloudwatch.Datum) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, x)
}

// values returns those of a metric, by NAME or NAME{dimension=value,…}.
func (d *datums) values() map[string][]float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	by := map[string][]float64{}
	for _, x := range d.all {
		var dims []string
		for _, dim := range x.Dimensions {
			dims = append(dims, dim.Name+"="+dim.Value)
		}
		by[x.Namespace+" "+x.Name+"{"+strings.Join(dims, ",")+
			"}"] = append(by[x.Namespace+" "+x.Name+"{"+strings.Join(dims, ",")+"}"], x.Value)
	}
	return by
}

// Both forms, by Basic Ingest and under the policy that is printed, from a device to CloudWatch: in the emf form all
// values arrive as they are, in the metric form their average.
func TestCloud_forms(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]map[string]int{
		cloud.Metric: {"RaspberryPi load (kitchen){}": 1, "RaspberryPi load (attic){}": 1},
		cloud.EMF:    {"RaspberryPi load{device=kitchen}": 3, "RaspberryPi load{device=attic}": 3},
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var took datums
			cfg := worldConfig(form)
			w := newWorld(t, took.add, nil, &cfg)
			p := w.gateway(&cfg, "kitchen", "attic")
			for _, device := range []string{"kitchen", "attic"} {
				p.report(device, "load", 1, 2, 6)
			}
			for device, a := range p.drained(ctx) {
				if a.Sent != 3 || len(a.RefusedByCloud) > 0 {
					t.Errorf("%s: got %+v, want 3 sent", device, a)
				}
			}
			for metric, n := range want {
				values := took.values()[metric]
				sum := 0.0
				for _, v := range values {
					sum += v / float64(len(values))
				}
				if len(values) != n || sum < 2.99 || sum > 3.01 {
					t.Errorf("%s: got %v, want %d with an average of 3; all: %v", metric, values, n, took.values())
				}
			}
			s := w.state()
			if s.Broker.Denied != 0 || s.Broker.BadTopics != 0 || s.RuleFailures.RuleNotFound != 0 ||
				s.RuleFailures.NotSelected != 0 || s.RuleFailures.ParseError != 0 {
				t.Errorf("got %+v and %+v, want nothing denied nor unknown", s.Broker, s.RuleFailures)
			}
			if found := p.said.With("level=WARN"); len(found) > 0 {
				t.Errorf("the gateway warns: %v", found)
			}
		})
	}
}

// Two gateways of one account, each at its site, with devices of the same name: neither kicks the other, and no metric
// is of both.
func TestCloud_sites(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		cloud.Metric: "RaspberryPi %s/load (kitchen){}",
		cloud.EMF:    "RaspberryPi load{site=%s,device=kitchen}",
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var took datums
			home, barn := worldConfig(form), worldConfig(form)
			home.Site, barn.Site = "home", "barn"
			w := newWorld(t, took.add, nil, &home, &barn)
			for i, cfg := range []*settings.Config{&home, &barn} {
				p := w.gateway(cfg, "kitchen")
				p.report("kitchen", "load", float64(i+1))
				p.drained(ctx)
			}
			for i, site := range []string{"home", "barn"} {
				if got := took.values()[fmt.Sprintf(want, site)]; len(got) != 1 || got[0] != float64(i+1) {
					t.Errorf("%s: got %v in %v", site, got, took.values())
				}
			}
			if s := w.state(); s.Broker.Takeovers != 0 || s.Broker.Denied != 0 || s.Broker.TooSoon != 0 {
				t.Errorf("got %+v, want no takeover and nothing denied", s.Broker)
			}
		})
	}
}

// A rule with a wrong unit template: the log names the cause and the fix in one line, and the ledger counts the
// samples.
func TestCloud_wrongRule(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, func(name string, text []byte) []byte {
		if name == "piway_metric.json" {
			return []byte(strings.Replace(string(text), "${unit}", "${units}", 1))
		}
		return text
	}, &cfg)
	p := w.gateway(&cfg, "kitchen")
	p.report("kitchen", "load", 1, 2, 3)
	line := p.said.Want(ctx, t, "AWS acknowledged a message and could not write it", "rule=piway_metric", "reason=unit",
		"the rule's metricUnit must be ${unit}")
	if !strings.Contains(line, "level=ERROR") {
		t.Errorf("got %s, want an error", line)
	}
	p.until(ctx, "the ledger counts them as sent, and refused by the cloud", func(a ledger.Account) bool {
		return a.RefusedByCloud["unit"] == 3 && a.Sent == 3
	})
	var out strings.Builder
	if err := ctl.Ledger(ctx, cfg.Data.Dir, false, &out); err != nil {
		t.Error(err)
	}
	if want := "kitchen: AWS could not write 3 of the sent samples, for \"unit\"\n  try: the rule's metricUnit must be ${unit}"; !strings.Contains(out.String(), want) {
		t.Errorf("the ledger shows:\n%s", out.String())
	}
}

// A policy without Publish: all is kept, and the log says which statement is missing. Once the policy is right all
// goes.
func TestCloud_policyWithoutPublish(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	cfg.Uplink.ConnectInterval, cfg.Uplink.MaxBackoff = time.Second, time.Second
	w := newWorld(t, nil, func(name string, text []byte) []byte {
		if strings.HasPrefix(name, "policy") {
			return []byte(strings.Replace(string(text), "iot:Publish", "iot:RetainPublish", 1))
		}
		return text
	}, &cfg)
	p := w.gateway(&cfg, "kitchen")
	for i := range 3 {
		p.report("kitchen", fmt.Sprint("load ", i), 1)
	}
	p.said.Want(ctx, t, "level=ERROR", "AWS ends the connection at every publish",
		"allow iot:Publish on arn:aws:iot:REGION:ACCOUNT:topic/$aws/rules/piway_metric/raspi/metrics in the policy")
	p.said.Want(ctx, t, "AWS does not let the gateway test its rule",
		"allow iot:Publish on topic/$aws/rules/piway_metric/raspi/metrics")
	for _, a := range p.until(ctx, "it looks", func(ledger.Account) bool { return true }) {
		if a.Waiting != 3 || len(a.Parked) > 0 {
			t.Errorf("got %+v, want all waiting and none parked", a)
		}
	}
}

// A rule that is not there: AWS acknowledges all, so only the canary can tell.
func TestCloud_missingRule(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, without("piway_metric.json"), &cfg)
	p := w.gateway(&cfg, "kitchen")
	p.report("kitchen", "load", 1)
	p.said.Want(ctx, t, "level=ERROR", "no rule answers: what is sent to AWS is acknowledged and lost",
		"the rule piway_metric must exist, be enabled, select 'raspi/metrics' in its FROM, and have an error action that "+
			"republishes to piway/errors/piway-gateway")
}

// Where the gateway may not subscribe it says so once and works on.
func TestCloud_noFeedback(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var took datums
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, took.add, func(name string, text []byte) []byte {
		if strings.HasPrefix(name, "policy") {
			return []byte(strings.Replace(string(text), "topicfilter/piway/errors", "topicfilter/elsewhere", 2))
		}
		return text
	}, &cfg)
	p := w.gateway(&cfg, "kitchen")
	p.said.Want(ctx, t, "level=WARN", "AWS does not let the gateway listen",
		"allow iot:Subscribe on topicfilter/piway/errors/piway-gateway")
	p.report("kitchen", "load", 5)
	p.drained(ctx)
	if got := took.values()["RaspberryPi load (kitchen){}"]; len(got) != 1 {
		t.Errorf("got %v, want the datum", took.values())
	}
}

// without leaves a file out.
func without(file string) func(string, []byte) []byte {
	return func(name string, text []byte) []byte {
		if name == file {
			return nil
		}
		return text
	}
}

// The check tells a rule that answers from one that is not there.
func TestCheck_rule(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, form, rule string
		without          string
		want             string
		ok               bool
	}{
		{"by Basic Ingest", cloud.Metric, "piway_metric", "", "ok, piway_metric answers", true},
		{"on a topic", cloud.Metric, "", "", "ok, piway_metric answers", true},
		{"emf", cloud.EMF, "piway_emf", "", "ok, piway_emf answers", true},
		{"emf on a topic", cloud.EMF, "", "", "ok, piway_emf answers", true},
		{"not there", cloud.Metric, "piway_metric", "piway_metric.json", "the rule piway_metric must exist", false},
		{
			"nobody listens", cloud.EMF, "", "piway_emf.json", "a rule on the topic piway/emf/piway-gateway-feedback must exist",
			false,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := worldConfig(tc.form)
			cfg.Uplink.Rule = tc.rule
			newWorld(t, nil, without(tc.without), &cfg)
			var out strings.Builder
			err := Check(t.Context(), cfg, &out)
			said := out.String()
			if err != nil {
				said += err.Error()
			}
			if (err == nil) != tc.ok || !strings.Contains(said, tc.want) ||
				!strings.Contains(said, "\ncertificates   ok, until 20") {
				t.Errorf("got %v\n%s\nwant %q and until when the certificate is valid", err, said, tc.want)
			}
		})
	}
}

// Who gives the command twice does not meet AWS's bound of a CONNECT a second.
func TestCheck_twice(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	newWorld(t, nil, nil, &cfg)
	for n := range 2 {
		var out strings.Builder
		if err := Check(t.Context(), cfg, &out); err != nil {
			t.Fatalf("check %d: %v\n%s", n+1, err, &out)
		}
	}
}

func TestUplinkConfig_port443(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	newWorld(t, nil, nil, &cfg)
	for endpoint, want := range map[string]string{
		"localhost:443": "x-amzn-mqtt-ca", "localhost": "",
		"localhost:8883": "",
	} {
		cfg.Uplink.Endpoint = endpoint
		link, err := uplinkConfig(&cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		shown, err := link.TLS(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(shown.NextProtos, ","); got != want {
			t.Errorf("%s: asks for %q, want %q", endpoint, got, want)
		}
	}
}
