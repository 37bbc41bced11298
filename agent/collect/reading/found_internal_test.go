package reading

import "testing"

func TestAtMost(t *testing.T) {
	t.Parallel()
	var f Found
	if got := AtMost(&f, []string{"a", "b"}, 2, 3, "things"); len(got) != 2 || f.Err != nil || f.Left != 0 {
		t.Errorf("at the bound: got %v, %+v", got, f)
	}
	if got := AtMost(&f, []string{"a", "b", "c"}, 2, 3, "things"); len(got) != 2 || f.Err == nil || f.Left != 3 {
		t.Errorf("above the bound: got %v, %+v", got, f)
	}
}
