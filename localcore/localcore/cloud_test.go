package localcore_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/shared/testlog"
)

// batch is what the gateway sends in the emf form: one document with two values.
func batch(at time.Time) string {
	doc := fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"RaspberryPi","Dimensions":[["device"]],"Metrics":[{"Name":"cpu usage","Unit":"Percent"}]}]},"device":"pi1","cpu usage":[10,20]}`, at.UnixMilli())
	text, _ := json.Marshal(doc)
	return fmt.Sprintf(`{"samples":{"pi1":2},"batch":[{"timestamp":%d,"message":%s}]}`, at.UnixMilli(), text)
}

// A document in the embedded metric format becomes a metric with dimensions, by the rule that is built in.
func TestCore_emf(t *testing.T) {
	r := start(t)
	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	publish(t, mustConnect(t, r), "$aws/rules/piway_emf/piway/emf/gateway", batch(at))
	for _, v := range []float64{10, 20} {
		want := cloudwatch.Datum{
			Namespace: "RaspberryPi", Name: "cpu usage", Unit: "Percent", Value: v, Timestamp: at,
			Dimensions: []cloudwatch.Dimension{{Name: "device", Value: "pi1"}},
		}
		if diff := cmp.Diff(want, <-r.datums); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	doc := metricsJSON(t, r)
	if len(doc.Logs) != 1 || doc.Logs[0].Name != "/piway/metrics" || doc.Logs[0].Kept != 1 || len(doc.EMFErrors) != 0 {
		t.Errorf("logs: got %+v", doc.Logs)
	}
	u := doc.Bill.SoFar
	if u.PutMetricData != 0 || u.LogGB == 0 || u.RulesTriggered != 1 || u.ActionsExecuted != 1 || u.Messages != 1 {
		t.Errorf("bill: got %+v, want logs and no call, and only the CONNECT as a message", u)
	}
}

// What a rule cannot do is republished by its error action, and mailed; the canary of a gateway is not mailed.
func TestCore_errorAction(t *testing.T) {
	said := new(testlog.Log)
	r := startLogged(t, slog.New(slog.NewTextHandler(said, nil)))
	feedback, err := r.connectAs(t, r.certs, "gateway-feedback")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(feedback.Close)
	reports := make(chan string, 4)
	for _, topic := range []string{"piway/errors/gateway", "piway/errors/gateway-feedback"} {
		if err := feedback.Subscribe(t.Context(), topic,
			func(topic string, payload []byte) { reports <- topic + " " + string(payload) }); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, feedback, "$aws/rules/piway_metric/raspi/metrics", message("canary", time.Now()))
	if strings.Contains(said.String(), "level=WARN msg=\"rule action failed") {
		t.Errorf("the canary is warned of: %s", said)
	}
	if page := string(get(t, r.HTTPAddr(), "/")); !strings.Contains(page, "canary refused, as it should be") ||
		!strings.Contains(page, "No action has failed.") || !strings.Contains(page, "Canary refused, as it should be: 1") {
		t.Error("the page takes the canary for a failure")
	}
	publish(t, mustConnect(t, r), "$aws/rules/piway_metric/raspi/metrics", message("percent", time.Now()))
	for _, want := range []string{"piway/errors/gateway-feedback ", "piway/errors/gateway "} {
		select {
		case got := <-reports:
			if !strings.HasPrefix(got, want) || !strings.Contains(got, `"failedAction":"CloudwatchMetricAction"`) ||
				!strings.Contains(got, "MetricData.member.1.Unit") {
				t.Errorf("got %s, want it on %s", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("no report on %s", want)
		}
	}
	if !strings.Contains(said.String(), "level=WARN msg=\"rule action failed") {
		t.Errorf("another failure behind it is not warned of: %s", said)
	}
	doc := metricsJSON(t, r)
	if doc.RuleFailures.ErrorActionSuccess != 2 || len(doc.Notifications) != 1 ||
		!strings.Contains(doc.Notifications[0].Payload, "gateway") {
		t.Errorf("got %+v and notifications %+v, want two reports and one mail", doc.RuleFailures, doc.Notifications)
	}
}

// Files in the forms of AWS's commands are loaded, and what of them does nothing here is told at the start.
func TestCore_foreignFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rule := file("get.json", `{"ruleArn":"arn:aws:iot:us-east-1:123456789012:rule/r3","rule":{"ruleName":"r3","sql":"SELECT * FROM 'some/topic'",
		"createdAt":"2026-01-01T00:00:00+00:00","awsIotSqlVersion":"2016-03-23","actions":[{"lambda":{"functionArn":"f"}},
		{"cloudwatchMetric":{"metricNamespace":"N","metricName":"x","metricValue":"${v / 2}","metricUnit":"None","roleArn":"arn:aws:iam::1:role/r"}}]}}`)
	policy := file("policy.json", `{"policyName":"p","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iot:Connect\",\"iot:Publish\",\"iot:PublishRetain\"],\"Resource\":\"*\"}]}"}`)
	cfg := localcore.Default()
	cfg.Listen, cfg.HTTP, cfg.Certs, cfg.Rules = "127.0.0.1:0", "127.0.0.1:0", dir, []string{rule}
	if _, err := localcore.Open(t.Context(), cfg, discard()); err == nil ||
		!strings.Contains(err.Error(), "actions[0].lambda: not supported here, try: --skip-foreign-actions") {
		t.Errorf("a foreign action: got %v", err)
	}
	said := new(testlog.Log)
	r := startLogged(t, slog.New(slog.NewTextHandler(said, nil)), func(c *localcore.Config) {
		c.Rules, c.Policies, c.SkipForeignActions = []string{rule}, []string{policy}, true
	})
	publish(t, mustConnect(t, r), "$aws/rules/r3/some/topic", `{"v":"7"}`)
	if d := <-r.datums; d.Name != "x" || d.Value != 3.5 {
		t.Errorf("got %+v, want x of 3.5", d)
	}
	for _, want := range []string{"get.json: actions[0].lambda: skipped", "iot:PublishRetain"} {
		said.Want(t.Context(), t, want)
	}
}

func TestCore_policy(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() }) // only read
	r := startLogged(t, slog.New(slog.NewTextHandler(log, nil)), func(c *localcore.Config) { c.BuiltInPolicy = true })
	if l, err := r.connectAs(t, r.certs, "stranger"); err == nil {
		l.Close()
		t.Error("a client that the policy does not name was let in")
	}
	l, err := r.connectAs(t, r.certs, "piway-gateway")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	publish(t, l, "$aws/rules/piway_metric/raspi/metrics", message("Percent", time.Now()))
	d := l.Publish("raspi/metrics", []byte(message("Percent", time.Now())))
	if <-d.Done(); d.Err() == nil {
		t.Error("a publish that the policy does not allow was acknowledged")
	}
	said, err := os.ReadFile(log.Name())
	if want := `why="no statement allows iot:Publish on arn:aws:iot:us-east-1:123456789012:topic/raspi/metrics"`; err != nil || !strings.Contains(string(said), want) {
		t.Errorf("%v: want %s in\n%s", err, want, said)
	}
	if n := metricsJSON(t, r); n.Publishes != 1 || n.Broker.Denied != 2 {
		t.Errorf("got %d publishes and %d denied, want 1 and 2", n.Publishes, n.Broker.Denied)
	}
}

// post switches a fault and returns the status.
func post(t *testing.T, r running, path string, header map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTPAddr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestCore_faults(t *testing.T) {
	r := start(t)
	l := mustConnect(t, r)
	if status, body := post(t, r, "/faults/fail?for=1m&value="+url.QueryEscape("out of order"),
		nil); status != http.StatusOK || !strings.Contains(body, `"until"`) {
		t.Fatalf("got %d %s", status, body)
	}
	publish(t, l, "raspi/metrics", message("Percent", time.Now()))
	if doc := metricsJSON(t, r); doc.RuleFailures.Failure != 1 ||
		doc.RuleFailures.Last[0].Failures[0].ErrorMessage != "out of order" {
		t.Errorf("got %+v, want the action to fail as asked for", doc.RuleFailures)
	}
	if status, _ := post(t, r, "/faults/fail?for=0s", nil); status != http.StatusOK {
		t.Errorf("switching off: got %d", status)
	}
	publish(t, l, "raspi/metrics", message("Percent", time.Now()))
	if doc := metricsJSON(t, r); doc.RuleFailures.Failure != 1 || len(doc.Metrics) != 1 {
		t.Errorf("got %+v, want success after the fault", doc.RuleFailures)
	}
	if err := r.SetFault("withhold", "", time.Minute); err != nil {
		t.Fatal(err)
	}
	if !r.Broker().Faults().WithholdPubacks {
		t.Error("PUBACKs are not withheld")
	}
	if status, _ := post(t, r, "/faults/close?for=1ms", nil); status != http.StatusOK {
		t.Errorf("closing: got %d", status)
	}
	<-l.Lost()

	for path, want := range map[string]string{
		"/faults/earthquake":              "not known, try: one of withhold, delay",
		"/faults/delay?for=soon":          "is not a duration",
		"/faults/delay?value=much":        "must be a duration such as 2s",
		"/faults/throttle?value=0":        "must be a number of publishes a second",
		"/faults/offline?for=1000h":       "must last between 0s and 24h0m0s",
		"/faults/offline?for=-1s":         "must last between",
		"/faults/throttle?for=1s&value=x": "must be a number",
	} {
		if status, body := post(t, r, path, nil); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %s, want %q", path, status, body, want)
		}
	}
	if status, _ := post(t, r, "/faults/offline",
		map[string]string{"Sec-Fetch-Site": "cross-site"}); status != http.StatusForbidden {
		t.Errorf("from another site: got %d, want it forbidden", status)
	}
	if status, _ := post(t, r, "/faults/refuse?for=1ms",
		map[string]string{"Accept": "text/html"}); status != http.StatusSeeOther {
		t.Errorf("by a button: got %d, want to be led back to the page", status)
	}
}

func TestOpen_faultsPoliciesAndGroups(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "policy.json")
	if err := os.WriteFile(bad, []byte(`{"Version":"2012-10-17","Statement":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good.json")
	if err := os.WriteFile(good, []byte(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*localcore.Config)
		want   string
	}{
		"fault":        {func(c *localcore.Config) { c.Faults = []string{"offlien:10s"} }, `fault "offlien": not known`},
		"fault length": {func(c *localcore.Config) { c.Faults = []string{"offline:10"} }, `"10" is not a duration`},
		"policy": {func(c *localcore.Config) { c.Policies = []string{bad} }, bad +
			": Statement: must have at least one"},
		"policies": {
			func(c *localcore.Config) { c.Policies = slices.Repeat([]string{good}, 11) },
			"11 policies, IoT Core takes 10 of a certificate, try: fewer --policy",
		},
		"retention": {func(c *localcore.Config) { c.LogGroups = []string{"/a:15"} }, "15"},
		"group":     {func(c *localcore.Config) { c.LogGroups = []string{"/a:many"} }, `"many" is not a number of days`},
		"prices":    {func(c *localcore.Config) { c.Prices = filepath.Join(dir, "none.txt") }, "none.txt"},
	} {
		cfg := localcore.Default()
		cfg.Listen, cfg.HTTP, cfg.Certs = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(dir, "certs")
		tc.change(&cfg)
		_, err := localcore.Open(t.Context(), cfg, discard())
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
	r := start(t, func(c *localcore.Config) { c.Faults = []string{"throttle:1h:5", "delay:1h:10ms"} })
	if f := r.Broker().Faults(); f.PublishesPerSecond != 5 || f.PubackDelay != 10*time.Millisecond {
		t.Errorf("got %+v", f)
	}
}
