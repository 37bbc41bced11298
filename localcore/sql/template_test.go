package sql_test

import (
	"strings"
	"testing"

	"piway/localcore/sql"
)

func TestTemplate_Resolve(t *testing.T) {
	in := input(sql.V2016, `{"name": "cpu usage", "ten": 10.0, "big": 12345678901234567890123456789012.50, "temp1": 1,
		"exp": 1.5e3, "tiny": 1e-9, "huge": 1e999, "minus": -0.0, "yes": true, "null": null, "a": {"b": {"c": [1, "x"]}}, "list": [1], "a-b": 7}`)
	for text, want := range map[string]string{
		"":                               "",
		"plain $ {text}":                 "plain $ {text}",
		"${name}":                        "cpu usage",
		"<${name}|${ name }>$":           "<cpu usage|cpu usage>$",
		"${ten}":                         "10",
		"${big}":                         "12345678901234567890123456789012.50",
		"${exp}":                         "1500",
		"${tiny}":                        "1E-9",
		"${huge}":                        "1E+999",
		"${minus}":                       "0",
		"${yes}":                         "true",
		"${null}":                        "",
		"${none}":                        "",
		"${name.x}":                      "",
		"${list.x}":                      "",
		"${a.b.c}":                       `[1,"x"]`,
		"${a.b.none}":                    "",
		"${temp1}":                       "1",
		"${get(a, 'b').c}":               `[1,"x"]`,
		"${get(*, \"a-b\")}":             "7",
		"${get(list,0)}":                 "1",
		"${timestamp()}":                 "1763791440250",
		"${floor(timestamp()/1000)}":     "1763791440",
		"${floor(timestamp() / 1000.0)}": "1763791440",
		"${topic()}/${topic(1)}":         "site/pi1/batch/site",
		"${topic(0)}${topic(4)}":         "",
		"${clientid()}!":                 "gw-1!",
		"${concat('}', name, \"${'\")}}": "}cpu usage${'}",
		"${'a' + '}'}}":                  "a}}",
		"${'ä'}ä${name}":                 "ääcpu usage",
		"${*}":                           string(sql.JSON(in.Payload)),
		"${ten > 9 AND NOT name = 'x'}":  "true",
		"${cast(ten AS Decimal) * 1.0}":  "10",
		"${value}${VALUE}":               "",
		"${[1, name]}":                   `[1,"cpu usage"]`,
	} {
		tmpl, err := sql.ParseTemplate(text, sql.V2016)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := tmpl.Resolve(in); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if tmpl.String() != text || tmpl.IsConstant() == strings.Contains(text, "${") {
			t.Errorf("%q: got %q, constant %v", text, tmpl, tmpl.IsConstant())
		}
	}
}

func TestParseTemplate_refuses(t *testing.T) {
	for text, want := range map[string]string{
		"${":                        `column 1: "${" has no closing brace`,
		"ä ${name":                  `column 3: "${" has no closing brace`,
		"${}":                       `column 3: got "}", want an expression`,
		"x${sha1(2)}":               "column 4: function sha1 is not supported",
		"${name} ${a..b}":           `column 13: got ".", want a member's name`,
		"${a.}":                     `column 5: got "}", want a member's name`,
		"${a b}":                    `column 5: got "b", want an operator or "}"`,
		"${${name}}":                `column 3: got "$", want an expression`,
		"${floor(timestamp()/1)":    `column 1: "${" has no closing brace`,
		"${'a}":                     `column 3: string "a}" has no closing quote '`,
		"ä@{room}":                  "column 2: @{ is not for this action",
		"${a}@{room}${b}":           "column 5: @{ is not for this action",
		"${a as b}":                 `column 5: got "as", want an operator`,
		strings.Repeat("${a}", 501): "column 2003: more than 500 terms",
	} {
		if _, err := sql.ParseTemplate(text, sql.V2016); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q in it", text, err, want)
		}
	}
	if _, err := sql.ParseTemplate("${a.b}", sql.V2015); err == nil ||
		!strings.Contains(err.Error(), "column 4: a nested attribute needs") {
		t.Errorf("old version: got %v, want it refused", err)
	}
}
