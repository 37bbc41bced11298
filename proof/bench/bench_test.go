package bench_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"piway/proof/world"
	"piway/shared/pki"
)

// asBroker makes the test binary be the broker library alone.
const asBroker = "PIWAY_TEST_AS_BROKER"

func TestMain(m *testing.M) {
	if os.Getenv(asBroker) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bareBroker(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// benchFor is how long each side of a comparison is under load, benchRounds how often they take turns: what else the
// machine does then falls on both.
const (
	benchFor    = 3 * time.Second
	benchRounds = 2
)

// benchConfig has no AWS to speak to: what is measured is the way to the disk.
const benchConfig = `
data: {dir: %s}
broker: {listen_tls: "127.0.0.1:0", listen: "127.0.0.1:0", max_connections_per_address: 4096}
uplink:
  endpoint: 127.0.0.1:1
  certs: {dir: %s}
log: {level: info}
`

// BenchmarkGateway_durable counts the reports of four samples that are acknowledged, hence on disk, in a second, and
// compares with the broker library that acknowledges and forgets. Load and program share the machine.
func BenchmarkGateway_durable(b *testing.B) {
	for _, conns := range []int{100, 1000} {
		for _, inFlight := range []int{1, 16} {
			b.Run(fmt.Sprintf("connections=%d/in_flight=%d", conns, inFlight), func(b *testing.B) {
				for range b.N {
					compare(b, conns, inFlight)
				}
			})
		}
	}
}

func compare(b *testing.B, conns, inFlight int) {
	passwords, gateway := benchGateway(b, conns)
	alone := &world.Process{Path: os.Args[0], Env: []string{asBroker + "=1"}, Ready: "gateway ready"}
	world.Run(b, alone)
	var acks [3]int64 // of the library alone, and of the gateway without and with TLS
	var cpu [3]time.Duration
	for range benchRounds {
		for i, p := range []*world.Process{alone, gateway, gateway} {
			before := cpuOf(b, p)
			acks[i] += load(b, p, i == 2, passwords, inFlight)
			cpu[i] += cpuOf(b, p) - before
		}
	}
	seconds := benchFor.Seconds() * benchRounds
	b.ReportMetric(float64(acks[1])/seconds, "reports/s")
	b.ReportMetric(float64(acks[2])/seconds, "tls-reports/s")
	b.ReportMetric(float64(acks[0])/seconds, "library_alone/s")
	b.ReportMetric(float64(acks[1])/float64(acks[0]), "ratio")
	b.ReportMetric(float64(acks[2])/float64(acks[1]), "tls-ratio")
	b.ReportMetric(float64(cpu[1].Microseconds())/float64(acks[1]), "cpu-µs/report")
	b.ReportMetric(float64(cpu[2].Microseconds())/float64(acks[2]), "tls-cpu-µs/report")
	b.ReportMetric(0, "ns/op") // says nothing here
}

// memoryReports of each device, so that the heap has grown to what it grows to.
const memoryReports = 100

// BenchmarkGateway_memory tells the resident memory with devices connected that have sent reports for a while.
func BenchmarkGateway_memory(b *testing.B) {
	for _, tt := range []struct {
		conns  int
		secure bool
	}{{50, false}, {50, true}, {1000, false}, {1000, true}} {
		b.Run(fmt.Sprintf("connections=%d/tls=%t", tt.conns, tt.secure), func(b *testing.B) {
			for range b.N {
				passwords, gateway := benchGateway(b, tt.conns)
				clients := dialAll(b, gateway, tt.secure, passwords)
				for range memoryReports {
					for _, c := range clients {
						if err := c.roundTrip(); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(rssOf(b, gateway), "MiB")
				b.ReportMetric(0, "ns/op") // says nothing here
			}
		})
	}
}

// benchGateway runs a gateway with as many devices, until the benchmark ends.
func benchGateway(b *testing.B, conns int) (map[string]string, *world.Process) {
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
	p := world.Gateway(world.Built(b).Gateway, file, nil)
	world.Run(b, p)
	return passwords, p
}

// load keeps every connection busy for benchFor and returns how many reports were acknowledged.
func load(b *testing.B, p *world.Process, secure bool, passwords map[string]string, inFlight int) int64 {
	b.Helper()
	clients := dialAll(b, p, secure, passwords)
	var acks atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(benchFor)
	for _, c := range clients {
		wg.Go(func() {
			defer func() { _ = c.conn.Close() }() // it has done its work
			_ = c.conn.SetDeadline(end)
			for range inFlight {
				if c.send() != nil {
					return
				}
			}
			for c.puback() == nil {
				acks.Add(1)
				if c.send() != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return acks.Load()
}

// A benchClient speaks MQTT as cheaply as it can be spoken, to leave the machine to the broker.
type benchClient struct {
	conn   net.Conn
	packet []byte
	id     uint16
	idAt   int
	seqAt  int
	seq    int64
	ack    [4]byte
}

var benchRun atomic.Int64

// dialAll connects the devices; secure ones show a certificate too, as paired agents do.
func dialAll(b *testing.B, p *world.Process, secure bool, passwords map[string]string) []*benchClient {
	b.Helper()
	run, addr, dial := benchRun.Add(1), p.Addr(), new(net.Dialer).DialContext
	if secure {
		cert, err := pki.MakeDeviceKey(filepath.Join(b.TempDir(), "device.key"))
		if err != nil {
			b.Fatal(err)
		}
		addr = p.AddrTLS()
		dial = (&tls.Dialer{Config: &tls.Config{
			InsecureSkipVerify: true, // who the gateway is does not matter here
			Certificates:       []tls.Certificate{*cert},
		}}).DialContext
	}
	var clients []*benchClient
	for name, password := range passwords {
		conn, err := dial(b.Context(), "tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		c, err := benchLogin(conn, name, password, run)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.conn.Close() })
		clients = append(clients, c)
	}
	return clients
}

func benchLogin(conn net.Conn, name, password string, run int64) (*benchClient, error) {
	connect := []byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 60} // user, password, clean session, 60 s
	for _, s := range []string{name, name, password} {
		connect = append(binary.BigEndian.AppendUint16(connect, uint16(len(s))), s...)
	}
	if _, err := conn.Write(append(header(0x10, len(connect)), connect...)); err != nil {
		return nil, err
	}
	c := &benchClient{conn: conn, seq: 1_000_000_000}
	if _, err := io.ReadFull(conn, c.ack[:]); err != nil || c.ack[3] != 0 {
		return nil, fmt.Errorf("CONNACK %v: %w", c.ack, err)
	}
	now := time.Now().Unix()
	payload := fmt.Sprintf(`{"device":%q,"run":"%032d","seq":%d,"boot":"0f8e0f8e-0f8e-0f8e-0f8e-0f8e0f8e0f8e","uptime":5021.7,"sent":%d.25,"clock":"synced","samples":[`+
		`{"name":"disk usage /","unit":"Percent","value":61.25,"time":%[5]d},{"name":"cpu usage","unit":"Percent","value":12.5,"time":%[5]d},`+
		`{"name":"cpu temperature","unit":"None","value":48.3,"time":%[5]d},{"name":"memory usage","unit":"Megabytes","value":412.25,"time":%[5]d}]}`,
		name, run, c.seq, now, now)
	topic := "pi/" + name + "/samples"
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(topic))), topic...)
	c.packet = header(0x32, len(body)+2+len(payload)) // QoS 1
	c.packet = append(c.packet, body...)
	c.idAt = len(c.packet)
	c.packet = append(append(c.packet, 0, 0), payload...)
	c.seqAt = bytes.Index(c.packet, []byte(strconv.FormatInt(c.seq, 10)))
	return c, nil
}

// header is MQTT's fixed header, [MQTT-2.2.3].
func header(kind byte, n int) []byte {
	h := []byte{kind}
	for ; n >= 128; n /= 128 {
		h = append(h, byte(n%128)|128)
	}
	return append(h, byte(n))
}

func (c *benchClient) send() error {
	c.id = c.id%60000 + 1
	c.seq++
	binary.BigEndian.PutUint16(c.packet[c.idAt:], c.id)
	strconv.AppendInt(c.packet[c.seqAt:c.seqAt], c.seq, 10)
	_, err := c.conn.Write(c.packet)
	return err
}

func (c *benchClient) puback() error {
	_, err := io.ReadFull(c.conn, c.ack[:])
	if err == nil && c.ack[0] != 0x40 {
		return fmt.Errorf("got packet %x, want a PUBACK", c.ack)
	}
	return err
}

func (c *benchClient) roundTrip() error {
	if err := c.send(); err != nil {
		return err
	}
	return c.puback()
}

// cpuOf returns the processor time that a process has used.
func cpuOf(b *testing.B, p *world.Process) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		b.Skip("needs /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

// rssOf returns the resident memory of a process in MiB.
func rssOf(b *testing.B, p *world.Process) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		b.Skip("needs /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

// bareBroker is the library with a hook that lets everyone in and forwards nothing.
func bareBroker(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler), SysTopicResendInterval: 3600})
	s.Options.Capabilities.MaximumClientWritesPending = 64
	if err := errors.Join(s.AddHook(&openHook{}, nil), s.AddListener(listeners.NewNet("bare", ln)),
		s.Serve()); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "gateway ready listen=%s\n", ln.Addr())
	<-ctx.Done()
	return s.Close()
}

type openHook struct{ mqtt.HookBase }

func (*openHook) Provides(q byte) bool {
	return q == mqtt.OnConnectAuthenticate || q == mqtt.OnACLCheck || q == mqtt.OnPublish
}
func (*openHook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (*openHook) OnACLCheck(*mqtt.Client, string, bool) bool              { return true }
func (*openHook) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	return pk, packets.CodeSuccessIgnore
}
