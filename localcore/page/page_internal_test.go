package page

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

type source = func(context.Context, Ask) (View, error)

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

// get asks a handler that shows a view at noon.
func get(t testing.TB, view source, target string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	newHandler(view, func() time.Time { return noon }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}

// page is get for a page that must be there and be well-formed.
func page(t testing.TB, view source, target string) string {
	t.Helper()
	status, body := get(t, view, target)
	if status != http.StatusOK {
		t.Fatalf("GET %s: got status %d: %s", target, status, body)
	}
	wellFormed(t, body)
	return body
}

// elements are those that a page may hold; what a device sends must not add one.
var elements = strings.Fields(
	`html head meta link title body header main footer div span a b form label input button datalist option
	details summary nav section h1 h2 h3 p br small table thead tbody tfoot tr th td pre article dl dt dd time svg text path circle rect`)

// wellFormed reads a page strictly and fails the test where it holds what it must not.
func wellFormed(t testing.TB, body string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(body))
	ids := map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !slices.Contains(elements, start.Name.Local) {
			t.Errorf("the page holds the element %s", start.Name.Local)
		}
		for _, a := range start.Attr {
			checkAttribute(t, a)
			if a.Name.Local == "id" {
				if ids[a.Value] {
					t.Errorf("the id %s is there twice", a.Value)
				}
				ids[a.Value] = true
			}
		}
	}
}

func checkAttribute(t testing.TB, a xml.Attr) {
	t.Helper()
	switch name := a.Name.Local; {
	case strings.HasPrefix(name, "on"), name == "style":
		t.Errorf("the page holds the attribute %s=%q", name, a.Value)
	case name == "href" || name == "action":
		if !strings.HasPrefix(a.Value, "/") && !strings.HasPrefix(a.Value, "#") || strings.HasPrefix(a.Value, "//") {
			t.Errorf("the page leads elsewhere: %s=%q", name, a.Value)
		}
	}
}

const kitchen = "/metric?name=cpu+usage+%28kitchen%29&ns=RaspberryPi&unit=Percent"

func TestHandler_pages(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		view         source
		want         []string
	}{
		{"empty", "/", empty, []string{
			"Nothing yet", "0 metrics", "No action has failed", "There are no rules",
			"Nobody is connected",
		}},
		{"sample", "/", sample, []string{
			"20 metrics", "newest datapoint 12 s ago", ">kitchen</a>", "within the past two weeks", "$15.76", "RuleNotFound: 1",
			"NotSelected: 5",
			"100 % · hit", "Discarded by throttle: 4", "failed actions: 2, EMF errors: 1", `action="/faults/cut"`,
			"for 7 s more", "12:03:20", "Percent",
		}},
		{"zone", "/?tz=Asia/Kolkata", sample, []string{"17:33:20", "Asia/Kolkata (IST, UTC&#43;05:30)"}},
		{"14 days", "/?range=14d&stat=Sum", sample, []string{"one point = 1 h", "4 Jan", `aria-current="true">Sum`}},
		{"filter", "/?q=GARAGE", sample, []string{">garage</a>", "show all 20"}},
		{"filter of nothing", "/?q=cellar", sample, []string{"No metric has that"}},
		{"not renewed", "/?refresh=off", sample, []string{"refresh every 10 s"}},
		{"first page of many", "/", heavy, []string{"Metrics 1–48 of 300", "252 more"}},
		{"last page of many", "/?page=7", heavy, []string{"Metrics 289–300 of 300", "Previous page", "pi49"}},
		{"page behind the last", "/?page=70", heavy, []string{"Metrics 289–300 of 300"}},
		{"one metric", kitchen, sample, []string{
			"<h1>cpu usage (kitchen)</h1>", "Namespace", "of 16 periods have data",
			"<title>Mon 5 Jan 11:50 UTC",
		}},
		{
			"metric with dimensions", "/metric?dn=device&dn=site&dv=pi0&dv=home&name=sensor+0&ns=RaspberryPi&unit=None", heavy,
			[]string{"<dt>site</dt><dd>home</dd>"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := page(t, tt.view, tt.target)
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("GET %s: the page lacks %q", tt.target, want)
				}
			}
			if renewed := strings.Contains(body, `http-equiv="refresh"`); renewed == strings.Contains(tt.target, "refresh=off") {
				t.Errorf("GET %s: renewed is %t", tt.target, renewed)
			}
		})
	}
}

// A gateway's canary is meant to fail, and what was never counted takes no room.
func TestHandler_calm(t *testing.T) {
	view := func(_ context.Context, ask Ask) (View, error) {
		return View{
			Rules:    []Rule{{Name: "r", Enabled: true, TopicMatch: 5, Success: 3, Canary: 2, ErrorActionSuccess: 2}},
			Failures: []Failure{{Time: ask.To, Rule: "r", Error: "the unit canary is none", Canary: true}},
			Bill: Bill{Lines: []BillLine{
				{"IoT messages", 7, "messages", 0.1, 0.2, 0.3}, {"CloudWatch Logs, taken in", 0, "GB", 0, 0, 0},
			}, Covered: time.Hour},
			Counters: []Counter{{Name: "publishes", Value: 5}, {Name: "oversize", Bad: true}, {Name: "denied", Bad: true}},
		}, nil
	}
	body := page(t, view, "/")
	for _, want := range []string{
		"No action has failed.", "<summary>Canary refused, as it should be: 1</summary>", "the unit canary is none",
		`canary 2</span>`, "<td>IoT messages</td>", "counted. No CloudWatch Logs, taken in.", "rate of the last 60 min",
		"as in the last 60 min", "<summary>2 more are zero</summary>", "Failures 0",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"bad", "<td>CloudWatch Logs", "RuleNotFound", "NotSelected", `class="failure"`, `class="error"`} {
		if strings.Contains(body, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if i, j := strings.Index(body, "<summary>2 more"), strings.Index(body, "oversize"); i < 0 || j < i {
		t.Error("a zero is not among those that are folded away")
	}
}

func TestHandler_refusals(t *testing.T) {
	broken := func(context.Context, Ask) (View, error) { return View{}, errors.New("the store <b>is</b> closed") }
	for _, tt := range []struct {
		target string
		view   source
		status int
		want   string
	}{
		{"/?range=2h", sample, 400, "range: unknown value &#34;2h&#34;, try: one of 15m, 1h"},
		{"/?stat=p99", sample, 400, "try: one of Average, Minimum"},
		{"/?tz=Berlin", sample, 400, "unknown time zone &#34;Berlin&#34;, try: Local, UTC, or a name like Europe/Berlin"},
		{"/?tz=../../etc/passwd", sample, 400, "unknown time zone"},
		{"/?page=0", sample, 400, "page: &#34;0&#34; is no page"},
		{"/?q=" + strings.Repeat("x", 201), sample, 400, "q: has 201 bytes, try: at most 200"},
		{"/metric", sample, 404, "no such metric"},
		{kitchen + "x", sample, 404, "no such metric"},
		{"/%3Cscript%3E", sample, 404, "There is no page /&lt;script&gt;."},
		{"/", broken, 500, "the store &lt;b&gt;is&lt;/b&gt; closed"},
	} {
		status, body := get(t, tt.view, tt.target)
		wellFormed(t, body)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("GET %s: got %d %s\nwant %d %q", tt.target, status, body, tt.status, tt.want)
		}
	}
}

func TestHandler_headersAndAssets(t *testing.T) {
	h := Handler(sample)
	for _, target := range []string{"/", kitchen, "/style.css", "/icon.svg", "/nowhere", "/?tz=x"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") ||
			strings.Contains(csp, "unsafe") {
			t.Errorf("GET %s: got policy %q", target, csp)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") == "" {
			t.Errorf("GET %s: got headers %v", target, w.Header())
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/style.css", nil))
	again := httptest.NewRequest(http.MethodGet, "/style.css", nil)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, again); w.Code != http.StatusNotModified {
		t.Errorf("GET /style.css for a second time: got status %d, want 304", w.Code)
	}
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: got status %d, want 405", w.Code)
	}
	if strings.Contains(styleCSS, "url(") || strings.Contains(pageHTML, "://") &&
		strings.Count(pageHTML, "://") != strings.Count(pageHTML, "http://www.w3.org/") {
		t.Error("the page names a resource of somebody else")
	}
}

// Each bound is told, and "show more" goes beyond it.
func TestHandler_longLists(t *testing.T) {
	v := View{Failures: make([]Failure, 1100), Notifications: []Notification{{Payload: strings.Repeat("ü", 3000)}}}
	view := func(context.Context, Ask) (View, error) { return v, nil }
	few, many := page(t, view, "/"), page(t, view, "/?more=1")
	for body, want := range map[string]string{few: "1,080 more are kept, not shown here. <a href=\"/?more=1\">Show more</a>", many: "100 more are kept, not shown here.</p>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(few, "üü … (6,000 bytes in all)") {
		t.Error("a long payload is not shortened, or not told to be")
	}
}

// Only what is drawn is asked for its points, and once.
func TestHandler_pointsAreAskedForOnce(t *testing.T) {
	asked := map[int]int{}
	view := func(context.Context, Ask) (View, error) {
		var v View
		for i := range 100 {
			v.Metrics = append(v.Metrics, Metric{Name: fmt.Sprint("m", i), Points: func() []Point { asked[i]++; return nil }})
		}
		return v, nil
	}
	page(t, view, "/?page=2")
	if len(asked) != graphsPerPage || asked[48] != 1 || asked[95] != 1 {
		t.Errorf("got %v, want metrics 48 to 95 asked once", asked)
	}
}

func TestBack(t *testing.T) {
	for back, want := range map[string]string{
		"":                            "/#faults",
		"/?range=3h&tz=Europe/Berlin": "/?range=3h&tz=Europe%2FBerlin#faults",
		"https://evil.example/?q=a":   "/?q=a#faults",
		"//evil.example":              "/#faults",
		"/metric?q=\r\nx: y":          "/#faults",
		"javascript:alert(1)":         "/#faults",
	} {
		r := httptest.NewRequest(http.MethodPost, "/faults/cut", strings.NewReader(url.Values{"back": {back}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := Back(r); got != want {
			t.Errorf("Back(%q): got %q, want %q", back, got, want)
		}
	}
}

func benchmarkIndex(b *testing.B, all bool) {
	h := newHandler(heavy, func() time.Time { return noon })
	bytes := 0
	for b.Loop() {
		for n := 1; n <= 7; n++ {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fmt.Sprintf("/?range=3h&page=%d", n), nil))
			bytes = w.Body.Len()
			if !all {
				break
			}
		}
	}
	b.ReportMetric(float64(bytes), "bytes/page")
}
