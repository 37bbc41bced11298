package rules_test

import (
	"strings"
	"testing"

	"piway/localcore/rules"
)

func TestTemplate_Resolve(t *testing.T) {
	p, err := rules.ParsePayload([]byte(`{"name": "cpu usage", "ten": 10.0, "big": 12345678901234567890123456789012.50,
		"exp": 1.5e3, "tiny": 1e-9, "huge": 1e999, "minus": -0.0, "yes": true, "null": null, "a": {"b": {"c": [1, "x"]}}, "list": [1]}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                     "",
		"plain $ {text}":       "plain $ {text}",
		"${name}":              "cpu usage",
		"<${name}|${ name }>$": "<cpu usage|cpu usage>$",
		"${ten}":               "10",
		"${big}":               "12345678901234567890123456789012.50",
		"${exp}":               "1500",
		"${tiny}":              "1e-09",
		"${huge}":              "1e999",
		"${minus}":             "0",
		"${yes}":               "true",
		"${null}":              "",
		"${none}":              "",
		"${name.x}":            "",
		"${list.x}":            "",
		"${a.b.c}":             `[1,"x"]`,
		"${a.b.none}":          "",
	} {
		tmpl, err := rules.ParseTemplate(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := tmpl.Resolve(p); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestParseTemplate_refuses(t *testing.T) {
	for text, want := range map[string]string{
		"${":                     `column 1: "${" has no closing brace`,
		"ä ${name":               `column 3: "${" has no closing brace`,
		"${}":                    "column 1: ${}: only attribute paths",
		"x${topic(2)}":           "column 2: ${topic(2)}: only attribute paths",
		"${name} ${a..b}":        "column 9: ${a..b}",
		"${a.}":                  "${a.}",
		"${my-key}":              "${my-key}",
		"${temp1}":               "names of letters and underscores",
		"${a b}":                 "${a b}",
		"${${name}}":             "${${name}",
		"${get(a,0).v}":          "${get(a,0).v}",
		"${timestamp() / 1000}":  "${timestamp() / 1000}",
		"${floor(timestamp()/1)": "no closing brace",
	} {
		if _, err := rules.ParseTemplate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("${name}", []byte(`{"name": "x"}`))
	f.Add("a ${a.b} ${c} $", []byte(`{"a": {"b": 1.0}, "c": [1e400, null, true, "<"]}`))
	f.Add("${", []byte(`[1]`))
	f.Add("}${ x }", []byte(`{"x": 1e5} 2`))
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		tmpl, err := rules.ParseTemplate(text)
		if err != nil {
			return
		}
		p, err := rules.ParsePayload(payload)
		if err != nil {
			return
		}
		got := tmpl.Resolve(p)
		if !strings.Contains(text, "${") && got != text {
			t.Errorf("%q has no substitution: got %q", text, got)
		}
	})
}
