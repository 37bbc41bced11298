package trial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"piway/gateway/settings"
	"piway/shared/address"
	"piway/shared/config"
)

// Ports that a service without rights may have, two at a time.
const (
	leastPort = 1024
	mostPort  = 65534
)

// checkPort refuses ports that others have, unless localcore itself may have them.
func (t *trial) checkPort(cfg *settings.Config) error {
	again := cfg.OnTrial() && cfg.TrialPort() == t.port
	if again && (t.cloud == nil || t.cloud.Active) {
		return nil
	}
	err := free(cfg, t.port)
	if err == nil {
		return nil
	}
	const step, tries = 10, 50
	for other := DefaultPort + step; other < DefaultPort+tries*step; other += step {
		if free(cfg, other) == nil {
			return config.Try(err, t.command("sudo piway-gateway try --port "+strconv.Itoa(other)))
		}
	}
	return err
}

// free returns nil if localcore can have the port, and its page the next one.
func free(cfg *settings.Config, port int) error {
	if port < leastPort || port > mostPort {
		return fmt.Errorf("--port: must be between %d and %d, got %d", leastPort, mostPort, port)
	}
	for _, text := range []string{cfg.Broker.TLSAddress(), cfg.Broker.Listen} {
		if a, err := address.Listen(text); err == nil && (a.Port == strconv.Itoa(port) || a.Port == strconv.Itoa(port+1)) {
			return fmt.Errorf("--port: %s is the gateway's own port, and %d and %d are asked for", a.Port, port, port+1)
		}
	}
	var lc net.ListenConfig
	var errs []error
	for _, at := range []string{brokerAddress(port), pageAddress(port)} {
		l, err := lc.Listen(context.Background(), "tcp", at) // does not wait
		if err == nil {
			err = l.Close()
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("localcore needs the ports %d and %d: %w", port, port+1, err)
	}
	return nil
}

func brokerAddress(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
