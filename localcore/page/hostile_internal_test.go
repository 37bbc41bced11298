package page

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// hostile is what somebody sends who wants to break out of the page.
const hostile = "</title></svg></pre><script>alert(1)</script><img src=x onerror=alert(1)>\" onload=\"alert(1)' " +
	"{{.}} javascript:alert(1) " +
	"\x00\x07\x1b[31m\r\u202eevil\xff\xc0 &amp; ]]> <!-- (a\"><b>)"

// fill sets every text of a view to hostile, and makes lists where there are none.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(hostile)
	case reflect.Int64, reflect.Int:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(2)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 25, 25))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon.Add(time.Minute)))
			return
		}
		for _, field := range v.Fields() {
			fill(field)
		}
	}
}

func hostileView(context.Context, Ask) (View, error) {
	var v View
	fill(reflect.ValueOf(&v).Elem())
	v.Failures[0].Canary = true
	v.Metrics[0].Points = func() []Point { return []Point{at(1, 1), at(2, 5)} }
	return v, nil
}

func TestHandler_hostileTexts(t *testing.T) {
	v, _ := hostileView(t.Context(), Ask{})
	view := func(context.Context, Ask) (View, error) { return v, nil }
	s := &screen{choices: choices{path: "/", zone: time.UTC, page: 1}, View: v}
	for _, target := range []string{
		"/", "/?more=1", "/?" + url.Values{"q": {"<script>"}}.Encode(),
		s.metricLink(v.Metrics[0]),
	} {
		body := page(t, view, target)
		if !strings.Contains(body, "&lt;script&gt;alert(1)") && !strings.Contains(target, "q=") {
			t.Errorf("GET %s: the page does not show the text", target)
		}
		if strings.ContainsAny(body, "\x00\x07\x1b\r\u202e") {
			t.Errorf("GET %s: the page holds control characters", target)
		}
	}
}

func FuzzIndex_texts(f *testing.F) {
	f.Add(hostile)
	f.Add("cpu usage (kitchen)")
	f.Add("()")
	f.Add("\ufffe\uffff\U0010ffff\u2028 𝔘")
	f.Fuzz(func(t *testing.T, text string) {
		v := View{
			Metrics: []Metric{
				{Namespace: text, Name: text, Unit: text, Dimensions: []Dimension{{text, text}}},
				{Name: "x (" + text + ")"},
			},
			Faults: []Fault{{Name: text}},
			Rules:  []Rule{{SQL: text}},
		}
		view := func(context.Context, Ask) (View, error) { return v, nil }
		page(t, view, "/")
		s := &screen{choices: choices{path: "/", zone: time.UTC, page: 1}, View: v}
		page(t, view, s.metricLink(v.Metrics[0]))
	})
}
