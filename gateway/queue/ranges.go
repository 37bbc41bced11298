package queue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A span is a closed interval of numbers.
type span struct{ lo, hi int64 }

// spans are disjoint, ascending and not adjacent. The zero value is empty.
type spans []span

// has reports whether n is in one of them.
func (s spans) has(n int64) bool {
	_, found := s.find(n)
	return found
}

// find returns the index of the span that holds n, or where one for n belongs.
func (s spans) find(n int64) (int, bool) {
	return slices.BinarySearchFunc(s, n, func(sp span, n int64) int {
		switch {
		case sp.hi < n:
			return -1
		case sp.lo > n:
			return 1
		default:
			return 0
		}
	})
}

// add returns the spans with n in them.
func (s spans) add(n int64) spans {
	i, found := s.find(n)
	if found {
		return s
	}
	left := i > 0 && s[i-1].hi == n-1
	right := i < len(s) && s[i].lo == n+1
	switch {
	case left && right:
		s[i-1].hi = s[i].hi
		return slices.Delete(s, i, i+1)
	case left:
		s[i-1].hi = n
	case right:
		s[i].lo = n
	default:
		return slices.Insert(s, i, span{n, n})
	}
	return s
}

// remove returns the spans without n in them.
func (s spans) remove(n int64) spans {
	i, found := s.find(n)
	if !found {
		return s
	}
	sp := s[i]
	switch {
	case sp.lo == sp.hi:
		return slices.Delete(s, i, i+1)
	case n == sp.lo:
		s[i].lo++
	case n == sp.hi:
		s[i].hi--
	default:
		s[i].hi = n - 1
		return slices.Insert(s, i+1, span{n + 1, sp.hi})
	}
	return s
}

// String is the form on disk: "1-42,44-44".
func (s spans) String() string {
	var b strings.Builder
	for i, sp := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(sp.lo, 10))
		b.WriteByte('-')
		b.WriteString(strconv.FormatInt(sp.hi, 10))
	}
	return b.String()
}

// parseSpans reads what String wrote and refuses anything else.
func parseSpans(text string) (spans, error) {
	if text == "" {
		return nil, nil
	}
	var s spans
	for part := range strings.SplitSeq(text, ",") {
		a, b, ok := strings.Cut(part, "-")
		lo, errLo := strconv.ParseInt(a, 10, 64)
		hi, errHi := strconv.ParseInt(b, 10, 64)
		if !ok || errLo != nil || errHi != nil || lo > hi || (len(s) > 0 && lo <= s[len(s)-1].hi+1) {
			return nil, fmt.Errorf("%w: range %q in %.60q: not lo-hi in ascending order", ErrDamaged, part, text)
		}
		s = append(s, span{lo, hi})
	}
	return s, nil
}
