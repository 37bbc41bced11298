package setup

import (
	"fmt"
	"os"
	"syscall"

	"piway/gateway/settings"
)

// keyReader says what is to be done so that the gateway's user can read a key that root made, "" if nothing is. That
// user is the one whose the data folder is; before a service's first start there may be none.
func keyReader(cfg *settings.Config) string {
	dir := cfg.Uplink.Certs.Dir
	key, _, err := ownerOf(certFile(dir, keyEnd))
	if os.Geteuid() != 0 || err != nil {
		return ""
	}
	user, group, err := ownerOf(cfg.Data.Dir)
	switch {
	case err != nil && key == 0:
		return fmt.Sprintf("only root can read the key; before a service of another user starts: sudo chown -R USER: %s   "+
			"(the systemd unit's user is piway-gateway)", dir)
	case err == nil && user != key && user != 0:
		return fmt.Sprintf("the gateway's user, whose %s is, cannot read the key: sudo chown -R %d:%d %s", cfg.Data.Dir, user,
			group, dir)
	}
	return ""
}

func ownerOf(path string) (uid, gid uint32, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	s := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // of a file of the system
	return s.Uid, s.Gid, nil
}
