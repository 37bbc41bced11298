package uplink

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// However late messages arrive and PUBACKs come back, no second at the receiver holds more than the rate.
func TestPace_jitter(t *testing.T) {
	const rate, n, window = 20, 2000, 15
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var p pace
		p.reset(rate)
		now := time.Unix(0, 0)
		var arrivals []time.Time
		var pubacks []time.Time // by message, in order
		for i := range n {
			for { // until message i may go
				for p.done < i && !pubacks[p.done].After(now) {
					p.ack(pubacks[p.done])
				}
				d, ok := p.wait(now)
				if ok && d == 0 && i-p.done < window {
					break
				}
				switch {
				case ok && d > 0:
					now = now.Add(d)
				default:
					now = pubacks[p.done]
				}
			}
			p.send()
			there := now.Add(time.Duration(random.IntN(200)) * time.Millisecond)
			if i > 0 && there.Before(arrivals[i-1]) {
				there = arrivals[i-1] // one connection: in order
			}
			arrivals = append(arrivals, there)
			back := there.Add(time.Duration(random.IntN(50)) * time.Millisecond)
			if i > 0 && back.Before(pubacks[i-1]) {
				back = pubacks[i-1]
			}
			pubacks = append(pubacks, back)
		}
		for i := rate; i < n; i++ {
			if gap := arrivals[i].Sub(arrivals[i-rate]); gap < time.Second {
				t.Fatalf("seed %d: messages %d and %d arrive within %s", seed, i-rate, i, gap)
			}
		}
		if !slices.IsSortedFunc(arrivals, time.Time.Compare) {
			t.Fatal("the test itself is wrong")
		}
	}
}

// With a quick network the rate is used up.
func TestPace_full(t *testing.T) {
	const rate = 100
	var p pace
	p.reset(rate)
	now := time.Unix(0, 0)
	for range 10 * rate {
		d, ok := p.wait(now)
		if !ok {
			t.Fatal("waits for a PUBACK that has come")
		}
		now = now.Add(d)
		p.send()
		p.ack(now.Add(time.Millisecond))
	}
	if took := now.Sub(time.Unix(0, 0)); took > 9*time.Second+20*time.Millisecond {
		t.Errorf("1000 messages took %s, want little more than 9 s", took)
	}
	p.reset(rate)
	if d, ok := p.wait(now); d != 0 || !ok {
		t.Error("a new connection has to wait for the old one")
	}
}
