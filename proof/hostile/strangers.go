package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
)

// What somebody can do who has no password.

// silent holds connections that say nothing, from so many addresses.
func silent(addresses int) attack {
	return func(ctx context.Context, a *attacker) {
		a.crowd(ctx, 4300, func(ctx context.Context, i int) {
			dial := a.dial
			if i%2 == 1 {
				dial = a.dialTLS
			}
			if c := dial(ctx, i%addresses); c != nil {
				c.hear()
				c.close()
			}
		})
	}
}

// almost sends CONNECTs without their last byte, large ones and small ones.
func almost(ctx context.Context, a *attacker) {
	large := login{id: "x", user: strings.Repeat("u", 60_000), password: strings.Repeat("p", 60_000)}.packet()
	small := login{id: "x", user: "u", password: strings.Repeat("p", 3_900)}.packet()
	a.crowd(ctx, 4000, func(ctx context.Context, i int) {
		c := a.dial(ctx, i%500)
		if c == nil {
			return
		}
		what := small
		if i%2 == 0 {
			what = large
		}
		c.send(what[:len(what)-1])
		c.hear()
		c.close()
	})
}

// slow sends a byte at a time: of a CONNECT, or of a long PUBLISH as a guest.
func slow(ctx context.Context, a *attacker) {
	hello := login{id: "x", user: "u", password: strings.Repeat("p", 3_900)}.packet()
	a.crowd(ctx, 1000, func(ctx context.Context, i int) {
		c, what := (*conn)(nil), hello
		if i%10 == 0 {
			c, what = a.guest(ctx, i/10), publish(a.topic(i/10), 1, 1, strings.Repeat(" ", 100_000))
		} else {
			c = a.dial(ctx, i%500)
		}
		if c == nil {
			return
		}
		c.flood(drip(ctx, what))
	})
}

// giants fills one field of a CONNECT after the other as far as it goes.
func giants(ctx context.Context, a *attacker) {
	long := func(c string) string { return strings.Repeat(c, 65_535) }
	all := []login{
		{id: long("i"), user: "u", password: "p"},
		{id: "x", user: long("u"), password: "p"},
		{id: "x", user: long("\n"), password: "p"},
		{id: "x", user: strings.Repeat("u", 3_900), password: "p"},
		{id: "x", user: strings.Repeat("\x1b[2J", 900), password: "p"},
		{id: "x", user: "u", password: long("p")},
		{id: "x", user: "u", password: "p", willTopic: long("t"), will: "w"},
		{id: "x", user: "u", password: "p", willTopic: "t", will: long("w")},
	}
	a.crowd(ctx, 16, func(ctx context.Context, i int) {
		for n := i; ctx.Err() == nil; n++ {
			l := all[n%len(all)]
			if n%16 < 8 && len(l.user) > 1000 {
				l.user = fmt.Sprint(n, l.user)[:len(l.user)] // another one each time
			}
			a.once(ctx, n%500, l.packet())
		}
	})
}

// once connects, says it, and returns what is answered.
func (a *attacker) once(ctx context.Context, from int, what []byte) (got []byte) {
	if c := a.dial(ctx, from); c != nil {
		if c.send(what) {
			got = c.answer()
		}
		c.close()
	}
	return got
}

// mustNot counts an answer that lets somebody in.
func (a *attacker) mustNot(answer []byte) {
	if letIn(answer) {
		a.in.Add(1)
	}
}

// letIn says whether an answer is a CONNACK that does.
func letIn(answer []byte) bool { return len(answer) > 3 && answer[0] == 0x20 && answer[3] == 0 }

// others speak another protocol.
func others(ctx context.Context, a *attacker) {
	noise := make([]byte, 4096)
	_, _ = rand.Read(noise) // never fails
	all := [][]byte{
		[]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x5a", 500)), // a ClientHello of TLS
		[]byte("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"),
		[]byte("\x05\x01\x00"), // SOCKS
		[]byte("SSH-2.0-OpenSSH_9.9\r\n"),
		noise,
	}
	a.crowd(ctx, 32, func(ctx context.Context, i int) {
		for n := i; ctx.Err() == nil; n++ {
			a.once(ctx, n%500, all[n%len(all)])
		}
	})
}

// guesses tries passwords of an honest device, with its client id.
func guesses(ctx context.Context, a *attacker) {
	a.crowd(ctx, 64, func(ctx context.Context, i int) {
		name := deviceName(i % deviceCount)
		a.mustNot(a.once(ctx, 0, login{id: name, user: name, password: rand.Text()}.packet()))
	})
}
