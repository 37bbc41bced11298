package devices

import (
	"cmp"
	"slices"
	"time"

	"piway/shared/pairing"
	"piway/shared/pki"
)

// What an Entry says of the way in which a device proves who it is.
const (
	KindKey      = "key"      // by its key
	KindPassword = "password" // by a password, over TLS
	KindPlain    = "plain"    // by a password that it may show to who listens
)

// What an Entry says of where a device stands.
const (
	StateConnected = "connected"
	StateOffline   = "offline"
	StateRevoked   = "revoked"
	StateInvited   = "invited" // and not on the list yet
)

// An Entry is what is shown of a device, or of who is invited.
type Entry struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
	// Kind and State are one of those above; Kind is "" for who cannot get in.
	Kind  string    `json:"kind,omitempty"`
	State string    `json:"state"`
	Added time.Time `json:"added,omitzero"`
	// Invited is for how many seconds an invitation of it is open, 0 for none. One of a device that is on the list is for
	// another key.
	Invited int64 `json:"invited_s,omitempty"`
	// What the running gateway knows since its start: when the device was heard last, from which address, whether by TLS,
	// and its agent's version.
	Seen    time.Time `json:"last_seen,omitzero"`
	Address string    `json:"address,omitempty"`
	TLS     bool      `json:"tls,omitempty"`
	Version string    `json:"version,omitempty"`
}

// Entries returns who is on the list or invited, by name. Nobody is connected, as far as the list knows.
func (l *List) Entries(now Moment) []Entry {
	pending := l.Pending(now)
	all := []Entry{}
	for _, d := range l.All() {
		e := Entry{Name: d.Name, ID: d.ID, Kind: d.kind(), State: StateOffline, Added: d.Added}
		if !d.Revoked.IsZero() {
			e.State = StateRevoked
		}
		for _, p := range pending {
			if p.Replace && p.Name == d.Name {
				e.Invited = seconds(p.Left)
			}
		}
		all = append(all, e)
	}
	for _, p := range pending {
		if !p.Replace {
			all = append(all, Entry{Name: p.Name, State: StateInvited, Invited: seconds(p.Left)})
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func seconds(d time.Duration) int64 { return max(int64(d/time.Second), 1) }

func (d *Device) kind() string {
	switch {
	case d.Key != pki.Sum{}:
		return KindKey
	case d.SHA256 == "":
		return ""
	case d.Plain:
		return KindPlain
	}
	return KindPassword
}

// A Token is what is pasted on a device.
type Token struct {
	Device string `json:"device"`
	Token  string `json:"token"`
}

// Tokens invites, see Invite, and returns what to paste: the invitations, how to know the gateway and where it may be.
func (l *List) Tokens(names []string, replace bool, now Moment, pin pki.Sum, addresses []string) ([]Token, error) {
	if _, err := (pairing.Token{Pin: pin, Addresses: addresses}).String(); err != nil {
		return nil, err // before anybody is invited
	}
	invited, err := l.Invite(names, replace, now)
	if err != nil {
		return nil, err
	}
	all := make([]Token, 0, len(invited))
	for _, i := range invited {
		text, err := pairing.Token{ID: i.ID, Secret: i.Secret, Pin: pin, Addresses: addresses}.String()
		if err != nil {
			return nil, err
		}
		all = append(all, Token{i.Name, text})
	}
	return all, nil
}

// Invitees are asked for together: all are invited or none.
type Invitees struct {
	Names []string `json:"names"`
	// Replace says that they are on the list, and get another key.
	Replace bool `json:"replace,omitempty"`
}
