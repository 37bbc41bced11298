package own_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/agent/own"
	"piway/shared/config"
)

// files are the names in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// What is put is read, whatever the metric is called, and a second put replaces the first one only.
func TestPut(t *testing.T) {
	in(t, func(p *place) {
		p.look()
		put := func(name, value, ttl string) {
			t.Helper()
			if err := own.Put(p.dir, name, "Count", value, ttl); err != nil {
				t.Fatalf("%q: %v", name, err)
			}
		}
		long := strings.Repeat("l", 255)
		odd := []string{
			"garden door", "garden-door", "garden_door", "../../etc/x", "/", ".hidden", "..", `a"b\c`, "%s", "~!@", long,
			long[1:],
		}
		for _, name := range odd {
			put(name, "1", "1h")
		}
		if got := strings.Count(p.look(), " 1"); got != len(odd) {
			t.Errorf("got %d readings, want %d, of %q", got, len(odd), names(t, p.dir))
		}
		for _, name := range odd {
			put(name, " -2.50 ", "")
		}
		put("Garden Door ", "-2.5", "") // the same to the gateway
		if got := names(t, p.dir); len(got) != len(odd) {
			t.Errorf("got %q, want a file for each name", got)
		}
		if got := strings.Count(p.look(), " -2.5"); got != len(odd) {
			t.Errorf("got %d readings, want %d", got, len(odd))
		}
		put("door", "7", "60")
		info, err := os.Stat(p.path("door.json"))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("got %v, %v, want door.json, readable for the agent", info, err)
		}
	})
}

func TestPut_errors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct{ dir, name, unit, value, ttl, want, try string }{
		{dir, "", "Count", "1", "", "name \"\": empty", ""},
		{dir, "a\nb", "Count", "1", "", "not printable ASCII", ""},
		{dir, "tür", "Count", "1", "", "not printable ASCII", ""},
		{dir, "a", "count", "1", "", `did you mean "Count"?`, ""},
		{dir, "a", "Count", "1,5", "", `write "value": 1.5`, ""},
		{dir, "a", "Count", "NaN", "", "not a number", ""},
		{dir, "a", "Count", "1e300", "", "out of CloudWatch's range", ""},
		{dir, "a", "Count", "1", "x", `ttl "x": must be seconds`, ""},
		{dir, "a", "Count", "1", "-5m", `ttl "-5m": must be seconds`, ""},
		{filepath.Join(dir, "none"), "a", "Count", "1", "", "no such file", "sudo systemctl start piway-agent"},
	} {
		err := own.Put(tt.dir, tt.name, tt.unit, tt.value, tt.ttl)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(config.Hint(err), tt.try) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}
