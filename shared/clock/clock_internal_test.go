package clock

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]pretence{
		"+1h":           {offset: time.Hour},
		"-30m,unsynced": {offset: -30 * time.Minute, state: Unsynced, stated: true},
		"0s,synced":     {state: Synced, stated: true},
	} {
		if got, err := parse(text); err != nil || *got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"1", "an hour", "+1h,right", ","} {
		if got, err := parse(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
	if got, err := parse(""); got != nil || err != nil {
		t.Errorf("nothing: got %+v, %v", got, err)
	}
}
