package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"piway/shared/config"
	"piway/shared/mdns"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// refused is what can be done when the gateway refuses the log-in.
func (c Config) refused() string {
	if c.Gateway.KeyFile != "" {
		return tryJoin
	}
	return c.tryPassword()
}

// tryPassword is what can be done when the gateway refuses a password, or that none was sent.
func (c Config) tryPassword() string {
	name := c.Username()
	hint := fmt.Sprintf("on the gateway sudo piway-gateway device password %s, or device add %s if device list does not have it; its "+
		"password into gateway.password_file or PIWAY_PASSWORD", name, name)
	if c.Gateway.Password == "" {
		return "no password is set: sudo piway-agent join TOKEN, which needs none (sudo piway-gateway invite " + name + " on the " +
			"gateway prints that line; --replace if device list has it); or " + hint
	}
	return hint
}

// unset says of a refused log-in that no password was sent, if that is so.
func (c Config) unset(err error) error {
	if c.Gateway.KeyFile == "" && c.Gateway.Password == "" && errors.Is(err, mqttlink.ErrLogin) {
		return fmt.Errorf("no password is set: %w", err)
	}
	return err
}

const tryJoin = "sudo piway-gateway device list on the gateway: this key is unknown there, or revoked; sudo piway-gateway invite " +
	"NAME --replace prints what lets this machine in"

// hinted adds to a failed connection what its user can do about it.
func (c Config) hinted(err error) error {
	if hint := c.hint(err); err != nil && hint != "" {
		return config.Try(c.unset(err), hint)
	}
	return err
}

func (c Config) hint(err error) string {
	if c.Gateway.KeyFile != "" && (errors.Is(err, mqttlink.ErrLogin) || errors.Is(err, mqttlink.ErrCertificate)) {
		return tryJoin
	}
	if len(c.Gateway.Pins) > 0 && errors.Is(err, mqttlink.ErrNotTLS) {
		return "correct gateway.address: its port is that of plain MQTT, and TLS is spoken on " + securePort
	}
	if name := unknown(err); mdns.IsLocal(name) {
		return "see that the gateway is on this network and runs avahi-daemon (ping " + name +
			" from another machine), or use its IP address in gateway.address"
	}
	for _, h := range []struct {
		is   bool
		hint string
	}{
		{errors.Is(err, mqttlink.ErrLogin), strings.TrimPrefix(c.tryPassword(), "no password is set: ")},
		{errors.Is(err, pki.ErrPin), "correct gateway.address; if the gateway lost its keys, sudo piway-gateway invite NAME " +
			"there prints what lets this machine in (with --replace if its device list has the name)"},
		{errors.Is(err, syscall.ECONNREFUSED), "start the gateway, or correct gateway.address"},
		{errors.Is(err, syscall.EINVAL), "correct the interface behind % in gateway.address; ip -br link shows them"},
		{unknown(err) != "", "correct the host in gateway.address, or use its IP address"},
		{errors.Is(err, context.DeadlineExceeded), "check that gateway.address is right and that no firewall is in between"},
	} {
		if h.is {
			return h.hint
		}
	}
	return ""
}

// unknown is the name that no resolver knows.
func unknown(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Name
	}
	return ""
}
