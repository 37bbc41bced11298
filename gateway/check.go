package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"piway/gateway/devices"
	"piway/shared/config"
	"piway/shared/mqttlink"
)

// connectWait bounds the check's one connection.
const connectWait = 15 * time.Second

// check tells what works and returns the first thing that does not.
func check(ctx context.Context, cfg Config, out io.Writer) error {
	_, _ = fmt.Fprintln(out, "configuration  ok")
	link, err := uplinkConfig(&cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "certificates   ok")
	if list, err := devices.Open(devicesPath(cfg.Data.Dir)); err != nil {
		return err
	} else if n := len(list.All()); n == 0 {
		_, _ = fmt.Fprintln(out, "devices        none, so nobody can connect; add one with: piway-gateway device add NAME")
	} else {
		_, _ = fmt.Fprintf(out, "devices        %d\n", n)
	}
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	// A client id of its own: the running gateway's connection would be closed by a second one with the same id.
	conn, err := mqttlink.Connect(ctx, mqttlink.Options{
		Broker: link.Broker, ClientID: link.ClientID + checkSuffix, TLS: link.TLS, KeepAlive: link.KeepAlive,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return config.Try(fmt.Errorf("connecting to AWS: %w", err),
			fmt.Sprintf("look whether uplink.endpoint is right, the certificate active, and its policy allows iot:Connect for %s and %s", link.ClientID, link.ClientID+checkSuffix))
	}
	conn.Close()
	_, _ = fmt.Fprintf(out, "connection     ok, %s\n", link.Broker)
	_, _ = fmt.Fprintf(out, "topic          %s; whether a rule listens there, only AWS can tell\n", link.Topic)
	return nil
}
