package queue

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
	"piway/gateway/queue/ranges"
	"piway/shared/sample"
)

// Bounds of what a row may hold.
const (
	maxText    = 1 << 20
	maxName    = 1024
	maxSeconds = 1e12
)

// A table is one of the new store's, with what the old one has of its columns.
type table struct {
	name                         string
	columns, kinds               []string
	keys                         []int // columns of the primary key
	query, ascending, descending string
	insert                       string
}

// tables returns the names of the tables.
func tables(ctx context.Context, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// newTable returns nil if the old store does not have the table, or not its key.
func newTable(ctx context.Context, db, old *sql.DB, name string) (*table, error) {
	has := columnsOf(ctx, old, name)
	t := &table{name: name}
	var keys, marks []string
	missing := false
	if err := describe(ctx, db, name, func(column, kind string, key bool) {
		if !has[column] {
			missing = missing || key
			return
		}
		if key {
			t.keys, keys = append(t.keys, len(t.columns)), append(keys, column)
		}
		t.columns, t.kinds, marks = append(t.columns, column), append(t.kinds, kind), append(marks, "?")
	}); err != nil {
		return nil, err
	}
	if missing || len(keys) == 0 {
		return nil, nil //nolint:nilnil // none
	}
	list := strings.Join(t.columns, ",")
	t.query = "SELECT " + list + " FROM " + name
	t.ascending = " ORDER BY " + strings.Join(keys, ",")
	t.descending = " ORDER BY " + strings.Join(keys, " DESC,") + " DESC"
	verb := "INSERT OR IGNORE"
	if name == "meta" {
		verb = "INSERT OR REPLACE" // the new store has its own
	}
	t.insert = fmt.Sprintf("%s INTO %s (%s) VALUES (%s)", verb, name, list, strings.Join(marks, ","))
	return t, nil
}

// columnsOf returns the columns that a damaged store has of a table; what cannot be read is not there.
func columnsOf(ctx context.Context, old *sql.DB, name string) map[string]bool {
	has := map[string]bool{}
	if old == nil {
		return has
	}
	theirs, err := tables(ctx, old)
	if err != nil || !slices.Contains(theirs, name) { // a view of that name is none
		return has
	}
	if err := describe(ctx, old, name, func(column, _ string, _ bool) { has[column] = true }); err != nil {
		clear(has)
	}
	return has
}

// describe calls f with each column.
func describe(ctx context.Context, db *sql.DB, name string, f func(column, kind string, key bool)) error {
	rows, err := db.QueryContext(ctx, "SELECT name, type, pk FROM pragma_table_info(?)", name)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var column, kind string
		var key int
		if err := rows.Scan(&column, &kind, &key); err != nil {
			return err
		}
		f(column, kind, key > 0)
	}
	return rows.Err()
}

func (t *table) row() (row, refs []any) {
	row, refs = make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		refs[i] = &row[i]
	}
	return row, refs
}

// keyed reports whether the key of a row is of the right kind.
func (t *table) keyed(row []any) bool {
	for _, i := range t.keys {
		if !fits(t.kinds[i], row[i]) {
			return false
		}
	}
	return true
}

// fits reports whether a value is such as this package writes into a column of the kind.
func fits(kind string, v any) bool {
	switch v := v.(type) {
	case int64:
		return kind == "INTEGER"
	case float64:
		return kind == "REAL" && math.Abs(v) <= maxSeconds
	case string:
		return kind == "TEXT" && len(v) <= maxText && utf8.ValidString(v)
	case []byte:
		return kind == "BLOB"
	default:
		return false
	}
}

// sane reports whether a row is such as this package writes.
func (t *table) sane(row []any) bool {
	f := fields{}
	for i, v := range row {
		if !fits(t.kinds[i], v) {
			return false
		}
		f[t.columns[i]] = v
	}
	check := map[string]func(fields) bool{
		"report": fields.report, "pass": fields.pass, "parked": fields.parked, "ledger": fields.ledger,
		"seen": fields.seen, "owner": fields.owner, "boot": fields.boot, "host": fields.host, "meta": fields.meta,
	}[t.name]
	return check == nil || check(f)
}

// fields are the columns of a row, each of the right kind; of one that the old store does not have, nil.
type fields map[string]any

func (f fields) text(column string) string { s, _ := f[column].(string); return s }
func (f fields) number(column string) int64 {
	n, ok := f[column].(int64)
	if !ok {
		return 0
	}
	return n
}

// counts reports whether columns hold numbers that may be counts or ids.
func (f fields) counts(columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return f.number(c) < 0 || f.number(c) > ledger.Max })
}

// named reports whether columns hold names.
func (f fields) named(columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool {
		s := f.text(c)
		return s == "" || len(s) > maxName || strings.ContainsFunc(s, unicode.IsControl)
	})
}

func (f fields) report() bool {
	if !f.named("device") || !f.counts("id", "seq", "n", "host") || !inTime(f.number("pass")) {
		return false
	}
	blob, _ := f["samples"].([]byte)
	if len(blob) > 0 && blob[0] == '{' {
		return f.thinned(blob)
	}
	samples, err := sample.DecodeSamples(blob)
	if err != nil || len(samples) == 0 || int64(len(samples)) != f.number("n") {
		return false
	}
	return !slices.ContainsFunc(samples, isForeign)
}

// thinned reports whether the samples of a report are such as thinning writes.
func (f fields) thinned(blob []byte) bool {
	all, err := decodeThinned(blob)
	n := int64(0)
	for i := range all {
		s := &all[i]
		n += int64(s.N)
		if isForeign(sample.Sample{Name: s.Name, Unit: s.Unit, Value: s.Min, Time: s.Time}) || sample.CheckValue(s.Max) != nil {
			return false
		}
	}
	return err == nil && len(all) > 0 && n == f.number("n")
}

// isForeign reports whether a sample is none that the intake lets through.
func isForeign(s sample.Sample) bool {
	return sample.CheckName(s.Name) != nil || s.Unit != "" && sample.CheckUnit(s.Unit) != nil || sample.CheckValue(s.Value) != nil ||
		math.Abs(s.Time) > maxSeconds
}

func inTime(seconds int64) bool { return -maxSeconds < seconds && seconds < maxSeconds }

func (f fields) pass() bool {
	var expired, parked pass.Numbers
	return inTime(f.number("start")) && f.counts("first", "last", "closed", "next", "thinned", "undated") && inTime(f.number("newest")) && f.number("closed") <= stateShelved &&
		f.number("first") <= f.number("last") && expired.Parse(f.text("expired")) == nil && parked.Parse(f.text("parked")) == nil
}

func (f fields) parked() bool { return f.named("device") && f.counts("n") }

func (f fields) ledger() bool {
	return f.named("device") && f.counts("n") && ledger.Booked(f.text("outcome"))
}

func (f fields) seen() bool {
	s, err := ranges.Parse(f.text("ranges"))
	return err == nil && f.named("device", "run") && f.counts("last") && len(s) > 0 && s[0].Lo >= 0 && s[len(s)-1].Hi <= ledger.Max
}

func (f fields) owner() bool { return f.named("name", "device") }

func (f fields) boot() bool { return f.named("device", "id") && f.counts("told") }

func (f fields) host() bool {
	return f.counts("id") && len(f.text("boot")) <= maxName && f.number("after") >= 0
}

func (f fields) meta() bool {
	switch n := f.number("n"); f.text("key") {
	case "fold":
		return inTime(n)
	case "right":
		return n >= 0
	default:
		return false
	}
}
