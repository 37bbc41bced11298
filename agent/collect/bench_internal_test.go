package collect

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piway/agent/collect/hosttest"
)

// BenchmarkCollect measures what a minute of an agent at its defaults takes in CPU time: the four every 15 s, and all
// the others once. "times-the-four" is that in relation to the four alone: the promise is 4 at most. It reads this
// machine, and a Raspberry Pi 4's files; run it where the agent is to run:
//
//	go test ./agent/collect -run '^$' -bench Collect
func BenchmarkCollect(b *testing.B) {
	dir := b.TempDir()
	unpack(b, "testdata/machines/pi4.txt", dir)
	for _, machine := range []struct {
		name string
		ctx  context.Context
	}{{"this machine", b.Context()}, {"a Pi 4's files", hosttest.On(b.Context(), dir)}} {
		b.Run(machine.name, func(b *testing.B) {
			four := Options{Disks: []string{"/"}, CPU: true, Temperature: true, Memory: true}
			all := four
			all.Health = true
			alone, together := New(four), New(all)
			var spentAlone, spentTogether time.Duration
			for b.Loop() { // by turns, so that a busy machine slows both down
				spentAlone += aMinutesCPU(machine.ctx, b, alone)
				spentTogether += aMinutesCPU(machine.ctx, b, together)
			}
			b.ReportMetric(float64(spentAlone.Microseconds())/float64(b.N), "µs/min-the-four")
			b.ReportMetric(float64(spentTogether.Microseconds())/float64(b.N), "µs/min-all")
			b.ReportMetric(float64(spentTogether)/float64(spentAlone), "times-the-four")
			b.ReportMetric(0, "ns/op") // waiting is no cost
		})
	}
}

// aMinutesCPU is the CPU time of a minute's four readings, of which the first has what is due once a minute.
func aMinutesCPU(ctx context.Context, b *testing.B, c *Collector) time.Duration {
	begin := cpuTime(b)
	c.localRead = time.Time{}
	for range 4 {
		c.Collect(ctx)
	}
	return cpuTime(b) - begin
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
