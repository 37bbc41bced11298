package footprint_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/proof/world"
	"piway/shared/sample"
)

// interval is the agent's default.
const interval = 15 * time.Second

// span is how long each figure is measured: FOOTPRINT, or five minutes.
func span(b *testing.B) time.Duration {
	b.Helper()
	text := os.Getenv("FOOTPRINT")
	if text == "" {
		return 5 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkFootprint_agent is an agent with its default settings beside runs of the old script.
func BenchmarkFootprint_agent(b *testing.B) {
	for range b.N {
		h, _ := newHouse(b)
		a := h.agent(b, interval)
		time.Sleep(3 * interval) // until it has read what it reads once, and let go of what the start needed
		d := span(b)
		used := during(b, a.PID(), d)
		runs := h.scriptRuns(b, 21)
		run := runs[len(runs)/2]
		sample := float64(used.cpu) / (float64(d) / float64(interval))
		b.ReportMetric(float64(used.resident)/mb, "MB-resident")
		b.ReportMetric(sample/1e6, "CPU-ms/sample")
		b.ReportMetric(float64(run)/1e6, "CPU-ms/script")
		b.ReportMetric(float64(run)/sample, "script/sample")
		b.ReportMetric(float64(used.written), "bytes-written")
		b.ReportMetric(float64(used.wakeups)/d.Minutes(), "wakeups/min")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// BenchmarkFootprint_gateway is a gateway with devices that report four samples every 15 s, spread over that time, each
// by a TLS connection of its own.
func BenchmarkFootprint_gateway(b *testing.B) {
	for _, n := range []int{1, 10, 50, 1000, 2000} {
		b.Run(fmt.Sprint("devices=", n), func(b *testing.B) {
			for range b.N {
				var names []string
				for i := range n {
					names = append(names, fmt.Sprintf("pi-%04d", i))
				}
				h, passwords := newHouse(b, names...)
				acked, stop := live(b, h.gateway.AddrTLS(), names, passwords)
				before, d := acked.Load(), span(b)
				used := during(b, h.gateway.PID(), d)
				reports := acked.Load() - before
				stop()
				b.ReportMetric(float64(used.resident)/mb, "MB-resident")
				b.ReportMetric(float64(reports)/d.Seconds(), "reports/s")
				b.ReportMetric(float64(used.written)/float64(reports), "bytes-written/report")
				b.ReportMetric(float64(used.cpu.Microseconds())/float64(reports), "CPU-µs/report")
				b.ReportMetric(0, "ns/op") // says nothing here
			}
		})
	}
}

// dials is how many devices connect at once: the gateway lets 16 of an address wait at its door.
const dials = 8

// live has each device report until stop. It returns when all have reported twice, so that the gateway's memory is what
// it will be.
func live(b *testing.B, addr string, names []string, passwords map[string]string) (acked *atomic.Int64, stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	acked = new(atomic.Int64)
	door := make(chan struct{}, dials)
	var group errgroup.Group
	for i, name := range names {
		c := &world.Client{
			Addr: addr, Name: name, Password: passwords[name],
			TLS: &tls.Config{InsecureSkipVerify: true}, // who the gateway is does not matter here
		}
		group.Go(func() error {
			defer c.Close()
			due := time.Now().Add(interval * time.Duration(i) / time.Duration(len(names)))
			door <- struct{}{}
			err := c.Deliver(ctx, []world.Message{report(name, 1, acked)})
			<-door
			for seq := int64(2); err == nil; seq++ {
				due = due.Add(interval)
				if world.Wait(ctx, time.Until(due)); ctx.Err() != nil {
					return nil
				}
				err = c.Deliver(ctx, []world.Message{report(name, seq, acked)})
			}
			if ctx.Err() != nil {
				return nil
			}
			return err
		})
	}
	stop = func() {
		cancel()
		if err := group.Wait(); err != nil {
			b.Error(err)
		}
	}
	b.Cleanup(cancel)
	if err := world.Poll(b.Context(), "all devices to report", func() (bool, error) {
		return acked.Load() >= 2*int64(len(names)), nil
	}); err != nil {
		b.Fatal(err)
	}
	return acked, stop
}

// report is one of four samples.
func report(device string, seq int64, acked *atomic.Int64) world.Message {
	now := sample.Seconds(time.Now())
	r := sample.Report{Device: device, Run: fmt.Sprintf("%032d", 1), Seq: seq, Sent: now, Clock: sample.Synced}
	for name, unit := range map[string]string{
		"disk usage /": "Percent", "cpu usage": "Percent", "cpu temperature": "None", "memory usage": "Megabytes",
	} {
		r.Samples = append(r.Samples, sample.Sample{Name: name, Unit: unit, Value: 48.25, Time: now})
	}
	payload, err := r.JSON()
	if err != nil {
		panic(err) // a report of numbers and our own names
	}
	return world.Message{Topic: "pi/" + device + "/samples", Payload: payload, Acked: func() { acked.Add(1) }}
}
