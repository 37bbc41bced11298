package intake_test

import (
	"fmt"
	"slices"
	"testing"

	"piway/gateway/intake"
)

// BenchmarkJudge is of an agent's report: of four samples, as it sends them by and by, and of a backlog's 500.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{4, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			cfg := settings()
			cfg.MaxSamples, cfg.MaxMetrics = 1000, 100
			cfg.Version = func() uint64 { return 1 }
			in := intake.New(cfg)
			payload := []byte(report(`,"boot":"b","uptime":12.5,"sent":1800000000.25,"clock":"synced"`,
				slices.Repeat([]string{`{"name":"cpu usage","unit":"Percent","value":12.5,"time":1799999999.5}`}, n)...))
			b.ReportAllocs()
			for b.Loop() {
				if v := in.Judge("pi1", payload, came(arrival)); len(v.Samples) != n {
					b.Fatal(v.Refused)
				}
			}
		})
	}
}
