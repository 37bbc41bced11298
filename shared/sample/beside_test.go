package sample_test

import (
	"slices"
	"testing"

	"piway/shared/sample"
)

func TestMessage_Beside(t *testing.T) {
	for text, want := range map[string][]string{
		`{"name":"a","unit":"None","value":1}`:                  {""},
		` {"name":"a","unit":"None","value":1,"ttl":"5m"} `:     {"5m"},
		`{"name":"a","ttl":7.5,"unit":"None","value":1}`:        {"7.5"},
		`{"name":"a","unit":"None","value":1,"ttl":null}`:       {""},
		`{"name":"a","unit":"None","value":1,"ttl":{"a":[1]}}`:  {`{"a":[1]}`},
		`{"name":"a","unit":"None","value":1,"t\u0074l":"\t1"}`: {"\t1"},
		`{"name":"a","unit":"None","value":1,"x":{"ttl":1}}`:    {""},
		`[{"name":"a","unit":"None","value":1,"ttl":1},{"name":"b"},NaN,{"name":"c","unit":"None","value":1,"ttl":2},
		  {"name":"d","unit":"None","value":1}]`: {"1", "2", ""},
		`[{"name":"a"}]`: {},
	} {
		m, err := sample.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := m.Beside([]byte(text), "ttl"); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
