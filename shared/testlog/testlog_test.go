package testlog_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"piway/shared/testlog"
)

func TestLog(t *testing.T) {
	var l testlog.Log
	for _, text := range []string{"one two\nthree two\n", "four"} {
		if _, err := io.WriteString(&l, text); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.With("two", "one"); !slices.Equal(got, []string{"one two"}) {
		t.Errorf("got %q", got)
	}
	if l.Count("two") != 2 || l.String() != "one two\nthree two\nfour" {
		t.Errorf("got %q", l.String())
	}
	if got := l.Next(t); got != "one two" || l.Left() != 2 {
		t.Errorf("got %q, %d left", got, l.Left())
	}
	l.Reset()
	if l.Count() != 0 || l.Left() != 0 {
		t.Errorf("left: %q", l.With())
	}
}

func TestLog_Await(t *testing.T) {
	var l testlog.Log
	log := slog.New(slog.NewTextHandler(&l, nil))
	go func() {
		log.Info("a")
		log.Info("b", "n", 1)
	}()
	if line := l.Want(t.Context(), t, "msg=b", "n=1"); !strings.Contains(line, "level=INFO") {
		t.Errorf("got %q", line)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := l.Await(ended, 2, "level=INFO"); err != nil || len(found) != 2 {
		t.Errorf("got %q, %v, want what is there already", found, err)
	}
	if _, err := l.Await(ended, 1, "c"); err == nil || !strings.Contains(err.Error(), "msg=b") {
		t.Errorf("got %v, want an error with the end of the log", err)
	}
}
