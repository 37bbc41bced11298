package uplink

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"piway/shared/mqttlink"
)

// IoT Core closes a session without a word when another one with its client id connects (developer guide, client id).
// Two gateways under one id then close each other's for ever. Each connects well, so neither certificate nor policy is
// the matter; that a connection is closed soon again and again, by the other side and with no message to blame, is all
// that shows. Then this one tries every ten minutes only, so that the other one has the connection meanwhile: when it
// is gone, the next one lasts, and all is as before.
//
// What looks alike is told apart so:
//
//	the line is bad        the connection ends by a timeout, or none can be made: nothing is counted, and it starts anew
//	a message is denied    it was under way and nothing was acknowledged, or an examination has found it: the same
//	AWS lets go of it once the next one lasts
//	this side gives it up  the same
//
// A line on which something between the two closes each connection well within two minutes cannot be told apart. What
// is to be sent then goes every ten minutes.

const (
	// shortest is how long a connection lasts that nobody else takes over.
	shortest = 2 * time.Minute
	// maxShort is how many shorter ones in a row it takes to say so: two minutes of them by uplink.connect_interval's
	// default. A service that ends connections for some seconds makes nobody wait for ten minutes.
	maxShort = 12
	// SharedInterval is the least time between two CONNECTs from then on.
	SharedInterval = 10 * time.Minute
	// endWait is how long the end of a connection may take to show.
	endWait = time.Second
	// tryOtherID is what to do then.
	tryOtherID = "stop the other gateway, or another uplink.client_id for each, then piway-gateway aws setup for it; " +
		"if no other program uses this one, see whether the line to AWS is stable"
)

// noteShort counts the short connections in a row that the other side closed. err is why this side stopped sending,
// cause is why the connection ended. Call it before noteEnd.
func (u *Uplink) noteShort(err, cause error, lasted time.Duration) {
	switch {
	case lasted >= shortest, !closedByPeer(cause), explained(err):
		u.alone()
		return
	case u.settled == len(u.flight) || u.took:
		u.short++
	default: // perhaps for a message that is denied
		return
	}
	if u.short < maxShort {
		return
	}
	u.shared.Store(true)
	if !u.sharedTold {
		u.sharedTold = true
		u.cfg.Log.Error("AWS closes each connection soon, as it does when another program has the same client id; "+
			"trying only now and then from now on, and keeping everything", "client_id", u.cfg.ClientID,
			"connections", u.short, "every", u.away(), "try", tryOtherID)
	}
}

// ended returns why a connection ended on which sending ended with err; nil if it has not. A message may hear of the
// end before the connection does.
func (*Uplink) ended(ctx context.Context, link *mqttlink.Link, err error) error {
	if !explained(err) && ctx.Err() == nil {
		t := time.NewTimer(endWait)
		defer t.Stop()
		select {
		case <-link.Lost():
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return link.Err()
}

// noteNoLine forgets the count where a connection could not be made for the line's sake: it may have ended those
// before.
func (u *Uplink) noteNoLine(err error) {
	var network *net.OpError
	var unknown *net.DNSError
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &unknown) ||
		errors.As(err, &network) && network.Op == "dial" {
		u.alone()
	}
}

// noteLasts is asked while a connection stands.
func (u *Uplink) noteLasts(now time.Time) {
	if now.Sub(u.served) < shortest {
		return
	}
	if u.sharedTold {
		u.cfg.Log.Info("the connection to AWS lasts again", "client_id", u.cfg.ClientID)
	}
	u.sharedTold = false
	u.alone()
}

// alone begins the count anew.
func (u *Uplink) alone() {
	u.short = 0
	u.shared.Store(false)
}

// closedByPeer says whether a connection ended because the other side closed it. A reset is that too, where there was
// still something to be read there.
func closedByPeer(cause error) bool {
	return (errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) || errors.Is(cause, syscall.ECONNRESET) ||
		errors.Is(cause, syscall.EPIPE)) && !errors.Is(cause, os.ErrDeadlineExceeded)
}

// explained says whether it is known why a connection ended.
func explained(err error) bool {
	for _, known := range []error{errNoPuback, errStalled, errParked, errDenied} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// sharesID reports whether another program seems to use the client id.
func (u *Uplink) sharesID() bool { return u.shared.Load() }

// Away is the least time between two CONNECTs while another program seems to use the client id; 0 otherwise. Whoever
// connects beside the uplink keeps to it too. It is safe to call at any time.
func (u *Uplink) Away() time.Duration {
	if !u.sharesID() {
		return 0
	}
	return u.away()
}

func (u *Uplink) away() time.Duration {
	if u.cfg.SharedInterval > 0 {
		return u.cfg.SharedInterval
	}
	return SharedInterval
}
