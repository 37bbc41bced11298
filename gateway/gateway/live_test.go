//go:build aws

package gateway

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/feedback"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// The variables of the live test. It costs less than a cent and leaves the metrics "piway live test" behind, which
// CloudWatch shows for 15 months and cannot delete.
const (
	liveEndpoint = "PIWAY_AWS_ENDPOINT"  // as in uplink.endpoint
	liveCerts    = "PIWAY_AWS_CERTS"     // as in uplink.certs.dir
	liveClient   = "PIWAY_AWS_CLIENT_ID" // as in uplink.client_id, for which the policy was made; piway-gateway if not set
)

// TestLive runs both forms against a real account that `piway-gateway aws setup` has prepared:
//
//	PIWAY_AWS_ENDPOINT=… PIWAY_AWS_CERTS=/etc/piway/certs go test -tags aws -run 'TestLive$' -v ./gateway/gateway
//
// Stop the gateway that uses the same client id first: AWS would close the older of the two connections.
func TestLive(t *testing.T) {
	endpoint, certs := os.Getenv(liveEndpoint), os.Getenv(liveCerts)
	if endpoint == "" || certs == "" {
		t.Skipf("no AWS account to run against: set %s and %s (and %s if it is not piway-gateway)", liveEndpoint, liveCerts,
			liveClient)
	}
	for form, rule := range map[string]string{cloud.Metric: "piway_metric", cloud.EMF: "piway_emf"} {
		t.Run(form, func(t *testing.T) {
			cfg := settings.Default()
			cfg.Data.Dir = filepath.Join(t.TempDir(), "data")
			cfg.Broker.ListenTLS, cfg.Broker.Listen = "127.0.0.1:0", "127.0.0.1:0"
			cfg.Rollup.Window, cfg.Rollup.Grace, cfg.Intake.ClockTolerance = 5*time.Second, 2*time.Second, time.Second
			cfg.Uplink.Endpoint, cfg.Uplink.Certs.Dir = endpoint, certs
			cfg.Uplink.ClientID = cmp.Or(os.Getenv(liveClient), cfg.Uplink.ClientID)
			cfg.Uplink.Form, cfg.Uplink.Rule, cfg.Uplink.Canary = form, rule, 0
			runLive(t, cfg)
		})
	}
}

func runLive(t *testing.T, cfg settings.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	link, err := uplinkConfig(&cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	probe := cfg
	probe.Uplink.Canary = time.Hour
	f := feedbackConfig(&probe, &link)
	f.Log = slog.New(slog.DiscardHandler)
	if answer, err := feedback.Probe(ctx, *f); err != nil {
		t.Errorf("the canary: %v", err)
	} else {
		t.Logf("%s answers the canary: %s: %s", answer.Rule, answer.Action, answer.Message)
	}

	g, err := Open(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		t.Fatal(err)
	}
	password, err := g.AddDevice("live-test", true)
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- g.Run(running) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	const samples = 4
	publishLive(ctx, t, g.broker.Addr().String(), password, samples)
	waitSent(ctx, t, cfg.Data.Dir, samples)
	time.Sleep(15 * time.Second) // for a report of the rule, which nothing announces
	var accounts []ledger.Account
	if err := control.Call(ctx, cfg.Data.Dir, "GET", "/ledger", nil, &accounts); err != nil {
		t.Fatal(err)
	}
	if refused := accounts[0].RefusedByCloud; len(refused) > 0 {
		t.Errorf("AWS could not write what it acknowledged: %v", refused)
	}
}

func publishLive(ctx context.Context, t *testing.T, addr, password string, samples int) {
	t.Helper()
	l, err := mqttlink.Connect(ctx, mqttlink.Options{
		Broker: "tcp://" + addr, ClientID: "live-test", Username: "live-test",
		Password: password,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := sample.Report{Run: "live", Seq: 1, Clock: sample.Synced}
	for i := range samples {
		r.Samples = append(r.Samples, sample.Sample{
			Name: "piway live test", Unit: "Count", Value: float64(i),
			Time: float64(time.Now().Unix()),
		})
	}
	payload, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	d := l.Publish("pi/live-test/samples", payload)
	if <-d.Done(); d.Err() != nil {
		t.Fatal(d.Err())
	}
}

// waitSent waits until AWS has acknowledged what was made of the samples.
func waitSent(ctx context.Context, t *testing.T, data string, samples int64) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var accounts []ledger.Account
		if err := control.Call(ctx, data, "GET", "/ledger", nil, &accounts); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Balance(accounts); err != nil {
			t.Fatal(err)
		}
		if len(accounts) == 1 && accounts[0].Sent == samples {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not all was acknowledged: %+v", accounts)
		}
	}
}
