package gateway

import (
	"net"

	"piway/shared/pki"
)

// AddrTLS is where devices connect to, or shall once the port is free.
func (g *Gateway) AddrTLS() net.Addr {
	if a := g.broker.AddrTLS(); a != nil {
		return a
	}
	a, err := net.ResolveTCPAddr("tcp", g.listenTLS)
	if err != nil {
		return &net.TCPAddr{} // of a service's name that is gone
	}
	return a
}

// Addr is where those connect to that speak without TLS, nil while there are none.
func (g *Gateway) Addr() net.Addr { return g.broker.Addr() }

// Pin is what devices know the gateway by.
func (g *Gateway) Pin() pki.Sum { return g.authority.Pin() }

func (g *Gateway) tellReady() {
	args := []any{}
	if secure := g.broker.AddrTLS(); secure != nil {
		args = append(args, "listen_tls", secure.String())
	}
	if plain := g.Addr(); plain != nil {
		args = append(args, "listen", plain.String())
	}
	g.log.Info("gateway ready", append(args, "devices", len(g.devices.All()))...)
}
