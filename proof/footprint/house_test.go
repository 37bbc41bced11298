package footprint_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
)

// A house is a gateway with its devices, before a localcore in AWS's place; all of it on a disk.
type house struct {
	programs             world.Programs
	dir, endpoint, certs string
	gateway              *world.Process
}

// The settings are the defaults, but for where things are and for a clock that is vouched for.
const gatewayConfig = `
data: {dir: %[1]s/data}
broker: {listen_tls: "127.0.0.1:0", listen: "127.0.0.1:0", mdns: false, max_connections_per_address: 4096}
intake: {trust_clock: true}
uplink: {endpoint: "%[2]s", certs: {dir: %[3]s}}
`

const agentConfig = `
spool: {dir: %[1]s/spool}
collect: {interval: %[2]s, folder: %[1]s}
`

func newHouse(t testing.TB, devices ...string) (h *house, passwords map[string]string) {
	t.Helper()
	world.Built(t)                                                    // for the cache of tests
	programs, _, err := world.BuildStatic(t.Context(), "piway/agent") // as they are shipped
	if err != nil {
		t.Fatal(err)
	}
	h = &house{programs: programs, dir: world.OnDisk(t)}
	h.endpoint, h.certs = world.Core(t, localcore.Config{})
	file := filepath.Join(h.dir, "gateway.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, gatewayConfig, h.dir, h.endpoint, h.certs), 0o600); err != nil {
		t.Fatal(err)
	}
	passwords, err = world.AddDevices(filepath.Join(h.dir, "data"), devices...)
	if err != nil {
		t.Fatal(err)
	}
	h.gateway = world.Gateway(h.programs.Gateway, file, io.Discard)
	world.Run(t, h.gateway)
	return h, passwords
}

// agent pairs an agent, and returns it when the gateway has let it in.
func (h *house) agent(t testing.TB, interval time.Duration) *world.Process {
	t.Helper()
	token, err := world.Invite(t.Context(), filepath.Join(h.dir, "data"), "kitchen")
	if err != nil {
		t.Fatal(err)
	}
	line, err := token.String()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(h.dir, "agent.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, agentConfig, h.dir, interval), 0o600); err != nil {
		t.Fatal(err)
	}
	join := exec.CommandContext(t.Context(), h.programs.Agent, "join", line, "--config", file)
	if out, err := join.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a := &world.Process{
		Path: h.programs.Agent, Args: []string{"run", "--config", file}, Ready: "gateway connected", Log: io.Discard,
	}
	world.Run(t, a)
	return a
}

// script is the recipe's, with AWS's certificates: it reads four values and sends each.
const script = `
CA=$(find certs -name '*root*' -o -name '*Root*' | head -n 1)
CERT=$(find certs -name '*certificate.pem.crt')
KEY=$(find certs -name '*private.pem.key')
send() {
  mosquitto_pub --cafile "$CA" --cert "$CERT" --key "$KEY" --tls-version tlsv1.2 -h localhost -p "$PORT" -q 1 \
    -I kitchen- -t raspi/metrics -m "{\"name\": \"$1 (kitchen)\", \"unit\": \"$2\", \"value\": \"$3\"}" || exit 1
}
send "disk usage" Percent "$(df / | awk 'NR == 2 {print $5 + 0}')"
send "cpu usage" Percent "$(top -bn1 | awk '/Cpu/ {print $2 + $4}')"
send "cpu temperature" None "$(awk '{print $1 / 1000}' "$THERMAL")"
send "memory usage" Megabytes "$(free -m | awk '/Mem/ {print $3}')"
`

// scriptRuns are the CPU times of runs of the script: user and system of the shell and all that it starts.
func (h *house) scriptRuns(t testing.TB, n int) (all []time.Duration) {
	t.Helper()
	for _, tool := range []string{"mosquitto_pub", "awk", "top", "free"} {
		world.Tool(t, tool)
	}
	file, thermal := filepath.Join(h.dir, "script"), filepath.Join(h.dir, "temp")
	for path, text := range map[string]string{file: script, thermal: "48312\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := strings.Cut(h.endpoint, ":")
	for range n {
		cmd := exec.CommandContext(t.Context(), "sh", file)
		cmd.Dir = filepath.Dir(h.certs)
		cmd.Env = append(os.Environ(), "PORT="+port, "THERMAL="+thermal)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		all = append(all, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	slices.Sort(all)
	return all
}
