// Package shares says whose waiting reports go first where there is no room for all.
//
// Its promise: the oldest report of the device whose reports take the most bytes, until another's take more; of devices
// whose reports take the same, the oldest. So who sends much pushes out what it sent itself.
//
// It is counted from the table, and follows what is added and what leaves. Of a report it keeps its number, in a byte
// or two, so that finding the next one to go costs the same however many wait.
package shares

import (
	"container/heap"
	"context"
	"database/sql"
	"fmt"

	"piway/gateway/queue/reports"
	"piway/gateway/queue/store"
)

// Shares are those of one store. One goroutine uses them. Nil is of a store that nobody counted: it takes no notice.
type Shares struct {
	devices      map[string]*device
	listed, gone int64 // reports; those that left by Left are listed still
}

// Count counts what is in the table.
func Count(ctx context.Context, from store.Reader) (*Shares, error) {
	s := &Shares{devices: map[string]*device{}}
	var id, size int64
	var name sql.RawBytes
	rows, err := from.QueryContext(ctx, "SELECT id, device, length(samples) FROM report ORDER BY id")
	if err := store.Each(rows, err, func() error {
		d := s.devices[string(name)]
		if d == nil {
			d = s.of(string(name))
		}
		s.add(d, id, size+reports.Overhead)
		return nil
	}, &id, &name, &size); err != nil {
		return nil, fmt.Errorf("counting what waits: %w", err)
	}
	return s, nil
}

func (s *Shares) of(name string) *device {
	d := s.devices[name]
	if d == nil {
		d = &device{name: name}
		s.devices[name] = d
	}
	return d
}

func (s *Shares) add(d *device, id, bytes int64) {
	d.ids.push(id)
	d.bytes += bytes
	s.listed++
}

// Add notes a report of so many bytes, with an id above all others.
func (s *Shares) Add(name string, id, bytes int64) {
	if s != nil {
		s.add(s.of(name), id, bytes)
	}
}

// Left notes that reports of a device are gone, and take so many bytes less.
func (s *Shares) Left(name string, reports, bytes int64) {
	if s == nil {
		return
	}
	s.gone += reports
	if d := s.devices[name]; d != nil {
		d.bytes -= bytes
	}
}

// Bytes is what each device's reports take.
func (s *Shares) Bytes() map[string]int64 {
	by := map[string]int64{}
	for name, d := range s.devices {
		if d.bytes != 0 {
			by[name] = d.bytes
		}
	}
	return by
}

// Stale reports whether it is time to count anew: nobody did, or most of what is listed is gone.
func (s *Shares) Stale() bool { return s == nil || 2*s.gone > s.listed+1<<16 }

// Drop calls drop with one report after the other, in the order in which they go, until so many bytes are dropped or
// none is left. Those of which held is true stay. drop returns how many bytes it dropped, 0 if the report was gone.
// After an error the shares are to be counted anew.
func (s *Shares) Drop(
	want int64, held func(id int64) bool, drop func(name string, id int64) (bytes int64, err error),
) (dropped int64, err error) {
	most := s.waiting(held)
	for dropped < want && len(most) > 0 {
		d := most[0]
		if d.ids.n == 0 {
			heap.Pop(&most)
			continue
		}
		id := d.ids.pop()
		if held(id) {
			d.held = append(d.held, id)
			heap.Fix(&most, 0)
			continue
		}
		bytes, err := drop(d.name, id)
		if err != nil {
			return dropped, err
		}
		s.listed--
		if bytes == 0 {
			s.gone--
		}
		dropped += bytes
		d.bytes -= bytes
		heap.Fix(&most, 0)
	}
	return dropped, nil
}

// waiting returns the devices of which reports may be dropped, the first to drop of on top.
func (s *Shares) waiting(held func(id int64) bool) (most byBytes) {
	for name, d := range s.devices {
		d.release(held)
		switch {
		case d.ids.n > 0:
			most = append(most, d)
		case len(d.held) == 0:
			delete(s.devices, name)
		}
	}
	heap.Init(&most)
	return most
}
