package salvage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
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

// sane reports whether a row is such as the queue writes.
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
		"seen": fields.seen, "owner": fields.owner, "metric": fields.metric, "boot": fields.boot, "host": fields.host,
		"meta": fields.meta,
	}[t.name]
	return check == nil || check(f)
}
