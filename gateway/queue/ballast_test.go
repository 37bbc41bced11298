package queue_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What became free on a full disk is for what makes room, as long as the ballast is not back: entries would take it,
// and then nothing could be settled.
func TestQueue_fullDisk_ballastFirst(t *testing.T) {
	const ballast = 4 << 20
	dir := smallDisk(t, "24m")
	inBubble(t, func(t *testing.T, b *bench) {
		b.Stop()
		b.Cfg.Path, b.Cfg.Ballast = filepath.Join(dir, "queue.db"), ballast
		b.Start()
		hog := fillDisk(t, dir)
		big, seq := bigNames(500), int64(1)
		for b.TryAppend(report("kitchen", "r", seq, big...)) == nil {
			seq++
		}
		info, err := os.Stat(hog)
		if err != nil {
			t.Fatal(err)
		}
		// With what the ballast left there is room for many reports, but not for the ballast and as much again.
		if err := os.Truncate(hog, info.Size()-ballast/2); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			time.Sleep(time.Second)
			if err := b.TryAppend(report("kitchen", "r", seq, "small")); err == nil {
				t.Fatal("a report took the room of the ballast")
			}
		}
		if b.queue().Trouble() == "" {
			t.Error("a disk without room for the ballast is no trouble")
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		b.MustAppend(report("kitchen", "r", seq, "small"))
	})
}
