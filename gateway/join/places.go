package join

import (
	"net/netip"
	"slices"
	"sync"
)

// places bounds the connections whose request is not whole: one more takes the place of another one.
type places struct {
	max int

	mu   sync.Mutex
	open []*conn // in the order in which they came
}

// enter gives a connection a place. That of the oldest of the address with most of them is closed if there is none left:
// so who holds many open costs only his own.
func (p *places) enter(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open = append(p.open, c); len(p.open) <= p.max {
		return
	}
	held := map[netip.Addr]int{}
	for _, o := range p.open {
		held[o.host]++
	}
	out := 0
	for i, o := range p.open {
		if held[o.host] > held[p.open[out].host] {
			out = i
		}
	}
	_ = p.open[out].Close() // its reader sees that
	p.open = slices.Delete(p.open, out, out+1)
}

// leave gives the place back, if the connection still has it. It reports whether it had.
func (p *places) leave(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.open, c)
	if i < 0 {
		return false
	}
	p.open = slices.Delete(p.open, i, i+1)
	return true
}
