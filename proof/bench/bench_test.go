package bench_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// What can be asked for: make bench BENCH="-args -help" lists it.
var (
	turns    = flag.Int("turns", 5, "how often the sides take turns; the figures are medians of them")
	turn     = flag.Duration("turn", 1500*time.Millisecond, "how long a side of the closed loop is under load each time")
	openTurn = flag.Duration("open-turn", 2*time.Second, "the same of the open loop")
	conns    = flag.String("conns", "100,500", "connections of the closed loop")
	inFlight = flag.Int("inflight", 1, "reports in flight of each of them")
	openRate = flag.Int("rate", 5000, "reports a second of the open loop")
	openCons = flag.Int("open-conns", 500, "connections of the open loop")
	memCons  = flag.String("memory-conns", "50,500,1000", "connections when memory is looked at")
	only     = flag.String("sides", "", "only the gateway and sides whose names match: 'nats|mosquitto'")
)

// asBroker makes the test binary be the broker library alone.
const asBroker = "PIWAY_TEST_AS_BROKER"

// tables are shown at the end, behind the lines of the go command.
var tables bytes.Buffer

func TestMain(m *testing.M) {
	if os.Getenv(asBroker) == "" {
		code := m.Run()
		_, _ = tables.WriteTo(os.Stdout)
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bareBroker(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BenchmarkPeers_closed counts the reports that are acknowledged in a second, when each connection sends its next one at
// the PUBACK.
func BenchmarkPeers_closed(b *testing.B) {
	for _, n := range numbers(b, *conns) {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			for range b.N {
				closedLoop(b, n)
			}
		})
	}
}

// BenchmarkPeers_open tells how long a PUBACK takes when reports come at a rate, whatever becomes of them.
func BenchmarkPeers_open(b *testing.B) {
	for range b.N {
		openLoop(b, *openCons)
	}
}

// BenchmarkPeers_memory tells the resident memory with devices connected that have sent reports for a while.
func BenchmarkPeers_memory(b *testing.B) {
	for range b.N {
		residentMemory(b, numbers(b, *memCons))
	}
}
