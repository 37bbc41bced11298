package gateway

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/datadir"
)

// What the queue keeps of a message is a format on disk: a later gateway reads it.
func TestGateway_handle_row(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	cfg.Rollup.Window, cfg.Rollup.Grace = time.Hour, time.Hour // the row stays
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen")
	now := time.Now().Unix()
	done := make(chan error, 1)
	p.handle("kitchen", fmt.Appendf(
		nil, `{"device":"liar","run":"9c1d","seq":42,"boot":"0f8e","uptime":5021.5,"sent":%d.25,`+
			`"sent_uptime":5022.75,"clock":"synced","later":1,"samples":[{"name":"cpu usage","unit":"Percent","value":"12.50","time":%[1]d.125},`+
			`{"name":"load","unit":"None","value":1},{"name":"bad","unit":"degrees","value":1}]}`, now),
		func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	p.stop()
	db, err := sql.Open("sqlite", datadir.Queue(cfg.Data.Dir))
	if err != nil {
		t.Fatal(err)
	}
	var row, samples string
	err = db.QueryRow(`SELECT json_array(device, run, seq, sent, sent_uptime, boot, uptime, clock, shift, n, host, mono > 0,
		arrived / 1000000000 BETWEEN $1 AND $1 + 60), samples FROM report`, now).Scan(&row, &samples)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	// What a report is dated by is kept of those only that come while the gateway's clock is not known to be right.
	if want := `["kitchen","9c1d",42,0.0,0.0,"",0.0,"",0.0,2,0,0,1]`; row != want {
		t.Errorf("row:\n got %s\nwant %s", row, want)
	}
	want := fmt.Sprintf(`[{"name":"cpu usage (kitchen)","unit":"Percent","value":12.5,"time":%d.125},`+
		`{"name":"load (kitchen)","unit":"None","value":1}]`, now)
	if samples != want {
		t.Errorf("samples:\n got %s\nwant %s", samples, want)
	}
}
