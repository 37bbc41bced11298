package pki

import (
	"net/netip"
	"slices"
	"strings"
)

// maxHosts bounds the names in a server certificate: a small client has some kilobytes for it.
const maxHosts = 64

// loopback is what a program on the gateway's own machine connects to.
var loopback = []string{"127.0.0.1", "::1", "localhost"}

// ServerHosts returns which of these names and addresses a server certificate has, sorted and each once, and which were
// left out: what is neither a name as DNS has them nor an IP address, and what is beyond 64. A zone of IPv6 is cut off,
// since a certificate cannot have one. The machine's own loopback names are always in, and not counted.
func ServerHosts(hosts []string) (in, out []string) {
	in = slices.Clone(loopback)
	for _, h := range hosts {
		clean, ok := cleanHost(h)
		switch {
		case ok && slices.Contains(in, clean):
		case ok && len(in) < len(loopback)+maxHosts:
			in = append(in, clean)
		default:
			out = append(out, h)
		}
	}
	slices.Sort(in)
	return in, out
}

// cleanHost returns the one form of a host that a certificate has.
func cleanHost(host string) (clean string, ok bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.String(), !ip.IsUnspecified()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, isName(host)
}

// isName reports whether clients can ask DNS, or a container's resolver, for it: RFC 1123's names, and underscores.
func isName(name string) bool {
	const longest, longestLabel = 253, 63 // RFC 1035
	if len(name) > longest {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > longestLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !inName(r) }) {
			return false
		}
	}
	return true
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
