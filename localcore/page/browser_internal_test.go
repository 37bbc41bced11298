package page

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHandler_browser shows the page to a real browser. Pictures of it, for the eye, land in PIWAY_PICTURES:
//
//	PIWAY_BROWSER=1 PIWAY_PICTURES=/tmp/pictures go test ./localcore/page -run browser -v
func TestHandler_browser(t *testing.T) {
	if os.Getenv("PIWAY_BROWSER") == "" {
		t.Skip("takes some seconds of a real browser, try: PIWAY_BROWSER=1")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no browser to look with, try: apt install chromium")
	}
	for _, tt := range []struct {
		name string
		view func(context.Context, Ask) (View, error)
		path string
		want []string
	}{
		{"empty", empty, "/", []string{"Nothing yet", "nothing has arrived yet"}},
		{
			"sample", sample, "/?range=3h&tz=Europe/Berlin",
			[]string{`<path class="line" d="M`, "kitchen", "13:03:20", "within the past two weeks"},
		},
		{"heavy", heavy, "/?range=3h", []string{`<path class="line" d="M`, "252 more"}},
		{
			"metric", sample, "/metric?name=cpu+temperature+%28kitchen%29&ns=RaspberryPi&unit=None&range=3h&tz=Europe/Berlin",
			[]string{`<path class="band" d="M`, "of 181 periods"},
		},
		{"hostile", hostileView, "/", []string{"&lt;script&gt;alert(1)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(newHandler(tt.view, func() time.Time { return noon }))
			defer srv.Close()
			dom := browse(t, chromium, "--dump-dom", srv.URL+tt.path)
			for _, want := range tt.want {
				if !strings.Contains(dom, want) {
					t.Errorf("the page in the browser lacks %q", want)
				}
			}
			if strings.Contains(dom, "<img") || strings.Contains(dom, "<script") {
				t.Error("a text became an element of the page")
			}
			if dir := os.Getenv("PIWAY_PICTURES"); dir != "" {
				takePictures(t, chromium, srv.URL+tt.path, filepath.Join(dir, tt.name))
			}
		})
	}
}

func takePictures(t *testing.T, chromium, url, name string) {
	t.Helper()
	for scheme, light := range map[string]string{"dark": "0", "light": "1"} {
		for width, height := range map[string]string{"1280": "800", "1400": "4200", "390": "844", "360": "9000"} {
			browse(t, chromium, "--blink-settings=preferredColorScheme="+light, "--hide-scrollbars",
				"--window-size="+width+","+height, "--screenshot="+name+"-"+width+"-"+scheme+".png", url)
		}
	}
}

func browse(t *testing.T, chromium string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	base := []string{"--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + t.TempDir()}
	out, err := exec.CommandContext(ctx, chromium, append(base, args...)...).Output()
	if err != nil {
		t.Fatalf("%s %q: %v", chromium, args, err)
	}
	return string(out)
}
