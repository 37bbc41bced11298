package bench_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/proof/world"
	"piway/shared/pki"
)

// A side is a broker under a kind of load, as a process of its own: none has what another was sent.
type side struct {
	name    string
	measure bool // what the others are compared with
	secure  bool // by TLS
	scripts bool // its load are messages without run and seq, which a gateway must not hold for long
	memory  bool // whose memory is looked at
	start   func(b testing.TB, s *side, n int) (missing string)

	proc      *world.Process
	addr      string // "" where the process says it
	passwords map[string]string
	clients   []*benchClient
	reports   int           // that were sent
	before    time.Duration // processor time that the broker had taken
	cpu       float64       // µs a report, with what it did between its turns; known when it is closed
}

func allSides() []*side {
	return []*side{
		{name: "gateway", measure: true, memory: true, start: startGateway},
		{name: "gateway, scripts", scripts: true, start: startGateway},
		{name: "nats", memory: true, start: startNATS},
		{name: "mosquitto", memory: true, start: startMosquitto},
		{name: "library alone", start: startLibrary},
		{name: "gateway, TLS", measure: true, memory: true, secure: true, start: startGateway},
		{name: "nats, TLS", secure: true, memory: true, start: startNATS},
		{name: "mosquitto, TLS", secure: true, memory: true, start: startMosquitto},
		{name: "library alone, TLS", secure: true, start: startLibrary},
	}
}

// open starts the broker and connects the devices, if the broker is there.
func (s *side) open(b testing.TB, n int) (missing string) {
	b.Helper()
	s.passwords = map[string]string{}
	for i := range n {
		s.passwords[deviceName(i)] = "anything"
	}
	if missing := s.start(b, s, n); missing != "" {
		return missing
	}
	if s.addr == "" {
		s.clients = dialAll(b, s.proc, s.secure, s.passwords)
	} else {
		s.clients = dialAt(b, s.addr, s.secure, s.passwords)
	}
	if s.scripts {
		for _, c := range s.clients {
			c.compose(0, true)
		}
	}
	if err := s.clients[0].roundTrip(); err != nil {
		b.Fatalf("%s: %v", s.name, err)
	}
	s.before = cpuOf(b, s.proc)
	return ""
}

// close ends all that open began; so would the benchmark's end.
func (s *side) close(b testing.TB) {
	if !s.proc.Running() {
		return
	}
	s.cpu = float64((cpuOf(b, s.proc) - s.before).Microseconds()) / float64(max(1, s.reports))
	for _, c := range s.clients {
		_ = c.conn.Close() // it has done its work
	}
	s.proc.Kill()
}

func deviceName(i int) string { return fmt.Sprintf("pi-%04d", i) }

func startLibrary(b testing.TB, s *side, _ int) string {
	s.proc = &world.Process{Path: os.Args[0], Env: []string{asBroker + "=1"}, Ready: "library ready"}
	if s.secure {
		s.proc.Env = append(s.proc.Env, certsOf+"="+certificates(b, world.OnDisk(b)))
	}
	world.Run(b, s.proc)
	return ""
}

// mosquittoConfig is Debian's broker that nobody hears: it acknowledges and forgets too. As root it would be another.
const mosquittoConfig = `user %s
log_dest stderr
listener %s 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
`

func startMosquitto(b testing.TB, s *side, _ int) string {
	path := world.LookTool("mosquitto")
	if path == "" {
		return "not installed: apt install mosquitto"
	}
	me, err := user.Current()
	if err != nil {
		b.Fatal(err)
	}
	addrs, err := world.FreePorts(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	s.addr = addrs[0]
	_, port, _ := net.SplitHostPort(s.addr)
	dir := world.OnDisk(b)
	text := fmt.Sprintf(mosquittoConfig, me.Username, port)
	if s.secure {
		certs := certificates(b, dir)
		text += fmt.Sprintf("certfile %[1]s/server.pem.crt\nkeyfile %[1]s/server.pem.key\n", certs)
	}
	s.proc = &world.Process{Path: path, Args: []string{"-c", write(b, dir, text)}, Ready: " running"}
	world.Run(b, s.proc)
	return ""
}

// natsConfig has each message on disk before its PUBACK, as the gateway has.
const natsConfig = `
server_name: bench
listen: "127.0.0.1:-1"
jetstream { store_dir: %q, sync_interval: always }
mqtt {
  listen: "127.0.0.1:-1"
  %s
}
`

var natsListens = regexp.MustCompile(`mqtt://(\S+)|tls://(\S+)`)

func startNATS(b testing.TB, s *side, _ int) string {
	path, err := buildNATS()
	if err != nil {
		return err.Error()
	}
	dir, security := world.OnDisk(b), ""
	if s.secure {
		certs := certificates(b, dir)
		security = fmt.Sprintf(`tls { cert_file: "%[1]s/server.pem.crt", key_file: "%[1]s/server.pem.key" }`, certs)
	}
	file := write(b, dir, fmt.Sprintf(natsConfig, filepath.Join(dir, "store"), security))
	s.proc = &world.Process{Path: path, Args: []string{"-c", file}, Ready: "Server is ready"}
	world.Run(b, s.proc)
	m := natsListens.FindStringSubmatch(s.proc.Line("Listening for MQTT clients"))
	if m == nil {
		b.Fatal("NATS does not say where it listens")
	}
	s.addr = m[1] + m[2]
	// It stores what somebody waits for, and nothing else.
	if err := leaveSession(b, s.addr, s.secure); err != nil {
		b.Fatal(err)
	}
	return ""
}

// buildNATS makes the server of the module file that is there for it.
var buildNATS = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "piway-proof", "nats-server")
	cmd := exec.Command("go", "build", "-modfile=../../tools/peers/go.mod", "-o", path,
		"github.com/nats-io/nats-server/v2")
	if out, err := cmd.CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return "", fmt.Errorf("not built: %w: %s", err, first)
	}
	return path, nil
})

// certificates are a server's for this machine, and more.
func certificates(b testing.TB, dir string) string {
	b.Helper()
	certs := filepath.Join(dir, "certs")
	if err := pki.MakeAWS(certs, nil); err != nil {
		b.Fatal(err)
	}
	return certs
}

func write(b testing.TB, dir, text string) string {
	b.Helper()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}
