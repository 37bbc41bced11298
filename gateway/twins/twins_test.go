package twins_test

import (
	"testing"
	"time"

	"piway/gateway/twins"
	"piway/shared/sample"
)

// A line is one report: its run, boot, whether it is sent from that boot, and from where.
type line struct {
	boot string
	live bool
	host string
}

func TestWatch_Heard(t *testing.T) {
	t.Parallel()
	live := func(boot, host string) line { return line{boot, true, host} }
	kept := func(boot, host string) line { return line{boot, false, host} }
	script := func(host string) line { return line{"", false, host} }
	const one, other = "192.168.1.5", "192.168.1.9"
	for name, c := range map[string]struct {
		lines []line // over and over, ten times
		every time.Duration
		want  bool
	}{
		"two machines":                         {[]line{live("a", one), live("b", other)}, time.Minute, true},
		"which report every ten minutes":       {[]line{live("a", one), live("b", other)}, 10 * time.Minute, true},
		"three machines":                       {[]line{live("a", one), live("b", other), live("c", "c")}, time.Minute, true},
		"two behind a proxy":                   {[]line{live("a", one), live("b", one)}, time.Minute, true},
		"one machine, twice at home":           {[]line{live("a", one), live("a", other)}, time.Minute, false},
		"an agent and one by cron":             {[]line{live("a", one), live("a", one)}, time.Minute, false},
		"a backlog of an earlier boot":         {[]line{kept("a", one), live("b", one)}, time.Minute, false},
		"backlogs of two":                      {[]line{kept("a", one), kept("c", one), live("b", one)}, time.Minute, false},
		"an agent and a script":                {[]line{live("a", one), script(one)}, time.Minute, false},
		"an agent and a script by IPv6":        {[]line{live("a", one), script("fd00::5")}, time.Minute, false},
		"scripts by IPv4 and IPv6":             {[]line{script(one), script("fd00::5")}, time.Minute, false},
		"scripts on two machines":              {[]line{script(one), script(other)}, time.Minute, true},
		"which change places at once, in a go": {[]line{live("a", one), live("b", other)}, time.Millisecond, false},
		"a script whose address comes back":    {[]line{script(one), script(other)}, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w twins.Watch
			at, told := time.Hour, 0
			for range 10 {
				for _, l := range c.lines {
					r := sample.Report{Boot: l.boot}
					if l.live {
						r.SentUptime = 100
					}
					pair, two := w.Heard("kitchen", &r, func() string { return l.host }, at)
					if two {
						told++
						if pair[0] == "" || pair[1] != l.host || pair[0] == pair[1] && name != "two behind a proxy" {
							t.Errorf("got %q", pair)
						}
					}
					at += c.every
				}
			}
			if (told > 0) != c.want {
				t.Errorf("told %d times", told)
			}
			if got := len(w.Pairs(at)) > 0; got != c.want {
				t.Errorf("remembered: %t", got)
			}
			if got := w.Pairs(at + 25*time.Hour); len(got) > 0 {
				t.Errorf("a day later: %v", got)
			}
		})
	}
}

// A machine that starts again and again, and one message that a dying connection held up at each start.
func TestWatch_Heard_restarts(t *testing.T) {
	t.Parallel()
	var w twins.Watch
	at, host := time.Hour, func() string { return "192.168.1.5" }
	before := ""
	for _, boot := range []string{"a", "b", "c", "d", "e", "f"} {
		for _, from := range []string{boot, before, boot, boot} {
			if _, two := w.Heard("kitchen", &sample.Report{Boot: from, SentUptime: 1}, host, at); two && from != "" {
				t.Errorf("boot %s after %s: taken for two", boot, before)
			}
			at += 10 * time.Millisecond
		}
		before = boot
		at += 13 * time.Hour
	}
}
