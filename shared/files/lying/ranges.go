package lying

import "slices"

// A span is the bytes from lo up to, not including, hi.
type span struct{ lo, hi int64 }

// ranges are spans in order, with a gap between each two.
type ranges []span

// add returns r with the bytes from lo to hi.
func (r ranges) add(lo, hi int64) ranges {
	if lo >= hi {
		return r
	}
	i := r.from(lo - 1)
	j := i
	for ; j < len(r) && r[j].lo <= hi; j++ {
		lo, hi = min(lo, r[j].lo), max(hi, r[j].hi)
	}
	return slices.Replace(r, i, j, span{lo, hi})
}

// remove returns r without the bytes from lo to hi.
func (r ranges) remove(lo, hi int64) ranges {
	i := r.from(lo)
	j := i
	var rest []span
	for ; j < len(r) && r[j].lo < hi; j++ {
		if r[j].lo < lo {
			rest = append(rest, span{r[j].lo, lo})
		}
		if r[j].hi > hi {
			rest = append(rest, span{hi, r[j].hi})
		}
	}
	return slices.Replace(r, i, j, rest...)
}

// from is the index of the first span that ends behind at.
func (r ranges) from(at int64) int {
	i, _ := slices.BinarySearchFunc(r, at, func(s span, at int64) int {
		if s.hi <= at {
			return -1
		}
		return 1
	})
	return i
}

// pages calls f with the part of r in each page of the file, below end.
func (r ranges) pages(end int64, f func(lo, hi int64) error) error {
	for _, s := range r {
		for lo := s.lo; lo < min(s.hi, end); {
			hi := min(lo/page*page+page, s.hi, end)
			if err := f(lo, hi); err != nil {
				return err
			}
			lo = hi
		}
	}
	return nil
}
