// Package where tells at which addresses and names this machine can be reached. Its one promise: what it tells others to
// dial is dialled by others, so it leaves out what only this machine can reach where there is anything else.
//
// It reads the interfaces anew at each call and remembers nothing. A system that does not list them gives none: names and
// what the user said are left.
package where

import (
	"net"
	"net/netip"
	"os"
)

// MaxAddresses is how many addresses a token has room for.
const MaxAddresses = 3

// Addresses returns up to MaxAddresses HOST:PORT at which devices reach the gateway, the likeliest first. They are the
// ones that the user advertises, HOST or HOST:PORT; where that is none, this machine's, of those that it listens on.
// listenTLS is ADDRESS:PORT or :PORT, as bound: its port is what a host without one gets. The result is empty if nothing
// is known that another machine could dial.
//
// IPv4 goes first, then what is private, which outlives a change of provider. Of IPv6 no address of a link is told: its
// interface has another name on another machine. Addresses of containers' bridges are left out if there are others.
func Addresses(advertise []string, listenTLS string) []string {
	return thisMachine.addresses(advertise, listenTLS)
}

// Hosts returns the names and IP addresses, without ports, that this machine's certificate is made out to: what the user
// advertises, localhost, the machine's name, that with .local, and every address of every interface but IPv6's of a link,
// which no client checks and each container brings along. They are in an order that stays the same, at most 64.
func Hosts(advertise []string) []string { return thisMachine.hosts(advertise) }

// A machine is what is asked about one.
type machine struct {
	links func() []link
	name  func() (string, error)
}

// A link is an interface that is up.
type link struct {
	name  string
	addrs []netip.Addr
}

var thisMachine = machine{links: links, name: os.Hostname}

// links returns the interfaces that are up, as the kernel orders them.
func links() (all []link) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil // a sandbox without AF_NETLINK: see the package
	}
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue // it just went
		}
		l := link{name: i.Name}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				l.addrs = append(l.addrs, p.Addr().Unmap())
			}
		}
		all = append(all, l)
	}
	return all
}
