package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"piway/gateway/queue"
	"piway/shared/sample"
)

// BenchmarkOpen measures the start, up to the first durable report, with a backlog of so many reports of four samples,
// and how much more memory is then in use than with an empty one.
func BenchmarkOpen(b *testing.B) {
	for _, reports := range []int{0, 1_000_000} {
		b.Run(strconv.Itoa(reports), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "queue.db")
			fill(b, path, reports)
			b.ResetTimer()
			for range b.N {
				q, stop := run(b, path)
				appended := make(chan error, 1)
				q.Append(queue.Entry{Report: sample.Report{Device: "kitchen", Samples: reading(time.Now())}, Arrived: time.Now()},
					func(err error) { appended <- err })
				if err := <-appended; err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				b.ReportMetric(float64(resident(b))/1e6, "MB-resident")
				stop()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkQueue_Append_full measures a report that pushes out others, of two thousand devices that are alike or with
// one that has as much as all others, and the first one, for which they are counted.
func BenchmarkQueue_Append_full(b *testing.B) {
	for name, device := range map[string]string{
		"alike": "id%2000", "oneHasHalf": "CASE WHEN id%2 THEN id%2000 ELSE 0 END",
	} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "queue.db")
			fill(b, path, 1_000_000)
			db, err := sql.Open("sqlite", path)
			if err != nil {
				b.Fatal(err)
			}
			_, err = db.Exec("UPDATE report SET device=" + device)
			if err := errors.Join(err, db.Close()); err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			q, stop := runFull(b, path, info.Size())
			defer stop()
			before := resident(b)
			var first, memory float64
			begun := time.Now()
			for i := range b.N + 1 {
				if i == 1 {
					first, memory = time.Since(begun).Seconds(), float64(resident(b)-before)/1e6
					b.ResetTimer()
				}
				appended := make(chan error, 1)
				r := sample.Report{Device: strconv.Itoa(i % 2000), Samples: reading(time.Now())}
				q.Append(queue.Entry{Report: r, Arrived: time.Now()}, func(err error) { appended <- err })
				if err := <-appended; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(first, "s-first")
			b.ReportMetric(memory, "MB-more")
		})
	}
}

// BenchmarkQueue_Ledger asks for the ledger while 1.8 million reports wait: a day of 300 devices.
func BenchmarkQueue_Ledger(b *testing.B) {
	path := filepath.Join(b.TempDir(), "queue.db")
	fill(b, path, 1_800_000)
	q, stop := run(b, path)
	defer stop()
	for b.Loop() {
		if _, err := q.Ledger(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQueue_Append_bytes measures what a commit of one report writes to disk.
func BenchmarkQueue_Append_bytes(b *testing.B) {
	q, stop := run(b, filepath.Join(b.TempDir(), "queue.db"))
	defer stop()
	before := written(b)
	for i := range b.N {
		appended := make(chan error, 1)
		r := sample.Report{Device: "kitchen", Run: "r", Seq: int64(i + 1), Samples: reading(time.Now())}
		q.Append(queue.Entry{Report: r, Arrived: time.Now()}, func(err error) { appended <- err })
		if err := <-appended; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(written(b)-before)/float64(b.N), "B-written/op")
}

func run(b *testing.B, path string) (*queue.Queue, func()) {
	b.Helper()
	return runFull(b, path, 8<<30)
}

// runFull is run with a bound.
func runFull(b *testing.B, path string, maxBytes int64) (*queue.Queue, func()) {
	b.Helper()
	q, err := queue.Open(b.Context(), queue.Config{
		Path: path, Window: time.Minute, Grace: 10 * time.Second, MaxBytes: maxBytes, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	return q, func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

// fill puts reports into the file, a thousand to a closed pass, folded but for the last few thousand.
func fill(b *testing.B, path string, reports int) {
	b.Helper()
	_, stop := run(b, path)
	stop()
	if reports == 0 {
		return
	}
	blob, err := sample.EncodeSamples(reading(time.Now()))
	if err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	begin := time.Now().Add(-time.Hour).Unix() - int64(reports/1000)*60
	for _, text := range []string{
		fmt.Sprintf(`WITH RECURSIVE i(id) AS (SELECT 1 UNION ALL SELECT id+1 FROM i WHERE id<%d) INSERT INTO report
			(id,pass,device,run,seq,sent,boot,uptime,clock,arrived,mono,shift,n,samples) SELECT id, %d+id/1000*60, 'kitchen', 'r', id, 0, '', 0, 'synced', (%[2]d+id/1000*60)*1000000000, 0, 0, 4, CAST('%s' AS BLOB) FROM i`, reports, begin, blob),
		`INSERT INTO pass (start, first, last, closed, newest) SELECT pass, MIN(id), MAX(id), 1, pass FROM report GROUP BY pass`,
		fmt.Sprintf(`UPDATE meta SET n=%d WHERE key='fold'`, reports-4000),
		fmt.Sprintf(`INSERT INTO ledger VALUES ('kitchen', 'received', '', 4*%d), ('kitchen', 'stored', '', 4*%[1]d)`,
			reports-4000),
		fmt.Sprintf(`INSERT INTO seen VALUES ('kitchen', 'r', '1-%d', %d)`, reports-4000, time.Now().Unix()),
	} {
		if _, err := db.Exec(text); err != nil {
			b.Fatal(err)
		}
	}
}

func reading(now time.Time) []sample.Sample {
	return []sample.Sample{
		{Name: "disk usage / (kitchen)", Unit: "Percent", Value: 61.25, Time: float64(now.Unix())},
		{Name: "cpu usage (kitchen)", Unit: "Percent", Value: 12.5, Time: float64(now.Unix())},
		{Name: "cpu temperature (kitchen)", Unit: "None", Value: 48.3, Time: float64(now.Unix())},
		{Name: "memory usage (kitchen)", Unit: "Megabytes", Value: 412.25, Time: float64(now.Unix())},
	}
}

// resident is what the process has in memory and shares with no file, in bytes.
func resident(b *testing.B) int64 {
	b.Helper()
	runtime.GC()
	return field(b, "/proc/self/status", "RssAnon:") << 10
}

// written is what the process has caused to be written to disks, in bytes.
func written(b *testing.B) int64 {
	b.Helper()
	return field(b, "/proc/self/io", "write_bytes:")
}

func field(b *testing.B, path, name string) int64 {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Skip(err)
	}
	_, after, _ := strings.Cut(string(text), name)
	words := strings.Fields(after)
	if len(words) == 0 {
		b.Skipf("%s has no %s", path, name)
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		b.Skip(err)
	}
	return n
}
