// Package setup makes AWS ready for a gateway, with the user's aws tool, and undoes it. Its promises: each command is
// shown before it is run; interrupted or failed, the same call goes on where it stopped; a key that is there is
// replaced by a renewal only, and then by one that has connected.
package setup

import (
	"fmt"
	"io"
	"path/filepath"

	awsfiles "piway/configs/aws"
	"piway/gateway/settings"
	"piway/shared/pki"
)

// certName is the name of the gateway's files in the certificate folder, whatever the client id is.
const certName = "piway-gateway"

func certFile(dir, end string) string { return filepath.Join(dir, certName+end) }

// Endings of these files, as shared/pki writes them.
const (
	keyEnd  = "-private.pem.key"
	certEnd = "-certificate.pem.crt"
	csrEnd  = ".csr.pem"
)

// Request makes a private key and a certificate signing request, with Amazon's roots beside them. A key that is there
// is kept.
func Request(cfg *settings.Config, out io.Writer) error {
	r, err := newRequest(cfg.Uplink.Certs.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "key      %s; keep it secret, AWS has no copy\nrequest  %s\nroots    Amazon's, beside them\n", r.Key, r.CSR)
	if tell := keyReader(cfg); tell != "" {
		_, err = fmt.Fprintf(out, "reader   %s\n", tell)
	}
	return err
}

// newRequest makes or finds key and request, with the roots beside them.
func newRequest(dir string) (*pki.Request, error) {
	r, err := pki.NewRequest(dir, certName)
	if err != nil {
		return nil, fmt.Errorf("uplink.certs.dir: %w", err)
	}
	if err := r.WriteRoots(awsfiles.Roots()); err != nil {
		return nil, fmt.Errorf("uplink.certs.dir: %w", err)
	}
	return r, nil
}
