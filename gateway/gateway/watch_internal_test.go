package gateway

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/cloud"
	"piway/shared/testlog"
)

// watched is a watch whose loops the test stops, with what it tells.
func watched(said *testlog.Log) (w *watch, told *[]string, queue, uplink *time.Time) {
	told, queue, uplink = &[]string{}, new(time.Time), new(time.Time)
	*queue, *uplink = time.Now().Add(24*time.Hour), time.Now().Add(24*time.Hour)
	w = newWatch(slog.New(slog.NewTextHandler(said, nil)))
	w.queueBeat, w.uplinkBeat = func() time.Duration { return time.Since(*queue) },
		func() time.Duration { return time.Since(*uplink) }
	w.status, w.hasDevices = func(context.Context) string { return "fine" }, func() bool { return true }
	w.notify = func(s string) { *told = append(*told, s) }
	w.silenceAfter = 15 * time.Minute
	return w, told, queue, uplink
}

// The watchdog is fed only while both loops move.
func TestWatch_feedsWhileBothMove(t *testing.T) {
	for _, part := range []string{"queue", "uplink"} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				said := new(testlog.Log)
				w, told, queue, uplink := watched(said)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+time.Second)
				defer cancel()
				beat := map[string]*time.Time{"queue": queue, "uplink": uplink}[part]
				*beat = time.Now().Add(time.Minute) // the last time
				if err := w.Run(ctx); err != nil {
					t.Fatal(err)
				}
				fed := 0
				for _, s := range *told {
					if s == "WATCHDOG=1" {
						fed++
					}
				}
				// At 0, 10 … 120 s: a minute until it stops, and one in which it may be late.
				if fed != 13 {
					t.Errorf("fed %d times, want 13", fed)
				}
				if (*told)[0] != "READY=1" || (*told)[len(*told)-1] != "STOPPING=1" || !slices.Contains(*told, "STATUS=fine") {
					t.Errorf("told %v", *told)
				}
				if found := said.With("level=ERROR", "part="+part); len(found) == 0 {
					t.Error("the log does not name the part")
				}
			})
		})
	}
}

func TestWatch_silence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := new(testlog.Log)
		w, _, _, _ := watched(said)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		last := time.Now()
		w.heard()
		time.Sleep(40 * time.Minute)
		synctest.Wait()
		if found := said.With("level=WARN", "no device was heard", last.Format(time.RFC3339)); len(found) != 1 {
			t.Errorf("warned %d times, want once with the time: %v", len(found), said.With())
		}
		w.heard()
		time.Sleep(time.Minute)
		synctest.Wait()
		if found := said.With("devices are heard again"); len(found) != 1 {
			t.Errorf("got %v", said.With())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// notifySocket takes what a gateway tells systemd until the test ends; what is not told in time is an error.
func notifySocket(t *testing.T) *net.UnixConn {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // only read
	t.Setenv("NOTIFY_SOCKET", socket)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A gateway that systemd started tells it so on its socket.
func TestWatch_systemd(t *testing.T) {
	conn := notifySocket(t)
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg)
	got := map[string]bool{}
	buf := make([]byte, 4096)
	read := func() string {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		return string(buf[:n])
	}
	for !got["READY=1"] || !got["WATCHDOG=1"] {
		s := read()
		got[s] = true
		if strings.HasPrefix(s, "STATUS=") && !strings.Contains(s, "connected to AWS, 0 devices") {
			t.Errorf("got %q", s)
		}
	}
	p.stop()
	for !got["STOPPING=1"] {
		got[read()] = true
	}
}
