package day_test

import "time"

// An index is what the kernel writes of the log's index (-shm). No VFS sees it: SQLite maps it, and changes it with each
// commit. The kernel writes the blocks that were changed when that was half a minute ago, as Linux does by default
// (vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs), and counts each then as written once. Where which page is
// found in it is told by SQLite's WAL-mode File Format, section 2.
type index struct {
	blocks map[int64]bool
	since  time.Time // of the first of them
}

const (
	expire    = 30 * time.Second
	writeback = 5 * time.Second

	region     = 32 << 10 // bytes of the index, for
	perRegion  = 4096     // frames,
	beforeHash = 16 << 10 // their pages, four bytes each, and then a table by pages
	hashSlots  = 8192     // of two bytes,
	hashFactor = 383
	indexHead  = 136 / 4 // in the first region, in frames
)

// commit takes the frames that were added, by their places in the log from 0, and their pages. It returns how many
// bytes the kernel has written before.
func (x *index) commit(now time.Time, frames []int64, pages []int) (written int64) {
	if len(x.blocks) > 0 && !now.Before(x.since.Add(expire).Truncate(writeback).Add(writeback)) {
		written = int64(len(x.blocks)) * block
		clear(x.blocks)
	}
	if len(x.blocks) == 0 {
		x.blocks, x.since = map[int64]bool{}, now
	}
	x.blocks[0] = true // how long the log is
	for i, frame := range frames {
		n := frame + indexHead
		start := n / perRegion * region
		hash := start + beforeHash + int64(pages[i]*hashFactor%hashSlots)*2
		x.blocks[(start+n%perRegion*4)/block], x.blocks[hash/block] = true, true
	}
	return written
}
