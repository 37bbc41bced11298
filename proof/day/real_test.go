package day_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/cloud"
	"piway/localcore/localcore"
	"piway/proof/world"
)

// The settings are the defaults, but for where things are, for the form, and for a clock that is vouched for.
const gatewayConfig = `
data: {dir: %[1]s/data}
broker: {listen_tls: "127.0.0.1:0", listen: "127.0.0.1:0", mdns: false}
intake: {trust_clock: true}
uplink: {endpoint: "%[2]s", certs: {dir: %[3]s}, form: %[4]s}
`

// TestDay_real measures the real program on a disk, as the kernel counts it, and what the bubble says of the same load.
func TestDay_real(t *testing.T) {
	d := setting(t, "PIWAY_DAY_REAL", 0, time.ParseDuration)
	if d == 0 {
		t.Skip("takes its time: with PIWAY_DAY_REAL=2m only")
	}
	programs := world.Built(t)
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			model := newPlace(t, 0).measure(t, form, agents(10), time.Hour)
			reckoned := model.each(model.written())
			written, reports := inReal(t, programs, form, agents(10), d)
			t.Logf("%d reports in %s: %d bytes a report by the kernel's count, %.0f by ours", reports, d,
				written/max(reports, 1), reckoned)
		})
	}
}

// inReal has devices send to a gateway in real time.
func inReal(t *testing.T, programs world.Programs, form string, l *load, d time.Duration) (written, reports int64) {
	t.Helper()
	dir := world.OnDisk(t)
	endpoint, certs := world.Core(t, localcore.Config{})
	file := filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, gatewayConfig, dir, endpoint, certs, form), 0o600); err != nil {
		t.Fatal(err)
	}
	passwords, err := world.AddDevices(filepath.Join(dir, "data"), l.names...)
	if err != nil {
		t.Fatal(err)
	}
	gateway := world.Gateway(programs.Gateway, file, io.Discard)
	world.Run(t, gateway)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sending errgroup.Group
	for i, name := range l.names {
		c := &world.Client{
			Addr: gateway.AddrTLS(), Name: name, Password: passwords[name],
			TLS: &tls.Config{InsecureSkipVerify: true}, // who the gateway is does not matter here
		}
		sending.Go(func() error {
			defer c.Close()
			l.send(ctx, t, i, func(device string, payload []byte) {
				err := c.Deliver(ctx, []world.Message{{Topic: "pi/" + device + "/samples", Payload: payload, Acked: func() {}}})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			})
			return nil
		})
	}
	world.Wait(ctx, 90*time.Second) // until the first passes have gone
	l.restart()
	before := gateway.Written()
	world.Wait(ctx, d) // what is written in this time is the question
	written = gateway.Written() - before
	reports, _, _ = l.restart()
	cancel()
	if err := sending.Wait(); err != nil {
		t.Error(err)
	}
	return written, reports
}
