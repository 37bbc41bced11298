package mdns

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// besides runs f on a thread of its own in the network of the calling thread, and returns what waits for its end.
func besides(t *testing.T, f func()) (wait func()) {
	t.Helper()
	ns, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		t.Error(err)
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked
		err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		_ = ns.Close()
		if err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	return func() { <-ended }
}

// announced announces in the calling thread's network until the returned function, which waits for the goodbye.
func announced(t *testing.T, port int, pin8 [8]byte) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	wait := besides(t, func() {
		s, err := newService(port, pin8)
		if err != nil {
			t.Error(err)
			return
		}
		a := newAnnouncer(s, slog.New(slog.NewTextHandler(t.Output(), nil)))
		a.look = 20 * time.Millisecond // a cable just plugged in is not always noticed yet
		a.run(ctx)
	})
	return func() { cancel(); wait() }
}

// twoMachines runs gateway and device each in a network of its own, which a cable joins: 10.9.8.7 and fe80::7 on lan0,
// 10.9.8.8 and fe80::8 on far0.
func twoMachines(t *testing.T, gateway, device func()) {
	t.Helper()
	inNamespace(t, []string{"ip link set lo up"}, func() {
		tid, plugged, ready, over := make(chan int), make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			inNamespace(t, []string{"ip link set lo up"}, func() {
				tid <- unix.Gettid()
				<-plugged
				run(t, "ip addr add 10.9.8.8/24 dev far0", "ip addr add fe80::8/64 dev far0 nodad", "ip link set far0 up")
				ready <- struct{}{}
				<-ready
				device()
			})
		}()
		run(t, fmt.Sprintf("ip link add lan0 type veth peer name far0 netns %d", <-tid),
			"ip link set lan0 addrgenmode none", "ip addr add 10.9.8.7/24 dev lan0",
			"ip addr add fe80::7/64 dev lan0 nodad", "ip link set lan0 up")
		close(plugged)
		<-ready
		gateway()
		close(ready)
		<-over
	})
}

func run(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		words := strings.Fields(c)
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", c, err, out)
			return
		}
	}
}

// A device finds the gateway by the pin that it wants, and no other.
func TestFind_announced(t *testing.T) {
	var end func()
	twoMachines(t, func() { end = announced(t, 8883, ourPin) }, func() {
		found(t, "10.9.8.7:8883 [fe80::7%far0]:8883")
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if got, err := Find(ctx, [][8]byte{otherPin}); err == nil {
			t.Errorf("got %v, want nobody", got)
		}
		end()
		ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if got, err := Find(ctx, [][8]byte{ourPin}); err == nil {
			t.Errorf("got %v, want nobody after the end", got)
		}
	})
}

// found looks until exactly the address is found.
func found(t *testing.T, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a := standard
	a.again, a.settle = 50*time.Millisecond, 10*time.Millisecond
	for {
		got, err := a.find(ctx, [][8]byte{otherPin, ourPin})
		if err == nil && fmt.Sprint(got) == "["+want+"]" {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("got %v, %v, want %s", got, err, want)
			return
		}
	}
}

// The gateway is found where it is, as interfaces come, change their addresses and go.
func TestAnnounce_interfacesChange(t *testing.T) {
	inNamespace(t, []string{"ip link set lo up"}, func() {
		end := announced(t, 8883, ourPin)
		defer end()
		run(t, "ip link add lan0 type veth peer name far0", "ip link set lan0 addrgenmode none",
			"ip link set far0 addrgenmode none up", "ip link set lan0 up", "ip addr add 10.9.8.7/24 dev lan0")
		found(t, "10.9.8.7:8883")
		run(t, "ip addr flush dev lan0", "ip addr add 10.9.9.9/24 dev lan0")
		found(t, "10.9.9.9:8883")
		run(t, "ip addr flush dev lan0", "ip addr add fe80::7/64 dev lan0 nodad")
		found(t, "[fe80::7%lan0]:8883")
		run(t, "ip link del lan0")
		run(t, "ip link add lan0 type veth peer name far0", "ip link set lan0 addrgenmode none",
			"ip link set far0 addrgenmode none up", "ip link set lan0 up", "ip addr add 10.9.8.7/24 dev lan0")
		found(t, "10.9.8.7:8883")
	})
}

// The multicast port is shared with avahi-daemon: each finds what the other announces, and neither takes from the other.
func TestAnnounce_besideAvahi(t *testing.T) {
	for _, p := range []string{"avahi-daemon", "avahi-browse", "avahi-publish", "dbus-daemon", "unshare"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("needs avahi-daemon, avahi-utils, dbus and util-linux: " + err.Error())
		}
	}
	var end func()
	twoMachines(t, func() {
		bus := avahi(t)
		end = announced(t, 8883, ourPin)
		next := started(t, bus, "avahi-browse", "-rp", "_piway._tcp")
		line := next("=;lan0;IPv4;0123456789abcdef;")
		want := `;_piway._tcp;local;0123456789abcdef.local;10.9.8.7;8883;"pin=0123456789abcdef"`
		if !strings.HasSuffix(line, want) && !strings.HasSuffix(strings.Replace(line, "fe80::7", "10.9.8.7", 1), want) {
			t.Errorf("avahi-browse says %q, want %q", line, want)
		}
		end()
		next("-;lan0;IPv4;0123456789abcdef;") // the goodbye
		end = announced(t, 8883, ourPin)
		next("+;lan0;IPv4;0123456789abcdef;")
		started(t, bus, "avahi-publish", "-s", "A gateway", "_piway._tcp", "8884", "pin=FEDCBA9876543210")("Established")
	}, func() {
		got, err := Find(t.Context(), [][8]byte{otherPin})
		if err != nil || len(got) == 0 || got[0].String() != "10.9.8.7:8884" {
			t.Errorf("got %v, %v, want what avahi announces", got, err)
		}
		got, err = Find(t.Context(), [][8]byte{ourPin})
		if err != nil || len(got) == 0 || got[0].String() != "10.9.8.7:8883" {
			t.Errorf("got %v, %v, want what we announce", got, err)
		}
		end()
	})
}

// avahi starts avahi-daemon with a bus of its own, and returns the bus's address.
func avahi(t *testing.T) string {
	t.Helper()
	bus := "unix:path=" + filepath.Join(t.TempDir(), "bus")
	started(t, bus, "dbus-daemon", "--system", "--nofork", "--nopidfile", "--print-address=1", "--address="+bus)("unix:path")
	started(t, bus, "unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /run && "+
		"exec avahi-daemon --no-drop-root --no-chroot --no-rlimits 2>&1")("Server startup complete")
	return bus
}

// started runs a command until the test ends. What it returns waits for a line with a text, and returns the line.
func started(t *testing.T, bus string, command ...string) (next func(text string) string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // it ends in the clean-up, not before
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+bus)
	r, w := io.Pipe()
	c.Stdout, c.Stderr = w, w
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		cancel()
		t.Error(err)
		return func(string) string { return "" }
	}
	lines := make(chan string, 1000) // more than any of them says
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() { cancel(); _ = c.Wait(); _ = w.Close() })
	return func(text string) string {
		late := time.After(patience)
		for all := []string(nil); ; {
			select {
			case l := <-lines:
				if all = append(all, l); strings.Contains(l, text) {
					return l
				}
			case <-late:
				t.Errorf("%v said %q, want %q", command, all, text)
				return ""
			}
		}
	}
}
