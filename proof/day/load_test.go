package day_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"piway/shared/sample"
)

// What an agent does by default (agent/agent, agent/collect).
const (
	interval   = 15 * time.Second
	maxOffset  = 5 * time.Second
	localEvery = 4  // readings: a minute
	locals     = 30 // about what a Pi has
)

// A load is what devices send.
type load struct {
	names   []string
	offsets []time.Duration // from a reading to its report
	reports atomic.Int64
	sent    atomic.Int64 // bytes of them, less what stays on the LAN
	samples atomic.Int64 // bytes of the samples alone
}

// agents is a load of so many devices, each with its own delay, as agents have it.
func agents(n int) *load {
	l := &load{}
	for i := range n {
		name := fmt.Sprintf("pi-%02d", i)
		sum := sha256.Sum256([]byte(name))
		share, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(maxOffset))
		l.names, l.offsets = append(l.names, name), append(l.offsets, time.Duration(share))
	}
	return l
}

// spread is a load of so many devices that report evenly.
func spread(n int) *load {
	l := &load{}
	for i := range n {
		l.names = append(l.names, fmt.Sprintf("pi-%04d", i))
		l.offsets = append(l.offsets, interval*time.Duration(i)/time.Duration(n))
	}
	return l
}

// restart begins to count anew.
func (l *load) restart() (reports, sent, samples int64) {
	return l.reports.Swap(0), l.sent.Swap(0), l.samples.Swap(0)
}

// send is the i-th device, until ctx ends. deliver returns when a report is acknowledged.
func (l *load) send(ctx context.Context, t *testing.T, i int, deliver func(device string, payload []byte)) {
	d := &device{
		name: l.names[i], rng: rand.New(rand.NewPCG(1, uint64(i))), booted: time.Now().Add(-time.Hour),
	}
	d.run = fmt.Sprintf("%016x%016x", d.rng.Uint64(), d.rng.Uint64())
	d.boot = fmt.Sprintf("%08x-0000-4000-8000-%012x", d.rng.Uint32(), d.rng.Uint64()>>16)
	for {
		reading := time.Now().Truncate(interval).Add(interval)
		if !sleep(ctx, time.Until(reading)) {
			return
		}
		r := d.read(reading)
		if !sleep(ctx, l.offsets[i]) {
			return
		}
		r.Sent, r.SentUptime = sample.Seconds(time.Now()), d.uptime(time.Now())
		payload, err := r.JSON()
		if err != nil {
			t.Error(err)
		}
		deliver(d.name, payload)
		l.reports.Add(1)
		l.samples.Add(length(t, r.Samples))
		l.sent.Add(int64(len(payload)))
		if len(r.Local) > 0 {
			l.sent.Add(-length(t, r.Local) - int64(len(`"local":,`)))
		}
	}
}

// length is how many bytes samples are.
func length(t *testing.T, samples []sample.Sample) int64 {
	text, err := sample.EncodeSamples(samples)
	if err != nil {
		t.Error(err)
	}
	return int64(len(text))
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// A device is an agent's machine.
type device struct {
	name, run, boot string
	seq             int64
	booted          time.Time
	rng             *rand.Rand
}

func (d *device) uptime(at time.Time) float64 {
	return math.Round(at.Sub(d.booted).Seconds()*100) / 100
}

// read is a reading as agent/collect makes it.
func (d *device) read(at time.Time) sample.Report {
	d.seq++
	r := sample.Report{
		Device: d.name, Run: d.run, Seq: d.seq, Boot: d.boot, Uptime: d.uptime(at), Clock: sample.Synced,
		Samples: []sample.Sample{
			d.one(at, "disk usage /", "Percent", 61, 0.1), d.one(at, "cpu usage", "Percent", 12, 10),
			d.one(at, "cpu temperature", "None", 48, 4), d.one(at, "memory usage", "Megabytes", 412, 20),
		},
	}
	if d.seq%localEvery == 1 {
		for i := range locals {
			r.Local = append(r.Local, d.one(at, fmt.Sprint("local reading ", i), "Count", 100, 50))
		}
	}
	return r
}

// one is a value with two decimals, read some milliseconds after the tick.
func (d *device) one(at time.Time, name, unit string, about, by float64) sample.Sample {
	value := math.Round((about+by*(2*d.rng.Float64()-1))*100) / 100
	at = at.Add(time.Duration(1+d.rng.IntN(4)) * time.Millisecond)
	return sample.Sample{Name: name, Unit: unit, Value: value, Time: sample.Seconds(at)}
}
