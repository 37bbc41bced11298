package localcore

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// onlyHosts refuses requests for a name that is not this server's: a page elsewhere could make its own name lead here
// (DNS rebinding), and the browser of who looks at it would take what is here for that page's own. An address cannot be
// made to lead elsewhere, so each is let through.
func onlyHosts(names []string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := hostName(r.Host); !isAddress(name) && !slices.ContainsFunc(names, func(known string) bool {
			return strings.EqualFold(known, name)
		}) {
			http.Error(w, fmt.Sprintf("nothing is served here under the name %.100q, try: piway-localcore run --host NAME, "+
				"or the server's address", name), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// hostName is a Host header without port, brackets and the dot of the root.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// isAddress reports whether a host is an IP address, or none: browsers always send one.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == ""
}
