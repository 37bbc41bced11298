package pass

import "piway/gateway/queue/ranges"

// Numbers is a set of datum numbers, small where they are mostly consecutive. The zero value is empty.
type Numbers struct{ r ranges.Ranges }

// Add puts i into the set.
func (n *Numbers) Add(i int) { n.r = n.r.Add(int64(i)) }

// Remove takes i out of the set.
func (n *Numbers) Remove(i int) { n.r = n.r.Remove(int64(i)) }

// Len is how many are in the set.
func (n *Numbers) Len() int { return int(n.r.Count()) }

// Empty reports whether nothing is in the set.
func (n *Numbers) Empty() bool { return len(n.r) == 0 }

// Has reports whether i is in the set.
func (n *Numbers) Has(i int) bool { return n.r.Has(int64(i)) }

// String is the form on disk.
func (n *Numbers) String() string { return n.r.String() }

// Parse makes the set what String wrote, and refuses anything else.
func (n *Numbers) Parse(text string) (err error) {
	n.r, err = ranges.Parse(text)
	return err
}
