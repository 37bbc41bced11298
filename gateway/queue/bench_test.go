package queue_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"piway/gateway/queue"
	"piway/shared/sample"
)

// BenchmarkQueue_Append measures a durable report of four samples, with as many senders as wait for one fsync.
func BenchmarkQueue_Append(b *testing.B) {
	q, err := queue.Open(b.Context(), queue.Config{
		Path: filepath.Join(b.TempDir(), "queue.db"), Window: time.Minute, Grace: 10 * time.Second, MaxBytes: 8 << 30,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = q.Run(ctx) })
	defer run.Wait()
	defer cancel()
	now := time.Now()
	e := queue.Entry{Arrived: now, Report: sample.Report{
		Device: "kitchen", Run: "9c1d", Boot: "0f8e", Uptime: 5021.7, Clock: sample.Synced,
		Samples: []sample.Sample{
			{Name: "disk usage / (kitchen)", Unit: "Percent", Value: 61.25, Time: float64(now.Unix())},
			{Name: "cpu usage (kitchen)", Unit: "Percent", Value: 12.5, Time: float64(now.Unix())},
			{Name: "cpu temperature (kitchen)", Unit: "None", Value: 48.3, Time: float64(now.Unix())},
			{Name: "memory usage (kitchen)", Unit: "Megabytes", Value: 412.25, Time: float64(now.Unix())},
		},
	}}
	b.ReportAllocs()
	var wg sync.WaitGroup
	room := make(chan struct{}, 256)
	for i := range b.N {
		e.Seq = int64(i + 1)
		wg.Add(1)
		room <- struct{}{}
		q.Append(e, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-room
			wg.Done()
		})
	}
	wg.Wait()
}
