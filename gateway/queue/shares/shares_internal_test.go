package shares

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// drop returns which reports go for so many bytes, each of which has ten.
func drop(t *testing.T, s *Shares, want int64, held ...int64) (went []string) {
	t.Helper()
	dropped, err := s.Drop(want, func(id int64) bool { return slices.Contains(held, id) },
		func(name string, id int64) (int64, error) {
			went = append(went, fmt.Sprint(name, id))
			return 10, nil
		})
	if err != nil || dropped != int64(10*len(went)) {
		t.Errorf("got %d bytes and %v for %v", dropped, err, went)
	}
	return went
}

func TestShares_Drop(t *testing.T) {
	s := &Shares{devices: map[string]*device{}}
	for id, name := range []string{"b", "a", "a", "a", "b", "a", "c"} {
		s.Add(name, int64(1000*id+1000), 10)
	}
	for _, c := range []struct {
		name string
		want int64
		held []int64
		went []string
	}{
		{"what is held stays", 10, []int64{2000, 3000}, []string{"a4000"}},
		{"what is held no more is the oldest again, and still counts", 10, nil, []string{"a2000"}},
		{"of those with as much the oldest", 15, nil, []string{"b1000", "a3000"}},
		{"until there is nothing but what is held", 100, []int64{6000}, []string{"b5000", "c7000"}},
		{"and that in the end", 100, nil, []string{"a6000"}},
		{"nothing", 100, nil, nil},
	} {
		if went := drop(t, s, c.want, c.held...); !slices.Equal(went, c.went) {
			t.Errorf("%s: got %v, want %v", c.name, went, c.went)
		}
	}
	if len(s.devices) > 0 || s.listed != 0 {
		t.Errorf("got %d devices with %d reports, want none", len(s.devices), s.listed)
	}
}

// An error ends it.
func TestShares_Drop_error(t *testing.T) {
	s := &Shares{devices: map[string]*device{}}
	s.Add("a", 1, 10)
	s.Add("a", 2, 10)
	broken := errors.New("broken")
	n := 0
	_, err := s.Drop(20, func(int64) bool { return false }, func(string, int64) (int64, error) {
		n++
		return 0, broken
	})
	if !errors.Is(err, broken) || n != 1 {
		t.Errorf("got %v after %d reports, want the error of the first", err, n)
	}
}

// What left in another way is listed still, until that is most.
func TestShares_Stale(t *testing.T) {
	s := &Shares{devices: map[string]*device{}}
	for id := range int64(200_000) {
		s.Add("a", id+1, 10)
	}
	s.Left("a", 130_000, 1_300_000)
	if s.Stale() || s.Bytes()["a"] != 700_000 {
		t.Errorf("got stale %t, %v, want what is left counted", s.Stale(), s.Bytes())
	}
	if s.Left("a", 10_000, 100_000); !s.Stale() {
		t.Error("most of what is listed is gone, want it counted anew")
	}
	if !(*Shares)(nil).Stale() {
		t.Error("nobody counted, want that done")
	}
}
