package devices

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"piway/shared/pki"
	"piway/shared/sample"
)

const (
	// maxInvited bounds the invitations that nobody used.
	maxInvited = 100
	// invitedFor is how long one can be used.
	invitedFor = time.Hour
)

// ErrTooMany is returned by Invite beyond 100 invitations that are open.
var ErrTooMany = fmt.Errorf("more than %d invitations would be open, try: again in an hour, or piway-gateway device remove "+
	"for who is not to come", maxInvited)

// A Moment is a time by both of this machine's clocks, and what is known of them.
type Moment struct {
	// Wall is by the clock on the wall, which Right says is known to be right.
	Wall  time.Time
	Right bool
	// SinceBoot is the time since the machine started, sleep included, which nobody sets; Boot names that start, and is
	// "" where the system does not say.
	SinceBoot time.Duration
	Boot      string
}

// Invited is what one device needs to join. The list keeps a hash of the secret only.
type Invited struct {
	Name   string
	ID     [6]byte
	Secret [16]byte
}

// An invitation is what the list keeps of one. It is used once it has a key.
type invitation struct {
	ID   string `json:"id"`
	Name string `json:"device"`
	// Of is the id of the device that gets another key, or that joined by it.
	Of string `json:"device_id,omitempty"`
	// SHA256 of the secret, which is random with 128 bits.
	SHA256 string `json:"sha256"`
	// Made is by the clock on the wall, in UTC, which was right or not.
	Made  time.Time `json:"made"`
	Right bool      `json:"clock_right,omitempty"`
	// Boot and SinceBoot are when it was made by the other clock.
	Boot      string        `json:"boot,omitempty"`
	SinceBoot time.Duration `json:"since_boot_ns"`
	Key       pki.Sum       `json:"key,omitzero"`
}

func (i *invitation) used() bool { return i.Key != pki.Sum{} }

// left is for how long it can be used; 0 or less says that it has expired. In the boot of the machine in which it was
// made the clock of that boot says so; in another one only a clock on the wall that was right then and is right now.
func (i *invitation) left(now Moment) time.Duration {
	age := time.Duration(-1)
	switch {
	case i.Boot != "" && i.Boot == now.Boot:
		age = now.SinceBoot - i.SinceBoot
	case i.Right && now.Right:
		age = now.Wall.Sub(i.Made)
	}
	if age < 0 {
		return 0
	}
	return invitedFor - age
}

// Invite makes invitations for devices that are not on the list yet, or, with replace, for devices that are and are to
// get another key. An invitation that the same device has and has not used is void. All are made or none: when it
// returns nil they are on disk. After an error none is good for anything, unless that is files.ErrUnsure and a power cut
// comes: then an invitation may be there that nobody knows the secret of.
func (l *List) Invite(names []string, replace bool, now Moment) ([]Invited, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var made []Invited
	was, all := l.invited, slices.Clone(l.invited)
	for n, name := range names {
		d, err := l.mayInvite(name, replace)
		if err == nil && slices.Contains(names[:n], name) {
			err = fmt.Errorf("%s is there twice", name)
		}
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(i invitation) bool {
			return !i.used() && i.Of == d.ID && (replace || i.Name == name)
		})
		one, kept := newInvitation(name, d.ID, now)
		made, all = append(made, one), append(all, kept)
	}
	all = makeRoom(all, now)
	if open := countOpen(all); open > maxInvited {
		return nil, fmt.Errorf("%d invitations: %w", len(names), ErrTooMany)
	}
	l.invited = all
	if err := l.saveOr(func() { l.invited = was }); err != nil {
		return nil, err
	}
	return made, nil
}

// mayInvite returns the device that is to get another key.
func (l *List) mayInvite(name string, replace bool) (d Device, err error) {
	d, listed := l.byName[name]
	switch {
	case !sample.IsDeviceName(name):
		return d, fmt.Errorf("%.80q: %w", name, ErrName)
	case listed && !replace:
		return d, fmt.Errorf("%s: %w, try: piway-gateway invite %s --replace, which voids its key or password when the new "+
			"one comes", name, ErrExists, name)
	case !listed && replace:
		return d, fmt.Errorf("%s: %w; or invite it without --replace", name, ErrUnknown)
	}
	return d, nil
}

func newInvitation(name, of string, now Moment) (Invited, invitation) {
	one := Invited{Name: name}
	_, _ = rand.Read(one.ID[:]) // never fails
	_, _ = rand.Read(one.Secret[:])
	sum := sha256.Sum256(one.Secret[:])
	return one, invitation{
		ID: hex.EncodeToString(one.ID[:]), Name: name, Of: of, SHA256: hex.EncodeToString(sum[:]),
		Made: now.Wall.UTC().Truncate(time.Millisecond), Right: now.Right, Boot: now.Boot, SinceBoot: now.SinceBoot,
	}
}

func countOpen(all []invitation) (n int) {
	for i := range all {
		if !all[i].used() {
			n++
		}
	}
	return n
}

// makeRoom forgets the oldest that have expired, as far as there are too many: who comes too late is told so while that
// can be.
func makeRoom(all []invitation, now Moment) []invitation {
	over := countOpen(all) - maxInvited
	return slices.DeleteFunc(all, func(i invitation) bool {
		if over <= 0 || i.used() || i.left(now) > 0 {
			return false
		}
		over--
		return true
	})
}

// withdraw makes invitations void, and reports whether there were any. l.mu is held.
func (l *List) withdraw(which func(*invitation) bool) (some bool) {
	l.invited = slices.DeleteFunc(slices.Clone(l.invited), func(i invitation) bool {
		if !which(&i) {
			return false
		}
		l.void[i.ID], some = i.Name, true
		return true
	})
	return some
}

// A Pending is an invitation that can be used.
type Pending struct {
	// Name is that of the device now. Replace says that it is on the list already.
	Name    string
	Replace bool
	Left    time.Duration
}

// Pending returns the invitations that can be used now, oldest first.
func (l *List) Pending(now Moment) (all []Pending) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := range l.invited {
		in := &l.invited[i]
		left := in.left(now)
		if in.used() || left <= 0 {
			continue
		}
		p := Pending{Name: in.Name, Replace: in.Of != "", Left: left}
		if d, ok := l.byID(in.Of); ok {
			p.Name = d.Name
		}
		all = append(all, p)
	}
	return all
}

// byID returns the device of an id, which may be "".
func (l *List) byID(id string) (Device, bool) {
	for _, d := range l.byName {
		if id != "" && d.ID == id {
			return d, true
		}
	}
	return Device{}, false
}

// Errors of Join.
var (
	// ErrToken is returned for an invitation that is not known, and ErrSecret, which is one and says the same, for a wrong
	// secret of one that is.
	ErrToken  = errors.New("no such invitation, try: piway-gateway invite NAME for a new one")
	ErrSecret = fmt.Errorf("%w", ErrToken)
	// ErrExpired is returned for one that was not used in time.
	ErrExpired = errors.New("the invitation has expired, try: piway-gateway invite NAME for a new one")
	// ErrUsed is returned for one that another key has used.
	ErrUsed = errors.New("another key has used the invitation, try: piway-gateway invite NAME --replace; device revoke NAME " +
		"first, if that key is not yours")
	// ErrKeyRevoked is returned for a key that is revoked.
	ErrKeyRevoked = errors.New("this key is revoked, try: another key: remove the agent's key file and join again")
	// ErrKeyTaken is returned for a key that another device has.
	ErrKeyTaken = errors.New("another device has this key, try: another key: remove the agent's key file and join again")
)
