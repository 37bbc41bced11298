package devices

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"piway/shared/sample"
)

// ErrSame is returned by Rename for the name that the device has.
var ErrSame = errors.New("the device has this name already, try: another one")

// A Change is one of names, of which the store of claims on metric names has to be told. It stands in the file with the
// list that it made, until Applied.
type Change struct {
	// Device is the name that it had.
	Device string `json:"device"`
	// To is the name that it was given; empty where it was removed.
	To string `json:"to,omitempty"`
	// Metric is the only one that it gave up, where the device stays.
	Metric string `json:"metric,omitempty"`
}

// A Metric is one that a device sends, as it goes to the cloud.
type Metric struct {
	Name string `json:"name"`
	// Unit is empty, and Seen zero, where only an earlier version has seen it.
	Unit string `json:"unit"`
	// Value is the newest, which arrived at Seen. After a start of the gateway it may be one that is an hour older.
	Value float64   `json:"value"`
	Seen  time.Time `json:"seen,omitzero"`
}

// A Beside is what of a device stays on the LAN, and what it says of itself, as far as the gateway has heard since its
// start.
type Beside struct {
	Local      []Metric          `json:"local"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Rename gives a device another name; its password stays. After an error it has the old one; if that is
// files.ErrUnsure, the next start may find the new one.
func (l *List) Rename(old, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.byName[old]
	switch _, taken := l.byName[name]; {
	case !ok:
		return fmt.Errorf("%.80s: %w", old, ErrUnknown)
	case !sample.IsDeviceName(name):
		return fmt.Errorf("%.80q: %w", name, ErrName)
	case name == old:
		return fmt.Errorf("%s: %w", name, ErrSame)
	case taken:
		return fmt.Errorf("%s: %w, try: another name; or piway-gateway device remove %s first, if that one is gone", name,
			ErrExists, name)
	}
	was := d
	d.Name = name
	l.drop(old)
	l.put(d)
	return l.saveWith(Change{Device: old, To: name}, func() {
		l.drop(name)
		l.put(was)
	})
}

// ErrNoPassword is returned by Password for a device that has a key, or is revoked.
var ErrNoPassword = errors.New("has no password")

// Password gives a device a new password, and returns it. One with a key has none (ErrNoPassword). After an error it has the old one; if that is
// files.ErrUnsure, the next start may find one that nobody knows: make another then.
func (l *List) Password(name string) (password string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, ok := l.byName[name]
	if !ok {
		return "", fmt.Errorf("%.80s: %w", name, ErrUnknown)
	}
	if was.SHA256 == "" {
		return "", fmt.Errorf("%s %w: %s", name, ErrNoPassword, noPassword(&was))
	}
	d := was
	password, d.SHA256 = newPassword()
	l.put(d)
	if err := l.saveOr(func() { l.put(was) }); err != nil {
		return "", err
	}
	return password, nil
}

// noPassword says why a device has none, and what to do.
func noPassword(d *Device) string {
	if !d.Revoked.IsZero() {
		return fmt.Sprintf("it is revoked, try: piway-gateway invite %s --replace for an agent; for anything else piway-gateway "+
			"device remove %s, then piway-gateway device add %s", d.Name, d.Name, d.Name)
	}
	return "it has a key, which is all that it needs, try: piway-gateway invite " + d.Name + " --replace for another card"
}

// Free gives up a metric name of a device. After an error it has not.
func (l *List) Free(name, metric string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.byName[name]; !ok {
		return fmt.Errorf("%.80s: %w", name, ErrUnknown)
	}
	if err := sample.CheckName(metric); err != nil {
		return err
	}
	return l.saveWith(Change{Device: name, Metric: metric}, func() {})
}

// saveWith is saveOr, with a change of names.
func (l *List) saveWith(c Change, undo func()) error {
	l.changes = append(l.changes, c)
	return l.saveOr(func() {
		l.changes = l.changes[:len(l.changes)-1]
		undo()
	})
}

// Changes are those that were made and not Applied, oldest first.
func (l *List) Changes() []Change {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.changes)
}

// Applied says that the n oldest changes are in the store, on disk. Until the list can be written, which Save tries too,
// they come again at a start, and must do no harm then.
func (l *List) Applied(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = slices.Delete(l.changes, 0, n)
	_ = l.save() // it is unsure now, so Save goes on
}
