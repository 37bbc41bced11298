package devices

import (
	"fmt"
	"time"

	"piway/shared/pki"
)

// A RevokedKey is one that is never let in again.
type RevokedKey struct {
	Key pki.Sum `json:"key"`
	// Device is the name of whose it was.
	Device string `json:"device"`
	// At is when, in UTC.
	At time.Time `json:"at"`
}

// A Standing is what a key is to the list.
type Standing int

// The standings.
const (
	Unknown Standing = iota
	Known
	Revoked
)

// ByKey returns whose key this is, or was.
func (l *List) ByKey(sum pki.Sum) (device string, standing Standing) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.standing(sum)
}

func (l *List) standing(sum pki.Sum) (string, Standing) {
	if k, ok := revokedIn(l.revoked, sum); ok {
		return k.Device, Revoked
	}
	if name, ok := l.byKey[sum]; ok {
		return name, Known
	}
	return "", Unknown
}

func revokedIn(all []RevokedKey, sum pki.Sum) (RevokedKey, bool) {
	for _, k := range all {
		if k.Key == sum {
			return k, true
		}
	}
	return RevokedKey{}, false
}

// mark marks the key that a device had, if it had one. l.mu is held.
func (l *List) mark(d Device) {
	if d.Key != (pki.Sum{}) {
		l.markKey(RevokedKey{d.Key, d.Name, today()})
	}
}

// markKey reports whether the key was not marked before. Its device, if there is one, is revoked.
func (l *List) markKey(k RevokedKey) bool {
	if _, ok := revokedIn(l.revoked, k.Key); ok {
		return false
	}
	l.revoked = append(l.revoked, k)
	if d, ok := l.byName[l.byKey[k.Key]]; ok {
		d.Key, d.Plain, d.Revoked = pki.Sum{}, false, k.At
		l.put(d)
	}
	return true
}

// lock makes a device a revoked one.
func (l *List) lock(d Device) {
	l.mark(d)
	d.Key, d.SHA256, d.Plain, d.Revoked = pki.Sum{}, "", false, today()
	l.put(d)
}

// Revoke locks a device out, and leaves it on the list with its id, its name and what it claimed: its key is a revoked
// one, its password is forgotten, and so are its invitations that nobody used. From now on this process does not let it
// in, whatever the error. When it returns nil that is on disk, and stays there in a power cut. ErrUnsaved says that it
// may not: Revoke and Save try again.
func (l *List) Revoke(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.byName[name]
	if !ok {
		return fmt.Errorf("%.80s: %w", name, ErrUnknown)
	}
	if d.Revoked.IsZero() {
		l.cut[name] = d
		l.lock(d)
	}
	l.withdraw(func(i *invitation) bool { return i.Of == d.ID && !i.used() })
	return l.saveLockout(name)
}
