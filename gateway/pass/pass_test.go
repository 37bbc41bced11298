package pass_test

import (
	"testing"

	"piway/gateway/pass"
)

// What becomes of a copy is nothing to the pass that it was made of.
func TestPass_Clone(t *testing.T) {
	var p pass.Pass
	for i := range 5 {
		p.Expired.Add(i)
		p.Parked.Add(i)
	}
	c := p.Clone()
	c.Expired.Remove(4)
	c.Parked.Remove(0)
	if p.Expired.Len() != 5 || p.Parked.Len() != 5 || c.Expired.Len() != 4 || c.Parked.Len() != 4 {
		t.Errorf("got %v and %v, of %v and %v", c.Expired, c.Parked, p.Expired, p.Parked)
	}
}

func TestNumbers_Parse(t *testing.T) {
	var n pass.Numbers
	if err := n.Parse("1-3,7-7"); err != nil || n.Empty() || n.Len() != 4 || !n.Has(2) || n.Has(5) ||
		n.String() != "1-3,7-7" {
		t.Errorf("got %s, %v", n.String(), err)
	}
	if err := n.Parse("3-1"); err == nil {
		t.Errorf("got %s, want an error", n.String())
	}
}
