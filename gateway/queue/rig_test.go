package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"piway/gateway/queue"
	"piway/gateway/queue/storetest"
)

const (
	window = storetest.Window
	grace  = storetest.Grace
)

func open(ctx context.Context, cfg queue.Config) (storetest.Store, error) {
	return queue.Open(ctx, cfg)
}

// What the gateway relies on, whatever the store.
func TestQueue_isAStore(t *testing.T) { storetest.Run(t, open) }

// A bench is one of which the store is a queue, so that its file can be looked into.
type bench struct{ *storetest.Bench }

func (b *bench) queue() *queue.Queue { return b.Store.(*queue.Queue) }

// inBubble runs f with an empty queue, at a full minute.
func inBubble(t *testing.T, f func(*testing.T, *bench)) {
	t.Helper()
	storetest.InBubble(t, open, func(t *testing.T, b *storetest.Bench) { f(t, &bench{b}) })
}

func report(device, run string, seq int64, names ...string) queue.Entry {
	return storetest.Report(device, run, seq, names...)
}

// refuseReports makes the file refuse reports and nothing else.
const refuseReports = "CREATE TRIGGER full BEFORE INSERT ON report BEGIN SELECT RAISE(ABORT, 'full'); END"

// sql changes the file beside the running queue.
func (b *bench) sql(text string) {
	b.T.Helper()
	b.beside(func(db *sql.DB) error {
		_, err := db.Exec(text)
		return err
	})
}

// query reads one number beside the running queue.
func (b *bench) query(text string, n *int64) {
	b.T.Helper()
	b.beside(func(db *sql.DB) error { return db.QueryRow(text).Scan(n) })
}

func (b *bench) beside(f func(*sql.DB) error) {
	b.T.Helper()
	db, err := sql.Open("sqlite", b.Cfg.Path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.T.Fatal(err)
	}
	if err := errors.Join(f(db), db.Close()); err != nil {
		b.T.Fatal(err)
	}
}
