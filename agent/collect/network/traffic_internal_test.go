package network

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

// iface writes a network interface of a machine in dir.
func iface(t testing.TB, dir, name, state string, index int, device bool, received, sent, errs uint64) {
	t.Helper()
	at := filepath.Join(dir, "sys/class/net", name)
	hosttest.Write(t, filepath.Join(at, "operstate"), state+"\n")
	hosttest.Write(t, filepath.Join(at, "ifindex"), fmt.Sprintln(index))
	for file, n := range map[string]uint64{"rx_bytes": received, "tx_bytes": sent, "rx_errors": errs, "tx_errors": 1} {
		hosttest.Write(t, filepath.Join(at, "statistics", file), fmt.Sprintln(n))
	}
	if device {
		hosttest.Write(t, filepath.Join(at, "device/uevent"), "")
	}
}

func TestNetwork_interfaces_come_and_go(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var n Traffic
		for i, step := range []struct {
			do   func()
			want map[string]float64
			err  error
		}{
			{func() {}, map[string]float64{}, host.ErrAbsent},
			{func() { iface(t, dir, "lo", "unknown", 1, false, 1, 1, 1) }, map[string]float64{}, host.ErrAbsent},
			{func() { iface(t, dir, "eth0", "up", 2, true, 100, 10, 0) }, map[string]float64{}, reading.ErrEarly},
			{
				func() {
					iface(t, dir, "eth0", "up", 2, true, 150, 10, 3)
					iface(t, dir, "veth1", "up", 3, false, 9, 9, 9)
				},
				map[string]float64{"network received eth0": 50, "network sent eth0": 0, "network errors eth0": 3},
				nil,
			},
			{ // it wraps at 32 bits, and a second one is plugged in
				func() { iface(t, dir, "eth0", "up", 2, true, 7, 20, 3); iface(t, dir, "wlan1", "up", 4, true, 5, 5, 5) },
				map[string]float64{"network sent eth0": 10, "network errors eth0": 0},
				nil,
			},
			{ // another one has taken its name, with larger counters
				func() { iface(t, dir, "eth0", "up", 5, true, 1000, 1000, 10) },
				map[string]float64{"network received wlan1": 0, "network sent wlan1": 0, "network errors wlan1": 0},
				nil,
			},
			{ // one is pulled out, one goes down
				func() {
					iface(t, dir, "eth0", "down", 5, true, 1000, 1000, 10)
					if err := os.RemoveAll(filepath.Join(dir, "sys/class/net/wlan1")); err != nil {
						t.Error(err)
					}
				},
				map[string]float64{},
				host.ErrAbsent,
			},
			{func() { iface(t, dir, "eth0", "up", 5, true, 1500, 1000, 10) }, map[string]float64{}, reading.ErrEarly},
			{ // half of it cannot be read
				func() { hosttest.Write(t, filepath.Join(dir, "sys/class/net/eth0/statistics/tx_errors"), "garbage") },
				map[string]float64{},
				nil,
			},
		} {
			step.do()
			f := reading.Guarded(hosttest.On(t.Context(), dir), n.Read)
			got := map[string]float64{}
			for _, s := range f.Samples {
				got[s.Name] = s.Value
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("step %d: %s", i, diff)
			}
			if i < 8 && !errors.Is(f.Err, step.err) || i == 8 && f.Err == nil {
				t.Errorf("step %d: got %v, want %v", i, f.Err, step.err)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestNetwork_many(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for i := range 20 {
			iface(t, dir, fmt.Sprintf("eth%02d", i), "up", i, true, 1, 1, 1)
		}
		var n Traffic
		reading.Guarded(hosttest.On(t.Context(), dir), n.Read)
		time.Sleep(time.Minute)
		f := reading.Guarded(hosttest.On(t.Context(), dir), n.Read)
		if len(f.Samples) != 3*maxInterfaces || f.Left != 3*(20-maxInterfaces) || f.Err == nil {
			t.Errorf("got %d, %d left out, %v", len(f.Samples), f.Left, f.Err)
		}
	})
}
