package sample

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"piway/shared/sample/scan"
)

// parts returns the elements of an array as they stand in the text.
func (a *array) parts(text []byte) (parts []string) {
	at := a.open + 1
	for _, end := range a.ends {
		parts = append(parts, string(bytes.TrimSpace(text[at:end])))
		at = end + 1
	}
	return parts
}

func TestSplitArray(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                                 ``,
		" [ \n]\t":                           ``,
		`[1]`:                                `1`,
		`[{"a":[1,2]},{"b":{}}]`:             `{"a":[1,2]}|{"b":{}}`,
		`[NaN,-Infinity,{"value":NaN}]`:      `NaN|-Infinity|{"value":NaN}`,
		`["],[\"",{"a\\":"b\\\\"},3]`:        `"],[\""|{"a\\":"b\\\\"}|3`,
		`[1,]`:                               `1|`,
		`[,]`:                                `|`,
		`[{"a":1],{"b":2}]`:                  `{"a":1]|{"b":2}`, // costs no neighbour
		"[\"\xff\",\"\x00\",\xff,\"b\"]":     "\"\xff\"|\"\x00\"|\xff|\"b\"",
		`[1} `:                               `none`,
		`[1`:                                 `none`,
		`[`:                                  `none`,
		`["a]`:                               `none`,
		`["a\`:                               `none`,
		`["a\"]`:                             `none`,
		`[{"name":"a},{"name":"b"}]`:         `none`,
		`[[[[`:                               `none`,
		`[{"samples":[1,2]},[{"samples":[]]`: `none`,
	} {
		a, ok := splitArray([]byte(text), strings.IndexByte(text, '['), 100)
		got := "none"
		if ok {
			got = strings.Join(a.parts([]byte(text)), "|")
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestSplitArray_notesNoMoreThanIsAsked(t *testing.T) {
	text := []byte("[" + strings.Repeat(",", 1000) + "]")
	if a, ok := splitArray(text, 0, 3); !ok || a.n != 1001 || len(a.ends) != 3 {
		t.Errorf("got %d elements with %d ends, %t", a.n, len(a.ends), ok)
	}
}

func TestSplitObject(t *testing.T) {
	for text, want := range map[string]string{
		`{"samples":[1,2]}`: `1|2`,
		` { "a" : [ 3 ] , "samples" : [ 1 , 2 ] , "b" : "]" } `: `1|2`,
		`{"s\u0061mples":[1]}`:                  `1`,
		`{"x":{"samples":[7]},"samples":[1]}`:   `1`,
		`{"x":NaN,"samples":[1,NaN],"y":"\"}"}`: `1|NaN`,
		`{"samples":[1],"samples":2}`:           `1`, // for the library to refuse
		`{"samples":2,"samples":[1]}`:           `1`,
		`{"samples":[],"a":1}`:                  ``,
		`{"samples":null}`:                      ``,
		`{"SAMPLES":[1]}`:                       ``,
		`{"s\x":[1]}`:                           ``,
		`{}`:                                    ``,
		`{"samples":[1],}`:                      `none`,
		`{"samples":[1],"samples":[2]}`:         `none`,
		`{"samples":[1]]`:                       `none`,
		`{"samples":[1]} {}`:                    `none`,
		`{"samples":[1]`:                        `none`,
		`{"samples":[1]"b":2}`:                  `1`, // the same
		`{"samples":[1`:                         `none`,
		`{"samples":[1}`:                        `none`,
		`{"samples"`:                            `none`,
		`{"samples`:                             `none`,
		`{"samples":`:                           `none`,
		`{samples:[1]}`:                         `none`,
		`{`:                                     `none`,
		`{"a":1`:                                `none`,
		`{"a":1]`:                               `none`,
		`{"a":1,`:                               `none`,
		`{"a":"` + strings.Repeat(`\"`, 100) + `","samples":[1]}`: `1`,
	} {
		a, ok := splitObject([]byte(text), 100)
		got := "none"
		if ok {
			got = strings.Join(a[inSamples].parts([]byte(text)), "|")
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// giants are what costs a reader dearly that goes over something twice.
func giants() map[string][]byte {
	const size = 1 << 20
	of := func(head, part, tail string) []byte {
		return []byte(head + strings.Repeat(part, size/len(part)) + tail)
	}
	return map[string][]byte{
		"open brackets":         of("", "[", ""),
		"open objects":          of("", `{"a":`, ""),
		"open in samples":       of(`{"samples":[`, "[", ""),
		"nested":                []byte(strings.Repeat("[", size/2) + strings.Repeat("]", size/2)),
		"commas":                of("[", ",", "]"),
		"quotes":                of("[", `"`, "]"),
		"backslashes":           of(`["`, `\`, ""),
		"escaped quotes":        of(`["`, `\"`, `"]`),
		"an unended string":     of(`[{"name":"`, "x", ""),
		"white space":           of("[", " ", "]"),
		"empty objects":         of("[{}", ",{}", "]"),
		"escaped keys":          of(`{"a":1`, `,"\u0061":[1]`, "}"),
		"arrays of samples":     of(`{"samples":[]`, `,"samples":[]`, "}"),
		"arrays of other names": of(`{"a":[]`, `,"a":[]`, "}"),
		"closed too often":      of("[", "]", ""),
	}
}

// Whatever is sent, a split takes time in proportion: what is not would take hours here.
func TestSplit_isLinear(t *testing.T) {
	t.Parallel()
	for name, text := range giants() {
		began := time.Now()
		_, _ = splitArray(text, 0, 1000)
		_, _ = splitObject(text, 1000)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// What the library takes is split as the library does it.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		`[]`, `[1,"a",{"b":[null,{}]},[[]]]`, ` [ "\\\"" , "]" ] `, `{"samples":[1,{"a":"}"}],"b":[2]}`,
		`{"s\u0061mples":[{}]}`, `{"local":[1,[2]],"samples":[3],"x":[]}`, `{"samples":[3],"local":[{"a":"]"}]}`,
		`{"samples":[NaN]}`, `[1}`, `{"a":1]`, "[\"\xff\"]", `{"a":{"samples":[1]},"samples":[]}`, `[,]`, "{\"\\ud800\":[]}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var object struct {
			Samples jsontext.Value `json:"samples"`
			Local   jsontext.Value `json:"local"`
			Others  jsontext.Value `json:",embed"`
		}
		found, foundOK := splitObject(text, len(text))
		if err := json.Unmarshal(text, &object); err == nil && jsontext.Value(text).Kind() == '{' {
			for i, want := range []jsontext.Value{object.Samples, object.Local} {
				if !foundOK || (found[i].shut > 0) != (want.Kind() == '[') {
					t.Fatalf("an object: got %+v, %t", found, foundOK)
				}
				if found[i].shut > 0 {
					same(t, text, found[i], want)
				}
			}
		}
		open := scan.Space(text, 0)
		if open == len(text) || text[open] != '[' {
			return
		}
		a, ok := splitArray(text, open, len(text))
		if jsontext.Value(text).IsValid() {
			if !ok || !scan.Blank(text[a.shut+1:]) {
				t.Fatalf("an array: got %+v, %t", a, ok)
			}
			same(t, text, a, text)
		}
	})
}

func same(t *testing.T, text []byte, a array, value jsontext.Value) {
	t.Helper()
	var want []jsontext.Value
	if err := json.Unmarshal(value, &want); err != nil {
		t.Fatal(err)
	}
	got := a.parts(text)
	if len(got) != len(want) || a.n != len(want) {
		t.Fatalf("got %q, %d in all, want %q", got, a.n, want)
	}
	for i := range want {
		if got[i] != string(want[i]) {
			t.Errorf("element %d: got %q, want %q", i, got[i], want[i])
		}
	}
}
