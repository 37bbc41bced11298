package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/cloud"
	"piway/gateway/rollup"
	"piway/shared/config"
)

// sampleFile is the manual of the configuration.
func sampleFile(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../configs/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestConfig_sampleFileIsTheDefault(t *testing.T) {
	type plain Config // without Validate, since it starts from nothing
	var got plain
	if err := config.Decode("gateway.yaml", sampleFile(t), &got); err != nil {
		t.Fatal(err)
	}
	want := plain(Default())
	want.Rollup.Rules, want.Uplink.Certs.Roots = []Rule{}, []string{} // written as []
	want.Broker.Advertise = []string{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configs/gateway.yaml differs from Default() (-default +file):\n%s", diff)
	}
}

func TestConfig_sampleFileHasEveryKey(t *testing.T) {
	missing, err := config.Missing(sampleFile(t), &Config{})
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) > 0 {
		t.Errorf("configs/gateway.yaml lacks %v", missing)
	}
}

func TestConfig_mistakesAreToldAtOnce(t *testing.T) {
	text := `site: my house
broker:
  listen: 1883
  script_topics: [raspi/metrics, "raspi/#"]
intake:
  name_template: "{name}"
rollup:
  window: 55s
  grace: 5s
  rules:
    - {match: "[", reduce: avg}
    - {match: "cpu *", reduce: median}
    - {match: "*", reduce: values}
uplink:
  endpoint: mqtts://example.amazonaws.com
  client_id: $gateway
  topic: a/b/c/d/e/f/g/h/i
  window: 200
  windw: 3
log:
  level: loud
`
	cfg := Default()
	err := config.Decode("gateway.yaml", []byte(text), &cfg)
	if err == nil {
		t.Fatal("got no error")
	}
	want := `gateway.yaml:1: site: must have 1 to 32 letters, digits, dots, hyphens or underscores, starting with a letter or digit, got "my house"
gateway.yaml:3: broker.listen: must be ADDRESS:PORT or :PORT, such as ":1883", got "1883"
gateway.yaml:4: broker.script_topics[1]: must be a topic without wildcards, not starting with $ nor / and not ending with /, got "raspi/#"
gateway.yaml:6: intake.name_template: must have {name} once, and {device}, or the metrics of two devices would be one, got "{name}"
gateway.yaml:8: rollup.window: must be whole seconds and divide a day evenly, such as 60s or 5m, got 55s
gateway.yaml:9: rollup.grace: must be at least intake.clock_tolerance (10s), or a slow clock splits a window in two, got 5s
gateway.yaml:11: rollup.rules[0].match: must be a pattern such as "cpu *", got "["
gateway.yaml:12: rollup.rules[1].reduce: must be one of [avg min max sum last count all values none], got "median"
gateway.yaml:13: rollup.rules[2].reduce: values needs uplink.form: emf, since a message of the metric form holds one value
gateway.yaml:15: uplink.endpoint: must be HOST or HOST:PORT, without "mqtts://", got "mqtts://example.amazonaws.com"
gateway.yaml:16: uplink.client_id: must have letters, digits and _ . : - only, and with the site at most 119 of them, got "$gateway"
gateway.yaml:17: uplink.topic: must have at most 256 bytes and 7 slashes for IoT Core, got "a/b/c/d/e/f/g/h/i"
gateway.yaml:18: uplink.window: must be between 1 and 100, got 200
gateway.yaml:19: uplink.windw: unknown key, did you mean "window"?
gateway.yaml:21: log.level: must be debug, info, warn or error, got "loud"`
	got := err.Error()
	for line := range strings.SplitSeq(want, "\n") {
		if !strings.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		t.Logf("got:\n%s", got)
	}
}

// The emf form sends all of a window's values together; the metric form has no place for them.
func TestConfig_valuesInTheEMFForm(t *testing.T) {
	cfg := Default()
	cfg.Uplink.Form = cloud.EMF
	cfg.Rollup.Rules = []Rule{{Match: "*", Reduce: "values"}}
	if err := cfg.Validate(); err != nil {
		t.Errorf("in the emf form: %v", err)
	}
	cfg.Uplink.Form = cloud.Metric
	if err := cfg.Validate(); err == nil {
		t.Error("in the metric form: got no error")
	}
}

// What an agent packs must be taken: a larger report is refused whole, or ends the connection for ever.
func TestConfig_boundsBelowAnAgents(t *testing.T) {
	for key, change := range map[string]func(*Config){
		"intake.max_samples": func(c *Config) { c.Intake.MaxSamples = 499 },
		"broker.max_packet":  func(c *Config) { c.Broker.MaxPacket = 49<<10 - 1 },
	} {
		cfg := Default()
		cfg.Uplink.Endpoint = "x.iot.eu-central-1.amazonaws.com"
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), key) ||
			!strings.Contains(err.Error(), "agent") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}

// A rule may keep a metric on the LAN, in both forms.
func TestConfig_reduceNone(t *testing.T) {
	t.Parallel()
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		cfg := Default()
		cfg.Uplink.Form = form
		cfg.Rollup.Rules = []Rule{{Match: "*", Reduce: "none"}}
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// What is worth adding is suggested until a rule names it, by a pattern that fits the template and sends it.
func TestConfig_Worth(t *testing.T) {
	t.Parallel()
	cfg := Default()
	want := map[string]string{
		"undervoltage seconds": `- {match: "undervoltage seconds (*)", reduce: sum}`,
		"storage errors":       `- {match: "storage errors (*)", reduce: max}`,
		"failed units":         `- {match: "failed units (*)", reduce: max}`,
	}
	if d := cmp.Diff(want, cfg.Worth()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	cfg.Site, cfg.Intake.NameTemplate = "home", "{device}: {name}"
	cfg.Rollup.Rules = []Rule{{Match: "*: failed units", Reduce: "none"}, {Match: "*", Reduce: "max"}}
	want = map[string]string{
		"undervoltage seconds": `- {match: "home/*: undervoltage seconds", reduce: sum}`,
		"storage errors":       `- {match: "home/*: storage errors", reduce: max}`,
	}
	if d := cmp.Diff(want, cfg.Worth()); d != "" {
		t.Errorf("with a template (-want +got)\n%s", d)
	}
	if got := cfg.WorthSent(); got != 0 {
		t.Errorf("got %d sent, want none by a rule that keeps it on the LAN", got)
	}
	cfg.Rollup.Rules = append(cfg.Rollup.Rules, Rule{Match: "*: storage errors", Reduce: "max"})
	if got := cfg.WorthSent(); got != 1 {
		t.Errorf("got %d sent, want the one that a rule names", got)
	}
	for name, rule := range want {
		path := filepath.Join(t.TempDir(), "gateway.yaml")
		if err := os.WriteFile(path, []byte("uplink: {endpoint: \"a.b:8883\"}\nrollup:\n  rules:\n    "+rule+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if err != nil || len(c.Rollup.Rules) != 1 {
			t.Fatalf("%s: %v", rule, err)
		}
		r := c.Rollup.Rules[0]
		set := rollup.Settings{Rules: []rollup.Rule{{Match: r.Match, Reduce: rollup.Reduction(r.Reduce)}}}
		if set.StaysLocal(cfg.Naming().Report(name, "kitchen"), name, "kitchen", true) {
			t.Errorf("%s does not send %s", rule, name)
		}
	}
}

// A configuration from before TLS that listens on one network does so with TLS too.
func TestBroker_TLSAddress(t *testing.T) {
	for _, tt := range []struct{ tls, plain, want string }{
		{"", ":1883", ":8883"},
		{"", "192.168.1.10:1883", "192.168.1.10:8883"},
		{"", "[fe80::1%eth0]:1884", "[fe80::1%eth0]:8883"},
		{":8884", "192.168.1.10:1883", ":8884"},
		{"", "nonsense", ":8883"},
	} {
		c := Broker{ListenTLS: tt.tls, Listen: tt.plain}
		if got := c.TLSAddress(); got != tt.want {
			t.Errorf("listen_tls %q, listen %q: got %q, want %q", tt.tls, tt.plain, got, tt.want)
		}
	}
}
