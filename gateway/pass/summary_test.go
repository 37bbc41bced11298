package pass_test

import (
	"testing"

	"piway/gateway/pass"

	"github.com/google/go-cmp/cmp"
)

// What thinning writes is a format on disk.
func TestEncodeSummaries_isTheFormOnDisk(t *testing.T) {
	got, err := pass.EncodeSummaries([]pass.Summary{
		{Name: "load", Unit: "Count", Time: 300, N: 3, Sum: 12, Min: 1, Max: 7, Last: 7, LastTime: 500.25},
	})
	want := `{"thinned":[{"name":"load","unit":"Count","time":300,"n":3,"sum":12,"min":1,"max":7,"last":7,"last_time":500.25}]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// FuzzDecodeSummaries: what is read can be thinned again and written, and is then the same.
func FuzzDecodeSummaries(f *testing.F) {
	f.Add(`{"thinned":[{"name":"load","unit":"Count","time":300,"n":3,"sum":12,"min":1,"max":7,"last":7,"last_time":500}]}`)
	f.Add(`{"thinned":[{"name":"load","unit":"Count","time":300,"n":0,"sum":12,"min":1,"max":7,"last":7,"last_time":500}]}`)
	f.Add(`{"thinned":[{}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := pass.DecodeSummaries([]byte(text))
		if err != nil {
			return
		}
		for _, s := range all {
			if s.N < 1 || s.Min > s.Max {
				t.Errorf("read %+v", s)
			}
		}
		blob, err := pass.EncodeSummaries(all)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pass.DecodeSummaries(blob)
		if diff := cmp.Diff(all, again); err != nil || (len(all) > 0 && diff != "") {
			t.Errorf("%v (-read +again):\n%s", err, diff)
		}
	})
}
