package queue

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Outcomes of a sample. For each device received = refused + duplicate + stored, and
// stored = waiting + sent + expired + dropped. Shifted is a part of stored, Parked one of waiting, RefusedByCloud one of sent.
const (
	Received  = "received"
	Refused   = "refused"
	Duplicate = "duplicate"
	Stored    = "stored"
	Sent      = "sent"
	Expired   = "expired"
	Dropped   = "dropped"

	Missing        = "missing" // reports, not samples
	Shifted        = "shifted"
	Parked         = "parked"
	RefusedByCloud = "refused by cloud"
)

type account struct{ device, outcome, reason string }

// ledger is the writer's own copy of the counts.
type ledger struct {
	n     map[account]int64
	dirty map[account]struct{}
}

func newLedger() ledger { return ledger{n: map[account]int64{}, dirty: map[account]struct{}{}} }

func (l *ledger) add(device, outcome, reason string, n int) {
	l.add64(device, outcome, reason, int64(n))
}

// add64 saturates: a device numbers its reports as it likes, up to 2^53.
func (l *ledger) add64(device, outcome, reason string, n int64) {
	if n == 0 {
		return
	}
	k := account{device, outcome, reason}
	l.n[k] = min(l.n[k]+min(n, maxNumber-1), maxNumber-1)
	l.dirty[k] = struct{}{}
}

func (l *ledger) flush(put func(account, int64) error) error {
	for k := range l.dirty {
		if err := put(k, l.n[k]); err != nil {
			return err
		}
	}
	clear(l.dirty)
	return nil
}

func (w *writer) loadLedger(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx, "SELECT device, outcome, reason, n FROM ledger")
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var k account
		var n int64
		if err := rows.Scan(&k.device, &k.outcome, &k.reason, &n); err != nil {
			return fmt.Errorf("reading the ledger: %w", err)
		}
		w.ledger.n[k] = n
	}
	return rows.Err()
}

// An Account is what became of one device's samples. All are counts of samples.
type Account struct {
	Device    string           `json:"device"`
	Received  int64            `json:"received"`
	Refused   map[string]int64 `json:"refused,omitempty"` // by reason
	Duplicate int64            `json:"duplicate"`
	Stored    int64            `json:"stored"`
	Waiting   int64            `json:"waiting"`
	Sent      int64            `json:"sent"`
	Expired   map[string]int64 `json:"expired,omitempty"` // by reason
	Dropped   map[string]int64 `json:"dropped,omitempty"` // by reason

	// Missing are reports that never arrived, by the gaps in their runs' numbers; Late those that may still come, since an
	// agent may hold them. Both are reports, and not a part of the other figures, which are samples.
	Missing int64 `json:"missing_reports"`
	Late    int64 `json:"late_reports"`

	// Shifted is the part of Stored of which the sender's clock was wrong by so much that their times were corrected.
	Shifted int64 `json:"shifted"`

	// Parked is the part of Waiting that AWS does not let through, RefusedByCloud the part of Sent that AWS acknowledged
	// and then could not write, as its rule reported; both by reason.
	Parked         map[string]int64 `json:"parked,omitempty"`
	RefusedByCloud map[string]int64 `json:"refused_by_cloud,omitempty"`
}

// Difference is zero twice when the account balances: received less what became of it on arrival, and stored less what
// became of that.
func (a *Account) Difference() (arrival, store int64) {
	return a.Received - total(a.Refused) - a.Duplicate - a.Stored,
		a.Stored - a.Waiting - a.Sent - total(a.Expired) - total(a.Dropped)
}

// Totals returns the sums of what is kept by reason.
func (a *Account) Totals() (refused, expired, dropped int64) {
	return total(a.Refused), total(a.Expired), total(a.Dropped)
}

func total(by map[string]int64) (n int64) {
	for _, m := range by {
		n += m
	}
	return n
}

// Ledger returns the account of each device, by name, from one consistent state of the disk. Waiting is counted from
// the reports that are there, and so is an independent check of the other figures.
// One at a time is read: it may take long, and there are few connections.
func (q *Queue) Ledger(ctx context.Context) (_ []Account, err error) {
	select {
	case q.ledgers <- struct{}{}:
		defer func() { <-q.ledgers }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { q.notice(err) }()
	ctx = q.reading
	tx, err := q.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // read only
	by := map[string]*Account{}
	if err := readCounts(ctx, tx, by); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := readWaiting(ctx, tx, by); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := readLate(ctx, tx, by); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	all := make([]Account, 0, len(by))
	for _, a := range by {
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Compare(a.Device, b.Device) })
	return all, nil
}

func accountOf(by map[string]*Account, device string) *Account {
	a := by[device]
	if a == nil {
		a = &Account{
			Device: device, Refused: map[string]int64{}, Expired: map[string]int64{}, Dropped: map[string]int64{},
			Parked: map[string]int64{}, RefusedByCloud: map[string]int64{},
		}
		by[device] = a
	}
	return a
}

func readCounts(ctx context.Context, tx *sql.Tx, by map[string]*Account) error {
	rows, err := tx.QueryContext(ctx, `SELECT device, outcome, reason, n FROM ledger
		UNION ALL SELECT device, ?, reason, SUM(n) FROM parked GROUP BY device, reason`, Parked)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var k account
		var n int64
		if err := rows.Scan(&k.device, &k.outcome, &k.reason, &n); err != nil {
			return err
		}
		accountOf(by, k.device).set(k, n)
	}
	return rows.Err()
}

func (a *Account) set(k account, n int64) {
	if by := map[string]map[string]int64{
		Refused: a.Refused, Expired: a.Expired, Dropped: a.Dropped, Parked: a.Parked, RefusedByCloud: a.RefusedByCloud,
	}[k.outcome]; by != nil {
		by[k.reason] = n
	}
	if one := map[string]*int64{
		Received: &a.Received, Duplicate: &a.Duplicate, Stored: &a.Stored, Sent: &a.Sent, Missing: &a.Missing, Shifted: &a.Shifted,
	}[k.outcome]; one != nil {
		*one = n
	}
}

// readWaiting adds what is in the table: all of it waits, and what is younger than the fold is not yet counted as
// received and stored.
func readWaiting(ctx context.Context, tx *sql.Tx, by map[string]*Account) error {
	rows, err := tx.QueryContext(ctx, `SELECT device, SUM(n),
		SUM(CASE WHEN id > fold THEN n ELSE 0 END), SUM(CASE WHEN id > fold AND shift<>0 THEN n ELSE 0 END)
		FROM report, (SELECT n AS fold FROM meta WHERE key='fold') GROUP BY device`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var device string
		var waiting, unfolded, shifted int64
		if err := rows.Scan(&device, &waiting, &unfolded, &shifted); err != nil {
			return err
		}
		a := accountOf(by, device)
		a.Waiting = waiting
		a.Received += unfolded
		a.Stored += unfolded
		a.Shifted += shifted
	}
	return rows.Err()
}

// readLate counts the gaps of the runs that are remembered, as of the last fold.
func readLate(ctx context.Context, tx *sql.Tx, by map[string]*Account) error {
	rows, err := tx.QueryContext(ctx, "SELECT device, ranges FROM seen WHERE ranges NOT GLOB '1-[0-9]*' OR ranges LIKE '%,%'")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var device, text string
		if err := rows.Scan(&device, &text); err != nil {
			return err
		}
		s, err := parseSpans(text)
		if err != nil {
			return err
		}
		a := accountOf(by, device)
		a.Late = min(a.Late+min(s.gaps(), maxNumber-1), maxNumber-1)
	}
	return rows.Err()
}
