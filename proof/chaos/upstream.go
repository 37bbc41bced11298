package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
)

const mosquittoUpstream = "mosquitto"

// An upstream takes AWS's place, and what it took is in a record as localcore writes it.
type upstream struct {
	name     string
	programs []*world.Process // the first is the broker
	stop     func()           // ends the broker as it may end without losing what it acknowledged
	http     string           // localcore's, "" of another
	again    int              // how many messages may come again in the record for each end of the broker
	loose    bool             // the record may lag
}

func newLocalcore(program, certs, mqtt, http, record string, log *world.Log) *upstream {
	p := world.Localcore(program, mqtt, http, certs, record, log.Of("localcore"))
	return &upstream{name: "localcore", programs: []*world.Process{p}, stop: p.Kill, http: http}
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

func newMosquitto(dir, certs, addr, record string, log *world.Log) (*upstream, error) {
	f, err := os.OpenFile(record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	broker, reader, err := world.Mosquitto(dir, certs, addr, log.Of("mosquitto"),
		&recorder{file: f, log: log.Of("mosquitto_sub")})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	stop := func() { _ = broker.Stop() } // nothing of it is kept but what it acknowledged
	return &upstream{
		name: "mosquitto", programs: []*world.Process{broker, reader}, stop: stop, again: window,
		loose: true,
	}, nil
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
	text, err := json.Marshal(localcore.Recorded{
		Received: time.Now(), Name: m.Name, Unit: m.Unit, Value: value,
		Timestamp: time.Unix(at, 0),
	})
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
