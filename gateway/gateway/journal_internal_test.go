package gateway

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"piway/gateway/control"
	"piway/shared/testlog"
)

// What is done to a device has its fields in the journal, once; all else is a line of the log.
func TestJournaled(t *testing.T) {
	said := new(testlog.Log)
	var messages []string
	var fields map[string]string
	var trouble error
	log := slog.New(journaled{slog.NewTextHandler(said, nil), func(message string, f map[string]string) error {
		messages, fields = append(messages, message), f
		return trouble
	}})
	log.Info("gateway ready", "devices", 2)
	if len(messages) > 0 || said.Count("gateway ready") != 1 {
		t.Errorf("sent %q, logged\n%s", messages, said)
	}
	control.Peer{UID: 1000, PID: 7}.Record(log, "revoke", "kitchen", "key", "a b")
	want := map[string]string{
		"PIWAY_ACTION": "revoke", "PIWAY_DEVICE": "kitchen", "PIWAY_BY_UID": "1000", "PIWAY_BY_PID": "7", "PIWAY_KEY": "a b",
		"SYSLOG_IDENTIFIER": "piway-gateway",
	}
	for name, value := range want {
		if fields[name] != value {
			t.Errorf("%s: got %q, want %q", name, fields[name], value)
		}
	}
	if len(messages) != 1 || said.Count() != 1 || strings.Contains(messages[0], "time=") ||
		!strings.Contains(messages[0], `msg="device list changed" action=revoke device=kitchen`) {
		t.Errorf("sent %q, logged\n%s", messages, said)
	}
	trouble = errors.New("no journald")
	control.Peer{UID: 1000, PID: 7}.Record(log, "invite", "attic")
	if said.Count("action=invite device=attic") != 1 {
		t.Errorf("logged\n%s", said)
	}
}
