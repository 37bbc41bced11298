package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"piway/shared/cli"
)

func TestRun_mistakes(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"--every 0s", "--every"},
		{"--window 61s", "--window"},
		{"--window 120s", "--window"},
		{"--hours 0", "--hours"},
		{"--hours 400", "--hours"},
		{"--pis 0", "--pis"},
		{"--peers nobody", "piway-metric"},
		{"--kill often", "--kill"},
		{"--what", "outage --help"},
	} {
		var out bytes.Buffer
		err := program().Run(t.Context(), strings.Fields(test.args), cli.Streams{Out: &out, Err: &out})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %s", test.args, err, test.want)
		}
	}
}

func TestResult_drainText(t *testing.T) {
	for _, test := range []struct {
		r    result
		want string
	}{
		{result{whole: true, drain: 576 * time.Second}, "9m36s"},
		{result{stalled: true, held: 5, drained: 100}, "stalled after 100"},
		{result{stalled: true, drain: 20 * time.Second}, "20s"},
		{result{drained: 45_000, backlog: 230_400, drain: 15 * time.Minute}, "about 1h17m0s, 45000 in 15m0s"},
		{result{}, "nothing came"},
	} {
		if got := test.r.drainText(); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.r, got, test.want)
		}
	}
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
