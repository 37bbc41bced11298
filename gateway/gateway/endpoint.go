package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// doubts returns why the endpoint is one that hardly works, nil if nothing is odd about it: what its name says, and
// whether the certificate is known there.
func doubts(c *settings.Uplink) error {
	return errors.Join(c.Doubt(), elsewhere(c))
}

// elsewhere says that the certificate was made in another region than the endpoint's, nil where that is not certain.
func elsewhere(c *settings.Uplink) error {
	files, err := pki.Files{Roots: c.Certs.Roots, Cert: c.Certs.Cert, Key: c.Certs.Key}.FindRest(c.Certs.Dir)
	if err != nil {
		return nil // told by whoever needs them
	}
	text, err := os.ReadFile(files.Cert)
	made, region := cloud.CertificateRegion(text), c.Region()
	if err != nil || made == "" || region == cloud.RegionPlaceholder || made == region {
		return nil
	}
	return config.Try(config.Errorf("uplink.endpoint", "is in %s, and the certificate %s was made in %s and is not known "+
		"elsewhere, got %q", region, files.Cert, made, c.Endpoint),
		fmt.Sprintf("aws iot describe-endpoint --endpoint-type iot:Data-ATS --region %s, or piway-gateway aws setup", made))
}

// unconnected is why the check could not connect, with what to do about that and nothing else: the certificate is
// blamed only where AWS was reached.
func unconnected(err error, c *settings.Uplink, n cloud.Names) error {
	var unknown *net.DNSError
	var issuer x509.UnknownAuthorityError
	var name x509.HostnameError
	try := fmt.Sprintf("check that the certificate is active and that its policy allows iot:Connect for %s and %s",
		n.ClientID, n.CheckClient())
	switch {
	case errors.As(err, &unknown):
		try = fmt.Sprintf("correct uplink.endpoint, which is %q, or see whether this machine resolves other names", c.Endpoint)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, syscall.EINVAL), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		try = fmt.Sprintf("correct uplink.endpoint, which is %q, or the network: a firewall must let it out; port %s is often "+
			"open where %s is not", c.Endpoint, settings.ALPNPort, settings.MQTTSPort)
	case errors.As(err, &issuer), errors.As(err, &name):
		try = fmt.Sprintf("see whether uplink.endpoint, which is %q, is the address that iot:Data-ATS has, and whether the "+
			"roots in uplink.certs are Amazon's", c.Endpoint)
	case errors.Is(err, mqttlink.ErrNotTLS):
		try = fmt.Sprintf("correct the port of uplink.endpoint, which is %q; AWS speaks MQTT on %s and %s", c.Endpoint,
			settings.MQTTSPort, settings.ALPNPort)
	}
	return config.Try(fmt.Errorf("connecting to AWS: %w", err), try)
}
