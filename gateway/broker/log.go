package broker

import (
	"context"
	"log/slog"

	"piway/shared/tell"
)

// libraryLog passes the library's own messages on as debug: what matters is logged by this package, in its own words.
// Attributes that hold whole packets are cut, since a packet may hold a password.
func libraryLog(log *slog.Logger) *slog.Logger {
	return slog.New(&quiet{log.Handler()})
}

type quiet struct{ h slog.Handler }

func (q *quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.h.Enabled(ctx, slog.LevelDebug)
}

func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, slog.LevelDebug, "broker library: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		switch a.Value.Kind() {
		case slog.KindAny: // packets and errors; an error of the library may quote a packet
			if err, ok := a.Value.Any().(error); ok && a.Key == "error" {
				out.AddAttrs(slog.String("err", tell.Clip(err.Error())))
			}
		case slog.KindString:
			out.AddAttrs(slog.String(a.Key, tell.Clip(a.Value.String())))
		default:
			out.AddAttrs(a)
		}
		return true
	})
	return q.h.Handle(ctx, out)
}

func (q *quiet) WithAttrs(as []slog.Attr) slog.Handler { return &quiet{q.h.WithAttrs(as)} }

func (q *quiet) WithGroup(name string) slog.Handler { return &quiet{q.h.WithGroup(name)} }
