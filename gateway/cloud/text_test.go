package cloud_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"piway/gateway/cloud"
)

// What is shown is what is run, by a shell's own account.
func TestCommand_String(t *testing.T) {
	args := []string{"a", "", "it's", "$(id) `id`", "a b", "\\", "Name=x,Value=Cloudwatch Metric", "*", "~", "é", "a\nb"}
	c := cloud.NewCommand(args...)
	out, err := exec.Command("sh", "-c", `aws() { for a; do printf '%s\0' "$a"; done; }; `+c.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(args, "\x00") + "\x00"; string(out) != want {
		t.Errorf("got %q of %s, want %q", out, c, want)
	}
	shown := c.Shown("a secret", `"$(cat FILE)"`)
	if strings.Contains(shown.String(), "secret") || shown.Args()[len(args)] != "a secret" {
		t.Errorf("got %s and %q, want the one shown and the other run", shown, shown.Args())
	}
	if len(c.Args()) != len(args) {
		t.Errorf("got %q, want With to leave the command as it was", c.Args())
	}
}

func TestNames_Dashboard_manyDevices(t *testing.T) {
	var series []cloud.Series
	for _, metric := range []string{"cpu", "disk"} {
		for i := range 250 {
			series = append(series, cloud.Series{Metric: metric, Device: fmt.Sprint("d", i), Name: metric})
		}
	}
	var body struct {
		Widgets []struct {
			X, Y       int
			Properties struct {
				Title, Region string
				Metrics       []any
			}
		}
	}
	if err := json.Unmarshal(cloud.Default().Dashboard(series), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Widgets) != 7 {
		t.Fatalf("got %d widgets, want three a metric and one for the rule", len(body.Widgets))
	}
	lines, places := 0, map[string]bool{}
	for _, w := range body.Widgets[:6] {
		if n := len(w.Properties.Metrics); n > 100 {
			t.Errorf("%s: got %d lines, want at most 100", w.Properties.Title, n)
		}
		lines += len(w.Properties.Metrics)
		places[fmt.Sprint(w.X, w.Y)] = true
	}
	if lines != len(series) || len(places) != 6 {
		t.Errorf("got %d lines in %d places, want all %d, each widget in its own", lines, len(places), len(series))
	}
	if w := body.Widgets[2]; w.Properties.Title != "cpu (3)" || w.Properties.Region != "us-east-1" {
		t.Errorf("got %q in %q, want the third of cpu", w.Properties.Title, w.Properties.Region)
	}
}
