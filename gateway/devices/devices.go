// Package devices is the list of who may connect.
//
// Its promise: nobody is let in but a device on the list with its password, and no password can be read from the list.
// The list is a small file of its own, so that it outlives a damaged queue; it is replaced as a whole, never half written.
package devices

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
)

// namePattern is what the name of a device matches. It is a level of MQTT topics and part of metric names.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// ValidName reports whether a device may have this name: 1 to 63 letters, digits, dots, underscores and hyphens, the
// first a letter or digit.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// Errors on which callers branch.
var (
	// ErrExists is returned by Add for a name that is on the list.
	ErrExists = errors.New("a device of this name is there already")
	// ErrUnknown is returned by Remove for a name that is not.
	ErrUnknown = errors.New("no device of this name")
	// ErrName is returned by Add for a name that does not match the pattern.
	ErrName = errors.New("a device name is 1 to 63 letters, digits, dots, underscores and hyphens, the first a letter or digit")
)

// A Device is an entry of the list.
type Device struct {
	Name string `json:"name"`
	// SHA256 of the password, in hex. The password is random with at least 128 bits, so no slow hash is needed.
	SHA256 string `json:"sha256"`
	// Added in UTC.
	Added time.Time `json:"added"`
}

// A List is the file and its content. Its methods are safe for concurrent use in one process; two processes must not
// change the same file.
type List struct {
	path string

	mu     sync.RWMutex // guards byName
	byName map[string]Device
}

type file struct {
	Devices []Device `json:"devices"`
}

// Open reads the list at path; a file that is not there is an empty list.
func Open(path string) (*List, error) {
	l := &List{path: path, byName: map[string]Device{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the device list: %w", err)
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the device list %s: %w", path, err)
	}
	for _, d := range f.Devices {
		l.byName[d.Name] = d
	}
	return l, nil
}

// parse refuses what could let somebody in by mistake.
func parse(text []byte) (file, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return f, err
	}
	seen := map[string]bool{}
	for _, d := range f.Devices {
		if !ValidName(d.Name) || seen[d.Name] {
			return f, fmt.Errorf("name %.80q: invalid or there twice", d.Name)
		}
		if sum, err := hex.DecodeString(d.SHA256); err != nil || len(sum) != sha256.Size {
			return f, fmt.Errorf("device %s: sha256 is not %d hex digits", d.Name, 2*sha256.Size)
		}
		seen[d.Name] = true
	}
	return f, nil
}

// Add puts a device on the list and returns its new password, which is kept nowhere. When it returns nil the list is on
// disk.
func (l *List) Add(name string) (password string, err error) {
	if !ValidName(name) {
		return "", fmt.Errorf("%.80q: %w", name, ErrName)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.byName[name]; ok {
		return "", fmt.Errorf("%s: %w", name, ErrExists)
	}
	password = rand.Text() // at least 128 bits
	sum := sha256.Sum256([]byte(password))
	l.byName[name] = Device{Name: name, SHA256: hex.EncodeToString(sum[:]), Added: time.Now().UTC().Truncate(time.Second)}
	if err := l.save(); err != nil {
		delete(l.byName, name)
		return "", err
	}
	return password, nil
}

// Remove takes a device off the list. When it returns nil the list is on disk.
func (l *List) Remove(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.byName[name]
	if !ok {
		return fmt.Errorf("%.80s: %w", name, ErrUnknown)
	}
	delete(l.byName, name)
	if err := l.save(); err != nil {
		l.byName[name] = d
		return err
	}
	return nil
}

// All returns the devices by name.
func (l *List) All() []Device {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.sorted()
}

func (l *List) sorted() []Device {
	all := make([]Device, 0, len(l.byName))
	for _, d := range l.byName {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Device) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Has reports whether a device of this name is on the list.
func (l *List) Has(name string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ok := l.byName[name]
	return ok
}

// Authenticate reports whether name is a device and password its own.
func (l *List) Authenticate(name, password string) bool {
	l.mu.RLock()
	d, known := l.byName[name]
	l.mu.RUnlock()
	sum := sha256.Sum256([]byte(password))
	got := hex.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(d.SHA256)) == 1 && known
}

// save writes the whole list beside the old one and puts it in its place.
func (l *List) save() error {
	text, err := json.MarshalIndent(file{Devices: l.sorted()}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the device list: %w", err)
	}
	if err := replace(l.path, append(text, '\n')); err != nil {
		return fmt.Errorf("writing the device list: %w", err)
	}
	return nil
}

// replace makes text the content of path, or leaves the old one: temporary file, fsync, rename, fsync of the folder.
func replace(path string, text []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".devices-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	_, werr := f.Write(text)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
