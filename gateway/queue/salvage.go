package queue

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"slices"

	"piway/gateway/queue/ledger"
	"piway/gateway/queue/ranges"
)

// maxFailures bounds how often a read of a damaged store may fail before the rest is given up.
const maxFailures = 20000

// A salvager copies what can be read of a damaged store into a new one. All that it reads is foreign: a row must be such
// as this package writes, or it is refused.
type salvager struct {
	cfg     *Config
	old     *sql.DB // nil: nothing can be read
	db      *sql.DB // the new one
	tx      *sql.Tx
	pending int   // rows in tx
	maxRows int64 // a damaged tree may have circles
	hi      int64 // no report had a higher id, as far as is known

	failures int
	gone     []ranges.Range  // ids whose reports are not there, or may not be
	whole    map[string]bool // tables that were read to their end without an error

	// What is told.
	reports, refused, restarted, lost int64
	uncounted                         int64    // reports that are lost and were not in the ledger yet
	unreadable                        []string // tables
}

// salvage builds a new store at path. Its ledger balances: what the old one stored and nobody can find any more is
// Dropped. A pass keeps its position only if all of its reports are there; else it is sent from its first datum again.
func salvage(ctx context.Context, cfg *Config, path string) (_ *salvager, err error) {
	fresh := cfg.withDefaults()
	fresh.Path = path
	s := &salvager{cfg: &fresh, whole: map[string]bool{}}
	fresh.bulk = true
	if s.db, err = openDB(ctx, &fresh); err != nil {
		return nil, err
	}
	defer func() {
		if cerr := s.db.Close(); err == nil {
			err = cerr
		}
	}()
	if s.old = openDamaged(ctx, cfg.Path); s.old != nil {
		defer func() { _ = s.old.Close() }() // it was only read
		if info, err := os.Stat(cfg.Path); err == nil {
			s.maxRows = info.Size()/4 + 1
		}
		if info, err := os.Stat(cfg.Path + "-wal"); err == nil {
			s.maxRows += info.Size() / 4
		}
	}
	if err := s.copyAll(ctx); err != nil {
		return nil, fmt.Errorf("copying: %w", err)
	}
	if err := s.repairPasses(ctx); err != nil {
		return nil, fmt.Errorf("mending the passes: %w", err)
	}
	if err := s.balance(ctx); err != nil {
		return nil, fmt.Errorf("balancing the ledger: %w", err)
	}
	return s, nil
}

// openDamaged returns nil if nothing can be read. The log is read too, unless it is what keeps the rest from being read.
func openDamaged(ctx context.Context, path string) *sql.DB {
	_ = os.Remove(path + "-shm") // SQLite makes it from the log; an old one may mislead
	for _, mode := range []url.Values{{"mode": {"ro"}}, {"immutable": {"1"}, "mode": {"ro"}}} {
		mode["_pragma"] = []string{"trusted_schema(0)", "cell_size_check(1)", "cache_size(-2048)"}
		dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() + "?" + mode.Encode()
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil
		}
		db.SetMaxOpenConns(1)
		var n int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE type='table'").Scan(&n); err == nil && n > 0 {
			return db
		}
		_ = db.Close() // it was only read
	}
	return nil
}

// copyAll copies all tables: what is not about single reports first, since it says which ids there may be.
func (s *salvager) copyAll(ctx context.Context) (err error) {
	names, err := tables(ctx, s.db)
	if err != nil {
		return err
	}
	if s.tx, err = s.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	defer func() {
		_ = s.tx.Rollback() // only after an error is there something left
		s.tx = nil
	}()
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(btoi(a == "report"), btoi(b == "report")) })
	for _, name := range names {
		t, err := newTable(ctx, s.db, s.old, name)
		if err != nil {
			return err
		}
		if t == nil {
			s.unreadable = append(s.unreadable, name)
			continue
		}
		failures := s.failures
		if name == "report" {
			err = s.copyReports(ctx, t)
		} else {
			err = s.copySmall(ctx, t)
		}
		if err != nil {
			return err
		}
		if s.whole[name] = s.failures == failures; !s.whole[name] {
			s.unreadable = append(s.unreadable, name)
		}
	}
	return s.tx.Commit()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// copySmall copies a table from both ends, as far as each can be read.
func (s *salvager) copySmall(ctx context.Context, t *table) error {
	for _, order := range []string{t.ascending, t.descending} {
		ok, err := s.read(ctx, t, t.query+order, nil, func([]any) bool { return true })
		if ok || err != nil {
			return err
		}
	}
	return nil
}

// copyReports copies all reports that can be read, around the damage.
func (s *salvager) copyReports(ctx context.Context, t *table) error {
	hi, err := s.newest(ctx)
	if err != nil {
		return err
	}
	var top sql.NullInt64
	if err := s.old.QueryRowContext(ctx, "SELECT MAX(id) FROM report").Scan(&top); err == nil && top.Int64 <= ledger.Max {
		hi = max(hi, top.Int64)
	}
	s.hi = hi
	return s.copyRange(ctx, t, ranges.Range{Lo: 1, Hi: hi})
}

// newest is the highest id that the new store speaks of.
func (s *salvager) newest(ctx context.Context) (hi int64, err error) {
	err = s.queryRow(ctx, `SELECT MAX(COALESCE((SELECT MAX(last) FROM pass), 0),
		COALESCE((SELECT n FROM meta WHERE key='fold'), 0), COALESCE((SELECT MAX(id) FROM report), 0))`).Scan(&hi)
	return hi, err
}

func (s *salvager) queryRow(ctx context.Context, query string) *sql.Row {
	if s.tx != nil {
		return s.tx.QueryRowContext(ctx, query)
	}
	return s.db.QueryRowContext(ctx, query)
}

// copyRange copies the reports of a range of ids: up from its start and down from its end, and what is between in halves.
func (s *salvager) copyRange(ctx context.Context, t *table, r ranges.Range) error {
	if r.Lo > r.Hi {
		return nil
	}
	for _, order := range []string{t.ascending, t.descending} {
		if s.failures >= maxFailures {
			break
		}
		ok, err := s.read(ctx, t, t.query+" WHERE id BETWEEN ? AND ?"+order, []any{r.Lo, r.Hi}, func(row []any) bool {
			return cut(&r, row[0].(int64), order == t.ascending)
		})
		if ok || err != nil {
			return err
		}
	}
	if r.Lo >= r.Hi || s.failures >= maxFailures {
		s.lose(r)
		return nil
	}
	mid := r.Lo + (r.Hi-r.Lo)/2
	if err := s.copyRange(ctx, t, ranges.Range{Lo: r.Lo, Hi: mid}); err != nil {
		return err
	}
	return s.copyRange(ctx, t, ranges.Range{Lo: mid + 1, Hi: r.Hi})
}

// cut takes id off a range, and all before it, or behind it if it was read down. It returns false if id is not in it: a
// damaged tree may have any order, and circles.
func cut(r *ranges.Range, id int64, up bool) bool {
	switch {
	case id < r.Lo || id > r.Hi:
		return false
	case up:
		r.Lo = id + 1
	default:
		r.Hi = id - 1
	}
	return true
}

func (s *salvager) lose(r ranges.Range) {
	if r.Lo <= r.Hi {
		s.gone = append(s.gone, r)
	}
}

// read copies the rows of a query until one cannot be read or is not where it belongs. It returns true if it came to the
// end, and an error only of the new store.
func (s *salvager) read(ctx context.Context, t *table, query string, args []any, inPlace func([]any) bool) (bool, error) {
	rows, err := s.old.QueryContext(ctx, query, args...)
	if err != nil {
		s.failures++
		return false, ctx.Err()
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for n := int64(0); rows.Next(); n++ {
		row, refs := t.row()
		if err := rows.Scan(refs...); err != nil || n > s.maxRows || !t.keyed(row) || !inPlace(row) {
			s.failures++
			return false, nil
		}
		if err := s.put(ctx, t, row); err != nil {
			return false, err
		}
	}
	if rows.Err() != nil {
		s.failures++
		return false, ctx.Err()
	}
	return true, nil
}

// maxPending is how many rows go into one transaction.
const maxPending = 4096

// put writes a row into the new store, or refuses it.
func (s *salvager) put(ctx context.Context, t *table, row []any) error {
	if !t.sane(row) {
		s.refused++
		if t.name == "report" {
			s.lose(ranges.Range{Lo: row[0].(int64), Hi: row[0].(int64)})
		}
		return nil
	}
	r, err := s.tx.ExecContext(ctx, t.insert, row...)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err == nil && n > 0 && t.name == "report" {
		s.reports++
	}
	if s.pending++; s.pending < maxPending {
		return nil
	}
	s.pending = 0
	if err := s.tx.Commit(); err != nil {
		return err
	}
	s.tx, err = s.db.BeginTx(ctx, nil)
	return err
}

// hurt reports whether a report between two ids may be gone. gone is in order.
func (s *salvager) hurt(lo, hi int64) bool {
	i, _ := slices.BinarySearchFunc(s.gone, lo, func(r ranges.Range, id int64) int { return cmp.Compare(r.Hi, id) })
	return i < len(s.gone) && s.gone[i].Lo <= hi
}

// balance makes the ledger and what was seen fit the reports that are there.
func (s *salvager) balance(ctx context.Context) error {
	hi, err := s.newest(ctx)
	if err != nil {
		return err
	}
	hi = max(hi, s.hi)
	w, err := newWriter(ctx, s.db, s.cfg)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // all is committed
	if !s.whole["seen"] || !s.whole["meta"] {
		if err := w.seeAll(ctx); err != nil {
			return err
		}
	}
	waiting, err := w.waiting(ctx)
	if err != nil {
		return err
	}
	s.lost = w.ledger.Mend(waiting, ReasonDamaged)
	for _, r := range s.gone { // ids are dense above the fold
		s.uncounted += max(0, r.Hi-max(r.Lo-1, w.folded))
	}
	w.lastID = max(w.lastID, hi)
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return err
	}
	if err := w.fold(ctx); err != nil {
		return err
	}
	_, err = w.commit.ExecContext(ctx)
	return err
}
