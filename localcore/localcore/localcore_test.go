package localcore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/bill"
	"piway/localcore/broker"
	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/localcore/rules"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// patience ends a test that would hang; no test waits for it.
const patience = 20 * time.Second

// A running localcore, with what its OnDatum was given.
type running struct {
	*localcore.Core

	certs  string
	datums chan cloudwatch.Datum
}

// start runs a core with a new certificate folder until the test ends.
func start(t *testing.T, change ...func(*localcore.Config)) running {
	t.Helper()
	return startLogged(t, discard(), change...)
}

func startLogged(t *testing.T, log *slog.Logger, change ...func(*localcore.Config)) running {
	t.Helper()
	r := running{certs: t.TempDir(), datums: make(chan cloudwatch.Datum, 16)}
	cfg := localcore.Default()
	cfg.Listen, cfg.HTTP, cfg.Certs, cfg.OnDatum = "127.0.0.1:0", "127.0.0.1:0", r.certs,
		func(d cloudwatch.Datum) { r.datums <- d }
	for _, f := range change {
		f(&cfg)
	}
	c, err := localcore.Open(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	r.Core = c
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// connect connects with the certificate of a folder, and the roots of r's.
func (r running) connect(t *testing.T, certs string) (*mqttlink.Link, error) {
	t.Helper()
	return r.connectAs(t, certs, "gateway")
}

func (r running) connectAs(t *testing.T, certs, id string) (*mqttlink.Link, error) {
	t.Helper()
	files, err := pki.Find(certs)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := pki.Find(r.certs)
	if err != nil {
		t.Fatal(err)
	}
	files.Roots = ours.Roots
	tlsConfig, err := files.Client("127.0.0.1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return mqttlink.Connect(t.Context(), mqttlink.Options{
		Broker: "tls://" + r.MQTTAddr().String(), ClientID: id, TLS: tlsConfig,
	})
}

func mustConnect(t *testing.T, r running) *mqttlink.Link {
	t.Helper()
	l, err := r.connect(t, r.certs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func publish(t *testing.T, l *mqttlink.Link, topic, payload string) {
	t.Helper()
	d := l.Publish(topic, []byte(payload))
	select {
	case <-d.Done():
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("no PUBACK")
	}
}

// get returns the body of a successful GET.
func get(t *testing.T, addr net.Addr, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: got %s, %v", path, resp.Status, err)
	}
	return body
}

// document is what a reader of metrics.json may rely on.
type document struct {
	Metrics      []cloudwatch.Metric `json:"metrics"`
	RuleFailures struct {
		rules.Counts

		Last []rules.Failure `json:"last"`
	} `json:"rule_failures"`
	Logs          []cloudwatch.Group       `json:"logs"`
	EMFErrors     []cloudwatch.EMFError    `json:"emf_errors"`
	Notifications []localcore.Notification `json:"notifications"`
	Broker        broker.Counts            `json:"broker"`
	Bill          bill.Reading             `json:"bill"`
	Faults        []localcore.Fault        `json:"faults"`
	Publishes     int                      `json:"publishes"`
	Connections   int                      `json:"connections"`
}

func metricsJSON(t *testing.T, r running) document {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(get(t, r.HTTPAddr(), "/metrics.json")))
	dec.DisallowUnknownFields()
	var doc document
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// message is what the gateway sends of one datum, with the recipe's fields.
func message(unit string, at time.Time) string {
	return fmt.Sprintf(`{"name":"cpu usage (pi1)","unit":%q,"value":"12.5","timestamp":"%d","device":"pi1"}`, unit,
		at.Unix())
}

func TestCore_messageBecomesADatum(t *testing.T) {
	r := start(t)
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	publish(t, mustConnect(t, r), "raspi/metrics", message("Percent", at))

	select {
	case d := <-r.datums:
		want := cloudwatch.Datum{
			Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent", Value: 12.5,
			Timestamp: at,
		}
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("OnDatum (-want +got)\n%s", diff)
		}
	default:
		t.Fatal("acknowledged, and OnDatum was not called")
	}
	doc := metricsJSON(t, r)
	if len(doc.Metrics) != 1 || doc.Publishes != 1 || doc.Connections != 1 || doc.RuleFailures.Success != 1 {
		t.Fatalf("metrics.json: got %+v", doc)
	}
	m := doc.Metrics[0]
	if m.Name != "cpu usage (pi1)" || len(m.Datapoints) != 1 || m.Datapoints[0].Value != 12.5 ||
		!m.Datapoints[0].Timestamp.Equal(at) ||
		len(m.Periods) != 1 || m.Periods[0].Average != 12.5 {
		t.Errorf("metrics.json: got %+v", m)
	}
	get(t, r.HTTPAddr(), "/healthz")
}

// PUBACK is not success of the action: the message is acknowledged, and the failure is where AWS would put it.
func TestCore_wrongUnitFailsTheActionAfterPuback(t *testing.T) {
	r := start(t)
	publish(t, mustConnect(t, r), "raspi/metrics", message("percent", time.Now()))
	doc := metricsJSON(t, r)
	if len(doc.Metrics) != 0 || doc.RuleFailures.Failure != 1 || len(doc.RuleFailures.Last) != 1 {
		t.Fatalf("got %+v, want no metric and one failure", doc)
	}
	f := doc.RuleFailures.Last[0]
	if f.RuleName != "piway_metric" || f.ClientID != "gateway" ||
		!strings.Contains(f.Failures[0].ErrorMessage, "MetricData.member.1.Unit") {
		t.Errorf("got %+v", f)
	}
	select {
	case d := <-r.datums:
		t.Errorf("OnDatum: got %+v, want no call", d)
	default:
	}
}

func TestCore_refusesAnUnknownCertificate(t *testing.T) {
	r := start(t)
	stranger := t.TempDir()
	if err := pki.MakeAWS(stranger, nil); err != nil {
		t.Fatal(err)
	}
	if l, err := r.connect(t, stranger); err == nil {
		l.Close()
		t.Fatal("a certificate of another authority was let in")
	}
	mustConnect(t, r) // ours still is
}

func TestOpen_errors(t *testing.T) {
	r := start(t)
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte(`{"sql": "SELECT md5(name) FROM 'a'", "actions": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	if err := os.MkdirAll(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "AmazonRootCA1.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*localcore.Config)
		want   []string
	}{
		"mqtt port taken": {
			func(c *localcore.Config) { c.Listen = r.MQTTAddr().String() },
			[]string{r.MQTTAddr().String(), "try:", "--listen"},
		},
		"http port taken": {
			func(c *localcore.Config) { c.HTTP = r.HTTPAddr().String() },
			[]string{r.HTTPAddr().String(), "try:", "--http"},
		},
		"rule": {func(c *localcore.Config) { c.Rules = []string{bad} }, []string{bad, "column 8", "try:"}},
		"no rule file": {
			func(c *localcore.Config) { c.Rules = []string{filepath.Join(dir, "none.json")} },
			[]string{"none.json"},
		},
		"certificates": {func(c *localcore.Config) { c.Certs = broken }, []string{broken}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := localcore.Config{Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Certs: r.certs}
			tc.change(&cfg)
			_, err := localcore.Open(t.Context(), cfg, discard())
			if err == nil {
				t.Fatal("got nil")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}
}

// A port is free again at once, also after a Run that never served, nor says that it does.
func TestCore_Run_releasesItsPorts(t *testing.T) {
	var said bytes.Buffer
	cfg := localcore.Config{Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Certs: t.TempDir()}
	for range 2 {
		c, err := localcore.Open(t.Context(), cfg, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listen, cfg.HTTP = c.MQTTAddr().String(), c.HTTPAddr().String()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(said.String(), "serving") {
		t.Errorf("said:\n%s", said.String())
	}
}

func TestOpen_failureReleasesThePortItHad(t *testing.T) {
	r := start(t)
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := localcore.Config{Listen: r.MQTTAddr().String(), HTTP: free, Certs: r.certs}
	if _, err := localcore.Open(t.Context(), cfg, discard()); err == nil {
		t.Fatal("the MQTT port is taken, got nil")
	}
	if ln, err = lc.Listen(t.Context(), "tcp", free); err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
}

func TestDefault_isLoopbackAndTheBuiltInRule(t *testing.T) {
	cfg := localcore.Default()
	if cfg.Rules != nil || !strings.HasPrefix(cfg.Listen, "127.0.0.1:") || !strings.HasPrefix(cfg.HTTP, "127.0.0.1:") {
		t.Errorf("got %+v, want loopback and the built-in rule", cfg)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
