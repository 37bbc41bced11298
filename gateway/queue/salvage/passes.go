package salvage

import (
	"cmp"
	"context"
	"slices"

	"piway/gateway/queue/ranges"
)

// A savedPass is what the new store has of one.
type savedPass struct {
	start, min, max int64 // ids of its reports
	first, last     int64 // as the old store said, 0 if it did not
	closed          int64
	parked          string
}

// repairPasses makes the table of passes fit the reports that are there.
func (s *salvager) repairPasses(ctx context.Context) error {
	slices.SortFunc(s.Gone, func(a, b ranges.Range) int { return cmp.Compare(a.Lo, b.Lo) })
	if !s.Whole["meta"] { // which reports the ledger has is not known: take it for all
		if err := s.allCounted(ctx); err != nil {
			return err
		}
	}
	passes, err := s.savedPasses(ctx)
	if err != nil {
		return err
	}
	for _, p := range passes {
		if s.isWhole(&p) {
			continue
		}
		if err := s.restart(ctx, &p); err != nil {
			return err
		}
	}
	_, err = s.db.ExecContext(ctx, `DELETE FROM pass WHERE start NOT IN (SELECT pass FROM report);
		DELETE FROM parked WHERE pass NOT IN (SELECT start FROM pass);
		UPDATE pass SET undated=start IN (SELECT pass FROM report WHERE host>0);
		UPDATE pass SET newest=start WHERE newest=0;
		INSERT OR IGNORE INTO meta VALUES ('fold', 0), ('right', 0)`)
	return err
}

// isWhole reports whether nothing of a pass can be missing, so that its position still means the same.
func (s *salvager) isWhole(p *savedPass) bool {
	last := p.last == p.max || p.closed == 0 && p.last > p.max // an open one is given more ids than it has
	return p.first == p.min && last && !s.hurt(p.first, p.max) && (p.parked == "" || s.Whole["parked"])
}

// restart makes a pass one of which nothing is sent. It is closed, since it may have been, and its age is asked of its
// samples before it counts.
func (s *salvager) restart(ctx context.Context, p *savedPass) error {
	s.Restarted++
	if _, err := s.db.ExecContext(ctx, `INSERT OR REPLACE INTO pass (start,first,last,closed,newest)
		VALUES (?1,?2,?3,1,COALESCE((SELECT newest FROM pass WHERE start=?1), ?1))`, p.start, p.min, p.max); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, "DELETE FROM parked WHERE pass=?", p.start)
	return err
}

// allCounted takes all reports to be in the ledger.
func (s *salvager) allCounted(ctx context.Context) error {
	hi, err := s.newest(ctx)
	if err == nil {
		_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO meta VALUES ('fold', ?)", hi)
	}
	return err
}

func (s *salvager) savedPasses(ctx context.Context) (all []savedPass, err error) {
	rows, err := s.db.QueryContext(
		ctx, `SELECT r.pass, r.lo, r.hi, COALESCE(p.first,0), COALESCE(p.last,0), COALESCE(p.closed,0), COALESCE(p.parked,'')
		FROM (SELECT pass, MIN(id) AS lo, MAX(id) AS hi FROM report GROUP BY pass) r LEFT JOIN pass p ON p.start=r.pass`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var p savedPass
		if err := rows.Scan(&p.start, &p.min, &p.max, &p.first, &p.last, &p.closed, &p.parked); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}
