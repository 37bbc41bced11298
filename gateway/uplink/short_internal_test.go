package uplink

import (
	"io"
	"testing"
	"time"
)

func TestUplink_noteShort(t *testing.T) {
	const soon, late = 5 * time.Second, time.Hour
	for name, c := range map[string]struct {
		err    error
		lasted []time.Duration
		under  bool // a message was under way, and none was acknowledged
		want   bool
	}{
		"closed soon":        {io.EOF, []time.Duration{soon, soon, soon, soon}, false, true},
		"not often":          {io.EOF, []time.Duration{soon, soon, soon}, false, false},
		"a long one between": {io.EOF, []time.Duration{soon, soon, soon, late, soon, soon, soon}, false, false},
		"a long one after":   {io.EOF, []time.Duration{soon, soon, soon, soon, late}, false, false},
		"a message to blame": {io.EOF, []time.Duration{soon, soon, soon, soon}, true, false},
		"given up":           {errStalled, []time.Duration{soon, soon, soon, soon}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			u := New(quotas(), nil)
			if c.under {
				u.flight = []*message{{}}
			}
			for _, lasted := range c.lasted {
				u.noteShort(c.err, lasted)
			}
			if got := u.sharesID(); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}
