package foreign_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"piway/proof/world"
)

// neighbour is a block of docs/neighbours.md that has a line, with some of its texts replaced.
func neighbour(t *testing.T, line string, texts ...string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/neighbours.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```[a-z]*\\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(m[1], line) {
			continue
		}
		for i := 0; i < len(texts); i += 2 {
			if !strings.Contains(m[1], texts[i]) {
				t.Errorf("the block of %q has no %q", line, texts[i])
			}
			m[1] = strings.ReplaceAll(m[1], texts[i], texts[i+1])
		}
		return m[1]
	}
	t.Fatalf("docs/neighbours.md has no block with %q", line)
	return ""
}

// The page's bridge, on Debian's mosquitto, by TLS: what a client of Mosquitto publishes is in CloudWatch.
func TestNeighbours_mosquitto(t *testing.T) {
	server := world.Tool(t, "mosquitto")
	h := newHome(t)
	free, err := world.FreePorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free[0])
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(h.dir, "mosquitto.conf")
	text := "user root\nlistener " + port + " 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n" + neighbour(t, "connection piway",
		"gateway.local:8883", net.JoinHostPort("localhost", h.port),
		"/etc/mosquitto/ca_certificates/gateway-root-CA.crt", h.ca, "username house", "username pi1", "PASSWORD", h.password)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	world.Run(t, &world.Process{Path: server, Args: []string{"-c", conf}, Ready: " running"})
	publishTo(t, port)
	h.wantDatum("disk usage /")
}

// What the page has Telegraf send, which is a list, by the recipe's tool: each field is a metric.
func TestNeighbours_telegrafsForm(t *testing.T) {
	h := newHome(t)
	h.options("-u pi1", "-P "+h.password)
	message := fmt.Sprintf(`[{"name":"mem used_percent (telegraf)","unit":"None","value":41.5,"timestamp":%d},`+
		`{"name":"mem used (telegraf)","unit":"None","value":1234,"timestamp":%[1]d}]`, time.Now().Unix())
	out, err := h.command(h.tool, "--cafile", h.ca, "-h", h.host, "-p", h.port, "-q", "1", "-t", "raspi/metrics",
		"-m", message).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := map[string]float64{}
	for range 2 {
		d := h.datum()
		got[d.Name] = d.Value
	}
	if got["mem used_percent (telegraf)"] != 41.5 || got["mem used (telegraf)"] != 1234 {
		t.Errorf("got %v", got)
	}
}

// The page's output, in Telegraf itself where that is installed: an input that reads a file once.
func TestNeighbours_telegraf(t *testing.T) {
	telegraf := world.Tool(t, "telegraf")
	h := newHome(t)
	input := filepath.Join(h.dir, "line")
	output := neighbour(t, "[[outputs.mqtt]]", "gateway.local:8883", net.JoinHostPort("localhost", h.port),
		"/etc/telegraf/gateway-root-CA.crt", h.ca, `username = "telegraf"`, `username = "pi1"`, "PASSWORD", h.password)
	conf := filepath.Join(h.dir, "telegraf.conf")
	text := "[agent]\n  omit_hostname = true\n[[inputs.file]]\n  files = [\"" + input + "\"]\n  data_format = \"influx\"\n" + output
	if err := os.WriteFile(input, []byte("mem used_percent=41.5,used=1234i\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := h.command(telegraf, "--config", conf, "--once").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := map[string]float64{h.datum().Name: 1, h.datum().Name: 1}
	if got["mem used_percent (telegraf)"] == 0 || got["mem used (telegraf)"] == 0 {
		t.Errorf("got %v", got)
	}
}
