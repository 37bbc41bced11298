package join

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// Bounds of wrong tokens, see doc.go.
const (
	maxWrong   = 10              // of one address at once
	wrongEvery = 6 * time.Second // one more
	maxSecrets = 5               // wrong ones of one token

	maxHosts  = 4096
	maxTokens = 1024 // at most 100 invitations are open, and only theirs are counted
)

// limits counts what is wrong.
type limits struct {
	now func() time.Time

	mu     sync.Mutex
	hosts  *table[netip.Prefix, wrong]
	tokens *table[[6]byte, int]
}

// wrong is how full the measure of an address is, and since when.
type wrong struct {
	level float64
	at    time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, hosts: newTable[netip.Prefix, wrong](maxHosts), tokens: newTable[[6]byte, int](maxTokens)}
}

// wrong counts one of an address. If there were too many it returns for how long there are.
func (l *limits) wrong(host netip.Addr) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, now := l.hosts.get(netOf(host)), l.now()
	w.level = max(0, w.level-float64(now.Sub(w.at))/float64(wrongEvery))
	w.at = now
	if over := w.level + 1 - maxWrong; over > 0 {
		return time.Duration(over * float64(wrongEvery))
	}
	w.level++
	return 0
}

// wrongSecret counts one of a token, and returns how many there were.
func (l *limits) wrongSecret(id [6]byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.tokens.get(id)
	*n++
	return *n
}

// isVoid reports whether too many wrong secrets came with a token.
func (l *limits) isVoid(id [6]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.tokens.look(id)
	return ok && n >= maxSecrets
}

// netOf is what one machine has to itself.
func netOf(host netip.Addr) netip.Prefix {
	bits := 32
	if host.Is6() {
		bits = 64
	}
	p, _ := host.Prefix(bits) // none of an address that is not one
	return p
}

// table is a map that forgets what was longest not asked for.
type table[K comparable, V any] struct {
	max   int
	order list.List // newest in front
	at    map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newTable[K comparable, V any](limit int) *table[K, V] {
	return &table[K, V]{max: limit, at: map[K]*list.Element{}}
}

// get returns the value of a key, to be changed; a new one is zero.
func (t *table[K, V]) get(k K) *V {
	e, ok := t.at[k]
	if !ok {
		if t.order.Len() >= t.max {
			last := t.order.Back()
			delete(t.at, t.order.Remove(last).(*entry[K, V]).key)
		}
		e = t.order.PushFront(&entry[K, V]{key: k})
		t.at[k] = e
	}
	t.order.MoveToFront(e)
	return &e.Value.(*entry[K, V]).value
}

// look returns the value of a key, which stays as old as it was.
func (t *table[K, V]) look(k K) (v V, ok bool) {
	e, ok := t.at[k]
	if ok {
		v = e.Value.(*entry[K, V]).value
	}
	return v, ok
}
