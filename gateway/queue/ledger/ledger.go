package ledger

// A Ledger holds the figures of all devices, and which of them are not on disk. One goroutine uses it.
type Ledger struct {
	n     map[Count]int64
	dirty map[Count]struct{}
}

// New returns an empty ledger.
func New() Ledger { return Ledger{n: map[Count]int64{}, dirty: map[Count]struct{}{}} }

// Load takes a figure over from the disk.
func (l *Ledger) Load(c Count, n int64) { l.n[c] = n }

// Add books n more. It saturates at Max: a device numbers its reports as it likes, so that of those missing there may
// be as many.
func (l *Ledger) Add(c Count, n int64) {
	if n == 0 {
		return
	}
	l.n[c] = saturated(l.n[c], n)
	l.dirty[c] = struct{}{}
}

// AddRefusedByCloud books n more samples of a device that the cloud could not write, for a reason; but no more than can
// have been sent, whoever claims it. A device without an account stands for all: what it may claim is left of theirs.
func (l *Ledger) AddRefusedByCloud(device, reason string, n int64) {
	_, known := l.n[Count{Device: device, Outcome: Stored}]
	left := int64(0)
	for c, m := range l.n {
		switch {
		case known && c.Device != device:
		case c.Outcome == Stored:
			left += m
		case c.Outcome == Expired, c.Outcome == Dropped, c.Outcome == RefusedByCloud:
			left -= m
		}
	}
	l.Add(Count{Device: device, Outcome: RefusedByCloud, Reason: reason}, min(n, max(left, 0)))
}

// Flush hands each figure that changed since the last time to put.
func (l *Ledger) Flush(put func(Count, int64) error) error {
	for c := range l.dirty {
		if err := put(c, l.n[c]); err != nil {
			return err
		}
	}
	clear(l.dirty)
	return nil
}

// Mend makes each account balance with what waits, by device: what was stored and is nowhere is Dropped, for the reason
// given. Where figures themselves are gone, received and stored are what is known of what became of the samples. It
// returns how many are Dropped.
func (l *Ledger) Mend(waiting map[string]int64, reason string) (dropped int64) {
	became, arrived := l.known(waiting)
	for device, known := range became {
		all := Count{Device: device, Outcome: Stored}
		stored := l.n[all]
		if gap := stored - known; gap > 0 {
			l.correct(Count{Device: device, Outcome: Dropped, Reason: reason}, gap)
			dropped += gap
		} else {
			l.correct(all, -gap)
			stored = known
		}
		received := Count{Device: device, Outcome: Received}
		l.correct(received, stored+arrived[device]-l.n[received])
	}
	return dropped
}

// known returns what became of the stored, for each device that has an account, and of the received but not stored.
func (l *Ledger) known(waiting map[string]int64) (became, arrived map[string]int64) {
	became, arrived = map[string]int64{}, map[string]int64{}
	for device, n := range waiting {
		became[device] += n
	}
	for c, n := range l.n {
		switch c.Outcome {
		case Sent, Expired, Dropped:
			became[c.Device] += n
		case Refused, Duplicate, Local:
			arrived[c.Device] += n
			became[c.Device] += 0
		case Stored, Received:
			became[c.Device] += 0
		}
	}
	return became, arrived
}

// correct is Add for differences of any size and sign.
func (l *Ledger) correct(c Count, n int64) {
	if n != 0 {
		l.n[c] += n
		l.dirty[c] = struct{}{}
	}
}
