package devices

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"piway/shared/files"
	"piway/shared/pki"
)

// Errors on which callers branch.
var (
	// ErrExists is returned by Add and Invite for a name that is on the list, and by Join for one that is by now.
	ErrExists = errors.New("a device of this name exists already")
	// ErrUnknown is returned for a name that is not.
	ErrUnknown = errors.New("no device of this name, try: piway-gateway device list")
	// ErrUnsaved is returned by Remove and Revoke if the device is locked out, and the list on disk may have it still.
	ErrUnsaved = errors.New("the device is locked out now, but the list on disk may still have it: if it comes back at " +
		"the next start, do it again")
	// ErrChanged says that another program has put a list in the place of ours.
	ErrChanged = errors.New("another program has changed the device list; start the gateway again to take it as it is")
	// ErrName is returned by Add for a name that no device may have, see [sample.IsDeviceName].
	ErrName = errors.New("a device name is 1 to 63 letters, digits, dots, underscores and hyphens, the first a letter or digit")
)

// A Device is an entry of the list. It has a key, or a password, or is revoked: one of the three.
type Device struct {
	Name string `json:"name"`
	// ID is 32 hex digits, which a device keeps under whatever name.
	ID string `json:"id,omitempty"`
	// Key is the sum of its public key, zero for none.
	Key pki.Sum `json:"key,omitzero"`
	// SHA256 of the password, in hex, "" for none. The password is random with at least 128 bits, so no slow hash is
	// needed.
	SHA256 string `json:"sha256,omitempty"`
	// Plain says that it may show its password without TLS.
	Plain bool `json:"plain,omitempty"`
	// Added in UTC.
	Added time.Time `json:"added"`
	// Revoked is when it was locked out, in UTC; zero for never.
	Revoked time.Time `json:"revoked,omitzero"`
}

// A List is the file and its content. Its methods are safe for concurrent use in one process; two processes must not
// change the same file.
type List struct {
	fs   files.FS
	path string

	mu      sync.RWMutex // guards what follows
	byName  map[string]Device
	byKey   map[pki.Sum]string  // names of devices with a key
	alike   map[string][]string // the names of byName by the same in lower case, each in order
	text    []byte              // what the file held when it was read or written here last; nil while there is none
	tried   []byte              // what was to be written last
	unsure  bool                // after a power cut the file may hold something else than what is here
	removed map[string]Device   // and then may have these, which are locked out,
	cut     map[string]Device   // these as they were before they were revoked,
	void    map[string]string   // and these invitations, with the names of their devices
	revoked []RevokedKey        // for ever
	invited []invitation        // oldest first; replaced, never changed in place
	changes []Change            // of which the store of claims was not told yet
	version uint64              // of byName; never 0 for who asks
	swept   bool                // what earlier versions left behind is gone
}

type file struct {
	Devices []Device `json:"devices"`
	// RevokedKeys are never forgotten, so that none of them is an unknown key again.
	RevokedKeys []RevokedKey `json:"revoked_keys,omitempty"`
	Invitations []invitation `json:"invitations,omitempty"`
	// Changes are on disk with the list that they made, so that a kill leaves both or neither.
	Changes []Change `json:"changes,omitempty"`
}

// Open reads the list at path; a file that is not there is an empty list. It writes nothing.
func Open(path string) (*List, error) { return OpenIn(files.System, path) }

// OpenIn is Open on another file system.
func OpenIn(f files.FS, path string) (*List, error) {
	l := &List{
		fs: f, path: path, byName: map[string]Device{}, byKey: map[pki.Sum]string{}, alike: map[string][]string{},
		removed: map[string]Device{}, cut: map[string]Device{}, void: map[string]string{},
	}
	text, err := read(f, path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the device list: %w", err)
	}
	list, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the device list %s: %w, try: mend it, or put the devices.json of a backup there "+
			"(tar -xOf FILE devices.json); without one, move it away and invite all devices again", path, err)
	}
	for _, d := range list.Devices {
		l.put(d)
	}
	// What an earlier process wrote, if it was killed meanwhile or its disk failed, may be in the kernel's memory only.
	l.text, l.unsure, l.changes, l.revoked, l.invited = text, true, list.Changes, list.RevokedKeys, list.Invitations
	return l, nil
}

func read(f files.FS, path string) ([]byte, error) {
	r, err := f.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	return text, errors.Join(err, r.Close())
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

// Admits reports whether a device of this name is on the list and not revoked.
func (l *List) Admits(name string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	d, ok := l.byName[name]
	return ok && d.Revoked.IsZero()
}

// AdmitsAny reports whether any device may connect.
func (l *List) AdmitsAny() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, d := range l.byName {
		if d.Revoked.IsZero() {
			return true
		}
	}
	return false
}

// Alike returns the devices of this name whatever its case, by name. It is not to be changed.
func (l *List) Alike(name string) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.alike[strings.ToLower(name)]
}

// Version is another one after each change of what Has and Alike return, and never 0.
func (l *List) Version() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.version + 1
}

// put puts a device into memory, and drop takes one out. l.mu is held.
func (l *List) put(d Device) {
	l.drop(d.Name)
	l.byName[d.Name] = d
	if d.Key != (pki.Sum{}) {
		l.byKey[d.Key] = d.Name
	}
	l.version++
	k := strings.ToLower(d.Name)
	l.alike[k] = slices.Sorted(slices.Values(append(slices.Clone(l.alike[k]), d.Name)))
}

func (l *List) drop(name string) {
	delete(l.byKey, l.byName[name].Key)
	delete(l.byName, name)
	l.version++
	k := strings.ToLower(name)
	rest := slices.DeleteFunc(slices.Clone(l.alike[k]), func(n string) bool { return n == name })
	if l.alike[k] = rest; len(rest) == 0 {
		delete(l.alike, k)
	}
}

// Authenticate reports whether name is a device and password its own. Where the connection is not secure, without TLS,
// only a device that may be plain is let in. One with a key has no password, and neither has one that is revoked.
func (l *List) Authenticate(name, password string, secure bool) bool {
	l.mu.RLock()
	d, known := l.byName[name]
	l.mu.RUnlock()
	sum := sha256.Sum256([]byte(password))
	got := hex.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(d.SHA256)) == 1 && known && (secure || d.Plain)
}

// Plain reports whether any device may show its password without TLS.
func (l *List) Plain() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, d := range l.byName {
		if d.Plain && d.SHA256 != "" {
			return true
		}
	}
	return false
}
