package devices

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"piway/shared/pki"
)

// Join gives the invited device its key and returns it. It is on the list then, or has this key in place of what it had:
// its former key is a revoked one, its password is forgotten, and it may not be plain. When it returns nil all that is
// on disk, in one write. After an error nothing is changed; if that is files.ErrUnsure, the next start may find that it
// joined.
//
// The invitation is that key's from then on: the same key gets the same answer for as long as it is the device's, so
// that a power cut in the middle costs nothing. Another key gets ErrUsed, and the name that the
// invitation is for.
func (l *List) Join(id [6]byte, secret [16]byte, key pki.Sum, now Moment) (Device, error) {
	if key == (pki.Sum{}) {
		return Device{}, errors.New("no key")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i, err := l.find(id, secret)
	if err != nil {
		return Device{}, err
	}
	was, listed := l.byID(i.Of)
	if i.used() {
		return l.again(&i, was, key)
	}
	if i.Of != "" && !listed {
		return Device{}, ErrToken // somebody took the device out of the file, and left this
	}
	if err := l.mayJoin(&i, was, key, now); err != nil {
		return Device{}, err
	}
	return l.take(i, was, key, now)
}

// take has a key take the place of what the device was, "" being none, and the invitation.
func (l *List) take(i invitation, was Device, key pki.Sum, now Moment) (Device, error) {
	d := Device{Name: i.Name, ID: newID(), Key: key, Added: now.Wall.UTC().Truncate(time.Second)}
	if was.ID != "" {
		d.Name, d.ID, d.Added = was.Name, was.ID, was.Added
	}
	invited, revoked := l.invited, l.revoked
	i.Of, i.Key = d.ID, key
	l.invited = append(slices.DeleteFunc(slices.Clone(invited), func(o invitation) bool {
		return o.ID == i.ID || o.Of == d.ID && o.used() // of an earlier key
	}), i)
	if was.Key != key {
		l.mark(was)
	}
	l.put(d)
	if err := l.saveOr(func() {
		l.drop(d.Name)
		if was.ID != "" {
			l.put(was)
		}
		l.invited, l.revoked = invited, revoked
	}); err != nil {
		return Device{}, err
	}
	return d, nil
}

// find returns an invitation; a wrong secret takes as long as one that is not there.
func (l *List) find(id [6]byte, secret [16]byte) (i invitation, err error) {
	err = ErrToken
	i.SHA256 = strings.Repeat("-", 2*sha256.Size)
	text := hex.EncodeToString(id[:])
	for n := range l.invited {
		if l.invited[n].ID == text {
			i, err = l.invited[n], ErrSecret
		}
	}
	sum := sha256.Sum256(secret[:])
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(i.SHA256)) == 1 {
		return i, nil
	}
	return i, err
}

// again answers who has used the invitation i for the device d.
func (l *List) again(i *invitation, d Device, key pki.Sum) (Device, error) {
	_, standing := l.standing(key)
	switch {
	case i.Key != key:
		return Device{Name: i.Name}, fmt.Errorf("%s: %w", i.Name, ErrUsed)
	case standing == Revoked:
		return Device{}, fmt.Errorf("%s: %w", i.Name, ErrKeyRevoked)
	case d.Key != key:
		return Device{}, ErrToken // somebody took the key out of the file
	case l.unsure: // an earlier process may have been killed before it was on disk
		return d, l.save()
	}
	return d, nil
}

// mayJoin judges who uses the invitation i for the first time; was is the device that gets another key.
func (l *List) mayJoin(i *invitation, was Device, key pki.Sum, now Moment) error {
	name, standing := l.standing(key)
	_, taken := l.byName[i.Name]
	switch {
	case i.left(now) <= 0:
		return fmt.Errorf("%s: %w", i.Name, ErrExpired)
	case standing == Revoked:
		return fmt.Errorf("%s: %w", i.Name, ErrKeyRevoked)
	case standing == Known && name != was.Name:
		return fmt.Errorf("%s: %w", i.Name, ErrKeyTaken)
	case i.Of == "" && taken:
		return fmt.Errorf("%s: %w, try: piway-gateway invite %s --replace", i.Name, ErrExists, i.Name)
	}
	return nil
}
