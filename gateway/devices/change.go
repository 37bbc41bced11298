package devices

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"piway/shared/files"
	"piway/shared/sample"
)

// Add puts a device on the list and returns its new password, which is kept nowhere. When it returns nil the list is
// on disk, and stays there in a power cut. After any error the device is not let in, and there is no password; if the
// error is files.ErrUnsure, the next start may find the name on the list, with a password that nobody knows: remove it
// then. Only with plain is the password taken without TLS.
func (l *List) Add(name string, plain bool) (password string, err error) {
	if !sample.IsDeviceName(name) {
		return "", fmt.Errorf("%.80q: %w", name, ErrName)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, ok := l.byName[name]; ok {
		return "", fmt.Errorf("%s: %w%s", name, ErrExists, instead(&d, plain))
	}
	password, sum := newPassword()
	l.put(Device{Name: name, ID: newID(), SHA256: sum, Plain: plain, Added: today()})
	if err := l.saveOr(func() { l.drop(name) }); err != nil {
		return "", err
	}
	return password, nil
}

// instead is what to do with a device that is there rather than to add it.
func instead(d *Device, plain bool) string {
	switch {
	case d.SHA256 == "":
		return ", and " + noPassword(d)
	case plain && !d.Plain:
		return fmt.Sprintf(", and is let in by TLS only, try: piway-gateway device remove %s, then this again; another name "+
			"for a second device", d.Name)
	}
	return fmt.Sprintf(", try: piway-gateway device password %s for a new password; another name for a second device", d.Name)
}

// newID returns 16 random bytes, in hex.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// today is by the clock on the wall, for people.
func today() time.Time { return time.Now().UTC().Truncate(time.Second) }

// newPassword returns a password and its sum, in hex.
func newPassword() (password, sum string) {
	password = rand.Text() // at least 128 bits
	of := sha256.Sum256([]byte(password))
	return password, hex.EncodeToString(of[:])
}

// saveOr saves a change. If that fails it is undone, also on disk as far as that can be.
func (l *List) saveOr(undo func()) error {
	err := l.save()
	if err == nil {
		return nil
	}
	undo()
	if errors.Is(err, files.ErrUnsure) {
		_ = l.save() // without it again; if that fails too, Save goes on
	}
	return err
}

// Remove takes a device off the list, and its invitations; its key stays a revoked one. From now on this process does
// not let it in, whatever the error. When it returns nil the list is on disk, and stays there in a power cut.
// ErrUnsaved says that it may not: Remove and Save try again.
func (l *List) Remove(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.byName[name]
	if ok {
		l.drop(name)
		l.mark(d)
		l.removed[name] = d
		l.changes = append(l.changes, Change{Device: name})
	}
	withdrawn := l.withdraw(func(i *invitation) bool { return i.Of == "" && i.Name == name || i.Of != "" && i.Of == d.ID })
	if !ok && !withdrawn && !l.going(name) {
		return fmt.Errorf("%.80s: %w", name, ErrUnknown)
	}
	return l.saveLockout(name)
}

// going reports whether the disk may have a device of this name, or an invitation of it, that was removed here.
func (l *List) going(name string) bool {
	_, removed := l.removed[name]
	for _, of := range l.void {
		removed = removed || of == name
	}
	return removed
}

// saveLockout saves what holds whatever the disk says.
func (l *List) saveLockout(name string) error {
	if err := l.save(); err != nil {
		return fmt.Errorf("%.80s: %w: %w", name, ErrUnsaved, err)
	}
	return nil
}

// Save writes the list if the disk may hold another one: what was opened, since an earlier process may have left it in
// the kernel's memory only, what could not be written, and what is gone or damaged since. nil means that memory and
// disk agree; ErrChanged that they do not, and that it is for somebody to say which is right. Who keeps a list open
// calls Save now and then.
func (l *List) Save() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.unsure && l.there() {
		return nil
	}
	return l.save()
}

// Inherit takes over from a list of the same file that this process had before: what that one removed or revoked and
// could not write is not let in. before may be nil.
func (l *List) Inherit(before *List) {
	if before == nil || before == l {
		return
	}
	before.mu.RLock()
	defer before.mu.RUnlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, d := range before.removed {
		if o, ok := l.byID(d.ID); ok {
			l.drop(o.Name)
		}
		l.removed[name], l.unsure = d, true
		l.changes = append(l.changes, Change{Device: name})
	}
	for name, d := range before.cut {
		if o, ok := l.byID(d.ID); ok {
			l.lock(o)
		}
		l.cut[name], l.unsure = d, true
	}
	for _, k := range before.revoked {
		l.unsure = l.markKey(k) || l.unsure
	}
	for id, name := range before.void {
		l.withdraw(func(i *invitation) bool { return i.ID == id })
		l.void[id], l.unsure = name, true
	}
}

// save writes the whole list beside the old one and puts it in its place. After an error the list is unsure.
func (l *List) save() error {
	text, err := l.encode()
	if err != nil {
		return fmt.Errorf("writing the device list: %w", err)
	}
	l.unsure = true
	if l.foreign() {
		return fmt.Errorf("writing the device list: %w", ErrChanged)
	}
	l.sweep()
	l.tried = text
	err = l.replace(text)
	if errors.Is(err, files.ErrUnsure) {
		err = l.replace(text) // a new file with an entry of its own: to sync the folder again would prove nothing
	}
	if err != nil {
		return fmt.Errorf("writing the device list: %w, try: make room on the gateway's disk (df), or mend it (dmesg), then "+
			"the same again", err)
	}
	l.unsure = false
	clear(l.removed)
	clear(l.cut)
	clear(l.void)
	return nil
}

func (l *List) replace(text []byte) error {
	err := files.Replace(l.fs, l.path, text, 0o600)
	if err == nil || errors.Is(err, files.ErrUnsure) {
		l.text = text
	}
	if errors.Is(err, files.ErrUnsure) && files.NoFolderSync(err) {
		return nil
	}
	return err
}

// encode returns the list as it goes into the file: as it was read, byte for byte, while nothing is changed.
func (l *List) encode() ([]byte, error) {
	if f, err := parse(l.text); err == nil && l.same(&f) {
		return l.text, nil
	}
	text, err := json.MarshalIndent(file{
		Devices: l.sorted(), RevokedKeys: l.revoked, Invitations: l.invited, Changes: l.changes,
	}, "", "  ")
	return append(text, '\n'), err
}

func (l *List) same(f *file) bool {
	for _, d := range f.Devices {
		if l.byName[d.Name] != d {
			return false
		}
	}
	return len(f.Devices) == len(l.byName) && slices.Equal(f.Changes, l.changes) &&
		slices.Equal(f.RevokedKeys, l.revoked) && slices.Equal(f.Invitations, l.invited)
}

// there reports whether the file is as it was read or written here last.
func (l *List) there() bool {
	text, err := read(l.fs, l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l.text == nil
	}
	return err == nil && bytes.Equal(text, l.text)
}

// foreign reports whether another program has put a list of its own in the file's place. What is no list is none.
func (l *List) foreign() bool {
	text, err := read(l.fs, l.path)
	if err != nil || bytes.Equal(text, l.text) || bytes.Equal(text, l.tried) {
		return false
	}
	_, err = parse(text)
	return err == nil
}

// oldTemp begins the names of the temporary files of earlier versions.
const oldTemp = ".devices-"

// sweep removes, once, what earlier versions left beside the file when they were killed: it holds sums of passwords.
func (l *List) sweep() {
	if l.swept {
		return
	}
	l.swept = true
	dir := filepath.Dir(l.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // as is told by what follows
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), oldTemp) && e.Type().IsRegular() {
			_ = l.fs.Remove(filepath.Join(dir, e.Name())) // it does no harm
		}
	}
}
