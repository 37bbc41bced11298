package trial

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/pki"
)

// makeCertificates makes the folder in which localcore and the gateway find who the other is, for the user of the
// services. One that is there is used, unless a call was ended while it was made.
func (t *trial) makeCertificates(cfg *settings.Config) (made bool, err error) {
	dir := cfg.Uplink.Certs.Dir
	uid, gid, known := t.owner()
	if err := makeParent(filepath.Dir(dir), uid, gid, known); err != nil {
		return false, fmt.Errorf("uplink.certs.dir: %w", err)
	}
	if usable(dir) != nil {
		if err := os.RemoveAll(dir); err != nil { // nobody else's: ForTrial has named it
			return false, fmt.Errorf("uplink.certs.dir: %w", err)
		}
		if err := pki.MakeAWS(dir, nil); err != nil {
			return false, fmt.Errorf("uplink.certs.dir: %w", err)
		}
		made = true
	}
	for _, folder := range []string{filepath.Dir(dir), dir} {
		if owner, ok := files.Owner(folder); known && ok && owner != uid {
			return made, config.Try(fmt.Errorf("uplink.certs.dir: the services' user cannot read %s", folder),
				fmt.Sprintf("sudo chown -R %d:%d %s", uid, gid, filepath.Dir(dir)))
		}
	}
	return made, nil
}

// usable returns nil if both sides can be served from a folder.
func usable(dir string) error {
	if _, err := pki.Server(dir); err != nil {
		return err
	}
	found, err := pki.Find(dir)
	if err != nil {
		return err
	}
	_, err = found.Client("127.0.0.1", time.Now())
	return err
}

// owner is whom the services run as; not known where root is to give nothing away.
func (t *trial) owner() (uid, gid int, known bool) {
	if os.Geteuid() != 0 || t.cloud == nil || t.cloud.User == "" {
		return 0, 0, false
	}
	u, err := user.Lookup(t.cloud.User)
	if err != nil {
		return 0, 0, false // systemd will say so
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return uid, gid, uidErr == nil && gidErr == nil
}

// makeParent makes the certificate folder. One that is root's and empty nobody has used yet: it is given to the services'
// user, who could not read what will be in it.
func makeParent(dir string, uid, gid int, known bool) error {
	if err := files.System.Mkdir(dir, 0o750); err != nil {
		return err
	}
	if owner, ok := files.Owner(dir); !ok || !known || owner != 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	return os.Chown(dir, uid, gid)
}
