package bench_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/proof/world"
	"piway/shared/pki"
)

// thisGateway names the program to measure, if not that of the source. otherGateway names one to compare with, which
// takes the same load at the same time.
const thisGateway, otherGateway = "PIWAY_BENCH_THIS", "PIWAY_BENCH_OTHER"

// The load of BenchmarkFleet.
const (
	fleetEvery  = 15 * time.Second // a report of each device, as agents send it
	fleetRounds = 3
	// fleetQuiet is how long nothing is sent after a burst. Unused memory goes back each half minute.
	fleetQuiet = 31 * time.Second
)

// BenchmarkFleet tells what a fleet costs that reports evenly, as devices do, then all at once, and then not at all:
// resident memory, what of it a connection takes, and the processor time of a report. It takes twenty minutes, so it is
// not part of make bench:
//
//	go test ./proof/bench -run '^$' -bench Fleet -benchtime 1x
//
// With PIWAY_BENCH_OTHER=PROGRAM it does so of two programs side by side.
func BenchmarkFleet(b *testing.B) {
	for _, conns := range []int{50, 500, 1000, 2000} {
		for _, secure := range []bool{false, true} {
			b.Run(fmt.Sprintf("connections=%d/tls=%t", conns, secure), func(b *testing.B) {
				for range b.N {
					fleets := []*benchFleet{newFleet(b, cmp.Or(os.Getenv(thisGateway), world.Built(b).Gateway), conns, secure, "")}
					if other := os.Getenv(otherGateway); other != "" {
						fleets = append(fleets, newFleet(b, other, conns, secure, "other-"))
					}
					runFleets(b, fleets)
				}
			})
		}
	}
}

// A benchFleet is a gateway and its devices. what begins the names of its figures.
type benchFleet struct {
	what    string
	gateway *world.Process
	clients []*benchClient
	alone   float64 // MiB that the program takes without them
}

func newFleet(b *testing.B, program string, conns int, secure bool, what string) *benchFleet {
	b.Helper()
	dir := b.TempDir()
	data, certs, file := filepath.Join(dir, "data"), filepath.Join(dir, "certs"), filepath.Join(dir, "gateway.yaml")
	if err := pki.MakeAWS(certs, nil); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, benchConfig, data, certs), 0o600); err != nil {
		b.Fatal(err)
	}
	var names []string
	for i := range conns {
		names = append(names, fmt.Sprintf("pi-%04d", i))
	}
	passwords, err := world.AddDevices(data, names...)
	if err != nil {
		b.Fatal(err)
	}
	f := &benchFleet{what: what, gateway: world.Gateway(program, file, nil)}
	world.Run(b, f.gateway)
	f.alone = rssOf(b, f.gateway)
	f.clients = dialAll(b, f.gateway, secure, passwords)
	return f
}

// runFleets has each device send a report every 15 s, spread evenly, of every fleet at the same time.
func runFleets(b *testing.B, fleets []*benchFleet) {
	b.Helper()
	for range 2 { // the first tells the metrics, which the disk keeps
		before := make([]time.Duration, len(fleets))
		for i, f := range fleets {
			before[i] = cpuOf(b, f.gateway)
		}
		var sending sync.WaitGroup
		for _, f := range fleets {
			for i, c := range f.clients {
				sending.Go(func() {
					time.Sleep(fleetEvery * time.Duration(i) / time.Duration(len(f.clients)))
					c.evenly(b)
				})
			}
		}
		sending.Wait()
		for i, f := range fleets {
			cpu := cpuOf(b, f.gateway) - before[i]
			b.ReportMetric(float64(cpu.Microseconds())/float64(fleetRounds*len(f.clients)), f.what+"cpu-µs/report")
		}
	}
	for _, f := range fleets {
		rss := rssOf(b, f.gateway)
		b.ReportMetric(rss, f.what+"MiB")
		b.ReportMetric((rss-f.alone)*1024/float64(len(f.clients)), f.what+"KiB/connection")
	}
	for _, f := range fleets {
		before, reports := cpuOf(b, f.gateway), f.burst(b)
		b.ReportMetric(float64((cpuOf(b, f.gateway)-before).Microseconds())/float64(reports), f.what+"burst-cpu-µs/report")
		b.ReportMetric(rssOf(b, f.gateway), f.what+"burst-MiB")
	}
	time.Sleep(fleetQuiet)
	for _, f := range fleets {
		b.ReportMetric(rssOf(b, f.gateway), f.what+"after-MiB")
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

// evenly sends the reports of some rounds. The gateway may hold each back for seconds.
func (c *benchClient) evenly(b *testing.B) {
	tick := time.NewTicker(fleetEvery)
	defer tick.Stop()
	for range fleetRounds {
		if err := c.roundTrip(); err != nil {
			b.Error(err)
			return
		}
		<-tick.C
	}
}

// burstFor is how long a burst takes.
const burstFor = 3 * time.Second

// burst has every device send as fast as it can, and returns how many reports that were.
func (f *benchFleet) burst(b *testing.B) int64 {
	b.Helper()
	var reports atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(burstFor)
	for _, c := range f.clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				if err := c.roundTrip(); err != nil {
					b.Error(err)
					return
				}
				reports.Add(1)
			}
		})
	}
	wg.Wait()
	return reports.Load()
}
