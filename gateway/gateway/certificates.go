package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"piway/gateway/settings"
	"piway/shared/pki"
)

// certificates are what the gateway shows to AWS. They are read anew for each connection: a new certificate, or a clock
// that is right at last, needs no restart.
type certificates struct {
	cfg  settings.Certs
	host string
	alpn []string
	log  *slog.Logger

	mu     sync.Mutex  // guards the fields below
	last   *tls.Config // the newest that was good
	warned string      // why the files are not used now; warned of once
	open   string      // the key that others may read; warned of once
}

// load returns what proves the gateway to AWS at now; a zero now asks for no validity, as in pki.Files.Client. Where
// the files have become unusable since they were good, it is what they were.
func (c *certificates) load(now time.Time) (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	read, err := c.read(now)
	switch {
	case err == nil:
		c.last, c.warned = read, ""
	case c.last != nil && !errors.Is(err, pki.ErrTime):
		if c.warned != err.Error() {
			c.warned = err.Error()
			c.log.Warn("the certificate files cannot be used, going on with what they were", "err", err)
		}
		return c.last, nil
	}
	return read, err
}

func (c *certificates) read(now time.Time) (_ *tls.Config, err error) {
	files := pki.Files{Roots: c.cfg.Roots, Cert: c.cfg.Cert, Key: c.cfg.Key}
	if files, err = files.FindRest(c.cfg.Dir); err != nil {
		return nil, fmt.Errorf("uplink.certs: %w", err)
	}
	shown, err := files.Client(c.host, now)
	if err != nil {
		return nil, fmt.Errorf("uplink.certs: %w", err)
	}
	shown.NextProtos = c.alpn
	if files.KeyIsOpen() && c.open != files.Key {
		c.open = files.Key
		c.log.Warn("every user of this machine can read the private key", "file", files.Key, "try", "chmod 600 "+files.Key)
	}
	return shown, nil
}
