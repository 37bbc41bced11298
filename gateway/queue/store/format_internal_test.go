package store

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// schemaOf returns the text of a format, as its last build had it. testdata keeps one of each.
func schemaOf(t *testing.T, version int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("schema-%d.sql", version)))
	if err != nil {
		t.Fatalf("%v: keep the schema of each format there", err)
	}
	return string(text)
}

// made returns an empty file, in memory, that a schema made.
func made(t *testing.T, schema string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each would have a memory of its own
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.ExecContext(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return db
}

// shape returns all by which a build can tell two formats apart, comments and the order of columns aside.
func shape(t *testing.T, db *sql.DB) (lines []string) {
	t.Helper()
	var line string
	rows, err := db.QueryContext(t.Context(), `
		SELECT 'format ' || user_version FROM pragma_user_version UNION
		SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || ifnull(c.dflt_value, '-') || ' ' || c.pk
			FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type='table' UNION
		SELECT m.name || ' has rowids: ' || NOT l.wr
			FROM sqlite_master m, pragma_table_list(m.name) l WHERE m.type='table' UNION
		SELECT sql FROM sqlite_master WHERE type!='table' AND sql IS NOT NULL UNION
		SELECT 'meta ' || key FROM meta ORDER BY 1`)
	if err := Each(rows, err, func() error { lines = append(lines, strings.TrimSpace(line)); return nil }, &line); err != nil {
		t.Fatal(err)
	}
	return lines
}

// A build calls a store damaged that has other columns than its own. So two builds of one format have the same, and
// whoever changes the schema gives it a number of its own.
func TestSchema_hasItsNumber(t *testing.T) {
	t.Parallel()
	kept := shape(t, made(t, schemaOf(t, schemaVersion)))
	if diff := cmp.Diff(kept, shape(t, made(t, schema))); diff != "" {
		t.Errorf("the schema is not format %d any more: put schemaVersion, and the schema's user_version, to %d, add to "+
			"upgrades what makes one of the other, and write the new schema to testdata/schema-%d.sql; leave the other "+
			"files as they are (-testdata +schema): %s", schemaVersion, schemaVersion+1, schemaVersion+1, diff)
	}
	if len(upgrades) != schemaVersion-1 {
		t.Errorf("%d upgrades lead to format %d", len(upgrades), schemaVersion)
	}
}

// A store of each format becomes what a new one is.
func TestSchema_upgrades(t *testing.T) {
	t.Parallel()
	want := shape(t, made(t, schema))
	for version := 1; version <= schemaVersion; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			db := made(t, schemaOf(t, version))
			if err := prepareDB(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, shape(t, db)); diff != "" {
				t.Errorf("(-a new store +the upgraded one): %s", diff)
			}
		})
	}
}
