package localcore_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"piway/localcore/localcore"
)

// A name that leads here and is not this server's gets nothing, neither the page nor the data nor the faults.
func TestCore_hostNames(t *testing.T) {
	r := start(t, func(c *localcore.Config) { c.Hosts = []string{"localhost", "core.example"} })
	_, port, _ := strings.Cut(r.HTTPAddr().String(), ":")
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:" + port: true, "LocalHost.:" + port: true,
		"127.0.0.1:" + port: true, "[::1]:" + port: true, "192.168.1.5": true, "Core.Example:" + port: true,
		"evil.example": false, "evil.example:" + port: false,
		"localhost.evil.example": false, "127.0.0.1.evil.example:80": false,
	} {
		for _, path := range []string{"/", "/metrics.json", "/faults.json"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.HTTPAddr().String()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body) // what is missing is missed below
			_ = resp.Body.Close()
			if got := resp.StatusCode == http.StatusOK; got != ok {
				t.Errorf("%s for %s: got %s", path, host, resp.Status)
			}
			const fix = "try: piway-localcore run --host NAME"
			if !ok && (resp.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(string(body), fix)) {
				t.Errorf("%s for %s: got %s %s", path, host, resp.Status, body)
			}
		}
	}
}
