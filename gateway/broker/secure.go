package broker

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"slices"

	"piway/shared/guard"
)

// joinProtocol is what who wants to become a device asks for (ALPN).
const joinProtocol = "piway-join/1"

// tlsConfig is how TLS is spoken. A client may show any certificate or none: VerifyClientCertIfGiven would end the
// handshake of one that has another CA's, as scripts for AWS have. Who it is its key or its password says. A session is
// never resumed: that would not look at the key again.
//
// There are no NextProtos: with them Go refuses every client that offers other ones, and many offer "mqtt".
func (b *Broker) tlsConfig() *tls.Config {
	certificate := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return b.cfg.Certificate(), nil }
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: certificate, SessionTicketsDisabled: true,
		ClientAuth: tls.RequestClientCert, VerifyConnection: b.verify,
	}
	if b.cfg.Join == nil {
		return c
	}
	joining := &tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: certificate, SessionTicketsDisabled: true,
		NextProtos: []string{joinProtocol},
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, joinProtocol) {
			return joining, nil
		}
		return nil, nil // c itself
	}
	return c
}

// protocols are what is served beside MQTT.
func (b *Broker) protocols() map[string]func(*tls.Conn, func()) {
	if b.cfg.Join == nil {
		return nil
	}
	return map[string]func(*tls.Conn, func()){joinProtocol: func(c *tls.Conn, whole func()) { b.cfg.Join(c, whole) }}
}

// revoked is why a key is refused, whatever comes with it.
const revoked, revokedTry = "its key is revoked", "piway-gateway invite NAME --replace, where the device is to come back"

// verify ends the handshake of a revoked key. That its client holds the key is not proved yet; OnConnect asks again.
func (b *Broker) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 || b.cfg.Identify == nil {
		return nil
	}
	device, isRevoked := b.cfg.Identify(keyOf(state.PeerCertificates[0]))
	if !isRevoked {
		return nil
	}
	return &guard.Refusal{Subject: device, Why: revoked, Args: []any{"device", device, "try", revokedTry}}
}

func keyOf(cert *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(cert.RawSubjectPublicKeyInfo)
}

// readKey notes the key that the client has proved to hold.
func (s *session) readKey() {
	t := s.TLS()
	if t == nil {
		return
	}
	s.secure = true
	if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 {
		s.key, s.hasKey = keyOf(certs[0]), true
		for _, c := range certs {
			*c = x509.Certificate{} // TLS keeps them for as long as the connection, some KiB each
		}
	}
}

// deviceOf returns the device that a session's key is, "" for one of which the password says it.
func (b *Broker) deviceOf(s *session) (device string, isRevoked bool) {
	if !s.hasKey || b.cfg.Identify == nil {
		return "", false
	}
	return b.cfg.Identify(s.key)
}
