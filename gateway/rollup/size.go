package rollup

// Bounds of what a pass takes in memory.
const (
	// MaxKept is how many samples of a metric and window are kept as they are: one a second of the longest window, 1 h.
	// With 24 bytes each, a metric and window takes less than 100 KB.
	MaxKept = 3600
	// MaxDevice is how many samples of a device are kept as they are, and how many windows of its metrics: as many as 14
	// metrics have in 14 days, if all of these come in one pass. With their datums they take some 100 MB.
	MaxDevice = 300_000
	// maxHours is beyond how many windows those that come are no longer of an hour, but of a day.
	maxHours = MaxDevice + 50_000
)

// A size is what a device takes.
type size struct{ cells, points int }

// window is how many seconds the next window has that is new: as configured, then hours and days, or what is next to
// them and holds whole ones of those before.
func (s *size) window(seconds int64) int64 {
	least := seconds
	switch {
	case s.cells >= maxHours:
		least = 24 * 3600
	case s.cells >= MaxDevice:
		least = 3600
	}
	return (least + seconds - 1) / seconds * seconds
}
