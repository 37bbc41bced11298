// Package address reads HOST:PORT as people write it. Its one promise: what can never be reached is refused before the
// first connection, with what to write instead; what other clients take is taken.
package address

import (
	"context"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// An Address is a host and a TCP port. Host is a name or an IP address, this without brackets and with its zone.
type Address struct{ Host, Port string }

// String is HOST:PORT, as net.Dial takes it.
func (a Address) String() string { return net.JoinHostPort(a.Host, a.Port) }

// A Mistake is why a text is no address.
type Mistake struct {
	// Why completes a sentence that says what an address must be: `without "https://"`.
	Why string
	// Try is the address that was meant, "" if that cannot be told.
	Try string
}

func (m *Mistake) Error() string { return m.Why }

// Parse reads the address of a server. Where the text has no port it is the given one; "" means that it must have one.
// The error is a *Mistake.
//
// An IPv6 address stands in brackets, one of the link with its interface: [fe80::1%eth0]:1883. As in a URL the zone may
// begin with %25 (RFC 6874).
func Parse(text, port string) (Address, error) {
	return advised(text, func(text string) (Address, *Mistake) { return server(text, port) })
}

// Listen reads where a server listens: as Parse, but the host may be left out, and the port may be 0 or a service's
// name. The error is a *Mistake.
func Listen(text string) (Address, error) { return advised(text, listener) }

// maxTurns is how many mistakes of one text are mended; none of a few more is advice.
const maxTurns = 8

// advised parses a text. What a mistake says to try has been tried.
func advised(text string, parse func(string) (Address, *Mistake)) (Address, error) {
	a, m := parse(text)
	if m == nil {
		return a, nil
	}
	try := m.Try
	for range maxTurns {
		if try == "" {
			break
		}
		_, more := parse(try)
		if more == nil {
			return Address{}, &Mistake{m.Why, try}
		}
		try = more.Try
	}
	return Address{}, &Mistake{Why: m.Why}
}

// BadPort is why a server's port is none.
const BadPort = "with a port from 1 to 65535"

func server(text, port string) (Address, *Mistake) {
	if m := plain(text); m != nil {
		return Address{}, m
	}
	host, p, m := split(text, port)
	if m != nil {
		return Address{}, m
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
		return Address{}, &Mistake{BadPort, strings.TrimSuffix(text, ":"+p)}
	}
	return reachable(host, p)
}

func listener(text string) (Address, *Mistake) {
	if m := plain(text); m != nil {
		return Address{}, m
	}
	host, port, m := split(text, "")
	if m != nil {
		return Address{}, m
	}
	if _, err := new(net.Resolver).LookupPort(context.Background(), "tcp", port); err != nil || port == "" {
		return Address{}, &Mistake{Why: "with a port from 0 to 65535"}
	}
	switch host {
	case "":
		return Address{"", port}, nil
	case "*":
		return Address{}, &Mistake{`without "*"`, ":" + port}
	}
	return reachable(host, port)
}

// plain refuses what stands around an address: blanks, a scheme, a path, a user.
func plain(text string) *Mistake {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if strings.ContainsFunc(text, odd) {
		return &Mistake{"without blanks, and of ASCII characters", strings.TrimFunc(text, odd)}
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok && !strings.ContainsAny(scheme, "/?#") {
		return &Mistake{`without "` + scheme + `://"`, rest}
	}
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		return &Mistake{`without "` + text[i:] + `"`, text[:i]}
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return &Mistake{`without "` + text[:i+1] + `"`, text[i+1:]}
	}
	return nil
}

// split takes host and port apart, and brackets away. An empty port means that there must be one.
func split(text, port string) (host, p string, m *Mistake) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		return unwrap(inner, port)
	}
	host, p, ok := strings.Cut(text, ":")
	switch {
	case strings.Contains(p, ":"):
		return "", "", &Mistake{"with an IPv6 address in brackets", inBrackets(text)}
	case ok:
		return host, p, nil
	case port == "":
		return "", "", &Mistake{Why: "with a port"}
	}
	return host, port, nil
}

// unwrap is split of what stands behind a bracket.
func unwrap(inner, port string) (host, p string, m *Mistake) {
	host, rest, ok := strings.Cut(inner, "]")
	p, colon := strings.CutPrefix(rest, ":")
	switch {
	case !ok:
		return "", "", &Mistake{Why: "with both brackets around an IPv6 address"}
	case strings.HasPrefix(rest, "%"): // [fe80::1]%eth0
		zone, p, _ := strings.Cut(rest, ":")
		return "", "", &Mistake{"with the interface inside the brackets", join(host+zone, p)}
	case colon:
		return host, p, nil
	case rest != "" || port == "":
		return "", "", &Mistake{Why: "with a port"}
	}
	return host, port, nil
}

// inBrackets returns an IPv6 address, with or without a port behind its interface, as it should have been written; else
// "".
func inBrackets(text string) string {
	ip, zone, _ := strings.Cut(text, "%")
	zone, port, _ := strings.Cut(zone, ":")
	if _, err := netip.ParseAddr(ip); err != nil {
		return ""
	}
	if zone != "" {
		ip += "%" + zone
	}
	return join(ip, port)
}

func join(host, port string) string {
	if port == "" {
		return "[" + host + "]"
	}
	return "[" + host + "]:" + port
}

// reachable refuses a host that is neither a name nor an address that can be dialled.
func reachable(host, port string) (Address, *Mistake) {
	if ip, zone, ok := strings.Cut(host, "%25"); ok && zone != "" {
		host = ip + "%" + zone
	}
	if why := unreachable(host); why != "" {
		return Address{}, &Mistake{Why: why}
	}
	return Address{host, port}, nil
}

func unreachable(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return "with a host"
	case err == nil:
		if ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "" {
			return "with the interface of a link-local address, such as [" + host + "%eth0]"
		}
		return ""
	case strings.Contains(host, ":"):
		return "with an IPv6 address that is one"
	case !isName(host):
		return "with a host name of letters, digits, dots and hyphens, or an IP address"
	}
	return ""
}

// maxName and the length of a label: RFC 1035 2.3.4. Underscores are taken since Docker's names have them.
const maxName = 253

var label = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

func isName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	// What ends in a number is an IP address or nothing (RFC 1123 2.1): 192.168.1, 300.1.1.1.
	_, err := strconv.ParseUint(labels[len(labels)-1], 10, 64)
	return err != nil && len(host) <= maxName
}
