package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// journaled gives journald what was done to a device as fields of their own, where the log goes there: `journalctl
// PIWAY_ACTION=revoke PIWAY_DEVICE=kitchen`. Everything else, and what journald does not take, goes on to the log.
type journaled struct {
	slog.Handler
	send func(message string, fields map[string]string) error
}

// withJournal returns log, or one that is journaled if standard error is journald's.
func withJournal(log *slog.Logger) *slog.Logger {
	if ours, err := journal.StderrIsJournalStream(); err != nil || !ours {
		return log
	}
	return slog.New(journaled{log.Handler(), func(message string, fields map[string]string) error {
		return journal.Send(message, journal.PriInfo, fields)
	}})
}

// fieldPrefix keeps our fields apart from journald's own and others'.
const fieldPrefix = "PIWAY_"

// Handle is of slog.Handler.
func (j journaled) Handle(ctx context.Context, r slog.Record) error {
	fields := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		fields[fieldPrefix+strings.ToUpper(a.Key)] = a.Value.String()
		return true
	})
	if _, ok := fields[fieldPrefix+"ACTION"]; !ok {
		return j.Handler.Handle(ctx, r)
	}
	fields["SYSLOG_IDENTIFIER"] = "piway-gateway"
	if err := j.send(line(r), fields); err != nil {
		return j.Handler.Handle(ctx, r)
	}
	return nil
}

// line is a record as one line of text; journald adds the time.
func line(r slog.Record) string {
	var text bytes.Buffer
	r = r.Clone()
	h := slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	_ = h.Handle(context.Background(), r) // a buffer takes all
	return strings.TrimSpace(text.String())
}

// WithAttrs is of slog.Handler. What has a part is not of devices alone.
func (j journaled) WithAttrs(attrs []slog.Attr) slog.Handler { return j.Handler.WithAttrs(attrs) }

// WithGroup is of slog.Handler.
func (j journaled) WithGroup(name string) slog.Handler { return j.Handler.WithGroup(name) }
