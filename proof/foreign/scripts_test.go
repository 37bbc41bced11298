package foreign_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/control"
	"piway/gateway/demo"
	"piway/gateway/gateway"
	"piway/gateway/queue/ledger"
	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// scriptsPatience ends a test that would hang; no test waits for it.
const scriptsPatience = time.Minute

// A scriptRig is a gateway before a local AWS, with the one device pi1.
type scriptRig struct {
	t        *testing.T
	gateway  *gateway.Gateway
	data     string
	tool     string // mosquitto_pub
	password string
	datums   chan cloudwatch.Datum
}

func newScriptRig(t *testing.T) *scriptRig {
	t.Helper()
	t.Parallel()
	tool, err := exec.LookPath("mosquitto_pub")
	if err != nil {
		t.Skip("mosquitto_pub is not on PATH; on Debian it is in mosquitto-clients")
	}
	r := &scriptRig{t: t, tool: tool, datums: make(chan cloudwatch.Datum, 100)}
	endpoint, certs := world.Core(t, localcore.Config{OnDatum: func(d cloudwatch.Datum) { r.datums <- d }})
	cfg := demo.Config(t.TempDir(), certs)
	cfg.Uplink.Endpoint = endpoint
	cfg.Rollup.Window, cfg.Rollup.Grace = time.Second, time.Second
	r.data = cfg.Data.Dir
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if r.gateway, err = gateway.Open(t.Context(), cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if r.password, err = r.gateway.AddDevice("pi1", true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.gateway.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	return r
}

// publish is the recipe's command line. Its success means a PUBACK.
func (r *scriptRig) publish(message string) {
	r.t.Helper()
	r.run("-m", message)
}

// run is publish with the options that say what.
func (r *scriptRig) run(what ...string) {
	r.t.Helper()
	host, port, err := net.SplitHostPort(r.gateway.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	args := append([]string{
		"-h", host, "-p", port, "-u", "pi1", "-P", r.password, "-q", "1", "-t", "raspi/metrics", "-i", "pi1",
	}, what...)
	out, err := exec.CommandContext(r.t.Context(), r.tool, args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		r.t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

// datum waits for the next one that CloudWatch takes.
func (r *scriptRig) datum() cloudwatch.Datum {
	r.t.Helper()
	select {
	case d := <-r.datums:
		return d
	case <-time.After(scriptsPatience):
		r.t.Fatal("no datum came")
		return cloudwatch.Datum{}
	}
}

func TestScripts_mosquittoPub(t *testing.T) {
	r := newScriptRig(t)
	start := time.Now()
	want := map[string]string{}
	for _, tt := range []struct{ message, name, unit, value string }{
		{`{"name": "cpu usage (pi1)", "unit": "Percent", "value": "12.5"}`, "cpu usage (pi1)", "Percent", "12.5"},
		{`{"name": "cpu temperature (pi1)", "unit": "None", "value": " 48.3 "}`, "cpu temperature (pi1)", "None", "48.3"},
		{
			"{\n  \"name\": \"uptime (pi1)\",\n  \"unit\": \"Seconds\",\n  \"value\": \"86400.25\"\n}\n", "uptime (pi1)",
			"Seconds", "86400.25",
		},
		// no device in its name: the first user's
		{`{"name": "disk", "unit": "Gigabytes", "value": -3e-2}`, "disk", "Gigabytes", "-0.03"},
	} {
		want[tt.name] = tt.value + " " + tt.unit
		r.publish(tt.message)
	}
	got := map[string]string{}
	for range want {
		d := r.datum()
		got[d.Name] = sample.FormatValue(d.Value) + " " + d.Unit
		if d.Timestamp.Before(start.Add(-time.Second)) || d.Timestamp.After(time.Now()) { // it has the start of its window
			t.Errorf("%s is dated %s, sent after %s", d.Name, d.Timestamp, start)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What devices in the field send, as the files that the intake is tested by have it: each message is acknowledged, what
// is taken arrives, and all that was sent is in the account.
func TestScripts_whatTheFieldSends(t *testing.T) {
	r := newScriptRig(t)
	files, err := filepath.Glob("../../gateway/intake/testdata/field/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	refused := int64(-4) // of 01, 03, 51 and 56 all is taken
	for _, file := range files {
		if strings.Contains(file, "33-") || strings.Contains(file, "36-") || strings.Contains(file, "68-") {
			continue // they have a date, and the test has today
		}
		refused++
		r.run("-f", file)
	}
	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	r.publish(fmt.Sprintf(`{"name":"iso (pi1)","unit":"None","value":1,"timestamp":%q}`, at.Format(time.RFC3339)))
	r.publish(fmt.Sprintf(`{"name":"ms (pi1)","unit":"None","value":1,"timestamp":"%d"}`, at.UnixMilli()))
	want := map[string]string{
		"p01 (kitchen)": "1", "p03 (kitchen)": "1", "p51 (kitchen)": "1", "p56 (kitchen)": "12.5", "ok1 (kitchen)": "1",
		"ok2 (kitchen)": "2", "ok4 (kitchen)": "1", "ok5 (kitchen)": "1", "iso (pi1)": "1", "ms (pi1)": "1",
	}
	got := map[string]string{}
	for range want {
		d := r.datum()
		got[d.Name] = sample.FormatValue(d.Value)
		if strings.HasSuffix(d.Name, "(pi1)") && !d.Timestamp.Equal(at) {
			t.Errorf("%s is dated %s, want %s", d.Name, d.Timestamp, at)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var accounts []ledger.Account
	if err := control.Call(t.Context(), r.data, "GET", "/ledger", nil, &accounts); err != nil {
		t.Fatal(err)
	}
	if n, _, _ := accounts[0].Totals(); n != refused || accounts[0].Stored != int64(len(want)) || ledger.Balance(accounts) != nil {
		t.Errorf("got ledger %+v, want %d stored and %d refused", accounts, len(want), refused)
	}
}

// Cron starts a client a minute for each metric, all with the recipe's one client id.
func TestScripts_sameClientIDInQuickSuccession(t *testing.T) {
	r := newScriptRig(t)
	var want, got []string
	for i := range 4 {
		name := fmt.Sprintf("metric %d (pi1)", i)
		want = append(want, name)
		r.publish(fmt.Sprintf(`{"name": %q, "unit": "Count", "value": "%d"}`, name, i))
	}
	for range want {
		got = append(got, r.datum().Name)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// "" is what the recipe's scripts send when a reading fails. The topic is what the device's operator may watch.
func TestScripts_emptyValueIsRefusedAndCounted(t *testing.T) {
	r := newScriptRig(t)
	told := make(chan string, 10)
	link, err := mqttlink.Connect(t.Context(), mqttlink.Options{
		Broker: "tcp://" + r.gateway.Addr().String(), ClientID: "watch", Username: "pi1", Password: r.password,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if err := link.Subscribe(t.Context(), "pi/pi1/rejected",
		func(_ string, payload []byte) { told <- string(payload) }); err != nil {
		t.Fatal(err)
	}
	r.publish(`[{"name": "a (pi1)", "unit": "None", "value": "1"},
		{"name": "cpu temperature (pi1)", "unit": "None", "value": ""},
		{"name": "b (pi1)", "unit": "None", "value": "2"}]`)
	r.publish(`{"name": "cpu temperature (pi1)", "unit": "None", "value": ""}`)
	got := []string{r.datum().Name, r.datum().Name}
	if slices.Sort(got); !slices.Equal(got, []string{"a (pi1)", "b (pi1)"}) {
		t.Errorf("got %v, want the neighbours", got)
	}
	for range 2 {
		select {
		case why := <-told:
			if !strings.Contains(why, `"name":"cpu temperature (pi1)","reason":"value"`) {
				t.Errorf("told %s, want the metric by name", why)
			}
		case <-time.After(scriptsPatience):
			t.Fatal("the refusal was not told")
		}
	}
	var accounts []ledger.Account
	if err := control.Call(t.Context(), r.data, "GET", "/ledger", nil, &accounts); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Balance(accounts); err != nil {
		t.Error(err)
	}
	if len(accounts) != 1 || accounts[0].Device != "pi1" || accounts[0].Received != 4 || accounts[0].Stored != 2 ||
		len(accounts[0].Refused) != 1 || accounts[0].Refused[sample.ReasonValue] != 2 {
		t.Errorf("got ledger %+v, want 4 received, 2 stored, 2 refused for their value", accounts)
	}
}
