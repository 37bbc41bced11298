package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"path/filepath"
	"time"

	"piway/proof/world"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// What somebody can do who wants to be a device.

// joiners ask to join and say nothing; with tokens that nobody made, or with one that was used, by another key; or a
// byte at a time. Each from many addresses.
func joiners(ctx context.Context, a *attacker) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // never
	}
	cert := &tls.Certificate{PrivateKey: key}
	cfg := anybody()
	cfg.NextProtos = []string{pairing.ALPN}
	a.crowd(ctx, 500, func(ctx context.Context, i int) {
		for n := i; ctx.Err() == nil; n += 7 {
			c := a.shake(ctx, n%500, cfg)
			if c == nil {
				continue
			}
			token := a.loot.used
			if n%4 == 1 {
				token = pairing.Token{}
				_, _ = rand.Read(token.ID[:]) // never fails
			}
			if n%4 == 2 { // it is known, its secret is not
				token.Secret[n%len(token.Secret)]++
			}
			switch what := request(ctx, token, cert); {
			case i%8 == 0:
				c.hear()
			case i%8 == 1:
				c.flood(drip(ctx, what))
			case c.send(what) && bytes.HasPrefix(c.answer(), []byte("HTTP/1.1 200 ")):
				a.in.Add(1)
			}
			c.close()
		}
	})
}

// request is a whole one of HTTP.
func request(ctx context.Context, token pairing.Token, key *tls.Certificate) []byte {
	var all bytes.Buffer
	if req, err := world.JoinRequest(ctx, token, key); err == nil {
		_ = req.Write(&all) // cannot fail
	}
	return all.Bytes()
}

// late has somebody join who was invited, during the attack, as often as it takes, and says how long that was.
func (s *site) late(ctx context.Context, most time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	token, err := world.Invite(ctx, s.data, "late")
	if err != nil {
		return most, err
	}
	key, err := pki.MakeDeviceKey(filepath.Join(s.dir, "late.key"))
	if err != nil {
		return most, err
	}
	begun := time.Now()
	for {
		_, err := world.Join(ctx, token, key)
		if err == nil || ctx.Err() != nil {
			return time.Since(begun), err
		}
		world.Wait(ctx, time.Second) // until somebody pastes the line again
	}
}
