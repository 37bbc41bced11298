package queue_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/queue"
	"piway/gateway/queue/storetest"
)

// toFormat3 undoes what formats 4 to 6 brought.
const toFormat3 = `DROP TABLE metric; DROP INDEX pass_newest; DROP TABLE host;
	ALTER TABLE pass DROP COLUMN newest; ALTER TABLE pass DROP COLUMN undated;
	ALTER TABLE report DROP COLUMN sent_uptime; ALTER TABLE report DROP COLUMN host;
	ALTER TABLE report DROP COLUMN local;
	DELETE FROM meta WHERE key='right'; INSERT INTO meta VALUES ('last_closed', 12); PRAGMA user_version=3`

// TestOpen_version1: a file of the first format is brought to this one with all that is in it.
func TestOpen_version1(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.MustAppend(report("kitchen", "r", 1, "a"))
		p, _ := b.NextPass("f")
		b.Stop()
		db, err := sql.Open("sqlite", b.Cfg.Path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(toFormat3 + `; DROP TABLE boot; DROP TABLE parked; ALTER TABLE pass DROP COLUMN parked;
			ALTER TABLE pass DROP COLUMN thinned; PRAGMA user_version=1`); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		b.Reopen()
		got, names := b.NextPass("f")
		b.WantNames(names, "a")
		if diff := cmp.Diff(p.Start, got.Start); diff != "" {
			t.Errorf("pass (-want +got): %s", diff)
		}
		b.Accounts()
		if found := b.aside(); len(found) > 0 {
			t.Errorf("it is taken for damaged: %q", found)
		}
	})
}

// A file of a format to come is left alone.
func TestOpen_newer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = queue.Open(t.Context(), queue.Config{Path: path, Window: time.Minute, MaxBytes: 1 << 20})
	if want := "its format is 99, this version reads 6: it was written by a newer piway-gateway"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, ok := queue.IsTrouble(err, t.TempDir()); ok {
		t.Errorf("%v is no trouble of the disk", err)
	}
}

// A store of format 3 opens, and goes on.
func TestOpen_format3(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		b := &bench{storetest.New(t, open, queue.Config{Path: path})}
		b.MustAppend(report("kitchen", "r", 1, "a"))
		time.Sleep(2 * window)
		b.Stop()
		b.sql(toFormat3)
		b.Start()
		defer func() { b.Stop() }()
		b.MustAppend(report("kitchen", "r", 2, "b"))
		b.MustAppend(report("kitchen", "r", 1, "a"))
		b.WantNames(b.Take(), "a")
		b.WantNames(b.Take(), "b")
		if a := b.Accounts()["kitchen"]; a.Duplicate != 1 || a.Sent != 2 {
			t.Errorf("got %+v, want 1 duplicate and 2 sent", a)
		}
		if found := b.aside(); len(found) > 0 {
			t.Errorf("it is taken for damaged: %q", found)
		}
	})
}
