package gateway

import (
	"context"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/sample"
)

// drainDatums is the backlog of BenchmarkCloud_drain.
const drainDatums = 20_000

// BenchmarkCloud_drain sends a backlog at full speed, in each form, to a stand-in that discards what exceeds IoT
// Core's quotas as AWS does. It tells the rate of messages, the most in any second, and what was throttled, lost or
// sent twice.
func BenchmarkCloud_drain(b *testing.B) {
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		b.Run(form, func(b *testing.B) {
			for range b.N {
				drain(b, form)
			}
		})
	}
}

func drain(b *testing.B, form string) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	took := &arrivals{n: map[string]int{}}
	cfg := worldConfig(form)
	cfg.Uplink.AckTimeout = settings.Default().Uplink.AckTimeout
	cfg.Rollup.Rules = []settings.Rule{{Match: "*", Reduce: "all"}}
	w := newWorld(b, took.add, nil, &cfg)
	if err := w.core.SetFault("offline", "", time.Hour); err != nil {
		b.Fatal(err)
	}
	p := w.gateway(&cfg, "pi")
	const inReport = 500
	first := time.Now().Add(-drainDatums * time.Second)
	for i := 0; i < drainDatums; i += inReport {
		var samples []sample.Sample
		for j := i; j < i+inReport; j++ {
			samples = append(samples, sample.Sample{
				Name: "load", Unit: "Count", Value: float64(j),
				Time: float64(first.Add(time.Duration(j) * time.Second).Unix()),
			})
		}
		p.send("pi", samples)
	}
	before := w.state().Broker.PublishesIn
	if err := w.core.SetFault("offline", "", 0); err != nil {
		b.Fatal(err)
	}
	p.said.Want(ctx, b, "connected to AWS")
	start := time.Now()
	p.drained(ctx)
	elapsed := time.Since(start)
	s := w.state().Broker
	messages := float64(s.PublishesIn - before)
	b.ReportMetric(messages, "messages")
	b.ReportMetric(messages/elapsed.Seconds(), "messages/s")
	b.ReportMetric(drainDatums/elapsed.Seconds(), "datums/s")
	b.ReportMetric(float64(s.PeakPublishes), "most/second")
	b.ReportMetric(float64(s.Throttled), "throttled")
	b.ReportMetric(float64(drainDatums-took.distinct()), "lost")
	b.ReportMetric(float64(took.twice()), "twice")
	b.ReportMetric(0, "ns/op") // says nothing here
}
