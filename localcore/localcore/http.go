package localcore

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"piway/localcore/bill"
	"piway/localcore/broker"
	"piway/localcore/cloudwatch"
	"piway/localcore/page"
	"piway/localcore/rules"
)

// shutdownTime is what requests get to finish when Run ends.
const shutdownTime = time.Second

// snapshot is the document of GET /metrics.json.
type snapshot struct {
	Metrics       []cloudwatch.Metric   `json:"metrics"`
	Logs          []cloudwatch.Group    `json:"logs"`
	EMFErrors     []cloudwatch.EMFError `json:"emf_errors"`
	RuleFailures  ruleFailures          `json:"rule_failures"`
	Notifications []Notification        `json:"notifications"`
	Broker        broker.Counts         `json:"broker"`
	Bill          bill.Reading          `json:"bill"`
	Faults        []Fault               `json:"faults"`
	Publishes     int64                 `json:"publishes"`   // messages from clients since the start
	Connections   int                   `json:"connections"` // open now
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
	mux.HandleFunc("GET /metrics.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.snapshot()) })
	mux.HandleFunc("GET /faults.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.faults.all()) })
	if !c.cfg.ReadOnly {
		mux.HandleFunc("POST /faults/{name}", c.faults.handle)
	}
	mux.Handle("/", page.Handler(c.view))
	// A page elsewhere must not break things here through the browser of who looks at it.
	names := append([]string{"localhost", hostName(c.cfg.HTTP)}, c.cfg.Hosts...)
	all := onlyHosts(names, http.NewCrossOriginProtection().Handler(mux))
	if c.cfg.ReadOnly {
		return onlyNear(all)
	}
	return all
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func (c *Core) snapshot() snapshot {
	counts, last := c.cloud.engine.Failures()
	n := c.broker.Counts()
	return snapshot{
		Metrics:       c.cloud.store.Metrics(),
		Logs:          c.cloud.store.Groups(),
		EMFErrors:     some(c.cloud.store.EMFErrors()),
		RuleFailures:  ruleFailures{counts, some(last)},
		Notifications: some(c.cloud.notifications()),
		Broker:        n,
		Bill:          c.cloud.meter.Read(time.Now()),
		Faults:        c.faults.all(),
		Publishes:     n.PublishesIn,
		Connections:   c.broker.Connections(),
	}
}

// some makes [] of nothing in JSON, not null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
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
