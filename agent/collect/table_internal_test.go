package collect

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"piway/shared/sample"
)

// The page's tables are made from the table, what is around them is written.
const (
	page  = "../../docs/metrics.md"
	begin = "<!-- begin: made by `go test ./agent/collect -run TestMetricsPage -update` -->\n"
	end   = "<!-- end -->\n"
)

func TestMetricsPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the tables", page)
	}
	golden(t, page, before+begin+tables()+end+after)
}

// tables are the metrics and the attributes in Markdown.
func tables() string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		cloud bool
	}{{"Sent to CloudWatch", true}, {"Kept on the LAN", false}} {
		fmt.Fprintf(&b, "## %s\n\n| metric | unit | what it says | source | which machines |\n", part.title)
		b.WriteString("|---|---|---|---|---|\n")
		for _, r := range Table() {
			if r.Cloud == part.cloud {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.Name, r.Unit, r.Meaning, r.Source, models(r.Models))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("## What a machine says of itself\n\n")
	b.WriteString("| attribute | what it says | source | which machines |\n|---|---|---|---|\n")
	for _, a := range Attributes() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Key, a.Meaning, a.Source, models(a.Models))
	}
	return b.String()
}

func models(text string) string {
	if text == "" {
		return "all"
	}
	return text
}

func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	cloud := 0
	for _, r := range Table() {
		example := strings.NewReplacer("PATH", "/a b", "IFACE", "eth0", "DEVICE", "sda", "FAN", "x 1").Replace(r.Name)
		if err := sample.CheckName(example); err != nil || !r.Matches(example) {
			t.Errorf("%q does not match %q, or %v", r.Name, example, err)
		}
		if !sample.IsUnit(r.Unit) || !strings.HasSuffix(r.Meaning, ".") || r.Source == "" || seen[r.Name] {
			t.Errorf("%+v: not a unit, no sentence, no source, or there twice", r)
		}
		if seen[r.Name] = true; r.Cloud {
			cloud++
		}
	}
	if cloud != 4 {
		t.Errorf("%d metrics go to the cloud, want the recipe's four", cloud)
	}
}

func TestRow_Matches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		row, name string
		want      bool
	}{
		{"load 1m", "load 1m", true},
		{"load 1m", "load 15m", false},
		{"load 1m", "load 1m x", false},
		{"load 1m", "load", false},
		{"load 1m", "load1m", false},
		{"disk usage PATH", "disk usage /", true},
		{"disk usage PATH", "disk usage /a b", true},
		{"disk usage PATH", "disk usage", false},
		{"disk usage PATH", "disk usage ", false},
		{"disk usage PATH", "disk usage/", false},
		{"disk usage PATH", "disk inodes /", false},
	} {
		if got := (Row{Name: tt.row}).Matches(tt.name); got != tt.want {
			t.Errorf("%q matches %q: got %t, want %t", tt.row, tt.name, got, tt.want)
		}
	}
}
