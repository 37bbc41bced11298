package bench_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"piway/proof/world"
)

func startGateway(b testing.TB, s *side, n int) string {
	s.passwords, s.proc = benchGateway(b, n)
	return ""
}

// benchConfig has no AWS to speak to: what is measured is the way to the disk.
const benchConfig = `
data: {dir: %s}
broker: {listen_tls: "127.0.0.1:0", listen: "127.0.0.1:0", mdns: false, max_connections_per_address: 4096}
uplink:
  endpoint: 127.0.0.1:1
  certs: {dir: %s}
log: {level: info}
`

// benchGateway runs a gateway with as many devices, until the benchmark ends.
func benchGateway(b testing.TB, n int) (map[string]string, *world.Process) {
	b.Helper()
	dir := world.OnDisk(b)
	data, certs, file := filepath.Join(dir, "data"), certificates(b, dir), filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, benchConfig, data, certs), 0o600); err != nil {
		b.Fatal(err)
	}
	passwords := addDevices(b, data, n)
	p := world.Gateway(world.Built(b).Gateway, file, nil)
	world.Run(b, p)
	return passwords, p
}

// A list is a gateway's of its devices. To add one takes an fsync, and a thousand take seconds: so the next gateway
// with as many gets a copy.
type list struct {
	files     map[string][]byte
	passwords map[string]string
}

var lists = map[int]list{}

func addDevices(b testing.TB, data string, n int) map[string]string {
	b.Helper()
	if known, ok := lists[n]; ok {
		err := os.Mkdir(data, 0o700)
		for name, text := range known.files {
			err = errors.Join(err, os.WriteFile(filepath.Join(data, name), text, 0o600))
		}
		if err != nil {
			b.Fatal(err)
		}
		return known.passwords
	}
	var names []string
	for i := range n {
		names = append(names, deviceName(i))
	}
	passwords, err := world.AddDevices(data, names...)
	if err != nil {
		b.Fatal(err)
	}
	lists[n] = list{filesOf(b, data), passwords}
	return passwords
}

func filesOf(b testing.TB, dir string) map[string][]byte {
	b.Helper()
	files := map[string][]byte{}
	found, err := os.ReadDir(dir)
	for _, f := range found {
		text, readErr := os.ReadFile(filepath.Join(dir, f.Name()))
		files[f.Name()], err = text, errors.Join(err, readErr)
	}
	if err != nil {
		b.Fatal(err)
	}
	return files
}
