package uplink

import (
	"errors"
	"time"
)

// IoT Core closes a session without a word when another one with its client id connects (developer guide, client id).
// Two gateways under one id then close each other's for ever. Each connects well, so neither certificate nor policy is
// the matter; that a connection is closed soon again and again, with no message to blame, is all that shows.

const (
	// shortest is how long a connection lasts that nobody else takes over.
	shortest = 2 * time.Minute
	// maxShort is how many shorter ones in a row it takes to say so.
	maxShort = 4
	// tryOtherID is what to do then.
	tryOtherID = "another uplink.client_id for each gateway, then piway-gateway aws setup for it; " +
		"if no other program uses this one, see whether the line to AWS is stable"
)

// noteShort counts the short connections that were not given up by this side in a row. Call it before noteEnd.
func (u *Uplink) noteShort(err error, lasted time.Duration) {
	for _, ours := range []error{errNoPuback, errStalled, errParked, errDenied} {
		if errors.Is(err, ours) {
			return
		}
	}
	switch {
	case lasted >= shortest:
		u.short = 0
	case u.settled == len(u.flight) || u.took:
		u.short++
	default: // perhaps for a message that is denied
		return
	}
	if u.short == maxShort {
		u.cfg.Log.Error("AWS closes each connection soon, as it does when another program has the same client id",
			"client_id", u.cfg.ClientID, "connections", u.short, "try", tryOtherID)
	}
}

// sharesID reports whether another program seems to use the client id, which is told.
func (u *Uplink) sharesID() bool { return u.short >= maxShort }
