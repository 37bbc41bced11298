package trial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"piway/gateway/control"
	"piway/gateway/settings"
	"piway/gateway/where"
	"piway/shared/backoff"
	"piway/shared/config"
)

// How long localcore may take to listen, and the gateway to connect, and how often that is looked at.
const (
	listenTime  = 15 * time.Second
	connectTime = time.Minute
	lookAgain   = 200 * time.Millisecond
)

// until looks until is says yes.
func until(ctx context.Context, most time.Duration, is func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for !is(ctx) {
		if err := backoff.Sleep(ctx, lookAgain); err != nil {
			return err
		}
	}
	return nil
}

// listens waits for localcore.
func (t *trial) listens(ctx context.Context) error {
	err := until(ctx, listenTime, func(ctx context.Context) bool {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", brokerAddress(t.port))
		if err == nil {
			_ = conn.Close() // nothing was said
		}
		return err == nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return config.Try(fmt.Errorf("localcore does not listen on %s", brokerAddress(t.port)),
			"sudo journalctl -u "+trialUnit+" -n 30")
	}
	return err
}

// connects waits for the gateway.
func (t *trial) connects(ctx context.Context, cfg *settings.Config) error {
	err := until(ctx, connectTime, func(ctx context.Context) bool { return connected(ctx, cfg) })
	if errors.Is(err, context.DeadlineExceeded) {
		return config.Try(errors.New("the gateway runs and does not connect to localcore"),
			"sudo journalctl -u "+gatewayUnit+" -n 30")
	}
	return err
}

// connected asks the gateway that runs.
func connected(ctx context.Context, cfg *settings.Config) bool {
	var line string
	err := control.Call(ctx, cfg.Data.Dir, "GET", "/healthz", nil, &line)
	return err == nil && strings.HasPrefix(line, "ok, connected to "+cfg.CloudName())
}

// page is the address of the page for others on the network. Those of the internet it does not answer.
func page(port int) string {
	for _, at := range where.Addresses(nil, pageAddress(port)) {
		if a, err := netip.ParseAddrPort(at); err == nil && (a.Addr().IsPrivate() || a.Addr().IsLinkLocalUnicast()) {
			return "http://" + at + "/"
		}
	}
	return "http://localhost" + pageAddress(port) + "/"
}

// tell says what is there and what is next.
func (t *trial) tell(cfg *settings.Config) {
	t.say("")
	t.say("The gateway runs, and localcore stands in for AWS: nothing reaches CloudWatch, and nothing is billed.")
	t.say("")
	t.say("  its page     %s", page(t.port))
	t.say("               Everybody on your network can read there what devices send. It is gone when localcore ends.")
	t.say("  add a Pi     %s", t.command("sudo piway-gateway invite NAME"))
	t.say("               prints the line for it. Its first graphs are on the page %s later.",
		(cfg.Rollup.Window + cfg.Rollup.Grace).String())
	t.say("  go to AWS    %s", t.command("sudo -E piway-gateway aws setup"))
	t.say("  end it       %s", t.command("sudo piway-gateway try --stop"))
}

// byHand says how to run what no service runs.
func (t *trial) byHand() {
	sudo := ""
	if os.Geteuid() == 0 {
		sudo = "sudo "
	}
	t.say("")
	t.say("No services of this machine run with %s, so run both, each in a terminal of its own:", t.Config)
	t.say("")
	t.say("  %spiway-gateway try --serve --config %s", sudo, t.Config)
	if t.gateway != nil {
		t.say("  sudo systemctl restart %s", gatewayUnit)
	} else {
		t.say("  %spiway-gateway run --config %s", sudo, t.Config)
	}
	t.say("")
	t.say("localcore's page is %s then. Everybody on your network can read there what devices send.", page(t.port))
	t.say("Next: %spiway-gateway invite NAME --config %s", sudo, t.Config)
}
