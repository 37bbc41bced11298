package cloudwatch_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/cloudwatch"
)

// emf is a document with the root's members and a metric for each name, of the dimension device.
func emf(members string, names ...string) string {
	var metrics []string
	for _, n := range names {
		metrics = append(metrics, fmt.Sprintf(`{"Name":%q}`, n))
	}
	return document(`[["device"]]`, strings.Join(metrics, ","), `"device":"pi1",`+members)
}

func document(dimensions, metrics, members string) string {
	return fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"Pis","Dimensions":%s,"Metrics":[%s]}]},%s}`,
		now.UnixMilli(), dimensions, metrics, members)
}

// put sends one event, which AWS must take, and returns what became of it.
func put(t *testing.T, message string) (*cloudwatch.Store, cloudwatch.Result) {
	t.Helper()
	s := withGroup(t, 14)
	r, err := s.PutLogEvents(now, group, []cloudwatch.Event{event(0, message)})
	if err != nil || r.Accepted != 1 {
		t.Fatalf("%s\ngot %+v, %v, want the event accepted", message, r, err)
	}
	return s, r
}

func TestEMF_becomesDatums(t *testing.T) {
	s := withGroup(t, 14)
	var got []cloudwatch.Datum
	s.OnDatum = func(d cloudwatch.Datum) { got = append(got, d) }
	at := now.Add(-time.Hour)
	// Members that the specification does not know are ignored; a key with a dot is a key like others.
	message := fmt.Sprintf(` {"_aws" : {"Timestamp" : %d , "Extra": 1, "CloudWatchMetrics":[
		{"Namespace" : "Pis", "Dimensions":[["site","device"],[]], "Metrics":[
			{"Name":"cpu.usage","Unit":"Percent","StorageResolution":60,"Other":true}, {"Name":"temp","StorageResolution":1}]},
		{"Namespace":"Home","Dimensions":[["device"]],"Metrics":[{"Name":"temp","Unit":"None"}]},
		{"Namespace":"Home","Dimensions":[["device"]],"Metrics":[]}]},
		"cpu.usage":[12.5, 1e1 ,-0.5],"temp": 54.25 ,"device":"pi1","site":"home","text":"x","deep":{"_aws":1}} `, at.UnixMilli())
	r, err := s.PutLogEvents(now, group, []cloudwatch.Event{event(0, message)})
	if err != nil || r.Datums != 9 || r.EMFParsingErrors+r.EMFValidationErrors != 0 {
		t.Fatalf("got %+v, %v, errors %+v, want 9 datums", r, err, s.EMFErrors())
	}
	device, site := cloudwatch.Dimension{Name: "device", Value: "pi1"}, cloudwatch.Dimension{Name: "site", Value: "home"}
	var want []cloudwatch.Datum
	add := func(namespace, name, unit string, dimensions []cloudwatch.Dimension, values ...float64) {
		for _, v := range values {
			want = append(want, cloudwatch.Datum{
				Namespace: namespace, Name: name, Unit: unit, Value: v, Timestamp: at,
				Dimensions: dimensions,
			})
		}
	}
	for _, m := range []struct {
		name, unit string
		values     []float64
	}{{"cpu.usage", "Percent", []float64{12.5, 10, -0.5}}, {"temp", "None", []float64{54.25}}} {
		add("Pis", m.name, m.unit, []cloudwatch.Dimension{site, device}, m.values...)
		add("Pis", m.name, m.unit, []cloudwatch.Dimension{}, m.values...)
	}
	add("Home", "temp", "None", []cloudwatch.Dimension{device}, 54.25)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("datums (-want +got)\n%s", diff)
	}
	if m := s.Metrics(); len(m) != 5 || m[1].Periods[0].SampleCount != 3 || m[1].Periods[0].Sum != 22 {
		t.Errorf("metrics: got %+v, want 5, an array's values as one sample each", m)
	}
}

func TestEMF_limitsAreTaken(t *testing.T) {
	var names, metrics, keys []string
	for i := range 100 {
		name := fmt.Sprint("m", i)
		names, metrics = append(names, fmt.Sprintf(`%q:1`, name)), append(metrics, fmt.Sprintf(`{"Name":%q}`, name))
	}
	for i := range 30 {
		keys = append(keys, fmt.Sprintf(`"k%d"`, i))
		names = append(names, fmt.Sprintf(`"k%d":"v"`, i))
	}
	long, value := strings.Repeat("k", 250), strings.Repeat("v", 1024)
	for name, tc := range map[string]struct {
		message string
		datums  int
	}{
		"100 metrics, 30 keys": {document("[["+strings.Join(keys, ",")+"]]", strings.Join(metrics, ","),
			strings.Join(names, ",")), 100},
		"100 values": {emf(`"a":[1`+strings.Repeat(",1", 99)+`]`, "a"), 100},
		"long key and value": {
			document(fmt.Sprintf("[[%q]]", long), `{"Name":"a"}`, fmt.Sprintf(`"a":1,%q:%q`, long, value)),
			1,
		},
		"no metrics":         {fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[]}}`, now.UnixMilli()), 0},
		"no EMF: text":       {`temperature 12 "_aws"`, 0},
		"no EMF: plain JSON": {`{"a":1}`, 0},
		"no EMF: array":      {`[{"_aws":{}}]`, 0},
		"no EMF: deeper":     {`{"a":{"_aws":1},"b":"\"_aws\""}`, 0},
		"no EMF: no JSON":    {`{temperature: 12}`, 0},
	} {
		if s, r := put(t, tc.message); r.Datums != tc.datums || r.EMFParsingErrors+r.EMFValidationErrors != 0 {
			t.Errorf("%s: got %+v, errors %+v, want %d datums", name, r, s.EMFErrors(), tc.datums)
		}
	}
}

// Each of these is counted and told, costs only what it has to, and never the call.
func TestEMF_errors(t *testing.T) {
	const parsing, validation = cloudwatch.EMFParsingErrors, cloudwatch.EMFValidationErrors
	whole := func(aws string) string { return `{"_aws":` + aws + `,"device":"pi1","a":1}` }
	stamped := func(directives string) string {
		return whole(fmt.Sprintf(`{"Timestamp":%d,"CloudWatchMetrics":%s}`, now.UnixMilli(), directives))
	}
	at := func(ms string) string {
		return whole(`{"Timestamp":` + ms + `,"CloudWatchMetrics":[{"Namespace":"Pis","Dimensions":[["device"]],"Metrics":[{"Name":"a"}]}]}`)
	}
	metric := func(definition string) string {
		return document(`[["device"]]`, definition, `"device":"pi1","a":1,"b":2`)
	}
	dims := func(sets, members string) string {
		return document(sets, `{"Name":"a"}`, `"device":"pi1","a":1`+members)
	}
	many := strings.Repeat(`{"Name":"a"},`, 101)
	for _, tc := range []struct {
		name, message, kind, want string
		datums                    int
	}{
		{"text behind it", emf(`"a":1`, "a") + "x", parsing, "text after the closing brace", 0},
		{"a second document", emf(`"a":1`, "a") + emf(`"a":1`, "a"), parsing, "text after the closing brace", 0},
		{"cut off", strings.TrimSuffix(emf(`"a":1`, "a"), "}"), parsing, "not JSON", 0},
		{"NaN", emf(`"a":NaN`, "a"), parsing, "not JSON", 0},
		{"not UTF-8", emf("\"a\":1,\"b\":\"\xff\"", "a"), parsing, "not UTF-8", 0},
		{"a target twice", emf(`"a":1,"a":2`, "a"), parsing, `member "a" given twice`, 0},
		{"_aws twice", `{"_aws":{},"_aws":{}}`, parsing, `member "_aws" given twice`, 0},
		{"Timestamp twice", whole(`{"Timestamp":1,"Timestamp":2}`), parsing, `_aws: member "Timestamp" given twice`, 0},
		{"_aws no object", whole(`[]`), parsing, "_aws: must be a JSON object, got \"[]\"", 0},
		{"_aws null", whole(`null`), parsing, "_aws: must be a JSON object", 0},
		{"no Timestamp", whole(`{"CloudWatchMetrics":[]}`), parsing, "must be whole milliseconds since 1970, got \"\"", 0},
		{"Timestamp as text", at(fmt.Sprintf(`"%d"`, now.UnixMilli())), parsing, "must be whole milliseconds", 0},
		{"Timestamp with a fraction", at(fmt.Sprint(now.Unix(), ".5")), parsing, "must be whole milliseconds", 0},
		{"Timestamp with an exponent", at("1.7e12"), parsing, "must be whole milliseconds", 0},
		{"Timestamp past all bounds", at("99999999999999999999"), parsing, "must be whole milliseconds", 0},
		{
			"no CloudWatchMetrics", whole(fmt.Sprintf(`{"Timestamp":%d}`, now.UnixMilli())), parsing,
			`_aws: no member "CloudWatchMetrics"`, 0,
		},
		{"CloudWatchMetrics an object", stamped(`{}`), parsing, `"CloudWatchMetrics" must be an array`, 0},
		{"a directive no object", stamped(`[7]`), parsing, "CloudWatchMetrics[0]: must be a JSON object", 0},
		{
			"no Namespace", stamped(`[{"Dimensions":[[]],"Metrics":[]}]`), parsing,
			`CloudWatchMetrics[0]: no member "Namespace"`, 0,
		},
		{
			"names are case-sensitive", stamped(`[{"namespace":"Pis","Dimensions":[[]],"Metrics":[]}]`), parsing,
			`no member "Namespace"`, 0,
		},
		{"no Dimensions", stamped(`[{"Namespace":"Pis","Metrics":[]}]`), parsing, `no member "Dimensions"`, 0},
		{"no Metrics", stamped(`[{"Namespace":"Pis","Dimensions":[[]]}]`), parsing, `no member "Metrics"`, 0},
		{
			"a set no array", dims(`["device",["device"]]`, ""), parsing,
			"CloudWatchMetrics[0].Dimensions[0]: must be an array of strings", 1,
		},
		{"a key no text", dims(`[[1],["device"]]`, ""), parsing, "Dimensions[0]: must be an array of strings", 1},
		{
			"a metric no object", metric(`"a",{"Name":"b"}`), parsing, "CloudWatchMetrics[0].Metrics[0]: must be a JSON object",
			1,
		},
		{"a metric without name", metric(`{"Unit":"Count"},{"Name":"b"}`), parsing, `Metrics[0]: no member "Name"`, 1},

		{"seconds", at(fmt.Sprint(now.Unix())), validation, "_aws.Timestamp: The parameter MetricData.member.1.Timestamp " +
			"must specify a time within the past two weeks, got 1970-", 0},
		{
			"15 days old", at(fmt.Sprint(now.Add(-15 * 24 * time.Hour).UnixMilli())), validation, "within the past two weeks",
			0,
		},
		{"tomorrow", at(fmt.Sprint(now.Add(24 * time.Hour).UnixMilli())), validation, "within the past two weeks", 0},
		{"far future", at("9223372036854775807"), validation, "within the past two weeks", 0},
		{
			"AWS's namespace", strings.Replace(emf(`"a":1`, "a"), "Pis", "AWS/Pis", 1), validation,
			`CloudWatchMetrics[0]: The parameter Namespace must not begin with "AWS/"`, 0,
		},
		{
			"namespace not ASCII", strings.Replace(emf(`"a":1`, "a"), "Pis", "Küche", 1), validation,
			"The parameter Namespace must be ASCII", 0,
		},
		{"no set", dims(`[]`, ""), validation, "Dimensions: no set of dimensions, try: [[]]", 0},
		{"101 metrics", metric(strings.TrimSuffix(many, ",")), validation, "101 metrics, a directive has at most 100", 0},
		{
			"31 keys", dims(`[["device"],["device"`+strings.Repeat(`,"device"`, 30)+`]]`, ""), validation,
			"Dimensions[1]: 31 keys, a set has at most 30", 1,
		},
		{
			"a key twice", dims(`[["device"],["device","device"]]`, ""), validation,
			"Dimensions.member.2.Name must not be given twice", 1,
		},
		{
			"a long key", dims(fmt.Sprintf(`[["device"],[%q]]`, strings.Repeat("k", 251)), ""), validation,
			"251 characters, the most is 250", 1,
		},
		{
			"a dimension that is not there", dims(`[["device"],["site"]]`, ""), validation,
			`the dimension's value: no member "site"`, 1,
		},
		{
			"a dimension of a number", dims(`[["device"],["site"]]`, `,"site":7`), validation,
			`member "site" must be a string, got "7"`, 1,
		},
		{
			"an empty dimension", dims(`[["device"],["site"]]`, `,"site":" "`), validation,
			"Dimensions.member.1.Value must not be empty or blank", 1,
		},
		{
			"a long dimension", dims(`[["device"],["site"]]`, fmt.Sprintf(`,"site":%q`, strings.Repeat("v", 1025))), validation,
			"must be at most 1024 characters, got 1025", 1,
		},
		{"a nested dimension", dims(`[["device"],["a.site"]]`, `,"b":{"site":"home"}`), validation, `no member "a.site"`, 1},
		{
			"one error for all the values of a set", document(`[["device"]]`, `{"Name":"a"}`, `"device":"","a":[1,2]`),
			validation, "Dimensions.member.1.Value must not be empty", 0,
		},
		{
			"a unit that is not one", metric(`{"Name":"a","Unit":"Celsius"},{"Name":"b"}`), validation,
			`metric "a": The parameter MetricData.member.1.Unit must be one of CloudWatch's units, got "Celsius"`, 1,
		},
		{"a unit of a number", metric(`{"Name":"a","Unit":1},{"Name":"b"}`), validation, `member "Unit" must be a string`, 1},
		{
			"resolution", metric(`{"Name":"a","StorageResolution":30},{"Name":"b"}`), validation,
			`StorageResolution must be 1 or 60, got "30"`, 1,
		},
		{
			"resolution as text", metric(`{"Name":"a","StorageResolution":"60"},{"Name":"b"}`), validation,
			"StorageResolution must be 1 or 60", 1,
		},
		{"name not ASCII", metric(`{"Name":"Küche"},{"Name":"b"}`), validation, "MetricName must be ASCII", 1},
		{
			"a long name", metric(fmt.Sprintf(`{"Name":%q},{"Name":"b"}`, strings.Repeat("n", 256))), validation,
			"must be at most 255 characters", 1,
		},
		{
			"no value", metric(`{"Name":"c"},{"Name":"b"}`), validation,
			`metric "c": no member "c" in the root of the document; it is dropped`, 1,
		},
		{
			"a value as text", emf(`"a":"1","b":2`, "a", "b"), validation,
			"value must be a number or an array of numbers, got \"\\\"1\\\"\"", 1,
		},
		{"null", emf(`"a":null,"b":2`, "a", "b"), validation, "value must be a number", 1},
		{"null in an array", emf(`"a":[1,null],"b":2`, "a", "b"), validation, "value must be a number", 1},
		{"an array in an array", emf(`"a":[[1]],"b":2`, "a", "b"), validation, "value must be a number", 1},
		{"no values", emf(`"a":[],"b":2`, "a", "b"), validation, "0 values, a metric has 1 to 100", 1},
		{
			"101 values", emf(`"a":[1`+strings.Repeat(",1", 100)+`],"b":2`, "a", "b"), validation,
			"101 values, a metric has 1 to 100", 1,
		},
		{"no float64", emf(`"a":1e999,"b":2`, "a", "b"), validation, "value must be a number", 1},
		{
			"out of range", emf(`"a":[1,1e200],"b":2`, "a", "b"), validation,
			`metric "a": The parameter MetricData.member.1.Value must be a number between`, 2,
		},
	} {
		s, r := put(t, tc.message)
		parse, valid := 1, 0
		if tc.kind == validation {
			parse, valid = 0, 1
		}
		if r.Datums != tc.datums || r.EMFParsingErrors != parse || r.EMFValidationErrors != valid {
			t.Errorf("%s: got %+v, want %d datums and one of %s", tc.name, r, tc.datums, tc.kind)
		}
		errs := s.EMFErrors()
		if len(errs) != 1 || errs[0].Kind != tc.kind || errs[0].Group != group || !errs[0].Time.Equal(now) ||
			!strings.Contains(errs[0].Problem, tc.want) {
			t.Errorf("%s: got %+v\nwant %s: …%s…", tc.name, errs, tc.kind, tc.want)
		}
		if g := s.Groups()[0]; g.Result != r {
			t.Errorf("%s: the group counts %+v", tc.name, g.Result)
		}
	}
}

// Whatever a message is, it is kept, nothing panics, and every datum made of it is one that PutMetricData takes.
func FuzzEMF(f *testing.F) {
	for _, message := range []string{
		"text", `{"_aws":{}}`, `{"_aws":[[[`, `{"_aws":{"_aws":{"_aws":null}}}`, emf(`"a":1`, "a"),
		emf(`"a":[1,2,null]`, "a", "b"), emf(`"a":NaN`, "a"),
		emf(`"a":1,"a":2`, "a"), document(`[[],["device","device"]]`, `{"Name":"_aws"},{"Name":"device"}`, `"device":"pi1"`),
		document(`[[""],["\u0000"],["\ud800"]]`, `{"Name":"a","Unit":"\u0050ercent"}`, `"a":1e360,"":"x","\u0000":"y"`),
		`{"\u005faws":{},"b":"_aws"}`, strings.Replace(emf(`"a":1`, "a"), "Pis", `A\u0057S/`, 1),
	} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		if message == "" || len(message) > 1<<20-26 {
			return
		}
		s := withGroup(t, 14)
		datums := 0
		s.OnDatum = func(d cloudwatch.Datum) {
			datums++
			if math.IsNaN(d.Value) || d.Name == "" || strings.HasPrefix(d.Namespace, "AWS/") || len(d.Dimensions) > 30 {
				t.Errorf("got %+v", d)
			}
		}
		r, err := s.PutLogEvents(now, group, []cloudwatch.Event{event(0, message)})
		if err != nil || r.Accepted != 1 || r.Datums != datums {
			t.Fatalf("got %+v, %v, and %d datums", r, err, datums)
		}
		if got := s.Events(group, 1); len(got) != 1 || got[0].Message != message || got[0].Datums != datums {
			t.Errorf("the event is kept as %+v", got)
		}
		for _, e := range s.EMFErrors() {
			if e.Problem == "" || len(e.Event) > 80 {
				t.Errorf("got the error %+v", e)
			}
		}
	})
}
