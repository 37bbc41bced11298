package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/datadir"
	"piway/gateway/encode"
	"piway/gateway/feedback"
	"piway/gateway/forward"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/gateway/rollup"
	"piway/gateway/settings"
	"piway/gateway/uplink"
	"piway/shared/clock"
	"piway/shared/config"
)

// What of the wiring depends on how AWS is reached and in which form it gets the data.

// alpnMQTT is what MQTT is called on IoT Core's port that serves several protocols (AWS IoT, protocols).
const alpnMQTT = "x-amzn-mqtt-ca"

// uplinkConfig checks the certificates, which is what is wrong most often; but not whether they are valid now: that can
// change, and meanwhile the LAN is served.
func uplinkConfig(cfg *settings.Config, log *slog.Logger) (uplink.Config, error) {
	c := &cfg.Uplink
	if c.Endpoint == "" {
		return uplink.Config{}, config.NotSetUp(config.Try(errors.New("uplink.endpoint: not set"), trySetUp))
	}
	host, port, err := c.HostPort()
	if err != nil {
		return uplink.Config{}, err
	}
	certs := &certificates{cfg: c.Certs, host: host, log: log.With("part", "uplink")}
	if port == settings.ALPNPort {
		certs.alpn = []string{alpnMQTT}
	}
	if _, err := certs.load(time.Time{}); err != nil {
		return uplink.Config{}, neverSetUp(err, cfg.Data.Dir)
	}
	if doubt := doubts(c); doubt != nil {
		log.Warn("AWS can hardly be reached", "err", doubt)
	}
	n := cfg.Cloud()
	former, _ := n.Former()
	return uplink.Config{
		Broker: "tls://" + net.JoinHostPort(host, port), ClientID: n.ClientID, TLS: certs.load,
		Topic: n.DataTopic(), Former: former,
		Window: c.Window, PublishesPerSecond: c.PublishesPerSecond, BytesPerSecond: int(c.BytesPerSecond),
		AckTimeout: c.AckTimeout, SettleAfter: cfg.Rollup.Linger() / 5, StallAfter: c.StallAfter,
		ConnectInterval: c.ConnectInterval, MaxBackoff: c.MaxBackoff,
		KeepAlive: c.KeepAlive,
		Log:       log.With("part", "uplink"),
	}, nil
}

// trySetUp is what makes a gateway one that has somewhere to send to.
const trySetUp = "sudo -E piway-gateway aws setup, or sudo piway-gateway try"

// neverSetUp marks an error of the certificates where they are not there yet. Where a gateway has run before they are
// gone, and may come back, as with a disk that is mounted late: its supervisor is to try again.
func neverSetUp(err error, dataDir string) error {
	_, queueErr := os.Stat(datadir.Queue(dataDir))
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(queueErr, fs.ErrNotExist) {
		return err
	}
	return config.NotSetUp(config.Try(err, trySetUp))
}

// forwardConfig puts the form between the queue and the uplink.
func forwardConfig(cfg *settings.Config, q *queue.Queue, log *slog.Logger) forward.Config {
	f := forward.Config{
		Store: q, Rollup: rollupOf(cfg), Form: encode.Metric,
		FormMark:     fmt.Sprint(cloud.Metric, " ", encode.MetricVersion),
		HasTimestamp: cfg.Uplink.RuleHasTimestamp, Now: clock.Now, SinceBoot: clock.SinceBoot,
		Log: log.With("part", "forward"),
	}
	if cfg.Uplink.Form == cloud.EMF {
		f.Form = encode.NewEMF(cfg.Uplink.Namespace, cfg.Site, f.Rollup.Base)
		f.FormMark = fmt.Sprintf("%s %d namespace %q site %q names %q", cloud.EMF, encode.EMFVersion, cfg.Uplink.Namespace,
			cfg.Site, cfg.Intake.NameTemplate)
	}
	return f
}

// rollupOf is how the form's samples are reduced.
func rollupOf(cfg *settings.Config) rollup.Settings {
	set := rollup.Settings{Window: cfg.Rollup.Window}
	for _, r := range cfg.Rollup.Rules {
		set.Rules = append(set.Rules, rollup.Rule{Match: r.Match, Reduce: rollup.Reduction(r.Reduce)})
	}
	if cfg.Uplink.Form == cloud.EMF {
		set.Default, set.Base = rollup.Values, cfg.Naming().Base
	}
	return set
}

// feedbackConfig returns nil where no topic for errors is configured. What a failure is handed to is yet to be set.
func feedbackConfig(cfg *settings.Config, link *uplink.Config) *feedback.Config {
	c := &cfg.Uplink
	if c.ErrorsTopic == "" {
		return nil
	}
	n := cfg.Cloud()
	f := &feedback.Config{
		Broker: link.Broker, ClientID: n.FeedbackClient(), TLS: link.TLS, Topics: n.ErrorTopics(),
		ConnectInterval: link.ConnectInterval, MaxBackoff: link.MaxBackoff, KeepAlive: link.KeepAlive,
	}
	if c.Canary > 0 {
		payload := canaryMetric
		if c.Form == cloud.EMF {
			payload = canaryEMF
		}
		_, former := n.Former()
		f.Canary = &feedback.Canary{
			Topic: n.CanaryTopic(), Former: former, Payload: payload, Every: c.Canary,
			Wait: 2 * c.AckTimeout,
		}
	}
	return f
}

// canaryMetric has a unit that CloudWatch refuses, so that the rule's error action reports it and no metric is made.
func canaryMetric(now time.Time) []byte {
	return fmt.Appendf(nil, `{"name":"piway canary","unit":"canary","value":"1","timestamp":%q,"samples":"0"}`,
		strconv.FormatInt(now.Unix(), 10))
}

// canaryEMF has two events against the order of time and a day apart, which CloudWatch Logs refuses (PutLogEvents).
func canaryEMF(now time.Time) []byte {
	return fmt.Appendf(nil, `{"samples":{},"batch":[{"timestamp":%d,"message":"piway canary"},{"timestamp":%d,"message":"piway canary"}]}`,
		now.UnixMilli(), now.Add(-25*time.Hour).UnixMilli())
}

// unknownDevice stands for the devices of a message that this gateway did not send, or whose devices are gone.
const unknownDevice = "(unknown)"

// failed books what AWS acknowledged and could not write.
func (g *Gateway) failed(ctx context.Context, f feedback.Failure) {
	counts := map[ledger.Count]int{}
	for device, n := range encode.Samples(f.Payload) {
		if !g.devices.Has(device) {
			device = unknownDevice
		}
		counts[ledger.Count{Device: device, Outcome: ledger.RefusedByCloud, Reason: f.Reason}] += n
	}
	if len(counts) == 0 {
		return
	}
	if err := g.queue.BookRefusedByCloud(ctx, counts); err != nil {
		g.log.Error("counting what AWS refused failed", "reason", f.Reason, "err", err)
	}
}

// reservedNames returns what tells the names that a form has a use of its own for; nil if it has none.
func reservedNames(form string) func(base string) bool {
	if form == cloud.EMF {
		return encode.Reserved
	}
	return nil
}
