package sql_test

import (
	"encoding/json"
	"strings"
	"testing"

	"piway/localcore/sql"
)

// seeds are payloads that fuzzing starts from.
var seeds = []string{
	payload, `[1e400, null, true, "<"]`, `{"a": {"b": 1.0}, "x": 1e5} 2`, "[[[", "80", "\xff",
	`{"a": -0.000, "a": "é"}`,
}

func FuzzParse(f *testing.F) {
	for i, text := range []string{
		"SELECT * FROM 'a/+/#'", "select*from'$aws/rules/x/y'", "SELECT * FROM 'a", "SELECT '", "ä*\xff",
		"SELECT name, cast(value AS Decimal) AS v, get(data, 'a-b') FROM 'a/+/b' WHERE v2 > 3 AND NOT isUndefined(x) OR (a " +
			"+ 1) * 2 <> 7",
		"SELECT VALUE *.batch WHERE endswith(clientId, \"x\") = false",
		"SELECT *, [1.5e3, -2, null] AS l, concat(a, 'b', 7 / 2.5 % 3) WHERE topic(2) = 'pi1'",
		"SELECT " + strings.Repeat("(", 100), "SELECT a" + strings.Repeat(".a", 50),
	} {
		f.Add(text, seeds[i%len(seeds)], i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, text, payload string, old bool) {
		version := sql.V2016
		if old {
			version = sql.V2015
		}
		q, err := sql.Parse(text, version)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "column ") {
				t.Errorf("%q: got %v, want it to begin with the column", text, err)
			}
			return
		}
		in := input(version, payload)
		out, selected, err := q.Run(in)
		if err != nil && selected {
			t.Errorf("%q: got selected and %v", text, err)
		}
		checkJSON(t, out, selected)
		if q.From != nil {
			checkFilter(t, *q.From, payload)
		}
	})
}

// checkJSON holds what a rule makes to be JSON again, if it is neither bytes nor nothing.
func checkJSON(t *testing.T, out sql.Value, selected bool) {
	t.Helper()
	switch out.(type) {
	case sql.Raw, sql.Undefined:
		return
	}
	if text := sql.JSON(out); selected && !json.Valid(text) {
		t.Errorf("got %q, want JSON", text)
	}
}

func checkFilter(t *testing.T, filter sql.Filter, topic string) {
	t.Helper()
	again, err := sql.ParseFilter(filter.String())
	if err != nil || again.String() != filter.String() {
		t.Errorf("filter %q reads back as %q, %v", filter, again, err)
	}
	plain := !strings.ContainsAny(filter.String(), "+#")
	if filter.Match(topic) != (filter.String() == topic) && plain {
		t.Errorf("%q without wildcards and topic %q: got %v", filter, topic, filter.Match(topic))
	}
}

func FuzzParseTemplate(f *testing.F) {
	for i, text := range []string{
		"${name}", "a ${a.b} ${c} $", "${", "}${ x }", "${floor(timestamp()/1000)}", "${concat('}', get(*, \"a-b\"))}${",
		"${'", "@{a}", "${round(-2.50) * 1e999}",
	} {
		f.Add(text, seeds[i%len(seeds)])
	}
	f.Fuzz(func(t *testing.T, text, payload string) {
		tmpl, err := sql.ParseTemplate(text, sql.V2016)
		if err != nil {
			return
		}
		got := tmpl.Resolve(input(sql.V2016, payload))
		if tmpl.IsConstant() && got != text {
			t.Errorf("%q has no substitution: got %q", text, got)
		}
	})
}

// FuzzParsePayload holds that what is written is read back as the same.
func FuzzParsePayload(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"n": [1.50, 0.000001, 1E-999, 12345678901234567890123456789012345678901234567890, -0e5]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := sql.ParsePayload(text, sql.V2015)
		if err != nil {
			return
		}
		once := sql.JSON(v)
		again, err := sql.ParsePayload(once, sql.V2015)
		if err != nil || string(sql.JSON(again)) != string(once) {
			t.Errorf("%q: reads back as %q, %v, want %q", text, sql.JSON(again), err, once)
		}
	})
}
