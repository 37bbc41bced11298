package reading

import (
	"math"
	"testing"
)

func TestRounded(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{
		1.234567: 1.23, 1.235: 1.24, -1.235: -1.24, -0.001: 0, 0.001: 0, 0: 0, math.Copysign(0, -1): 0, 99.999: 100,
	} {
		if got := rounded(v); got != want || math.Signbit(got) != (want < 0) {
			t.Errorf("%v: got %v, want %v", v, got, want)
		}
	}
}
