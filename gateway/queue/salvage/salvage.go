// Package salvage copies what can be read of a damaged store into a new one.
//
// Its promise: all that it reads is foreign, so a row comes over only if it is such as the queue writes; and a pass
// keeps its position only if all of its reports are there, else it is sent from its first datum again.
package salvage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"piway/gateway/queue/ledger"
	"piway/gateway/queue/ranges"
)

// maxFailures bounds how often a read of a damaged store may fail before the rest is given up.
const maxFailures = 20000

// A Result says what came over and what did not.
type Result struct {
	Reports    int64           // that came over
	Refused    int64           // rows of all tables that the queue would not have written
	Restarted  int64           // passes that are sent again from their first datum
	Unreadable []string        // tables that are not there, or were not read to their end
	Whole      map[string]bool // tables that were read to their end without an error
	Gone       []ranges.Range  // ids whose reports are not there, or may not be, in order
	High       int64           // no report had a higher id, as far as is known
}

// Copy copies what can be read of old, nil for nothing, into a new store that has its tables and no reports. maxRows is
// the most that a table of old can have: a damaged tree may have circles. An error is one of the new store, or of ctx.
func Copy(ctx context.Context, old, into *sql.DB, maxRows int64) (*Result, error) {
	s := &salvager{old: old, db: into, maxRows: maxRows, Result: Result{Whole: map[string]bool{}}}
	if err := s.copyAll(ctx); err != nil {
		return nil, fmt.Errorf("copying: %w", err)
	}
	if err := s.repairPasses(ctx); err != nil {
		return nil, fmt.Errorf("mending the passes: %w", err)
	}
	hi, err := s.newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("mending the passes: %w", err)
	}
	s.High = max(s.High, hi)
	return &s.Result, nil
}

// A salvager is a copy that is being made.
type salvager struct {
	old     *sql.DB // nil: nothing can be read
	db      *sql.DB // the new one
	tx      *sql.Tx
	pending int // rows in tx
	maxRows int64

	failures int
	Result
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
			s.Unreadable = append(s.Unreadable, name)
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
		if s.Whole[name] = s.failures == failures; !s.Whole[name] {
			s.Unreadable = append(s.Unreadable, name)
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
	s.High = hi
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

// copyRange copies the reports of a range of ids: up from its start and down from its end, and what is between in
// halves.
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
		s.Gone = append(s.Gone, r)
	}
}

// read copies the rows of a query until one cannot be read or is not where it belongs. It returns true if it came to
// the end, and an error only of the new store.
func (s *salvager) read(ctx context.Context, t *table, query string, args []any, inPlace func([]any) bool) (bool,
	error,
) {
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
		s.Refused++
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
		s.Reports++
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

// hurt reports whether a report between two ids may be gone.
func (s *salvager) hurt(lo, hi int64) bool {
	i, _ := slices.BinarySearchFunc(s.Gone, lo, func(r ranges.Range, id int64) int { return cmp.Compare(r.Hi, id) })
	return i < len(s.Gone) && s.Gone[i].Lo <= hi
}
