package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
)

// maxSmall bounds a configuration and a key.
const maxSmall = 1 << 20

// Gather reads what a backup of the gateway holds, whose configuration at path is cfg. now is its date. A gateway that
// runs goes on.
func Gather(ctx context.Context, path string, cfg *settings.Config, withAWSKey bool, now time.Time) (*Archive, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	list, err := deviceList(ctx, cfg.Data.Dir)
	if err != nil {
		return nil, err
	}
	a := &Archive{Made: now, Files: []File{{Name: configName, Text: text}, {Name: devicesName, Text: list}}}
	a.Devices, a.Revoked = count(list)
	authority, err := authorityFiles(datadir.PKI(cfg.Data.Dir))
	if err != nil {
		return nil, err
	}
	a.Files = append(a.Files, authority...)
	if withAWSKey {
		keys, err := awsFiles(&cfg.Uplink.Certs)
		if err != nil {
			return nil, fmt.Errorf("uplink.certs: %w", err)
		}
		a.Files = append(a.Files, keys...)
	}
	if n := len(a.Files); n > maxFiles {
		return nil, fmt.Errorf("the backup would have %d files, and may have %d: see what is in %s", n, maxFiles,
			datadir.PKI(cfg.Data.Dir))
	}
	return a, nil
}

// deviceList is what the running gateway goes by, or the file of a stopped one, locked against its start.
func deviceList(ctx context.Context, dir string) ([]byte, error) {
	var text json.RawMessage
	err := control.Call(ctx, dir, "GET", "/backup/devices", nil, &text)
	if err == nil {
		var b bytes.Buffer
		err = json.Indent(&b, text, "", "  ")
		return append(b.Bytes(), '\n'), err
	}
	if !errors.Is(err, control.ErrNotRunning) {
		return nil, fmt.Errorf("asking for the device list: %w", err)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("data.dir: %w", err) // and is not made
	}
	lock, err := datadir.Lock(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	list, err := devices.Open(datadir.Devices(dir))
	if err != nil {
		return nil, config.PermitData(err, dir)
	}
	return list.Text()
}

// authorityFiles are all plain files of the authority's folder but those that are being written. ca.key is the first.
func authorityFiles(dir string) (found []File, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the gateway has not started yet
	}
	if err != nil {
		return nil, asRoot(fmt.Errorf("reading the gateway's authority: %w", err))
	}
	for _, e := range entries {
		name := pkiPrefix + e.Name()
		if !e.Type().IsRegular() || strings.HasSuffix(name, ".tmp") || !goodName(name) {
			continue
		}
		text, err := readSmall(filepath.Join(dir, e.Name()))
		switch {
		case err == nil:
			found = append(found, File{Name: name, Text: text})
		case !errors.Is(err, fs.ErrNotExist): // else it is one that is made anew just now
			return nil, fmt.Errorf("reading the gateway's authority: %w", err)
		}
	}
	return found, keyed(found, dir)
}

// keyed refuses files of an authority without its key.
func keyed(found []File, dir string) error {
	if a := (&Archive{Files: found}); len(found) > 0 && !a.HasAuthority() {
		return fmt.Errorf("reading the gateway's authority: %s has no %s", dir, strings.TrimPrefix(caKey, pkiPrefix))
	}
	return nil
}

// awsFiles are what proves the gateway to AWS, by role.
func awsFiles(c *settings.Certs) (found []File, err error) {
	at, err := pki.Files{Roots: c.Roots, Cert: c.Cert, Key: c.Key}.FindRest(c.Dir)
	if err != nil {
		return nil, err
	}
	add := func(role, path string) {
		text, rerr := readSmall(path)
		name := awsPrefix + filepath.Base(path)
		if rerr == nil && !goodName(name) {
			rerr = fmt.Errorf("%s: its name cannot stand in a backup", path)
		}
		err = errors.Join(err, rerr)
		found = append(found, File{Name: name, Text: text, Role: role})
	}
	add(roleKey, at.Key)
	add(roleCert, at.Cert)
	for _, root := range at.Roots {
		add(roleRoot, root)
	}
	return found, err
}

// Roles of files of aws/.
const (
	roleKey  = "key"
	roleCert = "cert"
	roleRoot = "root"
)

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, asRoot(err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(text) > maxSmall {
		err = fmt.Errorf("%s: has more than %d bytes", path, maxSmall)
	}
	return text, err
}

// asRoot adds what to do where the files are the service's.
func asRoot(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return config.Try(err, "sudo")
	}
	return err
}
