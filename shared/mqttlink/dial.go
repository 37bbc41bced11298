package mqttlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"piway/shared/address"
	"piway/shared/mdns"
)

// parseBroker splits a broker URL into an address to dial and whether TLS is spoken there.
func parseBroker(broker string) (addr address.Address, secure bool, err error) {
	scheme, rest, _ := strings.Cut(broker, "://")
	port := ""
	switch scheme {
	case "tcp", "mqtt":
		port = "1883"
	case "tls", "ssl", "mqtts":
		port, secure = "8883", true
	default:
		return addr, false, fmt.Errorf("broker %q: must look like tcp://host:1883 or tls://host:8883", broker)
	}
	addr, err = address.Parse(strings.TrimSuffix(rest, "/"), port)
	if err != nil {
		return addr, false, fmt.Errorf("broker %q: must be written %w", broker, err)
	}
	return addr, secure, nil
}

// A lookup returns the addresses of a name.
type lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// system asks the system's resolver, for a name of the local network no longer than it takes if it knows any. It looks
// in /etc/hosts and asks the DNS, which may be out of reach.
func system(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, systemWait)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

const systemWait = 2 * time.Second

// A Dialer connects to an address.
type Dialer func(ctx context.Context, a address.Address) (net.Conn, error)

// Dial connects to an address. A .local name that the system does not know is asked for on the local network, anew for
// each connection.
func Dial(ctx context.Context, a address.Address) (net.Conn, error) {
	if mdns.IsLocal(a.Host) {
		return dialLocal(ctx, a, system, mdns.Lookup)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", a.String())
	if _, zone, ok := strings.Cut(a.Host, "%"); ok && errors.Is(err, syscall.EINVAL) {
		err = fmt.Errorf("this machine has no network interface %q: %w", zone, err)
	}
	return conn, err
}

func dialLocal(ctx context.Context, a address.Address, first, then lookup) (net.Conn, error) {
	addrs, err := first(ctx, a.Host)
	if err != nil && ctx.Err() == nil {
		unknown := err
		if addrs, err = then(ctx, a.Host); err != nil && ctx.Err() == nil {
			return nil, &net.DNSError{
				UnwrapErr: errors.Join(unknown, err), Name: a.Host, IsNotFound: true,
				Err: "unknown to the system's resolver, and " + err.Error(),
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return dialEach(ctx, addrs, a.Port)
}

// dialEach tries the addresses in turn, each for a share of the time that is left. Its error is the first one's.
func dialEach(ctx context.Context, addrs []netip.Addr, port string) (net.Conn, error) {
	var first error
	for i, ip := range addrs {
		d := net.Dialer{}
		if end, ok := ctx.Deadline(); ok {
			d.Timeout = time.Until(end) / time.Duration(len(addrs)-i)
		}
		conn, err := d.DialContext(ctx, "tcp", address.Address{Host: ip.Unmap().String(), Port: port}.String())
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}
