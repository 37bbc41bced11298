package queue_test

import (
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/gateway/queue/storetest"
	"piway/shared/files/lying"
	"piway/shared/race"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// A crowd are devices at a queue that is too small for them.
type crowd struct {
	*bench
	seq  map[string]int64
	sent sync.WaitGroup
}

func inCrowd(t *testing.T, maxBytes int64, f func(*crowd)) {
	inBubble(t, func(_ *testing.T, b *bench) {
		b.Cfg.MaxBytes = maxBytes
		b.Reopen()
		f(&crowd{bench: b, seq: map[string]int64{}})
	})
}

// send is a report of so many samples; pass waits until it is stored.
func (c *crowd) send(device string, samples int) {
	c.T.Helper()
	c.seq[device]++
	names := make([]string, samples)
	for i := range names {
		names[i] = "metric"
	}
	e := report(device, "r", c.seq[device], names...)
	e.Arrived = c.Now()
	c.sent.Add(1)
	c.Append(e, func(err error) {
		if err != nil {
			c.T.Error(err)
		}
		c.sent.Done()
	})
}

// pass lets time pass.
func (c *crowd) pass(d time.Duration) {
	c.sent.Wait()
	time.Sleep(d)
}

// honest are twenty that send little.
func (c *crowd) honest() {
	c.T.Helper()
	for i := range 20 {
		c.send(fmt.Sprint("honest ", i), 4)
	}
}

// spared fails the test unless only the devices given had to give something, and kept something.
func (c *crowd) spared(but ...string) map[string]ledger.Account {
	c.T.Helper()
	c.sent.Wait()
	kept, counted, err := c.queue().Shares(c.T.Context())
	if err != nil || !maps.Equal(kept, counted) {
		c.T.Errorf("devices have %v bytes by what is kept, %v by the table; error %v", kept, counted, err)
	}
	accounts := c.Accounts()
	gave := map[string]bool{}
	for _, name := range but {
		gave[name] = true
		if a := accounts[name]; a.Dropped[queue.ReasonFull] == 0 || a.Waiting == 0 {
			c.T.Errorf("%s: got %+v, want some dropped and some waiting", name, a)
		}
	}
	for name, a := range accounts {
		if !gave[name] && len(a.Dropped) > 0 {
			c.T.Errorf("%s: got %+v, want nothing dropped", name, a)
		}
	}
	return accounts
}

// Who fills the queue with half a million samples pushes out nothing but what it sent itself: while AWS is away, with
// what the forwarder has in hand, over a kill, and while some is sent.
func TestBounds_oneDeviceFills(t *testing.T) {
	inCrowd(t, 4<<20, func(c *crowd) {
		begun := map[int64]int{} // passes, with how many samples
		for i := range 500 {
			c.send("attacker", 1000)
			if i%10 == 0 {
				c.honest()
			}
			c.sent.Wait()
			switch i {
			case 30, 200:
				p, names := c.NextPass("f") // stays in hand
				begun[p.Start] = len(names)
			case 300:
				c.begun(begun)
				c.Crash()
				clear(begun)
			case 350:
				p, names := c.NextPass("f")
				part := p.Clone()
				part.Next = 1
				if err := c.Settle(c.T.Context(), nil, []pass.Pass{part}); err != nil {
					c.T.Fatal(err)
				}
				c.Release(p.Start)
				begun[p.Start] = len(names)
			case 400:
				p, _ := c.NextPass("f")
				delete(begun, p.Start)
				sent := pass.Done{Pass: p, Counts: map[ledger.Count]int{}}
				if err := c.Each(c.T.Context(), p, storetest.CountSent(sent.Counts)); err != nil {
					c.T.Fatal(err)
				}
				if err := c.Settle(c.T.Context(), []pass.Done{sent}, nil); err != nil {
					c.T.Fatal(err)
				}
			}
			if i%25 == 0 {
				c.pass(window / 2)
				c.spared(map[bool][]string{true: {"attacker"}}[i > 90]...)
			}
		}
		c.begun(begun)
		c.Crash()
		c.spared("attacker")
	})
}

// begun fails the test unless those passes have as many samples still.
func (c *crowd) begun(passes map[int64]int) {
	c.T.Helper()
	for start, want := range passes {
		var n int64
		c.query(fmt.Sprintf("SELECT SUM(n) FROM report WHERE pass=%d", start), &n)
		if n != int64(want) {
			c.T.Errorf("a pass that is begun has %d samples, want %d", n, want)
		}
	}
}

// Two of them share what the others leave.
func TestBounds_twoDevicesFill(t *testing.T) {
	inCrowd(t, 2<<20, func(c *crowd) {
		for i := range 200 {
			c.send("a", 1000)
			c.send("b", 500)
			if i%10 == 0 {
				c.honest()
				c.pass(window / 2)
			}
		}
		all := c.spared("a", "b")
		if a, b := all["a"].Waiting, all["b"].Waiting; a > b*5/4 || b > a*5/4 {
			c.T.Errorf("one has %d samples, the other %d, want about as many", a, b)
		}
	})
}

// Many small reports take as much as few large ones.
func TestBounds_manySmallReports(t *testing.T) {
	inCrowd(t, 512<<10, func(c *crowd) {
		for i := range 6000 {
			c.send("attacker", 1)
			if i%1000 == 0 {
				c.send("honest", 500)
				c.pass(window / 2)
			}
		}
		c.spared("attacker")
	})
}

// What others leave between is used: who sends half of all gets what is left by those who send the other half.
func TestBounds_mixed(t *testing.T) {
	inCrowd(t, 512<<10, func(c *crowd) {
		for range 80 {
			for i := range 20 {
				c.send(fmt.Sprint("honest ", i), 4)
				c.send("attacker", 4)
			}
			c.pass(window / 10)
		}
		c.spared("attacker")
	})
}

// What a transaction dropped that failed is there still, and who has how much is known.
func TestBounds_transactionFails(t *testing.T) {
	inCrowd(t, 1<<20, func(c *crowd) {
		for range 40 {
			c.send("attacker", 1000)
		}
		c.honest()
		before := c.spared("attacker")["attacker"]
		c.sql(refuseReports)
		for seq := range int64(20) {
			if err := c.TryAppend(storetest.Big("other", seq)); err == nil {
				c.T.Fatal("done(nil) for a report that is not stored")
			}
			if err := c.TryAppend(storetest.Big("attacker", 1000+20*seq)); err == nil {
				c.T.Fatal("done(nil) for a report that is not stored")
			}
		}
		if after := c.Accounts()["attacker"]; after.Waiting != before.Waiting {
			c.T.Errorf("%d samples wait after transactions that failed, want %d", after.Waiting, before.Waiting)
		}
		c.sql("DROP TRIGGER full")
		for range 10 {
			c.send("attacker", 1000)
			c.spared("attacker")
		}
	})
}

// Where all send the same all give the same, and that is the oldest.
func TestBounds_allAlike(t *testing.T) {
	inCrowd(t, 1<<20, func(c *crowd) {
		for i := range 250 {
			c.honest()
			c.sent.Wait()
			if i%10 == 0 {
				c.pass(window / 2)
			}
		}
		c.sent.Wait()
		var least, most int64
		c.query("SELECT MIN(seq) FROM (SELECT MIN(seq) AS seq FROM report GROUP BY device)", &least)
		c.query("SELECT MAX(seq) FROM (SELECT MIN(seq) AS seq FROM report GROUP BY device)", &most)
		if least < 20 || most-least > 1 {
			c.T.Errorf("the oldest report of a device is its %d., of another its %d., want the same of all", least, most)
		}
		var holes int64
		c.query("SELECT SUM(holes) FROM (SELECT MAX(seq)-MIN(seq)+1-COUNT(*) AS holes FROM report GROUP BY device)", &holes)
		if holes > 0 {
			c.T.Errorf("%d reports are dropped of which older ones wait, want none", holes)
		}
	})
}

// What was thinned counts as what it takes now.
func TestBounds_thinned(t *testing.T) {
	if race.Enabled {
		t.Skip("hours of looking around: without -race only")
	}
	inCrowd(t, 1<<20, func(c *crowd) {
		c.thinAfter(time.Hour)
		for range 10 {
			for range 10 {
				c.send("attacker", 500)
			}
			c.honest()
			c.pass(10 * time.Minute)
		}
		var thinned int64
		if c.query("SELECT COUNT(*) FROM pass WHERE thinned>0", &thinned); thinned == 0 {
			c.T.Error("nothing is thinned")
		}
		for i := range 200 {
			c.send("attacker", 500)
			if i%20 == 0 {
				c.honest()
				c.pass(6 * time.Minute)
			}
		}
		c.spared("attacker")
	})
}

// A pass that is taken up while something is dropped is read as it stays.
func TestBounds_whileItIsPicked(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, _ *testlog.Log) {
		cfg.MaxBytes = 1 << 20
		b := running(t, cfg)
		var p pass.Pass
		var names []string
		dropped := func() int64 { return b.Accounts()["kitchen"].Dropped[queue.ReasonFull] }
		for seq := int64(1); dropped() == 0; seq++ {
			picked := make(chan struct{})
			d.Fail(func(op lying.Op) error { // the transaction is about to be committed
				if op.Kind != lying.Write || !strings.HasSuffix(op.Path, "-wal") {
					return nil
				}
				d.Fail(nil)
				go func() {
					defer close(picked)
					if p, _ = b.Next(t.Context(), pass.Order{LiveOnly: true}, ""); p.Start != 0 {
						names = b.read(p)
					}
				}()
				for range 10_000 {
					runtime.Gosched()
				}
				return nil
			})
			b.MustAppend(storetest.Big("kitchen", seq))
			<-picked
			if dropped() == 0 {
				b.Release(p.Start)
			}
			time.Sleep(window / 10)
		}
		if p.Start == 0 {
			t.Fatal("no pass was picked")
		}
		if left := b.read(p); len(left) != len(names) {
			t.Errorf("a pass in hand was read with %d samples, and has %d", len(names), len(left))
		}
		b.Stop()
	})
}

// read returns the names of a pass's samples.
func (b *bench) read(p pass.Pass) (names []string) {
	if err := b.Each(b.T.Context(), p, func(_ string, samples []sample.Sample) error {
		for _, s := range samples {
			names = append(names, s.Name)
		}
		return nil
	}); err != nil {
		b.T.Error(err)
	}
	return names
}
