package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"piway/shared/files"
)

// A store of an earlier version has large pages: it is written anew with small ones, unless somebody reads it; then it
// is used as it is, within the same bounds.
func TestOpen_repages(t *testing.T) {
	for name, read := range map[string]bool{"alone": false, "while somebody reads it": true} {
		t.Run(name, func(t *testing.T) {
			o := Options{Path: filepath.Join(t.TempDir(), "queue.db"), MaxBytes: 64 << 20, Files: files.System}
			earlier, err := sql.Open("sqlite", o.plainDSN())
			if err != nil {
				t.Fatal(err)
			}
			earlier.SetMaxOpenConns(1)
			if _, err := earlier.Exec(
				"PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;" + schema +
					"INSERT INTO meta VALUES ('kept', 7)"); err != nil {
				t.Fatal(err)
			}
			want := int64(PageSize)
			if read {
				tx, err := earlier.Begin()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tx.Rollback() }()
				if _, err := tx.Query("SELECT * FROM meta"); err != nil {
					t.Fatal(err)
				}
				want = 4096
			} else if err := earlier.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := Open(t.Context(), &o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			got := fmt.Sprint(number(t, db, "PRAGMA page_size"), number(t, db, "PRAGMA max_page_count"),
				number(t, db, "PRAGMA auto_vacuum"), number(t, db, "SELECT n FROM meta WHERE key='kept'"))
			if want := fmt.Sprint(want, o.MaxBytes/want, 2, 7); got != want {
				t.Errorf("page size, most pages, vacuum and what is in it: got %s, want %s", got, want)
			}
		})
	}
}

func number(t *testing.T, db *sql.DB, text string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), text).Scan(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}
