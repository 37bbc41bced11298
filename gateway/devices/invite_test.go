package devices_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/devices"
	"piway/shared/pairing"
)

// An invitation is good for an hour of the machine's clock that nobody sets, and of the other only after a restart, if
// that was right then and is now.
func TestList_Join_expiry(t *testing.T) {
	const hour, minute = time.Hour, time.Minute
	for name, tt := range map[string]struct {
		wrongThen bool
		change    func(*devices.Moment)
		want      error
	}{
		"at once":   {false, func(*devices.Moment) {}, nil},
		"just good": {false, func(m *devices.Moment) { m.SinceBoot += hour - 1 }, nil},
		"an hour":   {false, func(m *devices.Moment) { m.SinceBoot += hour }, devices.ErrExpired},
		"the wall clock is set, forwards": {false, func(m *devices.Moment) {
			m.Wall = m.Wall.Add(1000 * hour)
		}, nil},
		"the wall clock is set, back": {false, func(m *devices.Moment) {
			m.Wall, m.SinceBoot = m.Wall.Add(-1000*hour), m.SinceBoot+hour
		}, devices.ErrExpired},
		"the wall clock is wrong, same boot": {true, func(m *devices.Moment) { m.Right = false }, nil},
		"restarted": {false, func(m *devices.Moment) {
			m.Boot, m.SinceBoot, m.Wall = "two", minute, m.Wall.Add(hour-minute)
		}, nil},
		"restarted, too late": {false, func(m *devices.Moment) {
			m.Boot, m.SinceBoot, m.Wall = "two", minute, m.Wall.Add(hour)
		}, devices.ErrExpired},
		"restarted, the clock is not right yet": {false, func(m *devices.Moment) {
			m.Boot, m.SinceBoot, m.Right = "two", minute, false
		}, devices.ErrExpired},
		"restarted, the clock was wrong": {true, func(m *devices.Moment) {
			m.Boot, m.SinceBoot = "two", minute
		}, devices.ErrExpired},
		"restarted, and earlier": {false, func(m *devices.Moment) {
			m.Boot, m.SinceBoot, m.Wall = "two", minute, m.Wall.Add(-minute)
		}, devices.ErrExpired},
		"the same boot, and earlier": {false, func(m *devices.Moment) { m.SinceBoot -= minute }, devices.ErrExpired},
		"a boot without a name": {false, func(m *devices.Moment) {
			m.Boot, m.Right = "", false
		}, devices.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			p := newRig(t)
			p.now.Right = !tt.wrongThen
			i := p.invite("kitchen", false)
			p.again()
			p.now.Right = true
			tt.change(&p.now)
			if open := len(p.Pending(p.now)) > 0; open != (tt.want == nil) {
				t.Errorf("open %t", open)
			}
			if _, err := p.join(i, sum(1)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// All are invited or none, and nobody who is on the list without being told so.
func TestList_Invite_refuses(t *testing.T) {
	p := newRig(t)
	add(t, p.List, "kitchen")
	before := p.text()
	for _, tt := range []struct {
		names   string
		replace bool
		want    error
	}{
		{"attic kitchen", false, devices.ErrExists},
		{"kitchen attic", true, devices.ErrUnknown},
		{"attic a/b", false, devices.ErrName},
		{"attic attic", false, nil},
		{"kitchen kitchen", true, nil},
	} {
		made, err := p.Invite(strings.Fields(tt.names), tt.replace, p.now)
		if err == nil || made != nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, %v", tt.names, made, err)
		}
	}
	if p.text() != before || len(p.Pending(p.now)) > 0 {
		t.Errorf("somebody is invited: %s", p.text())
	}
}

// Inviting again voids what was there, and nothing else; so does removing.
func TestList_Invite_again(t *testing.T) {
	p := newRig(t)
	password := add(t, p.List, "kitchen")
	old, cellar := p.invite("attic", false), p.invite("cellar", false)
	stolen := p.invite("kitchen", true)
	if err := p.Rename("kitchen", "pantry"); err != nil {
		t.Fatal(err)
	}
	attic, pantry := p.invite("attic", false), p.invite("pantry", true)
	if err := p.Remove("cellar"); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove("cellar"); !errors.Is(err, devices.ErrUnknown) {
		t.Errorf("removing again: got %v", err)
	}
	var got []string
	for _, in := range p.Pending(p.now) {
		got = append(got, fmt.Sprintf("%s %t %s", in.Name, in.Replace, in.Left))
	}
	if want := []string{"attic false 1h0m0s", "pantry true 1h0m0s"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	p.again()
	for _, i := range []devices.Invited{old, cellar, stolen} {
		if _, err := p.join(i, sum(1)); !errors.Is(err, devices.ErrToken) {
			t.Errorf("%s: got %v", i.Name, err)
		}
	}
	if !p.Authenticate("pantry", password, true) {
		t.Error("the password is void before a key came")
	}
	if _, err := p.join(attic, sum(1)); err != nil {
		t.Error(err)
	}
	if _, err := p.join(pantry, sum(2)); err != nil {
		t.Error(err)
	}
}

// What is open is bounded. What has expired makes room, the oldest first; who comes with it is told so as long as that
// can be.
func TestList_Invite_bounded(t *testing.T) {
	p := newRig(t)
	p.joined("kitchen", sum(1)) // used ones take no room
	var all []string
	for n := range 101 {
		all = append(all, fmt.Sprint("pi", n))
	}
	if _, err := p.Invite(all, false, p.now); !errors.Is(err, devices.ErrTooMany) {
		t.Errorf("101 at once: got %v", err)
	}
	if _, err := p.Invite(all[:100], false, p.now); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Invite(all[100:], false, p.now); !errors.Is(err, devices.ErrTooMany) {
		t.Errorf("one more: got %v", err)
	}
	if _, err := p.Invite(all[:100], false, p.now); err != nil {
		t.Errorf("all again, in their own places: %v", err)
	}
	first, err := p.Invite(all[:100], false, p.now)
	if err != nil {
		t.Fatal(err)
	}
	p.now.SinceBoot += time.Hour
	p.invite("attic", false)
	p.again()
	for n, want := range []error{devices.ErrToken, devices.ErrExpired} {
		if _, err := p.join(first[n], sum(2)); !errors.Is(err, want) {
			t.Errorf("the invitation %d: got %v, want %v", n, err, want)
		}
	}
	if n := len(p.Pending(p.now)); n != 1 {
		t.Errorf("%d are open", n)
	}
}

// What an invited device pastes is nowhere in the list.
func TestList_Tokens(t *testing.T) {
	p := newRig(t)
	if _, err := p.Tokens([]string{"attic"}, false, p.now, sum(9), []string{"no port"}); err == nil || len(p.Pending(p.now)) > 0 {
		t.Errorf("an address that no token holds: got %v, and %v", err, p.Pending(p.now))
	}
	all, err := p.Tokens([]string{"attic", "cellar"}, false, p.now, sum(9), []string{"192.0.2.1:8883"})
	if err != nil || len(all) != 2 || all[1].Device != "cellar" {
		t.Fatalf("got %+v, %v", all, err)
	}
	token, err := pairing.ParseToken(all[1].Token)
	if err != nil || token.Pin != sum(9) || !slices.Equal(token.Addresses, []string{"192.0.2.1:8883"}) {
		t.Errorf("got %v, %v", token, err)
	}
	if d, err := p.Join(token.ID, token.Secret, sum(1), p.now); err != nil || d.Name != "cellar" {
		t.Errorf("got %+v, %v", d, err)
	}
	if _, err := p.Add("plug", true); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Revoke("cellar"), func() error { _, err := p.Add("garden", false); return err }()); err != nil {
		t.Fatal(err)
	}
	p.invite("garden", true)
	var got []string
	for _, e := range p.Entries(p.now) {
		got = append(got, strings.Join([]string{e.Name, e.Kind, e.State, fmt.Sprint(len(e.ID), e.Invited)}, " "))
	}
	want := []string{"attic  invited 0 3600", "cellar  revoked 32 0", "garden password offline 32 3600", "plug plain offline 32 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
