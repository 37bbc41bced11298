package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/runas"
)

const (
	// DefaultPath is where the unit's agent has its configuration.
	DefaultPath = "/etc/piway/agent.yaml"
	// Account is the user of the agent's unit for systemd.
	Account = "piway-agent"
	// stateDirectory is the folder that systemd gives the unit, whoever it belonged to.
	stateDirectory = "/var/lib/piway-agent"
)

// ServiceUser is whom the service of the configuration at path runs as, nil for the user of this process.
func (c Config) ServiceUser(path string) *runas.User {
	account := ""
	if path == DefaultPath {
		account = Account
	}
	if c.Spool.Dir == "" {
		return runas.Service(account, c.Gateway.KeyFile, c.Gateway.PasswordFile)
	}
	return runas.Service(account, filepath.Join(c.Spool.Dir, memoryFile), c.Spool.Dir)
}

// SpoolUsable returns nil if this user can keep readings in spool.dir. A folder that is not there is fs.ErrNotExist, if
// it can be made, as by systemd.
func (c Config) SpoolUsable() error {
	if c.Spool.Dir == "" {
		return nil
	}
	err := files.Usable(c.Spool.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if errors.Is(err, fs.ErrPermission) && c.Spool.Dir == stateDirectory && !files.IsForeign(c.Spool.Dir) {
		return fmt.Errorf("%s: %w", c.Spool.Dir, fs.ErrNotExist) // systemd makes it, or gives root's to the unit
	}
	return config.PermitData(err, c.Spool.Dir)
}
