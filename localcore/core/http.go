package core

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"piway/localcore/cloudwatch"
	"piway/localcore/rules"
)

// shutdownTime is what requests get to finish when Run ends.
const shutdownTime = time.Second

// snapshot is the document of GET /metrics.json.
type snapshot struct {
	Metrics      []cloudwatch.Metric `json:"metrics"`
	RuleFailures ruleFailures        `json:"rule_failures"`
	Publishes    int64               `json:"publishes"`   // messages from clients since the start
	Connections  int                 `json:"connections"` // open now
}

// ruleFailures are the totals, and the newest failures as AWS would hand them to the error action.
type ruleFailures struct {
	rules.Counts

	Last []rules.Failure `json:"last"`
}

func (c *Core) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the client has gone
	})
	mux.HandleFunc("GET /metrics.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.snapshot()) // the client has gone
	})
	return mux
}

func (c *Core) snapshot() snapshot {
	counts, last := c.engine.Failures()
	if last == nil {
		last = []rules.Failure{} // [] in JSON, not null
	}
	return snapshot{
		Metrics:      c.store.Metrics(),
		RuleFailures: ruleFailures{counts, last},
		Publishes:    c.publishes.Load(),
		Connections:  c.broker.Connections(),
	}
}

// serveHTTP serves until ctx ends, and returns when its goroutines have ended.
func serveHTTP(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := srv.Shutdown(end)
	if err != nil {
		err = srv.Close() // a request is slow; nobody waits for it
	}
	if serveErr := <-ended; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
