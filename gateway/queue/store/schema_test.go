package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"piway/gateway/queue/store"
	"piway/shared/files"
)

// A file in which a table is not there, or is another, is no store of ours.
func TestOpen_otherTables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   error
	}{
		"as it was":      {"ANALYZE", nil},
		"one more":       {"CREATE TABLE mine (id INTEGER)", nil},
		"one less":       {"DROP TABLE owner", store.ErrDamaged},
		"a column less":  {"ALTER TABLE boot DROP COLUMN told", store.ErrDamaged},
		"a column more":  {"ALTER TABLE report ADD COLUMN mine INTEGER", store.ErrDamaged},
		"another column": {"ALTER TABLE meta RENAME COLUMN n TO m", store.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &store.Options{Path: filepath.Join(t.TempDir(), "queue.db"), MaxBytes: 1 << 20, Files: files.System}
			db, err := store.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(c.change); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db, err = store.Open(t.Context(), o)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil {
				_ = db.Close() // it was only opened
			}
		})
	}
}
