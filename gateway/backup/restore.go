package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"piway/configs"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/files"
)

// A Place is where a gateway is to be restored.
type Place struct {
	// Config is the path of its configuration.
	Config string
	// KeepConfig goes by the configuration that is there, and leaves it alone.
	KeepConfig bool
}

// A Restored is what Restore made.
type Restored struct {
	Settings settings.Config
	// Queue says whether a store is in the data folder already, which was copied there.
	Queue bool
	// AWSKey says whether the gateway has what proves it to AWS.
	AWSKey bool
}

// Restore writes what an archive holds into a data folder without devices and authority, and writes the configuration.
// nil means that all of it is on disk. After any error, or a kill, the same call goes on; it replaces nothing that is
// there, unless that is what a call before has written.
func Restore(a *Archive, to Place) (*Restored, error) {
	r := &restoration{a: a, to: to}
	if err := r.plan(); err != nil {
		return nil, err
	}
	lock, err := datadir.Lock(r.cfg.Data.Dir)
	if errors.Is(err, datadir.ErrBusy) {
		return nil, config.Try(errors.New("a gateway runs on "+r.cfg.Data.Dir), "stop it: sudo systemctl stop piway-gateway")
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	if err := r.room(); err != nil {
		return nil, err
	}
	for _, w := range r.writes {
		if err := w.do(); err != nil {
			return nil, fmt.Errorf("restoring %s: %w; the same command goes on", w.path, err)
		}
	}
	made := &Restored{Settings: r.cfg}
	_, err = os.Stat(datadir.Queue(r.cfg.Data.Dir))
	made.Queue = err == nil
	_, err = awsFiles(&r.cfg.Uplink.Certs)
	made.AWSKey = err == nil
	return made, nil
}

// A restoration is one call of Restore.
type restoration struct {
	a      *Archive
	to     Place
	cfg    settings.Config
	writes []write // in their order
}

// A write is a file to be made.
type write struct {
	path string
	text []byte
	mode fs.FileMode
	// folder is the mode of a folder that is made for it.
	folder fs.FileMode
	// over says that another content is no obstacle.
	over bool
}

// do writes the file, unless it is there as it should be. What root makes is its folder's owner's.
func (w *write) do() error {
	if is, err := readPlain(w.path); err == nil && bytes.Equal(is, w.text) {
		return nil
	}
	if err := files.System.Mkdir(filepath.Dir(w.path), w.folder); err != nil {
		return err
	}
	err := files.Replace(files.System, w.path, w.text, w.mode)
	if errors.Is(err, files.ErrUnsure) && files.NoFolderSync(err) {
		return nil
	}
	return err
}

// plan says what is to be written where, from the archive alone.
func (r *restoration) plan() error {
	text := r.a.file(configName)
	r.cfg = settings.Default()
	if err := config.Decode("the backup's "+configName, text, &r.cfg); err != nil {
		return config.Try(err, "a configuration of this version in "+r.to.Config+", and --keep-config")
	}
	if r.to.KeepConfig {
		var err error
		if r.cfg, err = settings.Load(r.to.Config); err != nil {
			return err
		}
	}
	if err := r.planData(); err != nil {
		return err
	}
	for _, f := range r.a.below(awsPrefix) {
		path, err := r.awsPath(f)
		if err != nil {
			return err
		}
		r.writes = append(r.writes, write{path: path, text: f.Text, mode: modeOf(f.Name), folder: 0o700})
	}
	if !r.to.KeepConfig {
		r.writes = append(r.writes, write{path: r.to.Config, text: text, mode: 0o644, folder: 0o755})
	}
	return nil
}

// planData is what goes into the data folder.
func (r *restoration) planData() error {
	list := r.a.file(devicesName)
	if err := devices.Check(list); err != nil {
		return fmt.Errorf("the backup's %s: %w", devicesName, err)
	}
	authority := r.a.below(pkiPrefix)
	if len(authority) > 0 && !r.a.HasAuthority() {
		return fmt.Errorf("the backup has files of an authority and no %s", caKey)
	}
	slices.SortStableFunc(authority, func(x, y File) int { return rank(x) - rank(y) })
	for _, f := range authority {
		r.writes = append(r.writes, write{
			path: filepath.Join(datadir.PKI(r.cfg.Data.Dir), strings.TrimPrefix(f.Name, pkiPrefix)), text: f.Text,
			mode: modeOf(f.Name), folder: 0o700, over: f.Name != caKey,
		})
	}
	r.writes = append(r.writes, write{path: datadir.Devices(r.cfg.Data.Dir), text: list, mode: 0o600, folder: 0o750})
	return nil
}

// rank puts the authority's key first: a gateway that starts too early makes the other files from it.
func rank(f File) int {
	if f.Name == caKey {
		return 0
	}
	return 1
}

// modeOf lets only its owner read what is not a certificate by its name.
func modeOf(name string) fs.FileMode {
	if strings.HasSuffix(name, ".crt") || strings.HasPrefix(name, awsPrefix) && !strings.Contains(name, "private") &&
		strings.HasSuffix(name, ".pem") {
		return 0o644
	}
	return 0o600
}

// awsPath is where a file of the AWS key goes: where the configuration says, or into its folder.
func (r *restoration) awsPath(f File) (string, error) {
	c := &r.cfg.Uplink.Certs
	base := strings.TrimPrefix(f.Name, awsPrefix)
	in := func(set string) string {
		if set != "" {
			return set
		}
		return filepath.Join(c.Dir, base)
	}
	switch f.Role {
	case roleKey:
		return in(c.Key), nil
	case roleCert:
		return in(c.Cert), nil
	case roleRoot:
		for _, path := range c.Roots {
			if filepath.Base(path) == base {
				return path, nil
			}
		}
		return filepath.Join(c.Dir, base), nil
	}
	return "", fmt.Errorf("the backup's %s has the role %.40q, which is none", f.Name, f.Role)
}

// room refuses what would replace something. Nothing is written yet.
func (r *restoration) room() error {
	if err := r.unused(); err != nil {
		return err
	}
	for i := range r.writes {
		w := &r.writes[i]
		is, err := readPlain(w.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return asRoot(err)
		case bytes.Equal(is, w.text), w.over, w.path == datadir.Devices(r.cfg.Data.Dir): // that was looked at
			continue
		case w.path == r.to.Config && bytes.Equal(is, configs.Gateway):
			continue // nobody has changed it
		case w.path == r.to.Config:
			return config.Try(fmt.Errorf("%s is there, and another than the backup's", w.path),
				"mv "+w.path+" "+w.path+".old, or --keep-config to go by what is there")
		}
		return config.Try(fmt.Errorf("%s is there, and another than the backup's", w.path), "move it away, then this again")
	}
	return nil
}

// unused refuses a data folder that a gateway has devices or an authority in, other than this backup's.
func (r *restoration) unused() error {
	dir := r.cfg.Data.Dir
	moveAway := "sudo mv " + dir + " " + dir + ".old, if that gateway is not needed any more"
	key, err := readPlain(filepath.Join(datadir.PKI(dir), strings.TrimPrefix(caKey, pkiPrefix)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return asRoot(err)
	case !bytes.Equal(key, r.a.file(caKey)):
		return config.Try(fmt.Errorf("%s has the authority of another gateway, which made it at its first start", dir),
			moveAway)
	}
	list, err := readPlain(datadir.Devices(dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return asRoot(err)
	}
	if n, _ := count(list); n > 0 && !sameDevices(list, r.a.file(devicesName)) {
		return config.Try(fmt.Errorf("%s has %d devices of another gateway, or of this one at another time", dir, n),
			moveAway)
	}
	return nil
}

// sameDevices says whether two lists are of the same devices. A gateway may have written one of them anew since.
func sameDevices(a, b []byte) bool {
	var x, y struct{ Devices []any }
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x.Devices, y.Devices)
}

// readPlain reads a plain file; a link, or anything else, is an error.
func readPlain(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, config.Try(fmt.Errorf("%s is not a plain file", path), "move it away, then this again")
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes", path, info.Size())
	}
	return os.ReadFile(path)
}
