package join

import (
	"slices"
	"testing"

	"piway/agent/find"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at   string
		said []string
		want []string
	}{
		{"10.0.0.1:8883", nil, []string{"10.0.0.1:8883"}},
		{"10.0.0.2:8883", []string{"10.0.0.1:8883", "10.0.0.2:8883"}, []string{"10.0.0.2:8883", "10.0.0.1:8883"}},
		{"[fe80::1%eth0]:8883", []string{"10.0.0.1:8883"}, []string{"10.0.0.1:8883", "[fe80::1%eth0]:8883"}},
		{"[fe80::1%eth0]:8883", nil, []string{"[fe80::1%eth0]:8883"}},
		{"a:1", []string{"b:1", "c", "d:1", "e:1", "f:1"}, []string{"a:1", "b:1", "c:8883", "d:1"}},
	} {
		if got := order(find.Place{Address: tt.at}, tt.said); !slices.Equal(got, tt.want) {
			t.Errorf("%s, %q: got %q, want %q", tt.at, tt.said, got, tt.want)
		}
	}
}
