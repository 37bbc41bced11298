package sample_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"piway/shared/sample"
)

const good = `{"name":"a","unit":"None","value":1}`

// inUTF16 is a text as Windows writes it.
func inUTF16(s string, bigEndian bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// What stands around a text, and is none of it, is cut off.
func TestDecode_cutsOff(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"\ufeff" + good, "\ufeff \n" + good, "\ufeff\x00" + good, "\x00" + good, "\x00\x00\n" + good, good + "\x00",
		good + "\x00\x00\x00", good + "\x00\n", good + "\n\x00", "\n\n" + good + "\n\x00\r\n", good + "\x1a", good + "\r\n\x1a",
		"\ufeff" + good + "\x00", "\ufeff[" + good + "]\x00\x00", `{"samples":[` + good + "]}\x00", "\ufeff" + `{"samples":[` + good + "]}",
		`{"name":" a\u00a0","unit":"None","value":" 1\u2009"}`, `{"name":"\ufeffa\u200b","unit":" None","value":"1\u0000"}`,
		`{"name":"a\n","unit":"None\r\n","value":"\t1\u3000"}`, `{"name":"a\u0000","unit":"\ufeffNone","value":"\u202f1"}`,
	} {
		before := text
		m, err := sample.Decode([]byte(text))
		if err != nil || m.CountRefused() > 0 || len(m.Report.Samples) != 1 || m.Report.Samples[0] !=
			(sample.Sample{Name: "a", Unit: "None", Value: 1}) {
			t.Errorf("%q: got %+v, %v", text, m, err)
		}
		if text != before {
			t.Errorf("%q was changed to %q", before, text)
		}
	}
}

// A place that is told is one in the payload as it came.
func TestDecode_cutsOff_places(t *testing.T) {
	t.Parallel()
	_, err := sample.Decode([]byte("\ufeff\x00" + `{"name":"a",}`))
	if err == nil || !strings.HasPrefix(err.Error(), "not JSON at byte 16: a trailing comma") {
		t.Errorf("got %v", err)
	}
}

// What is no JSON, or JSON of another shape, is told by what it looks like, with what to write.
func TestDecode_saysWhatItLooksLike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "empty payload, send a JSON object", " \n\t": "nothing but white space", "\x00\x00": "empty payload",
		"\ufeff":                          "empty payload",
		inUTF16(good, false):              "in UTF-16; send it in UTF-8",
		inUTF16(good, true):               "in UTF-16; send it in UTF-8",
		"\xff\xfe" + inUTF16(good, false): "in UTF-16", "\xfe\xff" + inUTF16(good, true): "in UTF-16",
		inUTF16("["+good+"]", false):                                   "in UTF-16",
		inUTF16(`{"samples":[`+good+`]}`, true):                        "in UTF-16",
		"\x1f\x8b\x08\x00\x00abc":                                      "compressed by gzip; send the JSON text itself",
		"\x78\x9c\xab\x56\x4a":                                         "compressed; send",
		"PK\x03\x04\x14\x00":                                           "compressed; send",
		"\x82\xa4name\xa1a":                                            "neither UTF-8 nor JSON; send JSON text",
		"\x0a\x03cpu\x00\x01\x02":                                      "binary, with NULs in it",
		hex.EncodeToString([]byte(good)):                               "base64 or hexadecimal; send the text itself",
		"0x" + hex.EncodeToString([]byte("["+good+"]")):                "base64 or hexadecimal",
		base64.StdEncoding.EncodeToString([]byte(good)):                "base64 or hexadecimal",
		base64.RawURLEncoding.EncodeToString([]byte("[" + good + "]")): "base64 or hexadecimal",
		`%7B%22name%22%3A%22a%22%7D`:                                   "encoded for a URL; send",
		"{“name”: “a”}":                                                "“ is a quote of typography; write plain double quotes",
		`{"name":“a”,"unit":"None","value":1}`:                         "“ is a quote of typography",
		`{‘name’:‘a’}`:                                                 "‘ is a quote of typography",
		`{'name':'a'}`:                                                 `single quotes; write double quotes, "name"`,
		`{"name":'a',"unit":"None","value":1}`:                         `single quotes; write double quotes, "a"`,
		`{"name":"a","unit":"None","value":'12'}`:                      `single quotes; write double quotes, "12"`,
		`'` + good + `'`:                                               "quotes around the JSON text that the shell did not take",
		`{\"name\":\"a\",\"unit\":\"None\",\"value\":1}`:               "a backslash before the quote; send the quotes without",
		`{name:"a",unit:"None",value:1}`:                               `a member's name without quotes; write "name"`,
		`{name:a,unit:None,value:1}`:                                   `a member's name without quotes; write "name"`,
		`{"name":"a",unit:"None"}`:                                     `a member's name without quotes; write "unit"`,
		`{"name":"a","unit":"None","value":1,}`:                        "a trailing comma; leave it out",
		`{"name":"a",,"unit":"None","value":1}`:                        "a comma too many; leave it out",
		`{,"name":"a","unit":"None","value":1}`:                        "a comma too many; leave it out",
		`{"name":"a" "unit":"None","value":1}`:                         "a comma is missing before it",
		`{"name":"a";"unit":"None","value":1}`:                         "';'; JSON has a colon between a name and its value, and a comma",
		`{"name"="a"}`:                                                 "'='; JSON has a colon between a name and its value",
		"{\"name\":\"a\", // the name\n\"unit\":\"None\",\"value\":1}": "a comment, which JSON does not have; leave it out",
		`{/* c */"name":"a","unit":"None","value":1}`:                  "a comment", "// c\n" + good: "a comment", good + " // c": "a comment",
		good + " # c":                           "a comment",
		good + good:                             "two JSON texts without a comma between them; send one at a time, or all in an array",
		good + "\n" + good + "\n" + good + "\n": "two JSON texts", "[" + good + "]\n[" + good + "]": "two JSON texts",
		`{"samples":[]} {"samples":[]}`: "two JSON texts",
		good + "," + good:               "a comma behind the text; put several samples into an array",
		good + " ok":                    `"ok" behind the end of the text; leave it out`,
		good[:len(good)-1]:              "it ends too early; what closes a bracket or a quote is missing",
		`{"name":"a","unit":"No`:        "it ends too early", "[" + good: "it ends too early",
		"{\"name\":\"k\xfcche\",\"unit\":\"None\",\"value\":1}": "not UTF-8; send UTF-8",
		`{"name":"C:\temp\x","unit":"None","value":1}`:          "a backslash in a string that JSON does not know",
		"{\"name\":\"a\tb\",\"unit\":\"None\",\"value\":1}":     `'\t', a control character, in a string`,
		"{\"name\":\"a\x00\",\"unit\":\"None\",\"value\":1}":    `'\x00', a control character, in a string`,
		`{"x":True,"name":"a"}`:                                 "True, as Python writes it; write true",
		`{"x":None,"name":"a"}`:                                 "None, which JSON does not have; write null",
		`{"x":undefined}`:                                       "undefined, which JSON does not have",
		`{"x":on}`:                                              `"on" without quotes, and no number; write it in double quotes`,
		`{"x":NaN}`:                                             `"/x" is NaN, which is no number; send nothing instead`,
		`"{\"name\":\"a\"}"`:                                    `a JSON text inside a string; send it without the quotes around it: "{\"name\":\"a\"}"`,
		`"\"{\\\"name\\\":1}\""`:                                `a JSON text inside a string; send it without the quotes around it: "{\"name\":1}"`,
		` "[{\"name\":1}]" `:                                    "a JSON text inside a string",
		`23.5`:                                                  `{"name": "NAME", "unit": "None", "value": 23.5}`,
		`"23.5"`:                                                `{"name": "NAME", "unit": "None", "value": 23.5}`,
		`45 %`:                                                  `a number alone; send {"name": "NAME", "unit": "Percent", "value": 45}`,
		`2 KiB`:                                                 `send {"name": "NAME", "unit": "Kilobytes", "value": 2.048}`,
		`{{"name":"a"}}`:                                        "a bracket too many", `{"samples":{}}`: `samples "{}": not an array; write [{…}, {…}]`,
		`45.2°C`: `a number alone; send {"name": "NAME", "unit": "None", "value": 45.2}`,
		`12,5`:   `a number alone; send {"name": "NAME", "unit": "None", "value": 12.5}`,
		`1,234`:  `a number alone; send an object such as`,
		`on`:     `a state alone; send an object, with 1 for one state and 0 for the other`,
		`True`:   `a state alone`, `true`: `not a JSON object or array; send an object such as`,
		`null`: `not a JSON object or array`, `None`: `no reading; send nothing instead`,
		`nan`: `not a number that CloudWatch takes; leave the reading out`,
		`-`:   `no reading`, `unavailable`: `no reading`, `hello`: `no JSON; send an object such as`,
		`temperature=21.5`:              `a name and its value; send {"name": "temperature", "unit": "None", "value": 21.5}`,
		`temp: 21.5`:                    `send {"name": "temp", "unit": "None", "value": 21.5}`,
		`temp 21.5`:                     `send {"name": "temp", "unit": "None", "value": 21.5}`,
		`a=1&b=2`:                       "a form of the web; send",
		"name: a\nunit: None\nvalue: 1": "YAML; send", "---\nname: a": "YAML; send",
		"name,unit,value\na,None,1": "CSV; send", "a;None;1": "CSV; send", "a\tNone\t1": "CSV; send", "1,2,3": "CSV; send",
		`cpu,host=a usage=0.64 1434055562000000000`: `InfluxDB's line protocol; send {"name": "usage", "unit": "None", "value": 0.64}`,
		`cpu usage=1i`: `InfluxDB's line protocol`,
		`cpu,host=a,core=1 user=1.5,system=2 1434055562000000000`: `InfluxDB's line protocol`,
		"# HELP up x\nup 1": "Prometheus' text; send", `up{job="a"} 1`: "Prometheus' text; send",
		"<m><n>1</n></m>": "XML or HTML; send", "<?xml version=\"1.0\"?><a/>": "XML or HTML; send",
		`{}`:                   "name, unit and value: missing; send an object such as",
		`{"temperature":21.5}`: `write {"name": "temperature", "unit": "None", "value": 21.5}`,
		`{"battery":100,"humidity":45.1,"linkquality":120}`:                                      `write each reading as {"name": "battery", "unit": "None", "value": 100}, all in an array`,
		`{"Time":"2026-11-27T05:00:00","DS18B20":{"Id":"0A","Temperature":21.5},"TempUnit":"C"}`: `write {"name": "DS18B20 Temperature", "unit": "None", "value": 21.5}`,
		`{"id":0,"output":true,"temperature":{"tC":41.2,"tF":106.2}}`:                            `write {"name": "temperature tC", "unit": "None", "value": 41.2}`,
		`{"NAME":"a","UNIT":"None","VALUE":1}`:                                                   `write "NAME" as "name", "UNIT" as "unit", "VALUE" as "value"`,
		`{"MetricName":"a","Unit":"None","Value":1,"Timestamp":"2026-11-27T05:00:00Z"}`:          `"MetricName" as "name", "Unit" as "unit", "Value" as "value", "Timestamp" as "timestamp"`,
		`{"metric_name":"a","units":"None","val":1,"ts":5}`:                                      `"metric_name" as "name", "units" as "unit", "val" as "value", "ts" as "timestamp"`,
		`{"state":"on"}`:             `write "state" as "value", in an object such as`,
		`{"Samples":[{"name":"a"}]}`: `write "Samples" as "samples"`,
		`{"metrics":[{"fields":{"usage_idle":98.5},"name":"cpu"}]}`: `write "metrics" as "samples"`,
		`{"samples":null}`:             "name, unit and value: missing",
		`{"payload":21.5,"topic":"a"}`: `"payload" as "value", "topic" as "name"`,
	} {
		m, err := sample.Decode([]byte(text))
		got := fmt.Sprint(err, m.Refused) // of a member that is to blame, or of an array's element
		if len(m.Report.Samples) > 0 || !strings.Contains(got, want) {
			t.Errorf("%q: got %s\nwant %s", text, got, want)
		}
	}
}

// Samples of other programs are refused one by one, each with what to write.
func TestDecode_saysWhatASampleLooksLike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"metric":"a","unit":"None","value":1}`:                                                 `name: missing; write "metric" as "name"`,
		`{"key":"a","unit":"None","value":1}`:                                                    `name: missing; write "key" as "name"`,
		`{"Name":"a","unit":"None","value":1}`:                                                   `name: missing; write "Name" as "name"`,
		`{"n":"temp","u":"Cel","v":23.1,"t":1.7e9}`:                                              `name, unit and value: missing; write "n" as "name", "u" as "unit", "v" as "value", "t" as "timestamp"`,
		`{"fields":{"usage_idle":98.5},"name":"cpu","tags":{"host":"a"},"timestamp":1763791460}`: `unit and value: missing; write {"name": "usage_idle", "unit": "None", "value": 98.5}`,
		`{"name":"a"}`: "unit and value: missing; send an object such as", `{"name":"a","value":1}`: `unit: missing; write one of CloudWatch's`,
		`{}`: "name, unit and value: missing", `null`: "name, unit and value: missing",
		`"{\"name\":\"a\"}"`: "a JSON text inside a string; send it without the quotes",
		`23.5`:               "not an object, send one with name, unit and value",
		`{'name':'a'}`:       `single quotes; write double quotes, "name"`, `{name:1}`: `without quotes; write "name"`,
		`{"name":"a","unit":"None","value":1,}`: "a trailing comma", `{"name":cpu,"unit":"None","value":1}`: `name "cpu": without quotes; write "name": "cpu"`,
		`{"name":"a","unit":Percent,"value":1}`:                                 `unit "Percent": without quotes; write "unit": "Percent"`,
		`{"name":"a","unit":"None","value":}`:                                   "value: nothing behind the colon, the reading failed in the script; leave it out",
		`{"name":"a","unit":"None","value":,"x":1}`:                             "value: nothing behind the colon",
		`{"name":"a","unit":"None","value":1,"timestamp":2026-11-27T05:00:00Z}`: `timestamp "2026-11-27T05:00:00Z": not a number; write`,
		`{"name":"a","unit":"None","value":1,"time":nan}`:                       `time "nan": no time; leave it out`,
	} {
		m, err := sample.Decode([]byte("[" + good + "," + text + "," + good + "]"))
		if err != nil || len(m.Refused) != 1 || len(m.Report.Samples) != 2 || !strings.Contains(m.Refused[0].Error, want) {
			t.Errorf("%s: got %+v, %v\nwant %s", text, m, err, want)
		}
	}
}

// However long what is sent is, and whatever it repeats, what is said of it is short.
func TestDecode_saysItShortly(t *testing.T) {
	t.Parallel()
	for _, part := range []string{
		"'", "“", "\xff", "\x00", "a=", "a,", "1,", "1 ", "{'", "[\x00", "\\", `"{\"`, `{"Name":`, `{"a":{"b":1},`, "//", "a b=1,", "=&", "7b", "eyJ",
		"<", "-", "#", "a:", "\u202f", "℃", `\"`,
	} {
		text := strings.Repeat(part, 1<<16/len(part))
		for _, text := range []string{
			text, "[" + text + "]", `{"name":` + text, `{"name":"a","unit":"` + text + `","value":1}`,
			`{"name":"a","unit":"None","value":"` + text + `"}`, `{"name":"a","unit":"None","value":` + text + `}`,
			`{"name":"a","unit":"None","value":1,"timestamp":"` + text + `"}`,
		} {
			m, err := sample.Decode([]byte(text))
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("%.40q: an error of %d bytes", text, len(err.Error()))
			}
			for _, r := range m.Refused {
				if len(r.Error) > 1000 {
					t.Errorf("%.40q: a refusal of %d bytes", text, len(r.Error))
				}
			}
		}
	}
}
