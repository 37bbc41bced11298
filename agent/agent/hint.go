package agent

import (
	"context"
	"errors"
	"net"
	"syscall"

	"piway/shared/config"
	"piway/shared/mdns"
	"piway/shared/mqttlink"
)

// hinted adds to a failed connection what its user can do about it.
func hinted(err error) error {
	var unknown *net.DNSError
	switch {
	case errors.Is(err, mqttlink.ErrLogin):
		return config.Try(err, "piway-gateway device add NAME on the gateway, then put the password into "+
			"gateway.password_file or PIWAY_PASSWORD")
	case errors.Is(err, syscall.ECONNREFUSED):
		return config.Try(err, "start the gateway, or correct gateway.address")
	case errors.As(err, &unknown) && mdns.IsLocal(unknown.Name):
		return config.Try(err, "see that the gateway is on this network and runs avahi-daemon (ping "+unknown.Name+
			" from another machine), or use its IP address in gateway.address")
	case errors.Is(err, syscall.EINVAL):
		return config.Try(err, "correct the interface behind % in gateway.address; ip -br link shows them")
	case errors.As(err, &unknown):
		return config.Try(err, "correct the host in gateway.address, or use its IP address")
	case errors.Is(err, context.DeadlineExceeded):
		return config.Try(err, "check that gateway.address is right and that no firewall is in between")
	}
	return err
}
