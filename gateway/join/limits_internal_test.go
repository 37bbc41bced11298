package join

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"piway/shared/pairing"
)

// A clock that stands until it is set on.
type standing struct{ time.Time }

func (s *standing) now() time.Time { return s.Time }

func newLimited(t testing.TB) (*rig, *standing) {
	r, c := newRig(t), &standing{time.Now()}
	r.limits = newLimits(c.now)
	return r, c
}

func TestWrong_address(t *testing.T) {
	r, clock := newLimited(t)
	key, token := newKey(t), r.invite("kitchen")
	wrong := post(t, pairing.Token{ID: [6]byte{9, 9}, Secret: token.Secret}, key)
	for i := range maxWrong {
		if g := r.send(guest, wrong); g.status != 401 || g.header.Get("Retry-After") != "" {
			t.Fatalf("%d: got %+v", i, g)
		}
	}
	g := r.send(guest, wrong)
	if wait, err := strconv.Atoi(g.header.Get("Retry-After")); g.status != 429 || err != nil || wait < 1 || wait > 6 {
		t.Errorf("one more: got %+v", g)
	}
	if g := r.send(guest, request("{")); g.status != 429 {
		t.Errorf("nonsense: got %+v", g)
	}
	if g := r.send("192.168.1.67", wrong); g.status != 401 {
		t.Errorf("another address: got %+v", g)
	}
	if n := r.said.Count("join refused", "address="+guest); n != 2 { // of two kinds
		t.Errorf("%d are told:\n%s", n, r.said)
	}
	// Behind NAT the guest's address is that of the devices.
	if g := r.send(guest, post(t, token, key)); g.status != 200 {
		t.Errorf("a right token: got %+v", g)
	}
	clock.Time = clock.Add(wrongEvery)
	if g := r.send(guest, wrong); g.status != 401 {
		t.Errorf("after %s: got %+v", wrongEvery, g)
	}
	if g := r.send(guest, wrong); g.status != 429 {
		t.Errorf("a second one after %s: got %+v", wrongEvery, g)
	}
	clock.Time = clock.Add(24 * time.Hour)
	for i := range maxWrong {
		if g := r.send(guest, wrong); g.status != 401 {
			t.Errorf("%d a day later: got %+v", i, g)
		}
	}
	if g := r.send(guest, wrong); g.status != 429 {
		t.Errorf("what was not used is saved up: got %+v", g)
	}
}

// A machine has a /64 of IPv6 to itself, and its link-local address on each interface.
func TestWrong_IPv6(t *testing.T) {
	c := &standing{time.Now()}
	l := newLimits(c.now)
	for i := range maxWrong {
		if wait := l.wrong(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))); wait > 0 {
			t.Fatalf("%d: %s", i, wait)
		}
	}
	if l.wrong(netip.MustParseAddr("2001:db8::ffff")) == 0 || l.wrong(netip.MustParseAddr("2001:db8:0:1::1")) != 0 {
		t.Error("not by /64")
	}
	if l.wrong(netip.Addr{}) != 0 {
		t.Error("no address")
	}
}

// Nobody learns whether there is an invitation of that id.
func TestWrong_same(t *testing.T) {
	r, _ := newLimited(t)
	token := r.invite("kitchen")
	for range maxSecrets {
		secret := r.send(guest, post(t, pairing.Token{ID: token.ID}, newKey(t)))
		id := r.send(guest, post(t, pairing.Token{ID: [6]byte{9, 9}}, newKey(t)))
		if !reflect.DeepEqual(secret, id) || strings.Contains(secret.body, "kitchen") {
			t.Fatalf("got %+v and %+v", secret, id)
		}
	}
}

// Who knows a part of a token may try five secrets; whoever that is, the others' tokens are as good as before.
func TestWrong_secrets(t *testing.T) {
	r, _ := newLimited(t)
	key, token, other := newKey(t), r.invite("kitchen"), r.invite("garage")
	for i := range maxSecrets {
		if r.said.Count("an invitation is void") != 0 {
			t.Fatalf("void after %d", i)
		}
		r.send(fmt.Sprintf("10.0.0.%d", i), post(t, pairing.Token{ID: token.ID, Secret: [16]byte{99, byte(i)}}, key))
	}
	if r.said.Count("WARN", "an invitation is void", "tries=5", "address=10.0.0.4") != 1 {
		t.Errorf("the log says:\n%s", r.said)
	}
	before := r.calls()
	if g := r.send(pi, post(t, token, key)); g.status != 410 || !strings.Contains(g.body, "try: piway-gateway invite") {
		t.Errorf("the right secret: got %+v", g)
	}
	if r.calls() != before {
		t.Error("a void token was judged")
	}
	if g := r.send(pi, post(t, other, key)); g.status != 200 {
		t.Errorf("another token: got %+v", g)
	}
}

// Who cannot name an id makes none void, however many he tries, and uses no memory.
func TestWrong_flood(t *testing.T) {
	r, clock := newLimited(t)
	token := r.invite("kitchen")
	raw := post(t, pairing.Token{ID: [6]byte{9, 9}}, newKey(t))
	for range 50 {
		r.send(guest, raw)
	}
	if n := r.limits.tokens.order.Len(); n != 0 {
		t.Errorf("%d tokens are counted", n)
	}
	for i := range 20 * maxHosts {
		var ip [16]byte
		binary.BigEndian.PutUint32(ip[:], uint32(i)|0x20010000)
		r.limits.wrong(netip.AddrFrom16(ip))
		r.limits.wrong(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n, m := r.limits.hosts.order.Len(), len(r.limits.hosts.at); n != maxHosts || m != maxHosts {
		t.Errorf("%d and %d addresses are kept", n, m)
	}
	clock.Time = clock.Add(time.Second)
	if g := r.send(guest, post(t, token, newKey(t))); g.status != 200 {
		t.Errorf("a right token: got %+v", g)
	}
}

// What is asked for stays, what was longest not goes.
func TestTable(t *testing.T) {
	table := newTable[int, int](2)
	for _, k := range []int{1, 2, 1, 3} {
		*table.get(k) += k
	}
	_, two := table.look(2)
	one, ok := table.look(1)
	if two || !ok || one != 2 {
		t.Errorf("got %d, %v, %v", one, ok, two)
	}
}
