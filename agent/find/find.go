// Package find finds the gateway. Its one promise: at whatever address somebody answers, nothing that is secret is said
// there before a pin has proved that it is the gateway.
//
// It looks at the address that worked last, at those of the configuration, and then on the local network, where anybody
// can answer. Without pins it is as before there were any: one address, without TLS, and nothing is proved.
package find

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"piway/shared/config"
	"piway/shared/pki"
)

// A Way is how an address was found.
type Way string

// The ways, in the order in which they are gone.
const (
	Last       Way = "the last that worked"
	Configured Way = "configured"
	Network    Way = "found on the local network"
)

// A Place is where the gateway may be.
type Place struct {
	// Address is HOST:PORT.
	Address string
	Way     Way
}

// A Search is where to look, and for whom.
type Search struct {
	// Last and Addresses are HOST:PORT. Last is "" if none is known.
	Last      string
	Addresses []string
	Pins      []pki.Sum
	// Browse is mdns.Find; nil where the local network is not asked.
	Browse func(ctx context.Context, pin8s [][8]byte) ([]netip.AddrPort, error)
}

// Reach is how long one place may take to answer and to be proved: a host that is off does not answer at all.
const Reach = 3 * time.Second

// browseTime bounds the question to the local network.
const browseTime = 3 * time.Second

// Stop makes an error of a try the last one: the gateway itself has said it, and no other place would say better.
func Stop(err error) error { return stop{err} }

type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// Each calls try with one place after another, each address once, until it returns nil or a Stop. It returns nil then,
// or what Stop was given, or the error of ctx, or else all that try returned.
func (s Search) Each(ctx context.Context, try func(context.Context, Place) error) error {
	t := &tries{seen: map[string]bool{}, try: try}
	var known []Place
	if s.Last != "" {
		known = append(known, Place{s.Last, Last})
	}
	for _, a := range s.Addresses {
		known = append(known, Place{a, Configured})
	}
	if t.end(ctx, known) {
		return t.last
	}
	if s.Browse == nil || len(s.Pins) == 0 {
		return t.failed()
	}
	found, err := s.browse(ctx)
	if t.end(ctx, found) {
		return t.last
	}
	switch {
	case err != nil:
		t.all = append(t.all, err)
	case !t.anew:
		t.all = append(t.all, errNobody)
	}
	return t.failed()
}

// errNobody is what the local network gave.
var errNobody = errors.New("no other place was found on the local network (mDNS)")

func (s Search) browse(ctx context.Context) (places []Place, err error) {
	pin8s := make([][8]byte, len(s.Pins))
	for i, p := range s.Pins {
		copy(pin8s[i][:], p[:])
	}
	ctx, cancel := context.WithTimeout(ctx, browseTime)
	defer cancel()
	found, err := s.Browse(ctx, pin8s)
	for _, a := range found {
		places = append(places, Place{a.String(), Network})
	}
	return places, err
}

// tries are what was tried.
type tries struct {
	try  func(context.Context, Place) error
	seen map[string]bool
	all  []error
	anew bool  // something was tried by the last call of end
	last error // what Each returns
}

// end tries places, and returns whether there is nothing more to try.
func (t *tries) end(ctx context.Context, places []Place) bool {
	t.anew = false
	for _, p := range places {
		if t.seen[p.Address] || ctx.Err() != nil {
			continue
		}
		t.seen[p.Address], t.anew = true, true
		err := t.try(ctx, p)
		if err == nil {
			return true
		}
		if s, ok := errors.AsType[stop](err); ok {
			t.last = s.error
			return true
		}
		t.all = append(t.all, err)
	}
	t.last = ctx.Err()
	return t.last != nil
}

// failed is all errors as one, that of a single place as it was.
func (t *tries) failed() error {
	if len(t.all) == 1 {
		return t.all[0]
	}
	return everywhere(t.all)
}

// everywhere are the errors of several places, in one line, and behind them what can be done: each hint once.
type everywhere []error

func (e everywhere) Error() string {
	texts, hints := make([]string, len(e)), ""
	for i, err := range e {
		texts[i] = err.Error()
		hint := config.Hint(err)
		if hint == "" {
			continue
		}
		hint = ", try: " + hint
		texts[i] = strings.Replace(texts[i], hint, "", 1)
		if !strings.Contains(hints, hint) {
			hints += hint
		}
	}
	return strings.Join(texts, "; ") + hints
}

func (e everywhere) Unwrap() []error { return e }
