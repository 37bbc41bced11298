package queue

import (
	"context"
	"database/sql"
	"fmt"
)

// prepare prepares all that the writer says to SQLite again and again.
func (w *writer) prepare(ctx context.Context) error {
	for _, s := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&w.begin, "BEGIN IMMEDIATE"},
		{&w.commit, "COMMIT"},
		{&w.rollback, "ROLLBACK"},
		{&w.insert, "INSERT INTO report VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
		{&w.putPass, "INSERT INTO pass (start,first,last,newest,undated) VALUES (?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET first=?2, last=?3, newest=?4, undated=?5"},
		{&w.putOwner, "INSERT OR IGNORE INTO owner VALUES (?,?)"},
		{&w.putLedger, "INSERT OR REPLACE INTO ledger VALUES (?,?,?,?)"},
		{&w.putSeen, "INSERT OR REPLACE INTO seen VALUES (?,?,?,?)"},
		{&w.putMeta, "INSERT OR REPLACE INTO meta VALUES (?,?)"},
		{&w.closePass, "UPDATE pass SET closed=1 WHERE start=?"},
		{&w.beginPass, "UPDATE pass SET closed=1, next=0, fingerprint=?, expired='', parked='' WHERE start=?"},
		{&w.movePass, "UPDATE pass SET next=?, expired=?, parked=?, closed=? WHERE start=?"},
		{&w.deleteReports, "DELETE FROM report WHERE id BETWEEN ? AND ? AND pass=?"},
		{&w.deletePass, "DELETE FROM pass WHERE start=?"},
		{&w.putParked, "INSERT INTO parked VALUES (?,?,?,?)"},
		{&w.deleteParked, "DELETE FROM parked WHERE pass=?"},
		{&w.putBoot, "INSERT OR REPLACE INTO boot VALUES (?,?,?,?)"},
		{&w.pruneBoots, "DELETE FROM boot WHERE device=?1 AND id NOT IN (SELECT id FROM boot WHERE device=?1 ORDER BY told DESC LIMIT ?2)"},
		{&w.prune, "DELETE FROM seen WHERE device=? AND run=?"},
		{&w.lastPass, "SELECT COALESCE(MAX(start), 0) FROM pass"},
		{&w.passThere, "SELECT COUNT(*) FROM pass WHERE start=?"},
		{&w.putHost, "INSERT INTO host (boot, after) VALUES (?,?)"},
		{&w.getHost, "SELECT MAX(id) FROM host WHERE boot=?"},
		{&w.undated, "SELECT start, first, last, next>0 OR closed=2 FROM pass WHERE undated=1 ORDER BY start"},
		{&w.undatedRows, "SELECT id, device, sent, sent_uptime, boot, uptime, clock, arrived, mono, shift, n, samples, host FROM report WHERE id BETWEEN ? AND ? AND pass=? ORDER BY id"},
		{&w.redateReport, "UPDATE report SET arrived=?, shift=?, host=0 WHERE id=?"},
		{&w.datePass, "UPDATE pass SET newest=?, undated=0 WHERE start=?"},
		{&w.thinning.candidates, "SELECT start, first, last FROM pass WHERE newest<? AND thinned<? AND closed=1 AND next=0 AND parked='' AND undated=0 ORDER BY start"},
		{&w.thinning.rows, reportRows},
		{&w.thinning.put, "INSERT INTO pass (start, first, last, closed, thinned, newest) VALUES (?,?,?,1,?,?)"},
		{&w.bounds.pages, "PRAGMA page_count"},
		{&w.bounds.free, "PRAGMA freelist_count"},
		{&w.bounds.closedPasses, "SELECT start, first, last FROM pass WHERE closed>0 ORDER BY undated, newest, start"},
		{&w.bounds.oldPasses, "SELECT start, first, last FROM pass WHERE closed>0 AND newest<? AND undated=0 ORDER BY newest, start"},
		{&w.bounds.age, "UPDATE pass SET newest=? WHERE start=?"},
		{&w.bounds.sums, "SELECT device, SUM(n) FROM report WHERE id BETWEEN ? AND ? AND pass=? GROUP BY device"},
	} {
		var err error
		if *s.stmt, err = w.conn.PrepareContext(ctx, s.text); err != nil {
			return fmt.Errorf("preparing %q: %w", s.text, err)
		}
		w.prepared = append(w.prepared, *s.stmt)
	}
	return nil
}
