package forward

import (
	"testing"
	"time"

	"piway/gateway/rollup"
)

// A live pass keeps its lane for as long as none closes behind it, and for half a minute at most.
func TestForward_behind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ window, keeps time.Duration }{
		{time.Second, time.Second}, {time.Minute, liveFor},
	} {
		var now time.Duration
		f := Forwarder{cfg: Config{
			Rollup: rollup.Settings{Window: tc.window}, SinceBoot: func() time.Duration { return now },
		}}
		f.lanes[live] = &inHand{}
		for _, now = range []time.Duration{tc.keeps, tc.keeps + 1} {
			if got, want := f.behind(), now > tc.keeps; got != want {
				t.Errorf("windows of %s: after %s got %t, want %t", tc.window, now, got, want)
			}
		}
	}
}
