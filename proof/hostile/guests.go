package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
)

// What somebody can do with a password, beside sending samples.

// malformed sends packets of every type, with every flag, that are too short, too long, or noise, before and after a
// login, in MQTT 3.1.1 and 5.
func malformed(ctx context.Context, a *attacker) {
	a.crowd(ctx, 8, func(ctx context.Context, i int) {
		rng := rand.New(rand.NewPCG(1, uint64(i))) //nolint:gosec // the same each time, on purpose
		for n := i; ctx.Err() == nil; n++ {
			c := a.dial(ctx, n%500)
			if c == nil {
				continue
			}
			g := a.guests[i%len(a.guests)]
			level := []byte{level311, level5}[n/2%2]
			hello := login{level: level, id: fmt.Sprint("hostile-", i), user: g.name, password: g.password}
			if n%2 == 0 && c.send(hello.packet()) {
				c.answer()
			}
			left := 8
			c.flood(func() []byte {
				if left--; left < 0 {
					return nil
				}
				return badPacket(rng, a.topic(i))
			})
		}
	})
}

// badPacket is one of any type that is mostly wrong.
func badPacket(rng *rand.Rand, topic string) []byte {
	good := [][]byte{
		login{level: level5, id: "x", user: "u", password: "p", willTopic: "t", will: "w"}.packet(),
		publish(topic, 1, 1, "[]"), publish(topic, 2, 0, "[]"),
		ask(subscribeType, 1, topic, "#"), ask(unsubscribeType, 1, topic),
		packet(byte(rng.IntN(256)), number(rng.IntN(1<<16)), field(topic)), //nolint:gosec // below 256
	}
	p := append([]byte(nil), good[rng.IntN(len(good))]...)
	switch rng.IntN(5) {
	case 0:
		p[0] = byte(rng.IntN(256)) //nolint:gosec // below 256
	case 1:
		p = append(p[:1:1], 0xff, 0xff, 0xff, 0xff, 0xff, 0x01) // a length of too many bytes
	case 2:
		p[1] = byte(rng.IntN(128)) //nolint:gosec // below 128
	case 3:
		p[rng.IntN(len(p))] ^= byte(1 + rng.IntN(255)) //nolint:gosec // below 256
	case 4:
		p = p[:1+rng.IntN(len(p)-1)]
	}
	return p
}

// churn logs in and leaves: in order, without a word, or because another came with the same client id.
func churn(ctx context.Context, a *attacker) {
	a.crowd(ctx, 32, func(ctx context.Context, i int) {
		for n := i; ctx.Err() == nil; n++ {
			c := a.guest(ctx, n%4)
			if c == nil {
				return
			}
			if n%2 == 0 {
				c.send(packet(disconnectType))
			}
			c.close()
		}
	})
}

// mimic is a message that says it is of an honest device, with names that such have.
func mimic(n int) string {
	honest := deviceName(n % deviceCount)
	name := []string{"n1", "n1 (" + honest + ")", " N1 (" + honest + ") ", "spare (" + honest + ")"}[n%4]
	samples := fmt.Sprintf(`[{"name":%q,"unit":"Count","value":0.5}]`, name)
	if n%3 == 0 {
		return samples
	}
	return fmt.Sprintf(`{"device":%q,"run":"load","seq":%d,"samples":%s}`, honest, n, samples)
}

func tricks() []string {
	honest := deviceName(0)
	return []string{
		"pi/" + honest + "/samples", "pi/" + honest + "/status", "pi/" + honest + "/rejected", "pi/" + honest + "/config",
		"$SYS/broker/clients", "pi/+/samples", "pi/#", "#", "/", "pi//samples", "pi/../" + honest + "/samples",
		"PI/" + honest + "/SAMPLES", "pi/" + honest + "/samples/", "$share/x/pi/" + honest + "/samples",
		"\x00", "pi/\x00/samples", "\xff\xfe", "\xed\xa0\x80", strings.Repeat("a/", 30_000), strings.Repeat("é", 30_000),
		"raspi/metrics", "RASPI/metrics", "raspi/metrics/",
	}
}

// topics publishes as somebody else wherever that might work, by wills as well.
func topics(ctx context.Context, a *attacker) {
	all := tricks()
	a.crowd(ctx, 8, func(ctx context.Context, i int) {
		for n := i; ctx.Err() == nil; n++ {
			c, topic, g := a.dial(ctx, 0), all[n%len(all)], a.guests[i%len(a.guests)]
			if c == nil {
				continue
			}
			l := login{id: fmt.Sprint("hostile-", i), user: g.name, password: g.password}
			if n/len(all)%2 == 0 {
				l.willTopic, l.will = topic, mimic(n)
			}
			if c.send(l.packet()) && c.answer() != nil && c.send(publish(topic, 1, 1, mimic(n))) {
				c.answer()
			}
			c.close() // without a DISCONNECT, so that the will is due
		}
	})
}

// denied publishes where nobody may, as software does that announces itself.
func denied(ctx context.Context, a *attacker) {
	a.flood(ctx, 8, func(i int) func() []byte {
		n := 0
		return func() []byte {
			n++
			return publish(fmt.Sprintf("homeassistant/sensor/%d-%d/config", i, n), 1, 1+n%0xffff, "{}")
		}
	})
}

// subscriptions asks for thousands of topics, its own and others', and takes them back.
func subscriptions(ctx context.Context, a *attacker) {
	a.flood(ctx, 8, func(i int) func() []byte {
		n := 0
		return func() []byte {
			n++
			filters := tricks()
			for k := range 1000 {
				filters = append(filters, fmt.Sprintf("%s/%d/%d/+", a.topic(i), n, k))
			}
			filters = append(filters, strings.Replace(a.topic(i), "/samples", "/rejected", 1))
			return ask([]byte{subscribeType, subscribeType, unsubscribeType}[n%3], 1+n%0xffff, filters...)
		}
	})
}

// kept publishes what the broker would have to keep: retained messages, and QoS 2 without an end.
func kept(ctx context.Context, a *attacker) {
	a.flood(ctx, 8, func(i int) func() []byte {
		n := 0
		return func() []byte {
			n++
			if n%4 == 0 {
				return publish(a.topic(i), 2, 1+n%0xffff, "[]")
			}
			p := publish(fmt.Sprint(a.topic(i), "/", n), 1, 1+n%0xffff, strings.Repeat(" ", 1000))
			p[0] |= 1 // to be retained
			return p
		}
	})
}
