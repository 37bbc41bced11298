package lyingdb_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"piway/gateway/queue/lyingdb"
	"piway/shared/files/lying"
)

// A rig is a database on a disk that lies, with a table t.
type rig struct {
	*lying.Disk
	t        testing.TB
	vfs, dir string
	db       *sql.DB
}

func newRig(t testing.TB, synchronous string) *rig {
	t.Helper()
	dir := t.TempDir()
	d := lying.New(dir)
	t.Cleanup(func() { _ = d.Close() })
	r := &rig{Disk: d, t: t, vfs: lyingdb.Register(t, d), dir: dir}
	r.db = r.open(dir, r.vfs, synchronous)
	r.must(r.exec("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// open opens the database in a folder, with one connection.
func (r *rig) open(dir, vfs, synchronous string) *sql.DB {
	r.t.Helper()
	dsn := fmt.Sprintf("file:%s?_pragma=journal_mode(WAL)&_pragma=synchronous(%s)", filepath.Join(dir, "db"), synchronous)
	if vfs != "" {
		dsn += "&vfs=" + vfs
	}
	db, err := sql.Open("sqlite", dsn)
	r.must(err)
	db.SetMaxOpenConns(1)
	r.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (r *rig) exec(text string) error {
	_, err := r.db.Exec(text)
	return err
}

func (r *rig) insert(n int) error { return r.exec(fmt.Sprintf("INSERT INTO t VALUES (%d)", n)) }

func (r *rig) count(db *sql.DB) (n int) {
	r.t.Helper()
	r.must(db.QueryRow("SELECT COUNT(*) FROM t").Scan(&n))
	return n
}

// cut returns how many rows a power cut leaves; -1 if not even the table.
func (r *rig) cut(rng *rand.Rand) int {
	r.t.Helper()
	to := r.t.TempDir()
	r.must(r.Cut(to, rng))
	db := r.open(to, "", "FULL")
	defer func() { r.must(db.Close()) }()
	var verdict string
	r.must(db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		r.t.Fatalf("after a power cut: %s", verdict)
	}
	var n int
	if db.QueryRow("SELECT COUNT(*) FROM t").Scan(&n) != nil {
		return -1
	}
	return n
}

// failing lets the kinds of operations fail with EIO.
func (r *rig) failing(kinds ...string) {
	r.Fail(func(op lying.Op) error {
		if slices.Contains(kinds, op.Kind) {
			return syscall.EIO
		}
		return nil
	})
}

func TestCommit_fullSurvivesACut(t *testing.T) {
	r := newRig(t, "FULL")
	for n := range 200 {
		r.must(r.insert(n))
		if n%50 == 0 {
			r.must(r.exec("PRAGMA wal_checkpoint(TRUNCATE)"))
		}
		if n%20 != 7 {
			continue
		}
		for seed := range uint64(3) {
			if got := r.cut(rand.New(rand.NewPCG(seed, uint64(n)))); got != n+1 {
				t.Errorf("seed %d: got %d rows, want %d", seed, got, n+1)
			}
		}
	}
	if got := r.cut(nil); got != 200 {
		t.Errorf("got %d rows, want 200", got)
	}
}

func TestCommit_othersDoNot(t *testing.T) {
	for _, synchronous := range []string{"OFF", "NORMAL"} {
		t.Run(synchronous, func(t *testing.T) {
			r := newRig(t, synchronous)
			r.must(r.insert(1))
			if got := r.cut(nil); got > 0 {
				t.Errorf("got %d rows, want none", got)
			}
		})
	}
}

func TestCommit_failsWithTheSync(t *testing.T) {
	r := newRig(t, "FULL")
	r.failing(lying.Sync)
	var serr *sqlite.Error
	if err := r.insert(1); !errors.As(err, &serr) || serr.Code() != sqlite3.SQLITE_IOERR_FSYNC {
		t.Errorf("got %v, want SQLITE_IOERR_FSYNC", err)
	}
	r.Fail(func(op lying.Op) error {
		if op.Kind == lying.Write {
			return syscall.ENOSPC
		}
		return nil
	})
	if err := r.insert(1); !errors.As(err, &serr) || serr.Code() != sqlite3.SQLITE_FULL {
		t.Errorf("got %v, want SQLITE_FULL", err)
	}
	r.Fail(nil)
	r.must(r.insert(1))
	if got := r.count(r.db); got != 1 {
		t.Errorf("got %d rows, want 1", got)
	}
}

// After an fsync of the log failed, a database that is opened anew believes the page cache: it sees the row, takes more
// behind it, and a power cut has none of them.
func TestCommit_belief(t *testing.T) {
	r := newRig(t, "FULL")
	r.must(r.insert(1))
	r.failing(lying.Sync)
	if err := r.insert(2); err == nil {
		t.Fatal("a commit succeeded without its sync")
	}
	r.Fail(nil)
	if got := r.count(r.db); got != 1 {
		t.Errorf("the connection sees %d rows, want 1", got)
	}
	r.Kill() // its end must not write the log back
	_ = r.db.Close()
	r.Start()
	r.db = r.open(r.dir, r.vfs, "FULL")
	if got := r.count(r.db); got != 2 {
		t.Errorf("opened anew it sees %d rows, want 2: belief", got)
	}
	r.must(r.insert(3))
	if got := r.cut(nil); got != 1 {
		t.Errorf("a power cut left %d rows, want 1", got)
	}
}

// A checkpoint through the connection that saw the error reads nothing but what is durable.
func TestCommit_checkpointMends(t *testing.T) {
	r := newRig(t, "FULL")
	r.must(r.insert(1))
	r.failing(lying.Sync)
	_ = r.insert(2) // fails
	r.Fail(nil)
	r.must(r.exec("PRAGMA wal_checkpoint(TRUNCATE)"))
	r.must(r.insert(3))
	if got := r.cut(nil); got != 2 {
		t.Errorf("a power cut left %d rows, want 2", got)
	}
}

func BenchmarkCommit(b *testing.B) {
	r := newRig(b, "FULL")
	for n := 0; b.Loop(); n++ {
		r.must(r.insert(n))
	}
}
