package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
)

// Serve makes the server certificate be for these hosts, of which ServerHosts says what is in. If they differ as a set
// from those that it is for, there is a new one with the same key, changed is true, and Certificate returns it at once.
// The error is of writing to the disk: the certificate is in use all the same, and the next call, with whatever hosts,
// writes again. nil means that all is on disk.
func (a *Authority) Serve(hosts []string) (changed bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	in := a.wanted(hosts)
	now := a.server.Load()
	if !slices.Equal(in, hostsOf(now.Leaf, a.pin)) {
		key, ok := now.PrivateKey.(crypto.Signer)
		if !ok {
			return false, fmt.Errorf("renewing the server certificate: its key is a %T", now.PrivateKey)
		}
		if err := a.renew(key, in); err != nil {
			return false, err
		}
		changed = true
	}
	return changed, a.save()
}

// open takes the server's files if they are right, and makes them anew if they are not.
func (a *Authority) open(hosts []string) error {
	in := a.wanted(hosts)
	key, ok := a.readServerKey()
	if !ok {
		made, text, err := newKey()
		if err != nil {
			return err
		}
		key = made
		a.toSave(file{lanServerKey, text, privateMode})
	}
	leaf, err := a.readCert(lanServerCert)
	if err != nil || !a.isServer(leaf, key) || !slices.Equal(in, hostsOf(leaf, a.pin)) {
		return a.renew(key, in)
	}
	a.use(leaf, key)
	return nil
}

func (a *Authority) readServerKey() (crypto.Signer, bool) {
	text, err := readAll(a.disk, a.path(lanServerKey))
	if err != nil {
		return nil, false
	}
	key, err := parseOwnKey(text)
	if err != nil {
		return nil, false
	}
	sum, err := SumOf(key.Public())
	return key, err == nil && sum != a.pin // a server shows its key's certificate to all, and the authority's is no server's
}

// isServer reports whether agents would take leaf for this gateway's, with this key.
func (a *Authority) isServer(leaf *x509.Certificate, key crypto.Signer) bool {
	sum, err := SumOf(key.Public())
	t := always(sum)
	return err == nil && SumOfCert(leaf) == sum && vouched(leaf, a.cert, a.pin) == nil &&
		leaf.NotBefore.Equal(t.NotBefore) && leaf.NotAfter.Equal(t.NotAfter)
}

// renew makes a server certificate, and uses it.
func (a *Authority) renew(key crypto.Signer, in []string) error {
	var serial Sum
	_, _ = rand.Read(serial[:]) // it never fails
	t := always(serial)
	t.Subject = pkix.Name{CommonName: ServerName(a.pin)}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.DNSNames = []string{ServerName(a.pin)}
	for _, h := range in {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	leaf, err := sign(t, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	a.use(leaf, key)
	a.toSave(file{lanServerCert, certText(leaf, a.cert), publicMode})
	return nil
}

func (a *Authority) use(leaf *x509.Certificate, key crypto.Signer) {
	a.server.Store(&tls.Certificate{Certificate: [][]byte{leaf.Raw, a.cert.Raw}, PrivateKey: key, Leaf: leaf})
}

// wanted returns what the server certificate is to be for beside ServerName.
func (a *Authority) wanted(hosts []string) []string {
	in, _ := ServerHosts(hosts)
	return slices.DeleteFunc(in, func(h string) bool { return h == ServerName(a.pin) })
}

// hostsOf returns what a server certificate is for beside ServerName, as ServerHosts does.
func hostsOf(leaf *x509.Certificate, pin Sum) []string {
	var hosts []string
	for _, name := range leaf.DNSNames {
		if name != ServerName(pin) {
			hosts = append(hosts, name)
		}
	}
	for _, ip := range leaf.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	slices.Sort(hosts)
	return hosts
}
