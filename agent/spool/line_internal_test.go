package spool

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/sample"
)

func reading(run string, seq int64, value float64) sample.Report {
	return sample.Report{Run: run, Seq: seq, Boot: "b", Uptime: value, Clock: sample.Synced, Samples: []sample.Sample{
		{Name: "n", Unit: "None", Value: value, Time: 1.8e9 + value},
	}}
}

// file is a file of two reports, the first of two lines.
func file(t testing.TB) []byte {
	t.Helper()
	var text []byte
	for _, r := range []sample.Report{reading("a", 1, 1), reading("a", 1, 2), reading("a", 2, 3)} {
		line, err := encodeLine(r)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, line...)
	}
	return text
}

// What a file holds is a format on disk: a later agent reads it.
func TestEncodeLine_isTheFormOnDisk(t *testing.T) {
	r := reading("a", 1, 1.5)
	r.Device = "kitchen"
	got, err := encodeLine(r)
	want := `25b40465 {"device":"kitchen","run":"a","seq":1,"boot":"b","uptime":1.5,"clock":"synced",` +
		`"samples":[{"name":"n","unit":"None","value":1.5,"time":1800000001.5}]}` + "\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestReadLines(t *testing.T) {
	whole := file(t)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	flipped := bytes.Clone(whole)
	flipped[len(lines[0])+20] ^= 1
	digit := bytes.Replace(whole, []byte(`"value":2`), []byte(`"value":3`), 1) // as good a report as it was
	sum := bytes.Clone(whole)
	sum[len(lines[0])] ^= 1
	for name, tt := range map[string]struct {
		text    []byte
		values  []float64
		reports int
		damaged int
	}{
		"whole":            {whole, []float64{1, 2, 3}, 2, 0},
		"empty":            {nil, nil, 0, 0},
		"a torn last line": {whole[:len(whole)-5], []float64{1, 2}, 1, 0},
		"without its end":  {whole[:len(whole)-1], []float64{1, 2}, 1, 0},
		"a flipped bit":    {flipped, []float64{1, 3}, 2, 1},
		"another digit":    {digit, []float64{1, 3}, 2, 1},
		"another sum":      {sum, []float64{1, 3}, 2, 1},
		"a line too long": {
			append([]byte(strings.Repeat("x", 3*maxLine)+"\n"), whole...),
			[]float64{1, 2, 3},
			2,
			1,
		},
		"zeros, as a power cut may": {
			append(append(bytes.Clone(lines[0]), make([]byte, 100)...), lines[1]...),
			[]float64{1},
			1, 1,
		},
		"an empty line": {append([]byte("\n"), whole...), []float64{1, 2, 3}, 2, 1},
	} {
		reports, damaged, err := readLines(bytes.NewReader(tt.text))
		var values []float64
		for _, r := range reports {
			for _, s := range r.Samples {
				values = append(values, s.Value)
			}
		}
		if diff := cmp.Diff(tt.values, values); diff != "" || len(reports) != tt.reports || damaged != tt.damaged ||
			err != nil {
			t.Errorf("%s: got %d reports, %d damaged, %v; values %s", name, len(reports), damaged, err, diff)
		}
	}
	reports, _, _ := readLines(bytes.NewReader(whole))
	if reports[0].Uptime != 2 {
		t.Errorf("the report has the uptime %v, want that of its newest sample", reports[0].Uptime)
	}
}

// Whatever is in a file, it is read to its end, and what is read can be written and read again.
func FuzzReadLines(f *testing.F) {
	whole := file(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-9])
	f.Add([]byte("00000000 {}\n\n\x00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		reports, damaged, err := readLines(bytes.NewReader(text))
		if lines := bytes.Count(text, []byte("\n")); err != nil || damaged+len(reports) > lines {
			t.Fatalf("%d reports and %d damaged of %d lines, %v", len(reports), damaged, lines, err)
		}
		for _, r := range reports {
			line, err := encodeLine(r)
			if err != nil {
				continue // one that we would never have written
			}
			again, err := decodeLine(bytes.TrimSuffix(line, []byte("\n")))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if diff := cmp.Diff(r, again); diff != "" {
				t.Errorf("written and read again: %s", diff)
			}
		}
	})
}
