package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"piway/localcore/localcore"
	"piway/proof/rig"
	"piway/shared/pki"
)

const mosquittoUpstream = "mosquitto"

// An upstream takes AWS's place, and what it took is in a record as localcore writes it.
type upstream struct {
	name     string
	programs []*rig.Process // the first is the broker
	stop     func()         // ends the broker as it may end without losing what it acknowledged
	http     string         // localcore's, "" of another
	again    int            // how many messages may come again in the record for each end of the broker
	loose    bool           // the record may lag
}

func newLocalcore(program, certs, mqtt, http, record string, log io.Writer) *upstream {
	p := &rig.Process{
		Path: program, Args: []string{"run", "--listen", mqtt, "--http", http, "--certs", certs, "--record", record},
		Ready: "msg=serving", Log: prefixed(log, "localcore"),
	}
	return &upstream{name: "localcore", programs: []*rig.Process{p}, stop: p.Kill, http: http}
}

// ended is the event of the broker's end.
func (u *upstream) ended() string { return u.name + " ended" }

// fault switches one of localcore's on. It may be down just now.
func (u *upstream) fault(ctx context.Context, name string, length time.Duration, value string) {
	url := fmt.Sprintf("http://%s/faults/%s?for=%s&value=%s", u.http, name, length, value)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close() // nothing in it is of interest
	}
}

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

// newMosquitto is Debian's broker with a subscriber that writes the record. Both keep what was acknowledged over an
// orderly stop of the broker, but mosquitto does not over SIGKILL.
func newMosquitto(dir, certs, addr, record string, log io.Writer) (*upstream, error) {
	server, sub, unbuffered := rig.LookTool("mosquitto"), rig.LookTool("mosquitto_sub"), rig.LookTool("stdbuf")
	if server == "" || sub == "" || unbuffered == "" {
		return nil, errors.New("mosquitto is not installed, try: apt install mosquitto mosquitto-clients")
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	files, err := pki.Find(certs)
	if err != nil {
		return nil, err
	}
	store, config := filepath.Join(dir, "mosquitto"), filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf(mosquittoConfig, port, certs, store)
	if err := errors.Join(os.Mkdir(store, 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	broker := &rig.Process{Path: server, Args: []string{"-c", config}, Ready: " running", Log: prefixed(log, "mosquitto")}
	reader := &rig.Process{Path: unbuffered, Args: []string{
		"-oL", sub, "-d", "-h", "localhost", "-p", port, "-t", "raspi/metrics", "-q", "1", "-i", "record", "-c",
		"--cafile", files.Roots[0], "--cert", files.Cert, "--key", files.Key,
	}, Ready: "Subscribed (mid", Log: &recorder{file: f, log: prefixed(log, "mosquitto_sub")}}
	return &upstream{name: "mosquitto", programs: []*rig.Process{broker, reader}, stop: broker.Stop, again: window, loose: true}, nil
}

// A recorder turns the subscriber's lines into localcore's record.
type recorder struct {
	mu   sync.Mutex // guards file
	file *os.File
	log  io.Writer
}

// Write takes a line. A message is one of JSON, all else is about the connection.
func (r *recorder) Write(line []byte) (int, error) {
	if !bytes.HasPrefix(line, []byte("{")) {
		if bytes.Contains(line, []byte("received PUBLISH")) || bytes.Contains(line, []byte("sending PUBACK")) {
			return len(line), nil
		}
		return r.log.Write(line)
	}
	var m struct{ Name, Unit, Value, Timestamp string }
	if err := json.Unmarshal(line, &m); err != nil {
		return 0, err
	}
	value, verr := strconv.ParseFloat(m.Value, 64)
	at, terr := strconv.ParseInt(m.Timestamp, 10, 64)
	if err := errors.Join(verr, terr); err != nil {
		return 0, err
	}
	text, err := json.Marshal(localcore.Recorded{Received: time.Now(), Name: m.Name, Unit: m.Unit, Value: value, Timestamp: time.Unix(at, 0)})
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Write(append(text, '\n')); err != nil {
		return 0, err
	}
	return len(line), nil
}
