package page

import (
	"bytes"
	"net/url"
	"testing"
	"time"
)

func TestAsk(t *testing.T) {
	for query, want := range map[string]Ask{
		"":          {From: noon.Add(-15*time.Minute - 20*time.Second), To: noon, Period: time.Minute},
		"range=1h":  {From: noon.Add(-time.Hour - 20*time.Second), To: noon, Period: time.Minute},
		"range=24h": {From: noon.Add(-day - 3*time.Minute - 20*time.Second), To: noon, Period: 5 * time.Minute},
		"range=14d": {From: noon.Add(-14*day - 3*time.Minute - 20*time.Second), To: noon, Period: time.Hour},
	} {
		c, err := parse(&url.URL{Path: "/", RawQuery: query})
		if got := c.ask(noon); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", query, got, err, want)
		}
	}
}

// Times are the server's own unless another zone is asked for; UTC is another, and links keep it.
func TestParse_zone(t *testing.T) {
	defer func(was *time.Location) { time.Local = was }(time.Local)
	time.Local = time.FixedZone("Local", 2*3600)
	for query, want := range map[string]string{
		"": "local time (Local, UTC+02:00)", "tz=": "local time (Local, UTC+02:00)", "tz=Local": "local time (Local, UTC+02:00)",
		"tz=UTC": "UTC", "tz=Asia/Tokyo": "Asia/Tokyo (JST, UTC+09:00)",
	} {
		c, err := parse(&url.URL{Path: "/", RawQuery: query})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(mustURL(t, c.with(func(*choices) {})))
		if got := zoneName(noon, again.zone); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", query, got, err, want)
		}
	}
}

// Every link keeps what it does not change.
func TestChoices_survive(t *testing.T) {
	const query = "more=1&page=3&q=pi&range=6h&refresh=off&stat=Sum&tz=Asia%2FTokyo"
	c, err := parse(&url.URL{Path: "/", RawQuery: query})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.with(func(*choices) {}); got != "/?"+query {
		t.Errorf("got %s, want /?%s", got, query)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("range=6h&stat=Sum&tz=Asia/Tokyo&q=%ff&page=2&refresh=off&more=1")
	f.Add("tz=Local&dn=a&dv=b&dn=c&name=%3Cscript%3E&ns=;&unit")
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/", "/metric"} {
			c, err := parse(&url.URL{Path: path, RawQuery: query})
			if err != nil {
				continue
			}
			again, err := parse(mustURL(t, c.with(func(*choices) {})))
			if err != nil || again.with(func(*choices) {}) != c.with(func(*choices) {}) {
				t.Fatalf("%q became %q, %v", c.with(func(*choices) {}), again.with(func(*choices) {}), err)
			}
			wellFormed(t, render(t, c))
		}
	})
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func render(t *testing.T, c choices) string {
	t.Helper()
	var b bytes.Buffer
	s := &screen{choices: c, ask: c.ask(noon)}
	if err := templates().ExecuteTemplate(&b, "index", s.index()); err != nil {
		t.Fatal(err)
	}
	return cleanse(b.String())
}
