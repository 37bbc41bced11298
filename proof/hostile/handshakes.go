package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"time"

	"piway/proof/world"
)

// What somebody can do to TLS.

// anybody speaks TLS to whoever is there, as the hostile do.
func anybody(certs ...tls.Certificate) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, Certificates: certs} //nolint:gosec // whoever it is
}

// handshakeTime bounds one of the attack's.
const handshakeTime = 20 * time.Second

// shake connects by TLS. Nil says that it cannot just now.
func (a *attacker) shake(ctx context.Context, from int, cfg *tls.Config) *conn {
	c := a.dialTLS(ctx, from)
	if c == nil {
		return nil
	}
	t := tls.Client(c.Conn, cfg)
	_ = c.SetDeadline(time.Now().Add(handshakeTime)) // a connection that has ended tells by the handshake
	if t.HandshakeContext(ctx) != nil {
		c.close()
		return nil
	}
	_ = c.SetDeadline(time.Time{})
	c.Conn = t
	return c
}

// greeting is a ClientHello, with what TLS needs to answer it.
func greeting() []byte {
	near, far := net.Pipe()
	go func() { _ = tls.Client(far, anybody()).HandshakeContext(context.Background()) }() // it ends with the pipe
	defer func() { _ = far.Close() }()
	buf := make([]byte, 16<<10)
	n, _ := io.ReadAtLeast(near, buf, 5) // a hello is written at once
	return buf[:n]
}

// greetings sends one after the other and goes no further: half of them leave, the others wait for what comes.
func greetings(ctx context.Context, a *attacker) {
	hello := greeting()
	a.crowd(ctx, 1000, func(ctx context.Context, i int) {
		if c := a.dialTLS(ctx, i%500); c != nil {
			if c.send(hello) && i%2 == 0 {
				c.hear()
			}
			c.close()
		}
	})
}

// foreigners shake hands to the end, with certificates that nobody knows and that cost the most, and guess a password.
func foreigners(ctx context.Context, a *attacker) {
	all, err := foreign()
	if err != nil {
		panic(err) // of no network
	}
	a.crowd(ctx, 32, func(ctx context.Context, i int) {
		for n := i; ctx.Err() == nil; n++ {
			cfg := anybody(all[n%len(all)])
			if n%3 == 0 {
				cfg.MaxVersion = tls.VersionTLS12
			}
			if c := a.shake(ctx, n%500, cfg); c != nil {
				name := deviceName(n % deviceCount)
				if n%2 == 0 && c.send(login{id: name, user: name, password: rand.Text()}.packet()) {
					a.mustNot(c.answer())
				}
				c.close()
			}
		}
	})
}

// longChain is as many certificates as a handshake may bring, less some.
const longChain = 40 << 10

// foreign are certificates of keys that no gateway knows: of each kind, and one in a long chain.
func foreign() (all []tls.Certificate, err error) {
	for _, make := range []func() (crypto.Signer, error){
		func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) },
		func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		func() (crypto.Signer, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err },
	} {
		key, err := make()
		if err != nil {
			return nil, err
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return nil, err
		}
		all = append(all, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	}
	long := all[0]
	long.Certificate = slices.Repeat(long.Certificate, longChain/(len(long.Certificate[0])+5))
	return append(all, long), nil
}

// garble sends what is no TLS, or no longer, to where TLS is spoken: much of it at once, or a byte at a time.
func garble(ctx context.Context, a *attacker) {
	hello := greeting()
	a.crowd(ctx, 500, func(ctx context.Context, i int) {
		rng := mathrand.New(mathrand.NewPCG(2, uint64(i))) //nolint:gosec // the same each time, on purpose
		for n := i; ctx.Err() == nil; n++ {
			c := a.dialTLS(ctx, n%500)
			if c == nil {
				return
			}
			what := garbled(rng, hello)
			if i%16 > 0 { // most are slow
				c.flood(drip(ctx, what))
				continue
			}
			if c.send(what) {
				c.answer()
			}
			c.close()
		}
	})
}

// drip is each byte for itself, half a second apart.
func drip(ctx context.Context, what []byte) func() []byte {
	return func() []byte {
		world.Wait(ctx, 500*time.Millisecond)
		if len(what) == 0 {
			return nil
		}
		first := what[:1]
		what = what[1:]
		return first
	}
}

// garbled is what a hello is not: another protocol, one that was changed or cut off, or one with noise behind it.
func garbled(rng *mathrand.Rand, hello []byte) []byte {
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.IntN(256)) //nolint:gosec // below 256
		}
		return b
	}
	head := func(first ...byte) []byte { return append(slices.Clone(hello), first...) }
	all := []func() []byte{
		func() []byte { return login{id: "x", user: "u", password: "p"}.packet() },
		func() []byte { return []byte("POST /join HTTP/1.1\r\nHost: gateway\r\nContent-Length: 4096\r\n\r\n") },
		func() []byte {
			changed := head()
			for range 1 + rng.IntN(8) {
				changed[5+rng.IntN(len(changed)-5)] ^= byte(1 + rng.IntN(255)) //nolint:gosec // below 256
			}
			return changed
		},
		func() []byte { return head(noise(8 << 10)...) }, // no record
		// ChangeCipherSpec without end.
		func() []byte { return head(slices.Repeat([]byte{0x14, 3, 3, 0, 1, 1}, 1000)...) },
		func() []byte { return slices.Repeat([]byte{0x16, 3, 1, 0, 0}, 1000) }, // empty records
		// 16 MiB are announced.
		func() []byte { return append([]byte{0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, noise(16<<10-4)...) },
		// Sealed by nobody.
		func() []byte { return head(append([]byte{0x17, 3, 3, 0x40, 0}, noise(16<<10)...)...) },
		func() []byte { return head()[:5+rng.IntN(len(hello)-5)] }, // cut off
	}
	return all[rng.IntN(len(all))]()
}

// thieves come with a key that was revoked and a guest's password, in both versions, and would resume; with a password
// that is for TLS only, in clear; and with the names of devices that have a key.
func thieves(ctx context.Context, a *attacker) {
	stranger, err := foreign()
	if err != nil {
		panic(err) // of no network
	}
	a.crowd(ctx, 16, func(ctx context.Context, i int) {
		revoked := anybody(*a.loot.revoked)
		revoked.ServerName, revoked.ClientSessionCache = "gateway", tls.NewLRUClientSessionCache(8)
		for n := i; ctx.Err() == nil; n++ {
			g, honest := a.guests[n%len(a.guests)], deviceName(n%deviceCount)
			revoked.MaxVersion = []uint16{tls.VersionTLS12, tls.VersionTLS13}[n/4%2]
			id := fmt.Sprint("hostile-", i)
			switch n % 4 {
			case 0:
				a.secretly(ctx, n, revoked, login{id: id, user: g.name, password: g.password})
			case 1:
				a.secretly(ctx, n, anybody(stranger[n%len(stranger)]), login{id: honest, user: honest, password: g.password})
			case 2:
				a.mustNot(a.once(ctx, n%500, login{id: id, user: a.loot.secure.name, password: a.loot.secure.password}.packet()))
			case 3:
				a.mustNot(a.once(ctx, n%500, login{id: honest, user: honest, password: g.password}.packet()))
			}
		}
	})
}

// secretly tries a log-in by TLS that must not be let in.
func (a *attacker) secretly(ctx context.Context, from int, cfg *tls.Config, l login) {
	if c := a.shake(ctx, from%500, cfg); c != nil {
		if c.send(l.packet()) {
			a.mustNot(c.answer())
		}
		c.close()
	}
}
