// Package ranges is a set of numbers that is small where they are mostly consecutive.
//
// Its promise: a set reads back from its text as the same set, and a text that it did not write is refused.
package ranges

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Range is a closed interval of numbers.
type Range struct{ Lo, Hi int64 }

// Ranges are disjoint, ascending and not adjacent. The zero value is empty.
type Ranges []Range

// Has reports whether n is in one of them.
func (r Ranges) Has(n int64) bool {
	_, found := r.find(n)
	return found
}

// find returns the index of the range that holds n, or where one for n belongs.
func (r Ranges) find(n int64) (int, bool) {
	return slices.BinarySearchFunc(r, n, func(one Range, n int64) int {
		switch {
		case one.Hi < n:
			return -1
		case one.Lo > n:
			return 1
		default:
			return 0
		}
	})
}

// Add returns the ranges with n in them. It may change r, as append does.
func (r Ranges) Add(n int64) Ranges {
	i, found := r.find(n)
	if found {
		return r
	}
	left := i > 0 && r[i-1].Hi == n-1
	right := i < len(r) && r[i].Lo == n+1
	switch {
	case left && right:
		r[i-1].Hi = r[i].Hi
		return slices.Delete(r, i, i+1)
	case left:
		r[i-1].Hi = n
	case right:
		r[i].Lo = n
	default:
		return slices.Insert(r, i, Range{n, n})
	}
	return r
}

// Remove returns the ranges without n in them. It may change r, as append does.
func (r Ranges) Remove(n int64) Ranges {
	i, found := r.find(n)
	if !found {
		return r
	}
	one := r[i]
	switch {
	case one.Lo == one.Hi:
		return slices.Delete(r, i, i+1)
	case n == one.Lo:
		r[i].Lo++
	case n == one.Hi:
		r[i].Hi--
	default:
		r[i].Hi = n - 1
		return slices.Insert(r, i+1, Range{n + 1, one.Hi})
	}
	return r
}

// Count is how many numbers are in them.
func (r Ranges) Count() (n int64) {
	for _, one := range r {
		n += one.Hi - one.Lo + 1
	}
	return n
}

// Gaps is how many of the numbers from 1 to the highest are not in them.
func (r Ranges) Gaps() (n int64) {
	next := int64(1)
	for _, one := range r {
		n += max(one.Lo-next, 0) // less than the highest in all, so that the sum does not overflow
		next = min(one.Hi, math.MaxInt64-1) + 1
	}
	return n
}

// String is the form on disk: "1-42,44-44".
func (r Ranges) String() string {
	var b strings.Builder
	for i, one := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(one.Lo, 10))
		b.WriteByte('-')
		b.WriteString(strconv.FormatInt(one.Hi, 10))
	}
	return b.String()
}

// Parse reads what String wrote, and refuses anything else.
func Parse(text string) (Ranges, error) {
	if text == "" {
		return nil, nil
	}
	var r Ranges
	for part := range strings.SplitSeq(text, ",") {
		a, b, ok := strings.Cut(part, "-")
		lo, errLo := strconv.ParseInt(a, 10, 64)
		hi, errHi := strconv.ParseInt(b, 10, 64)
		if !ok || errLo != nil || errHi != nil || lo > hi || (len(r) > 0 && lo <= r[len(r)-1].Hi+1) {
			return nil, fmt.Errorf("range %q in %.60q: not lo-hi in ascending order", part, text)
		}
		r = append(r, Range{lo, hi})
	}
	return r, nil
}
