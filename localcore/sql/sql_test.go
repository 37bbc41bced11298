package sql_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"piway/localcore/sql"
)

var noon = time.UnixMilli(1763791440250)

// input is a message with that payload, which need not be JSON.
func input(version sql.Version, payload string) *sql.Input {
	v, err := sql.ParsePayload([]byte(payload), version)
	if err != nil {
		v = sql.Raw(payload)
	}
	return &sql.Input{Version: version, Topic: "$aws/rules/r/site/pi1/batch", ClientID: "gw-1", Time: noon, Payload: v}
}

func TestParse_accepts(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT * FROM 'raspi/metrics'":                "raspi/metrics",
		"select*from'a'":                               "a",
		"\n SELECT\t*\r\n FROM 'gw/+/metric' \n":       "gw/+/metric",
		"Select * From 'a/#'":                          "a/#",
		"SELECT * FROM '$aws/rules/r/1/2/3/4/5/6/7/8'": "$aws/rules/r/1/2/3/4/5/6/7/8",
		"SELECT * FROM 'ä b'":                          "ä b",
		"SELECT *":                                     "",
		"SELECT * WHERE a = 1":                         "",
		"SELECT VALUE *.batch FROM 'piway/emf/+'":      "piway/emf/+",
		"SELECT * FROM 'e/+' WHERE endswith(clientId, '-feedback') = false": "e/+",
		"SELECT name, cast(value AS Decimal) AS v, get(data, 'a-b') FROM 'a/+/b' WHERE v2 > 3 AND NOT isUndefined(x) OR (a " +
			"+ 1) * 2 <> 7": "a/+/b",
	} {
		q, err := sql.Parse(text, sql.V2016)
		got := ""
		if q.From != nil {
			got = q.From.String()
		}
		if err != nil || got != want {
			t.Errorf("%q: got %q and %v, want %q", text, got, err, want)
		}
	}
}

func TestParse_refusesWithColumn(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "column 1: got the end, want SELECT",
		"DELETE * FROM 'a'":                   `column 1: got "DELETE", want SELECT`,
		"SET @a = 1 SELECT @a":                "column 1: SET is not supported here",
		"SELECT":                              "column 7: got the end, want an expression",
		"SELECT ,":                            `column 8: got ",", want an expression`,
		"SELECT name 'x'":                     `column 13: got the string "x", want an operator, ",", FROM, WHERE or the end`,
		"SELECT * AS x FROM 'a'":              "column 10: * has no name",
		"SELECT a AS FROM 'a'":                `column 13: got "FROM", want a name of letters, digits and underscores`,
		"SELECT a AS 'b'":                     `column 13: got the string "b", want a name`,
		"SELECT a AS b.c":                     "column 14: a nested name after AS is not supported here, try: AS b",
		"SELECT VALUE a AS b":                 "column 16: SELECT VALUE has no name",
		"SELECT VALUE a, b":                   "column 15: SELECT VALUE takes one expression",
		"SELECT value - 1 AS b":               `column 14: "value -" can be read in two ways`,
		"SELECT value * 2 AS b":               `column 16: got "2", want an operator`,
		"SELECT * FROM a":                     `column 15: got "a", want a topic filter in single quotes`,
		`SELECT * FROM "a"`:                   `column 15: got the string "a", want a topic filter in single quotes`,
		"SELECT * FROM 'a":                    `column 15: string "a" has no closing quote '`,
		"SELECT * FROM '":                     `column 15: string "" has no closing quote '`,
		"SELECT * FROM ''":                    `column 15: topic filter "": empty`,
		"SELECT * FROM 'ä' LIMIT 1":           `column 19: got "LIMIT", want WHERE or the end`,
		"SELECT * FROM 'a'; DROP":             `column 18: got ";", want WHERE or the end`,
		"SELECT * FROM 'a' -- comment":        `column 19: got "-", want WHERE or the end`,
		"SELECT * FROM 'a/#/b'":               `column 15: topic filter "a/#/b": # must be the last level`,
		"SELECT * FROM 'a/b+'":                `column 15: topic filter "a/b+": a wildcard must be a whole level`,
		"SELECT * FROM '1/2/3/4/5/6/7/8/9'":   "more slashes than the 7",
		"SELECT * FROM '\x00'":                "not UTF-8 text",
		"SELECT * FROM '\xff'":                `column 15: string "\xff": not UTF-8 text`,
		"SELECT\u00a0* FROM 'a'":              `column 7: got "\u00a0", want an expression`,
		"SELECT * FROM '" + long(257) + "'":   "257 bytes, IoT Core takes 256",
		"SELECT * WHERE":                      "column 15: got the end, want an expression",
		"SELECT * WHERE *.a = 1":              `column 16: got "*", want an expression, * belongs in SELECT`,
		"SELECT * WHERE a = 1 = 1":            `column 22: got "=", want an operator or the end`,
		"SELECT * WHERE a = 'x":               `column 20: string "x" has no closing quote '`,
		`SELECT * WHERE a = 'x\n'`:            `column 20: string "x\\n": a backslash is not supported`,
		"SELECT * WHERE a IN [1]":             "column 18: IN is not supported here",
		"SELECT * WHERE a == 1":               `column 19: got "=", want an expression`,
		"SELECT * WHERE (a = 1":               `column 22: got the end, want an operator or ")"`,
		"SELECT * WHERE -a > 1":               `column 17: got "a", want a number after the minus sign`,
		"SELECT * WHERE a > .5":               `column 20: got ".", want an expression`,
		"SELECT * WHERE a > 1e1000":           "column 20: number 1e1000: larger than AWS keeps",
		"SELECT 1x":                           `column 8: "1x": a name must begin with a letter`,
		"SELECT a.item2":                      `column 10: got "item2", want a member's name of letters and underscores, try: get(`,
		"SELECT a.2":                          `column 10: got "2", want a member's name`,
		"SELECT a..b":                         `column 10: got ".", want a member's name`,
		"SELECT a[0]":                         `column 9: got "[", want an operator`,
		"SELECT (SELECT VALUE n FROM e) AS s": "column 9: a nested SELECT is not supported",
		"SELECT {'a': 1} AS o":                "column 8: an object literal is not supported here",
		"SELECT 3 IN arr AS b":                "column 10: IN is not supported here",
		"SELECT * WHERE EXISTS (SELECT * FROM e as e WHERE foo = 2)": "column 16: EXISTS is not supported here",
		"SELECT @a.b AS b":                     "column 8: a variable is not supported here",
		"SELECT CASE a WHEN 1 THEN 2 END AS b": "column 8: CASE is not supported here",
		"SELECT a WHERE (SELECT b FROM c) > 1": "column 17: a nested SELECT is not supported here",
		"SELECT cast(a AS Number) AS m":        `column 18: got "Number", want one of the types Decimal, Int, String, Boolean`,
		"SELECT aws_lambda('f', *) AS o":       "column 8: function aws_lambda is not supported here",
		"SELECT a + 1":                         `column 13: "a + 1" needs a name in the output, try: AS name`,
		"SELECT a, 15 FROM 'b'":                `column 14: "15" needs a name in the output, try: AS name`,
		"SELECT 'x', a":                        `column 11: "'x'" needs a name in the output, try: AS name`,
		"SELECT [a] WHERE a = 1":               `column 12: "[a]" needs a name in the output, try: AS name`,
		"SELECT (topic())":                     `"(topic())" needs a name in the output, try: AS name`,
		"SELECT a > 1":                         `"a > 1" needs a name in the output, try: AS name`,
		"SELECT 15 speed":                      `column 11: got "speed", want an operator, AS,`,
		"SELECT a LIKE 'x'":                    `column 10: got "LIKE", want an operator`,

		"SELECT case FROM 'a'":                 "column 8: CASE is not supported here",
		"SELECT * + 1 AS a":                    `column 10: got "+", want an operator`,
		"SELECT md5(a) AS m":                   "column 8: function md5 is not supported here, try: one of abs, ceil, clientid,",
		"SELECT floor() AS m":                  "column 8: floor takes 1 argument, got 0",
		"SELECT topic(1, 2) AS m":              "column 8: topic takes 0 to 1 arguments, got 2",
		"SELECT get(a) AS m":                   "column 8: get takes 2 arguments, got 1",
		"SELECT concat() AS m":                 "column 8: concat takes 1 or more arguments, got 0",
		"SELECT get(a, ) AS m":                 `column 15: got ")", want an expression`,
		"SELECT floor(a b)":                    `column 16: got "b", want an operator, "," or ")"`,
		"SELECT cast(a) AS m":                  `column 14: got ")", want an operator or AS and a type`,
		"SELECT cast(a AS Double) AS m":        "column 18: a cast to Double is not supported here, try: Decimal",
		"SELECT cast(a AS Int, 2) AS m":        `column 21: got ",", want ")"`,
		"SELECT " + strings.Repeat("(", 65):    "column 72: nested more than 64 deep",
		"SELECT 1" + strings.Repeat("+1", 500): "column 1008: more than 500 terms in one text",
	} {
		if _, err := sql.Parse(text, sql.V2016); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q in it", text, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

const payload = `{"name": "cpu", "value": "12.5", "ten": 10.0, "a": {"b": {"c": [1, "x"]}, "my-key": 2}, "yes": true, "no": null,
	"batch": [{"timestamp": 1, "message": "<m>"}], "item2": 3,
	"others": [{"timestamp": 2, "message": "<m>"}, {"timestamp": 1, "text": "<m>"}, {"message": "<m>", "timestamp": 1.0}]}`

func TestQuery_Run(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT name, value AS v, ten":                 `{"name":"cpu","v":"12.5","ten":10}`,
		"SELECT value":                                 `{"value":"12.5"}`,
		"SELECT value FROM 'a'":                        `{"value":"12.5"}`,
		"SELECT value + 1 AS a, value.b":               `{"a":"12.51"}`,
		"SELECT none, no, none.x AS x, name.x":         `{"no":null}`,
		"SELECT a.b, a.b.c AS d, get(a, 'my-key')":     `{"b":{"c":[1,"x"]},"d":[1,"x"],"get":2}`,
		"SELECT get(*, 'item2') AS i, item2":           `{"i":3,"item2":3}`,
		"SELECT *.a.b, get(a.b.c, 1) AS x":             `{"b":{"c":[1,"x"]},"x":"x"}`,
		"SELECT topic(2) , clientid()":                 `{"topic":"pi1","clientid":"gw-1"}`,
		"SELECT topic() FROM 'a'":                      `{"topic":"site/pi1/batch"}`,
		"SELECT name, clientId (), topic(9)":           `{"name":"cpu","clientId":"gw-1"}`,
		"SELECT topic(1), topic(2)":                    `{"topic":"pi1"}`,
		"SELECT cast(value AS Decimal), floor(value)":  `{"cast":12.5,"floor":12}`,
		"SELECT get(a, 'b').c":                         `{"c":[1,"x"]}`,
		"SELECT name AS x, ten AS x":                   `{"x":10}`,
		"SELECT [name, 1.50, true, NULL, none] AS l":   `{"l":["cpu",1.50,true,null]}`,
		"SELECT [] AS l":                               `{"l":[]}`,
		"SELECT VALUE name":                            `"cpu"`,
		"SELECT VALUE (1 + 2) * 3":                     `9`,
		"SELECT VALUE none":                            ``,
		"SELECT VALUE *.batch":                         `[{"timestamp":1,"message":"<m>"}]`,
		"SELECT VALUE [1]":                             `[1]`,
		"SELECT VALUE null":                            `null`,
		"SELECT VALUE value":                           `"12.5"`,
		"SELECT VALUE get(get(a, 'b').c, 0)":           `1`,
		"SELECT name WHERE name = 'cpu' AND ten >= 10": `{"name":"cpu"}`,
	} {
		q, err := sql.Parse(text, sql.V2016)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		out, selected, err := q.Run(input(sql.V2016, payload))
		if err != nil || !selected || string(sql.JSON(out)) != want {
			t.Errorf("%q: got %s, %v, %v, want %s", text, sql.JSON(out), selected, err, want)
		}
	}
}

func TestQuery_Run_star(t *testing.T) {
	for _, tc := range []struct{ text, payload, want string }{
		{"SELECT *", `{"b": 10.0, "a": [1, {}], "b": 2.50}`, `{"b":2.50,"a":[1,{}]}`},
		{"SELECT *, 1 AS x, 2 AS a", `{"a": 1}`, `{"a":2,"x":1}`},
		{"SELECT 1 AS a, *", `{"a": 3}`, `{"a":3}`},
		{"SELECT *", `[1, 2.0]`, `[1,2]`},
		{"SELECT VALUE *", `{"a": "\u00e9<"}`, `{"a":"é<"}`},
		{"SELECT *", "not JSON \xff", "not JSON \xff"},
		{"SELECT *", `80`, `80`},
	} {
		q, err := sql.Parse(tc.text, sql.V2016)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := q.Run(input(sql.V2016, tc.payload))
		if err != nil || string(sql.JSON(out)) != tc.want {
			t.Errorf("%s of %s: got %q, %v, want %q", tc.text, tc.payload, sql.JSON(out), err, tc.want)
		}
	}
}

func TestQuery_Run_errors(t *testing.T) {
	for _, tc := range []struct {
		version             sql.Version
		text, payload, want string
	}{
		{sql.V2016, "SELECT *, 1 AS a", `[1]`, "* beside other items: payload must be an object, got an array"},
		{sql.V2015, "SELECT *", `[1]`, "output is an array: that needs awsIotSqlVersion 2016-03-23"},
		{sql.V2016, "SELECT a", `hello`, sql.ErrNotJSON.Error()},
		{sql.V2016, "SELECT VALUE *", `80`, sql.ErrNotJSON.Error()},
	} {
		q, err := sql.Parse(tc.text, tc.version)
		if err != nil {
			t.Fatal(err)
		}
		_, selected, err := q.Run(input(tc.version, tc.payload))
		if selected || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s of %s: got %v and %v, want %q", tc.text, tc.payload, selected, err, tc.want)
		}
		if errors.Is(err, sql.ErrNotJSON) != (tc.want == sql.ErrNotJSON.Error()) {
			t.Errorf("%s of %s: got %v, want it to be ErrNotJSON or not", tc.text, tc.payload, err)
		}
	}
}

func TestQuery_Run_where(t *testing.T) {
	for where, want := range map[string]bool{
		"true":                      true,
		"'true'":                    false,
		"none > 1":                  false,
		"NOT none > 1":              false,
		"none = 1":                  false,
		"none <> 1":                 false,
		"none = none":               false,
		"isUndefined(none)":         true,
		"NOT isUndefined(name)":     true,
		"isUndefined(no)":           false,
		"isNull(no)":                true,
		"no = null":                 true,
		"no <> null":                false,
		"no > 1":                    false,
		"true OR none > 1":          false, // AWS's table has only Booleans on both sides
		"true OR ten = 10":          true,
		"ten = 10 AND value > 12.4": true,
		"value = 12.5":              false, // a string is no number for =
		"value <> 12.5":             true,
		"value = '12.5'":            true,
		"value >= '12.50'":          true,
		"name > 1":                  false,
		"name < 1":                  false,
		"yes = true":                true,
		"yes = 'true'":              false,
		"yes AND 'TRUE'":            true,
		"ten != 10":                 false,
		"ten <= 10 AND ten < 11":    true,
		"a = a":                     true,
		"a <> get(*, 'a')":          false,
		"batch = batch":             true,
		"a = batch":                 false,
		"a = get(a, 'b')":           false,
		"get(batch, 0) = get(get(*, 'others'), 0)":  false,
		"get(batch, 0) <> get(get(*, 'others'), 1)": true,
		"get(batch, 0) = get(get(*, 'others'), 2)":  true,
		"a.b.c = [1.0, \"x\"]":                      true,
		"a.b.c = [\"x\", 1]":                        false,
		"NOT ten = 10":                              false,
		"1 + 2 * 3 = 7":                             true,
		"(1 + 2) * 3 = 9":                           true,
		"true OR false AND false":                   true,
		"NOT false AND false":                       false,
		"endswith(name, 'pu')":                      true,
		"endswith(none, 'pu')":                      false,
		"endswith(name, none)=true":                 false,
		"get(*, 'name') = 'cpu'":                    true,
		"NaMe = 'cpu'":                              false,
	} {
		q, err := sql.Parse("SELECT * WHERE "+where, sql.V2016)
		if err != nil {
			t.Errorf("%q: %v", where, err)
			continue
		}
		if _, got, err := q.Run(input(sql.V2016, payload)); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", where, got, err, want)
		}
	}
}
