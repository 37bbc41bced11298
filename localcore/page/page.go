// Package page is the web page of the stand-in: what CloudWatch and IoT Core would show. Its one promise: whatever a
// device sends, the page shows it as text, bounded, and without a script.
//
// The package renders its own plain types and knows nothing of where they come from.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS string

//go:embed icon.svg
var iconSVG string

const (
	indexPath  = "/"
	metricPath = "/metric"
)

// policy lets the page have its own style sheet, its own icon and its own forms, and nothing else of anybody.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

// A handler serves the page.
type handler struct {
	view func(context.Context, Ask) (View, error)
	tmpl *template.Template
	now  func() time.Time
}

// Handler serves the page at /, one metric at /metric, and what they need at /style.css and /icon.svg. It calls view
// for each page, from any goroutine; an error of view is shown. The buttons of a Fault POST to /faults/NAME, which is
// for the caller to serve, beside this handler.
func Handler(view func(context.Context, Ask) (View, error)) http.Handler {
	return newHandler(view, time.Now)
}

func newHandler(view func(context.Context, Ask) (View, error), now func() time.Time) http.Handler {
	h := &handler{view: view, tmpl: templates(), now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.index)
	mux.HandleFunc("GET "+metricPath, h.metric)
	mux.HandleFunc("GET /style.css", asset("text/css; charset=utf-8", styleCSS))
	mux.HandleFunc("GET /icon.svg", asset("image/svg+xml", iconSVG))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			h.trouble(w, http.StatusMethodNotAllowed, "This page can only be read.")
			return
		}
		h.trouble(w, http.StatusNotFound, "There is no page "+shorten(r.URL.Path, maxText)+".")
	})
	return guard(mux)
}

// guard sets the headers that hold for every answer.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func templates() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"count":  func(n any) string { return group(fmt.Sprint(n)) }, // of any type of integer
		"number": number, "exact": exact, "money": money, "length": length, "unit": unitName,
		"short": func(s string) string { return shorten(s, textBound) },
	}).Parse(pageHTML))
}

// asset serves a file of the program. The browser asks each time whether it has changed.
func asset(kind, content string) http.HandlerFunc {
	sum := sha256.Sum256([]byte(content))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(content)))
	}
}

func (h *handler) index(w http.ResponseWriter, r *http.Request) {
	if s := h.screen(w, r); s != nil {
		h.render(w, http.StatusOK, "index", s.index())
	}
}

func (h *handler) metric(w http.ResponseWriter, r *http.Request) {
	s := h.screen(w, r)
	if s == nil {
		return
	}
	for _, m := range s.View.Metrics {
		if m.key() == s.choices.metric {
			h.render(w, http.StatusOK, "metric", s.enlarged(name(m)))
			return
		}
	}
	h.trouble(w, http.StatusNotFound, "There is no such metric. The stand-in forgets all of them when it restarts.")
}

// screen reads the request and the view. Where it returns nil it has answered.
func (h *handler) screen(w http.ResponseWriter, r *http.Request) *screen {
	c, err := parse(r.URL)
	if err != nil {
		h.trouble(w, http.StatusBadRequest, err.Error())
		return nil
	}
	now := h.now()
	ask := c.ask(now)
	v, err := h.view(r.Context(), ask)
	if err != nil {
		h.trouble(w, http.StatusInternalServerError, err.Error())
		return nil
	}
	return &screen{choices: c, ask: ask, View: v}
}

// trouble is the page that says what is wrong.
func (h *handler) trouble(w http.ResponseWriter, status int, text string) {
	h.render(w, status, "trouble", struct{ Title, Text string }{http.StatusText(status), text})
}

func (h *handler) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := h.tmpl.ExecuteTemplate(&b, name, data); err != nil {
		panic("page: template " + name + ": " + err.Error()) // the tests render every part of it
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, cleanse(b.String())) // the client has gone
}

// Back returns where to send a browser after a form of a Fault: to the page that the form was on, never to another
// site.
func Back(r *http.Request) string {
	u, err := url.Parse(r.PostFormValue("back"))
	if err != nil {
		return indexPath + "#faults"
	}
	return (&url.URL{Path: indexPath, RawQuery: u.Query().Encode(), Fragment: "faults"}).String()
}
