package encode_test

import (
	"fmt"
	"testing"

	"piway/gateway/encode"
	"piway/gateway/pass"
)

// BenchmarkForms packs ten windows of 200 devices with the agent's four metrics; in the emf form, each with four
// values.
func BenchmarkForms(b *testing.B) {
	for _, name := range []string{"metric", "emf", "emf values"} {
		b.Run(name, func(b *testing.B) {
			datums := fleet(name == "emf values")
			form := encode.Metric
			if name != "metric" {
				form = encode.NewEMF("RaspberryPi", "home", base)
			}
			b.ReportAllocs()
			bytes, messages := 0, 0
			for b.Loop() {
				bytes, messages = 0, 0
				for rest := datums; len(rest) > 0; {
					payload, n, err := form(rest)
					if err != nil {
						b.Fatal(err)
					}
					bytes, messages, rest = bytes+len(payload), messages+1, rest[n:]
				}
			}
			b.ReportMetric(float64(len(datums)*b.N)/b.Elapsed().Seconds(), "datums/s")
			b.ReportMetric(float64(bytes)/float64(len(datums)), "bytes/datum")
			b.ReportMetric(float64(len(datums))/float64(messages), "datums/message")
		})
	}
}

func fleet(many bool) (datums []pass.Datum) {
	for window := range 10 {
		for device := range 200 {
			for i, name := range []string{"cpu temperature", "cpu usage", "disk usage /", "memory usage"} {
				d := pass.Datum{
					Device: fmt.Sprintf("pi-%03d", device), Unit: "Percent", Value: float64(device*7%1000)/10 + float64(i),
					Time: 1700000000 + 60*int64(window), Samples: 4,
				}
				d.Name = fmt.Sprintf("%s (%s)", name, d.Device)
				if many {
					d.Values = []float64{d.Value, d.Value + 0.5, d.Value + 1, d.Value + 1.5}
				}
				datums = append(datums, d)
			}
		}
	}
	return datums
}
