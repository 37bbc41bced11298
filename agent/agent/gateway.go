package agent

import (
	"crypto/tls"
	"log/slog"
	"path/filepath"

	"piway/agent/find"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/mdns"
	"piway/shared/pki"
)

// memoryFile is the file in spool.dir in which the gateway is remembered.
const memoryFile = "gateway"

// finder returns what finds the gateway for the agent that runs, and remembers it.
func (c Config) finder(log *slog.Logger) (*find.Finder, error) { return c.find(false, log) }

// visitor is a finder for a command: it leaves no files, which might be root's.
func (c Config) visitor(log *slog.Logger) (*find.Finder, error) { return c.find(true, log) }

func (c Config) find(look bool, log *slog.Logger) (*find.Finder, error) {
	g := c.Gateway
	opt := find.Options{
		Search: find.Search{Addresses: g.places(), Pins: g.Pins}, Look: look, Log: log.With("part", "find"),
	}
	if g.MDNS {
		opt.Browse = mdns.Find
	}
	if c.Spool.Dir != "" {
		opt.Memory = filepath.Join(c.Spool.Dir, memoryFile)
	}
	key, err := c.Key()
	if err != nil {
		return nil, err
	}
	opt.Key = key
	for _, path := range c.OpenSecrets() {
		log.Warn("every user of this machine can read a secret", "file", path, "try", "sudo chmod o= "+path)
	}
	return find.New(opt)
}

// Key returns the device's key, nil if it has none.
func (c Config) Key() (*tls.Certificate, error) {
	if c.Gateway.KeyFile == "" {
		return nil, nil
	}
	key, err := pki.LoadDeviceKey(c.Gateway.KeyFile)
	if err != nil {
		return nil, config.Errorf("gateway.key_file", "%w", err)
	}
	return key, nil
}

// OpenSecrets returns which of the files with a key or a password every user of this machine may read, by their modes.
// That is told and no error: the agents of earlier versions took them so.
func (c Config) OpenSecrets() (open []string) {
	secret := c.Gateway.KeyFile // with it no password is sent
	if secret == "" {
		secret = c.Gateway.PasswordFile
	}
	if secret != "" && files.IsOpen(secret) {
		open = append(open, secret)
	}
	return open
}

// password is sent where there is no key: a device that has a key has no password.
func (c Config) password() string {
	if c.Gateway.KeyFile != "" {
		return ""
	}
	return string(c.Gateway.Password)
}
