package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
	"piway/shared/service"
)

const both, again = "restart piway-try", "restart piway-gateway"

// Twice is as good as once, and in the end all is as it was.
func TestStart(t *testing.T) {
	b := newBench(t)
	if err := Start(t.Context(), b.options()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.expect("first", both, again)
	cfg := b.load()
	if u := cfg.Uplink; !cfg.OnTrial() || u.Endpoint != fmt.Sprintf("127.0.0.1:%d", b.port) ||
		u.Certs.Dir != filepath.Join(b.certs, "try") || u.Rule != "piway_metric" {
		t.Errorf("got %+v", u)
	}
	set := b.read()
	if !strings.Contains(set, "# mine\n") || !strings.Contains(set, "# not elsewhere\n") {
		t.Errorf("got %s, want the comments kept", set)
	}
	for _, want := range []string{page(b.port), "sudo piway-gateway invite NAME", "nothing reaches CloudWatch", "1m10s later"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("got no %q in\n%s", want, &b.out)
		}
	}
	o := b.options()
	o.Port = 0 // that of before
	if err := Start(t.Context(), o); err != nil || b.read() != set {
		t.Errorf("again: got %v and %s, want all as it was", err, b.read())
	}
	b.expect("again")
	b.end(trialUnit)
	if err := Start(t.Context(), o); err != nil {
		t.Error(err)
	}
	if len(b.asked) == 0 || b.asked[0] != both { // whether the gateway had noticed is a matter of time
		t.Errorf("localcore was stopped: got %q, want it started", b.asked)
	}
	b.asked = nil

	for range 2 {
		if err := Stop(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		b.expect("stopped", "stop piway-gateway", "stop piway-try")
		if cfg = b.load(); cfg.Uplink.Endpoint != "" || cfg.Uplink.Rule != "" || cfg.Uplink.Certs.Dir != b.certs {
			t.Errorf("got %+v, want what was before", cfg.Uplink)
		}
	}
}

// Ended anywhere, the same call does what is left; so does Stop.
func TestStart_interrupted(t *testing.T) {
	b := newBench(t)
	calls := []string{"look piway-gateway", "look piway-try", both, again}
	for _, at := range append(calls, "stop piway-gateway", "stop piway-try") {
		ctx, cancel := context.WithCancel(t.Context())
		b.before = func(what string) {
			if what == at {
				cancel()
			}
		}
		do := Start
		if strings.HasPrefix(at, "stop") {
			do = Stop
		}
		if err := do(ctx, b.options()); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: got %v, want an interruption", at, err)
		}
		cancel()
	}
	b.before = func(string) {}
	if err := Start(t.Context(), b.options()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	if err := Stop(t.Context(), b.options()); err != nil {
		t.Fatal(err)
	}
	if cfg := b.load(); cfg.Uplink.Endpoint != "" || cfg.Uplink.Certs.Dir != b.certs {
		t.Errorf("got %+v", cfg.Uplink)
	}
}

// A power cut may leave a folder with a part of the certificates, under their names or not.
func TestStart_halfACertificate(t *testing.T) {
	b := newBench(t)
	dir := filepath.Join(b.certs, "try")
	if err := pki.MakeAWS(dir, nil); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*-certificate.pem.crt"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	for _, lost := range []string{found[0], filepath.Join(dir, "server.pem.key")} {
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
		if err := Start(t.Context(), b.options()); err != nil {
			t.Errorf("%s is lost: %v", lost, err)
		}
		b.expect("made anew", both, again)
		if usable(dir) != nil {
			t.Error(usable(dir))
		}
		b.end(gatewayUnit)
	}
}

func TestStart_refuses(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // a test's
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text, want, hint string
		port             int
	}{
		"set up for AWS": {"uplink: {endpoint: abc-ats.iot.eu-west-1.amazonaws.com}\n", "is set up for abc-ats", "aws remove", 0},
		"another broker": {"uplink: {endpoint: 'localhost:8883'}\n", "is set up for localhost:8883", "piway-gateway demo", 0},
		"own key":        {"uplink: {certs: {key: /a}}\n", "files of your own", "remove them", 0},
		"own roots":      {"uplink: {certs: {roots: [/a]}}\n", "files of your own", "remove them", 0},
		"a mistake":      {"uplink: {end: 1}\n", "unknown key", "", 0},
		"taken":          {"", "address already in use", "--port 88", number},
		"page taken":     {"", "address already in use", "--port 88", number - 1},
		"too low":        {"", "must be between 1024 and 65534", "--port 88", 80},
		"too high":       {"", "must be between 1024 and 65534", "--port 88", 65535},
		"the gateway's":  {"", "8883 is the gateway's own port", "--port 88", 8882},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.write(tt.text)
			if tt.port != 0 {
				b.port = tt.port
			}
			err := Start(t.Context(), b.options())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(config.Hint(err), tt.hint) {
				t.Errorf("got %v, want %q and the hint %q", err, tt.want, tt.hint)
			}
			if _, err := os.Stat(b.certs); b.read() != tt.text || err == nil {
				t.Errorf("got %s, %v, want nothing changed", b.read(), err)
			}
			b.expect("refused")
		})
	}
}

// Where there are no services, or one only, both are named.
func TestStart_byHand(t *testing.T) {
	for unit, want := range map[string]string{
		"":          "piway-gateway run --config ",
		gatewayUnit: "systemctl restart piway-gateway",
	} {
		b := newBench(t)
		o := b.options()
		o.Look = func(_ context.Context, asked, _ string) (*service.Unit, error) {
			if asked == unit {
				return &service.Unit{}, nil
			}
			return nil, nil
		}
		for range 2 { // the second may be while it runs
			if err := Start(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		b.expect(unit)
		if got := b.out.String(); !strings.Contains(got, "piway-gateway try --serve --config "+b.config) ||
			!strings.Contains(got, want) {
			t.Errorf("got %s, want %q", got, want)
		}
		o.Stop = func(context.Context, string, string, io.Writer) (bool, error) { return false, nil }
		if err := Stop(t.Context(), o); err != nil {
			t.Error(err)
		}
	}
}

// A gateway that has gone to AWS meanwhile is not stopped.
func TestStop_notOnTrial(t *testing.T) {
	b := newBench(t)
	const text = "uplink: {endpoint: abc-ats.iot.eu-west-1.amazonaws.com}\n"
	b.write(text)
	if err := Stop(t.Context(), b.options()); err != nil || b.read() != text {
		t.Errorf("got %v, %s, want nothing changed", err, b.read())
	}
	b.expect("AWS", "stop piway-try")
}

func TestServe_refuses(t *testing.T) {
	b := newBench(t)
	if err := Serve(t.Context(), b.config, quiet); !config.IsNotSetUp(err) {
		t.Errorf("got %v, want an error that says that no restart helps", err)
	}
	cfg := b.load().ForTrial(b.port)
	if _, err := settings.Change(b.config, cfg.TrialKeys()); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), b.config, quiet); err == nil || config.Hint(err) != "sudo piway-gateway try" {
		t.Errorf("got %v, want to be told to make certificates", err)
	}
}

// Whatever the gateway is told to send, localcore has a rule for it; and its page is only to read.
func TestServe(t *testing.T) {
	for name, more := range map[string]string{
		"emf":           "site: home\nuplink:\n  form: emf\n",
		"another topic": "uplink:\n  topic: a/b\n",
		"other names":   "uplink:\n  client_id: me\n  namespace: Home Pis\n  errors_topic: e\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.write(strings.Replace(b.read(), "uplink:\n", more, 1))
			if err := Start(t.Context(), b.options()); err != nil {
				t.Fatalf("%v\n%s", err, &b.out)
			}
			address := "http://127.0.0.1" + pageAddress(b.port)
			for method, want := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusMethodNotAllowed} {
				req, err := http.NewRequestWithContext(t.Context(), method, address+"/healthz", nil)
				if method == http.MethodPost {
					req, err = http.NewRequestWithContext(t.Context(), method, address+"/faults/offline?for=1m", nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close() // not read
				if resp.StatusCode != want {
					t.Errorf("%s: got %s, want %d", method, resp.Status, want)
				}
			}
		})
	}
}
