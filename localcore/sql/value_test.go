package sql_test

import (
	"strings"
	"testing"

	"piway/localcore/sql"
)

// evaluate returns SELECT VALUE of an expression as JSON, "" for Undefined.
func evaluate(t *testing.T, version sql.Version, expression string) string {
	t.Helper()
	tmpl, err := sql.ParseTemplate("${concat([], "+expression+")}", sql.V2016)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	text := tmpl.Resolve(input(version, `{"i": 7, "d": 2.50, "w": 10.0, "s": "abc", "n": null, "o": {"k": [1, null]}, "l": ["HELLO", 2], "u": "äöü", "s7": "7", "s2": "2"}`))
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
}

// The numbers are those of the examples in iot-sql-functions and iot-sql-operators, where these have some.
func TestEvaluate(t *testing.T) {
	for expression, want := range map[string]string{
		"7 / 2":                                  "3",
		"0 - 7 / 2":                              "-3",
		"7.5 / 2":                                "3.75",
		"7.0 / 2":                                "3",
		"7 / 2.5":                                "2.8",
		"1 / 3.5":                                "0.2857142857142857142857142857142857",
		"2 / 3.5":                                "0.5714285714285714285714285714285714",
		"1 / 5.3":                                "0.1886792452830188679245283018867925",
		"-1 / 5.3":                               "-0.1886792452830188679245283018867925",
		"i / 0":                                  "",
		"i % 0":                                  "",
		"0 / 5.5":                                "0",
		"7 % 4":                                  "3",
		"-7 % 4":                                 "-3",
		"'7' / 2":                                "3.5",
		"'7' / '2'":                              "3.5",
		"7 / '2'":                                "3.5",
		"i / '2'":                                "3.5",
		"s7 / 2":                                 "3.5",
		"s7 / s2":                                "3.5",
		"s7 / i":                                 "1",
		"s7 - s2":                                "5",
		"s7 * s2":                                "14",
		"s7 % s2":                                "1",
		"s7 + s2":                                `"72"`,
		"i + s2":                                 `"72"`,
		"0 - s7 / s2":                            "-3.5",
		"(0 - s7) / 2":                           "-3", // what a difference makes of whole numbers is an Int again
		"cast(s7 as Decimal) + cast(s2 as Int)":  "9",
		"cast(s7 as Int) / 2":                    "3",
		"floor(s7 / s2)":                         "3",
		"round(s7 / s2)":                         "4",
		"abs(0 - s7 / s2)":                       "3.5",
		"'7.50' / 3":                             "2.50",
		"'1e3' / 7":                              "142.8571428571428571428571428571429",
		"'7' / 0":                                "",
		"'7' / '0'":                              "",
		"'7' % '0'":                              "",
		"7 / 0.0":                                "",
		"'+7' / 2":                               "",
		"' 7' / 2":                               "",
		"'7,5' / 2":                              "",
		"'0x7' / 2":                              "",
		"'' / 2":                                 "",
		"'7' / true":                             "",
		"'7' / none":                             "",
		"'7' / n":                                "",
		"s7 > 6":                                 "true",
		"s7 > '10'":                              "false", // as numbers
		"s7 >= i":                                "true",
		"s7 = i":                                 "false", // two types
		"s7 <> i":                                "true",
		"s7 = '7'":                               "true",
		"s7 < 'x'":                               "",
		"7.5 % 2":                                "1.5",
		"0.1 + 0.2":                              "0.3",
		"d * 2":                                  "5",
		"d * 3":                                  "7.50",
		"d - 'x'":                                "",
		"d - '0.5'":                              "2",
		"'1' + 2":                                `"12"`,
		"1 + true":                               "",
		"true + 's'":                             `"trues"`,
		"'s' + none":                             "",
		"'s' + n":                                "",
		"o + ''":                                 `"{\"k\":[1,null]}"`,
		"n * 2":                                  "",
		"9999999999999999999999999999999999":     "9999999999999999999999999999999999",
		"9999999999999999999999999999999999 + 1": "1.000000000000000000000000000000000E+34",
		"1234567890123456789012345678901234565":  "1.234567890123456789012345678901235E+36",
		"1234567890123456789012345678901234500":  "1.234567890123456789012345678901234E+36",
		"12345678901234567890123456789012345":    "1.234567890123456789012345678901234E+34",
		"9e999 * 10":                             "",
		"1e-999 / 10.5":                          "0",
		"1e-7":                                   "1E-7",
		"1.5e-6":                                 "0.0000015",
		"1e33":                                   "1000000000000000000000000000000000",
		"1e34":                                   "1E+34",
		"floor(1.2)":                             "1",
		"floor(-1.2)":                            "-2",
		"floor('2.7')":                           "2",
		"floor(' 2.7')":                          "",
		"floor('1e+2')":                          "",
		"floor(true)":                            "",
		"floor(l)":                               "",
		"floor(1e999)":                           "1E+999",
		"ceil(1.2)":                              "2",
		"ceil(-1.2)":                             "-1",
		"round(1.5)":                             "2",
		"round(1.2)":                             "1",
		"round(-1.1)":                            "-1",
		"round(-1.5)":                            "-2",
		"ROUND(1.7)":                             "2",
		"abs(-5)":                                "5",
		"abs('-5.123')":                          "5.123",
		"abs(n)":                                 "",
		"cast(true as Int)":                      "1",
		"cast(false as Decimal)":                 "0",
		"cast(2.9 as Int)":                       "2",
		"cast(-2.1 as Integer)":                  "-3",
		"cast('5E-12' as Decimal)":               "5E-12",
		"cast('10.0' as Decimal)":                "10",
		"cast('12.5 ' as Decimal)":               "",
		"cast(n as Int)":                         "",
		"cast(0 as Boolean)":                     "false",
		"cast(0.1 as Bool)":                      "true",
		"cast('FALSE' as Boolean)":               "false",
		"cast('no' as Boolean)":                  "",
		"cast(d as String)":                      `"2.50"`,
		"cast(o as Varchar)":                     `"{\"k\":[1,null]}"`,
		"cast(n as Text)":                        "",
		"cast(true as NVARCHAR)":                 `"true"`,
		"get('abc', 0)":                          `"a"`,
		"get(u, 2)":                              `"ü"`,
		"get(s, 3)":                              "",
		"get(s, -1)":                             "",
		"get(l, 0.6)":                            "2",
		"get(l, '0.6')":                          `"HELLO"`,
		"get(l, 'x')":                            "",
		"get(l, 1e30)":                           "",
		"get(o, 1)":                              "",
		"get(1, 1)":                              "",
		"get(o, 'k') = [1, null]":                "true",
		"concat('he', 'is', 'man')":              `"heisman"`,
		"concat(1, 'hello')":                     `"1hello"`,
		"concat(1, 2)":                           "",
		"concat('a', none)":                      "",
		"concat(concat([1, 2, 3], 'hello', [4]), 5) = [1, 2, 3, 'hello', 4, 5]": "true",
		"concat(i)":                     "7",
		"endswith('cat', 'at')":         "true",
		"endswith(12, 2)":               "true",
		"startswith('ranger', 'ran')":   "true",
		"startswith('ranger', n)":       "",
		"lower('HELLO')":                `"hello"`,
		"lower(['HELLO'])":              `"[\"hello\"]"`,
		"upper(u)":                      `"ÄÖÜ"`,
		"length('hi')":                  "2",
		"length(false)":                 "5",
		"length(u)":                     "3",
		"length(n)":                     "",
		"isUndefined(floor([1, 2, 3]))": "true",
		"isUndefined(5)":                "false",
		"isNull(5)":                     "false",
		"isNull(NULL)":                  "true",
		"timestamp() > 1.76E12":         "true",
		"topic('2')":                    `"pi1"`,
		"topic(2.4)":                    `"pi1"`,
		"topic(n)":                      "",
	} {
		if got := evaluate(t, sql.V2016, expression); got != want {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
}

func TestEvaluate_oldVersionKeepsDecimals(t *testing.T) {
	for payloadExpression, want := range map[string]string{
		"w":        "10.0",
		"w / 4":    "2.5",
		"w * 2":    "20.0",
		"w + i":    "17.0",
		"i / 2":    "3",
		"s7 / 2":   "3.5",
		"s7 * s2":  "14",
		"floor(w)": "10",
		"abs(w)":   "10.0",
	} {
		if got := evaluate(t, sql.V2015, payloadExpression); got != want {
			t.Errorf("%s: got %s, want %s", payloadExpression, got, want)
		}
	}
}

func TestEvaluate_boundsText(t *testing.T) {
	tmpl, err := sql.ParseTemplate("${s+s}|${concat(s, s)}|${concat(l, l) = none}|${isUndefined(concat(l, l))}", sql.V2016)
	if err != nil {
		t.Fatal(err)
	}
	in := input(sql.V2016, `{"s": "`+long(100_000)+`", "l": [`+strings.Repeat("1,", 99_999)+`1]}`)
	if got := tmpl.Resolve(in); got != "|||true" {
		t.Errorf("got %.60q, want |||true", got)
	}
}

func TestParsePayload_refuses(t *testing.T) {
	for payload, want := range map[string]string{
		"":                         "EOF",
		"{":                        "EOF",
		`{"a" 1}`:                  "invalid character",
		`[1,]`:                     "invalid character",
		`{} {}`:                    "text after the JSON value",
		"80":                       "must be a JSON object or array, got a number",
		`"x"`:                      "got a string",
		"null":                     "got null",
		"true":                     "got a boolean",
		"[\"\xff\"]":               "not UTF-8",
		`[1e1000]`:                 "number 1e1000: larger than AWS keeps",
		`[1e99999999999999999999]`: "larger than AWS keeps",
		strings.Repeat("[", 501) + strings.Repeat("]", 501): "nested more than 500 deep",
	} {
		if _, err := sql.ParsePayload([]byte(payload), sql.V2016); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q in it", payload, err, want)
		}
	}
	if _, err := sql.ParsePayload([]byte(`[1e-99999999999999999999, 0e99999999]`), sql.V2016); err != nil {
		t.Errorf("tiny: got %v, want it to be zero", err)
	}
}

func TestKind(t *testing.T) {
	for want, v := range map[string]sql.Value{
		"null": nil, "a boolean": true, "a string": "", "an array": sql.Array{}, "an object": &sql.Object{},
		"bytes that are not JSON": sql.Raw{}, "nothing (Undefined)": sql.Undefined{},
	} {
		if got := sql.Kind(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParse_oldVersion(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT a, get(b, 'c') AS c FROM 'a' WHERE a > 1": "",
		"SELECT VALUE a":              "column 8: SELECT VALUE needs awsIotSqlVersion 2016-03-23, and the rule has 2015-10-08",
		"SELECT a.b":                  "column 9: a nested attribute needs",
		"SELECT [a] AS b":             "column 8: an array needs",
		"SELECT isUndefined(a) AS b":  "column 8: isundefined() needs",
		"SELECT cast(a AS Int) AS b":  "",
		"SELECT cast(a AS Bool) AS b": "column 18: a cast to Bool needs",
	} {
		_, err := sql.Parse(text, sql.V2015)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}
