package mdns

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// inNamespace runs f on a thread with a network of its own, which no other thread sees, after the commands.
func inNamespace(t *testing.T, commands []string, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	done := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		why := func() string {
			if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
				return "no network namespace here: " + err.Error()
			}
			for _, c := range commands {
				words := strings.Fields(c)
				if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
					return c + ": " + err.Error() + " " + string(out)
				}
			}
			f()
			return ""
		}()
		done <- why
	}()
	if why := <-done; why != "" {
		t.Skip(why)
	}
}

// twoLinks are interfaces that reach nobody but this machine, without any route for multicast.
var twoLinks = []string{
	"ip link set lo up",
	"ip link add lan0 type veth peer name far0", "ip link set far0 up", "ip link set lan0 up",
	"ip link add lan1 type veth peer name far1", "ip link set far1 up", "ip link set lan1 up",
	"ip addr add 10.9.8.7/24 dev lan0", "ip addr add 10.9.9.7/24 dev lan1",
}

// respondOn answers on an interface's multicast group, as a responder does, until the test ends.
func respondOn(t *testing.T, name, network string, group netip.AddrPort, ip string) {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Error(err)
		return
	}
	conn, err := net.ListenMulticastUDP(network, i, net.UDPAddrFromAddrPort(group))
	if err != nil {
		t.Error(err)
		return
	}
	ended := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	go func() {
		defer close(ended)
		packet := make([]byte, maxPacket)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(packet)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if q.Unpack(packet[:n]) == nil && !q.Response && isA(q) == netip.MustParseAddr(ip).Is4() {
				_, _ = conn.WriteToUDPAddrPort(reply(t, q, "gateway.local.", ip), from) // as on a network
			}
		}
	}()
}

// The question goes out on each interface, though no route leads there.
func TestLookup_multicast(t *testing.T) {
	inNamespace(t, twoLinks, func() {
		respondOn(t, "lan1", "udp4", standard.group4, "10.9.9.1")
		got, err := Lookup(t.Context(), "gateway.local")
		if err != nil || len(got) != 1 || got[0].String() != "10.9.9.1" {
			t.Errorf("got %v, %v, want the address", got, err)
		}
	})
}

// A link with IPv6 only has addresses that are of no use without their interface.
func TestLookup_multicast_IPv6(t *testing.T) {
	only6 := []string{
		"ip link set lo up", "ip link add lan0 type veth peer name far0", "ip link set far0 up", "ip link set lan0 up",
		"ip addr add fe80::7/64 dev lan0 nodad",
	}
	inNamespace(t, only6, func() {
		respondOn(t, "lan0", "udp6", netip.AddrPortFrom(standard.group6.Addr().WithZone("lan0"), 5353), "fe80::9")
		got, err := Lookup(t.Context(), "gateway.local")
		if err != nil || len(got) != 1 || got[0].String() != "fe80::9%lan0" {
			t.Errorf("got %v, %v, want the address with its interface", got, err)
		}
	})
}

func TestLookup_noNetwork(t *testing.T) {
	inNamespace(t, []string{"ip link set lo up"}, func() {
		begun := time.Now()
		_, err := Lookup(t.Context(), "gateway.local")
		if err == nil || !strings.Contains(err.Error(), "no network interface") {
			t.Errorf("got %v after %s, want that there is no network", err, time.Since(begun))
		}
	})
}

func TestLookup_nobodyAnswers(t *testing.T) {
	inNamespace(t, twoLinks, func() {
		a := standard
		a.wait, a.again = 50*time.Millisecond, 10*time.Millisecond
		if _, err := a.lookup(t.Context(), "gateway.local"); !errors.Is(err, errNoAnswer) {
			t.Errorf("got %v, want no answer", err)
		}
	})
}
