package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/feedback"
	"piway/gateway/settings"
	"piway/gateway/uplink"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// connectWait bounds the check's one connection.
const connectWait = 15 * time.Second

// Ready returns what of the configuration and the certificates keeps a gateway from AWS.
func Ready(cfg *settings.Config) error {
	link, err := uplinkConfig(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, err = link.TLS(time.Now())
	return err
}

// Check tells what works and returns the first thing that does not.
func Check(ctx context.Context, cfg settings.Config, out io.Writer) error {
	_, _ = fmt.Fprintln(out, "configuration  ok")
	link, err := uplinkConfig(&cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	shown, err := link.TLS(time.Now())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "certificates   "+valid(shown))
	if doubt := doubts(&cfg.Uplink); doubt != nil {
		_, _ = fmt.Fprintf(out, "endpoint       doubtful: %v\n", doubt)
	}
	if list, err := devices.Open(datadir.Devices(cfg.Data.Dir)); err != nil {
		return err
	} else if n := len(list.All()); n == 0 {
		_, _ = fmt.Fprintln(out, "devices        none, so nobody can connect; add one with: piway-gateway device add NAME")
	} else {
		_, _ = fmt.Fprintf(out, "devices        %d\n", n)
	}
	names := cfg.Cloud()
	connecting, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	// A client id of its own: the running gateway's connection would be closed by a second one with the same id.
	conn, err := mqttlink.Connect(connecting, mqttlink.Options{
		Broker: link.Broker, ClientID: names.CheckClient(), TLS: shown, KeepAlive: link.KeepAlive,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return unconnected(err, &cfg.Uplink, names)
	}
	conn.Close()
	_, _ = fmt.Fprintf(out, "connection     ok, %s\n", link.Broker)
	if cfg.OnTrial() {
		_, _ = fmt.Fprintln(out, "cloud          "+cfg.CloudName()+"; sudo -E piway-gateway aws setup switches to AWS")
	}
	_, _ = fmt.Fprintf(out, "publishes to   %s\n", link.Topic)
	return checkRule(ctx, &cfg, &link, out)
}

func valid(shown *tls.Config) string {
	end, ok := pki.Expires(shown)
	if !ok {
		return "ok"
	}
	return "ok, until " + end.Format(time.DateOnly)
}

// checkRule sends the canary round: AWS acknowledges what it is sent whether or not a rule is there to take it.
func checkRule(ctx context.Context, cfg *settings.Config, link *uplink.Config, out io.Writer) error {
	const column = "rule           "
	f := feedbackConfig(cfg, link)
	switch {
	case f == nil || f.Canary == nil:
		_, err := fmt.Fprintln(out, column+"not tested, because uplink.errors_topic or uplink.canary is off; AWS does not "+
			"say whether a rule exists")
		return err
	case control.Call(ctx, cfg.Data.Dir, "GET", "/devices", nil, nil) == nil:
		_, err := fmt.Fprintln(out, column+"tested by the running gateway, see its log")
		return err
	}
	_, _ = fmt.Fprintf(out, column+"waiting for its answer, up to %s\n", f.Canary.Wait)
	ctx, cancel := context.WithTimeout(ctx, f.Canary.Wait)
	defer cancel()
	f.Log = slog.New(slog.DiscardHandler)
	answer, err := feedback.Probe(ctx, *f)
	switch {
	case errors.Is(err, feedback.ErrNoListening):
		_, err = fmt.Fprintf(out, column+"not tested: %v\n", err)
		return err
	case err != nil:
		return fmt.Errorf("testing the rule: %w", err)
	case feedback.Blocks(answer.Reason):
		return config.Try(fmt.Errorf("testing the rule: it exists and cannot write: %s", answer.Message),
			feedback.Fix(answer.Reason))
	}
	_, err = fmt.Fprintf(out, column+"ok, %s answers\n", answer.Rule)
	return err
}
