package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/gateway/queue/replace"
	"piway/gateway/queue/store"

	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// FuzzSalvage spoils a store as the input says, and salvages it: that never fails, and what comes out is sound and
// balances. An input is a list of six bytes each: two choose a place (in 65536ths of the files), one what is done,
// three say how.
func FuzzSalvage(f *testing.F) {
	dir := f.TempDir()
	whole := map[string][]byte{}
	makeStore(f, filepath.Join(dir, "queue.db"))
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(filepath.Join(dir, "queue.db"+suffix))
		if err != nil {
			f.Fatal(err)
		}
		whole[suffix] = text
	}
	f.Add([]byte{})
	f.Add([]byte{0, 10, 0, 1, 2, 3})  // a byte of the first page
	f.Add([]byte{128, 0, 1, 0, 0, 0}) // a page of zeros
	f.Add([]byte{200, 0, 2, 0, 0, 0}) // cut off
	f.Add([]byte{100, 7, 3, 9, 9, 9}) // a page of another
	// many bytes of a page, and one of the log
	f.Add([]byte{50, 1, 4, 77, 0, 0, 250, 3, 5, 1, 1, 1})
	f.Add([]byte{10, 0, 1, 0, 0, 0, 30, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 90, 0, 4, 1, 2, 3}) // several
	f.Fuzz(func(t *testing.T, changes []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "queue.db")
		db, log := append([]byte(nil), whole[""]...), append([]byte(nil), whole["-wal"]...)
		for ; len(changes) >= 6; changes = changes[6:] {
			db, log = spoil(db, log, [6]byte(changes))
		}
		write(t, path, db)
		write(t, path+"-wal", log)
		cfg := fuzzConfig(path)
		whole := cfg.withDefaults()
		r, err := replace.Rebuild(t.Context(), whole.store(), path+".new")
		if err != nil {
			t.Fatalf("salvaging: %v", err)
		}
		cfg.Path = path + ".new"
		q, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatalf("opening what was salvaged: %v", err)
		}
		defer func() { _ = q.Run(over(t.Context())) }() // it holds nothing
		if err := store.Check(t.Context(), q.db); err != nil {
			t.Errorf("what was salvaged is not sound: %v", err)
		}
		accounts, err := q.Ledger(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.Balance(accounts); err != nil {
			t.Error(err)
		}
		if waiting := ledger.Sum(accounts).Waiting; waiting < r.Reports {
			t.Errorf("%d samples wait of %d reports", waiting, r.Reports)
		}
	})
}

// spoil does one change.
func spoil(db, log []byte, c [6]byte) (newDB, newLog []byte) {
	to := &db
	if c[2]&8 != 0 {
		to = &log
	}
	if len(*to) == 0 {
		return db, log
	}
	at := int(int64(binary.BigEndian.Uint16(c[:])) * int64(len(*to)) / 65536) // also where an int has 32 bits
	page := at / store.PageSize * store.PageSize
	end := min(page+store.PageSize, len(*to))
	switch c[2] & 7 {
	case 1:
		clear((*to)[page:end])
	case 2:
		*to = (*to)[:at]
	case 3:
		copy((*to)[page:end], (*to)[int(c[3])*len(*to)/256:])
	case 4:
		for i := page + int(c[3]); i < end; i += 7 + int(c[4]) {
			(*to)[i] ^= c[5] | 1
		}
	default:
		(*to)[min(at+int(c[3]), len(*to)-1)] ^= c[5] | 1
	}
	return db, log
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func fuzzConfig(path string) Config {
	return Config{
		Path: path, Window: time.Minute, Grace: time.Second, MaxBytes: 64 << 20, Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
	}
}

func over(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// makeStore makes a store with something in every table, of which the last part is in the log only.
func makeStore(f *testing.F, path string) {
	f.Helper()
	now := time.Unix(1_800_000_000, 0)
	cfg := fuzzConfig(path)
	cfg.Now = func() time.Time { return now }
	q, err := Open(f.Context(), cfg)
	if err != nil {
		f.Fatal(err)
	}
	for i := range 300 {
		if i%50 == 0 {
			now = now.Add(time.Minute)
		}
		r := sample.Report{Device: fmt.Sprint("pi", i%3), Run: "run", Seq: int64(i + 1), Boot: "boot", Clock: "synced"}
		e := Entry{Report: r, Arrived: now, Claims: []string{fmt.Sprint("name ", i)}}
		for j := range 3 {
			e.Samples = append(e.Samples, sample.Sample{
				Name: fmt.Sprint("metric ", j, " of some length"), Unit: "Count",
				Value: float64(i),
			})
		}
		enc, err := encode(e)
		if err != nil {
			f.Fatal(err)
		}
		if err := q.w.write(f.Context(), []op{{entry: enc}}); err != nil {
			f.Fatal(err)
		}
		if i == 200 {
			if !q.w.wal.Empty(f.Context()) {
				f.Fatal("the log is not empty")
			}
		}
	}
	// The files as they are now, since closing would fold the log in.
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path+".copy"+suffix, text, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	if err := q.Run(over(f.Context())); err != nil {
		f.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Rename(path+".copy"+suffix, path+suffix); err != nil {
			f.Fatal(err)
		}
	}
}
