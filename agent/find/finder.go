package find

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"piway/shared/mqttlink"
	"piway/shared/pki"
	"piway/shared/tell"
)

// Options say where the gateway may be, and who may be it. Fields without a remark must be set.
type Options struct {
	Search // without its Last
	// Key is the device's, shown to the gateway; nil if the device has a password.
	Key *tls.Certificate
	// Memory is the file in which to remember the gateway; "" for none. It is not used without pins.
	Memory string
	// Look only reads Memory.
	Look bool
	Log  *slog.Logger
}

// A Finder connects to the gateway, wherever it is. Its methods may be called from several goroutines.
type Finder struct {
	opt   Options
	tell  *tell.Teller
	reach time.Duration // of the first round

	mu     sync.Mutex // guards what follows
	memory memory
	failed int // rounds since the last that found the gateway
}

// New returns a Finder that has connected to nothing. Without pins the error is ErrPlain if the memory says that the
// gateway has spoken TLS.
func New(opt Options) (*Finder, error) {
	f := &Finder{opt: opt, tell: tell.New(opt.Log), reach: Reach}
	m, there := recall(opt.Memory)
	switch {
	case len(opt.Pins) == 0 && there:
		return nil, m.plain(opt.Memory)
	case there:
		f.memory = m
	}
	return f, nil
}

// Connect connects to the first place that is the gateway and lets this device in. What opt says of the broker and of
// TLS is not looked at. After 3 s without being proved a place is left for the next one: longer where the round before
// found none, since a gateway may be slow. An error is of all places. A gateway that was proved and refuses this device's
// password or key is mqttlink.ErrLogin; with one pin that ends the round, since all other places would be the same.
func (f *Finder) Connect(ctx context.Context, opt mqttlink.Options) (*mqttlink.Link, Place, error) {
	if len(f.opt.Pins) == 0 {
		at := Place{f.opt.Addresses[0], Configured}
		opt.Broker = "tcp://" + at.Address
		link, err := mqttlink.Connect(ctx, opt)
		return link, at, err
	}
	search, reach := f.round()
	opt.Reach = reach
	var proved atomic.Bool
	opt.TLS = pinned(f.opt.Pins, f.opt.Key, func() { proved.Store(true) })
	var link *mqttlink.Link
	var at Place
	err := search.Each(ctx, func(ctx context.Context, p Place) (err error) {
		opt.Broker = "tls://" + p.Address
		proved.Store(false)
		link, err = mqttlink.Connect(ctx, opt)
		at = p
		if errors.Is(err, mqttlink.ErrCertificate) && proved.Load() { // as a gateway ends it whose device was revoked
			err = fmt.Errorf("%w: %w", mqttlink.ErrLogin, err)
		}
		if errors.Is(err, pki.ErrPin) {
			f.tell.Tell(slog.LevelWarn, p.Address, "another than our gateway answers, is told nothing, and is passed over",
				"address", p.Address, "way", string(p.Way), "err", err)
		}
		if errors.Is(err, mqttlink.ErrLogin) && len(f.opt.Pins) == 1 {
			return Stop(err)
		}
		return err
	})
	f.ended(at, err)
	if err != nil {
		return nil, Place{}, err
	}
	return link, at, nil
}

// pinned is pki.Pinned, and calls proved when the server is. TLS looks at the server's certificate before it has that
// one's proof of its key, and whoever has connected to the gateway once can show the gateway's: so not when that is
// looked at, but when the client's own is asked for, which comes behind the proof, and is secret, in TLS 1.3. In 1.2 it is
// shown to nobody; every gateway that has a pin speaks 1.3.
func pinned(pins []pki.Sum, key *tls.Certificate, proved func()) *tls.Config {
	c := pki.Pinned(pins, nil)
	c.GetClientCertificate = func(by *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if by.Version < tls.VersionTLS13 {
			return nil, errOld
		}
		proved()
		if key == nil {
			return new(tls.Certificate), nil // none
		}
		return key, nil
	}
	return c
}

var errOld = errors.New("it speaks TLS 1.2 only, which is not how a gateway asks for this device's key")

// Close tells what is counted and not told.
func (f *Finder) Close() { f.tell.Close() }

// round returns where to look now, and for how long at each place.
func (f *Finder) round() (Search, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.opt.Search
	s.Last = f.memory.last(s.Addresses)
	return s, min(f.reach*time.Duration(1+min(f.failed, maxSlow)), maxReach)
}

// Where nobody is found, each round waits longer, up to what a connection may take at all.
const (
	maxReach = 10 * time.Second
	maxSlow  = int(maxReach/Reach) + 1
)

// ended notes what became of a round.
func (f *Finder) ended(at Place, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failed++
		return
	}
	f.failed = 0
	m := memory{Address: at.Address, Addresses: f.opt.Addresses, Pins: f.opt.Pins}
	if f.opt.Look || f.opt.Memory == "" || m.same(f.memory) {
		return
	}
	f.memory = m // also if it cannot be written: it is tried again at the next change
	if err := m.keep(f.opt.Memory); err != nil {
		f.tell.Tell(slog.LevelWarn, "", "the gateway's address cannot be remembered", "file", f.opt.Memory, "err", err)
	}
}
