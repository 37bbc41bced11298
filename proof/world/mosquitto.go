package world

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"piway/shared/pki"
)

const mosquittoConfig = `user root
listener %[1]s 127.0.0.1
cafile %[2]s/client-ca.pem
certfile %[2]s/server.pem.crt
keyfile %[2]s/server.pem.key
require_certificate true
allow_anonymous true
max_queued_messages 0
persistence true
persistence_location %[3]s/
log_dest stderr
`

// ErrNoMosquitto says that Debian's mosquitto is not there.
var ErrNoMosquitto = errors.New("mosquitto is not installed, try: apt install mosquitto mosquitto-clients")

// Mosquitto is Debian's broker at this address in AWS's place, with client certificates, and a subscriber that keeps
// its session, whose log has a line for each message. Neither runs yet.
func Mosquitto(dir, certs, addr string, brokerLog, readerLog io.Writer) (broker, reader *Process, err error) {
	server, sub, unbuffered := LookTool("mosquitto"), LookTool("mosquitto_sub"), LookTool("stdbuf")
	if server == "" || sub == "" || unbuffered == "" {
		return nil, nil, ErrNoMosquitto
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	files, err := pki.Find(certs)
	if err != nil {
		return nil, nil, err
	}
	store, config := filepath.Join(dir, "mosquitto"), filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf(mosquittoConfig, port, certs, store)
	if err := errors.Join(os.Mkdir(store, 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return nil, nil, err
	}
	broker = &Process{Path: server, Args: []string{"-c", config}, Ready: " running", Log: brokerLog}
	reader = &Process{Path: unbuffered, Args: []string{
		"-oL", sub, "-d", "-h", "localhost", "-p", port, "-t", "raspi/metrics", "-q", "1", "-i", "record", "-c",
		"--cafile", files.Roots[0], "--cert", files.Cert, "--key", files.Key,
	}, Ready: "Subscribed (mid", Log: readerLog}
	return broker, reader, nil
}
