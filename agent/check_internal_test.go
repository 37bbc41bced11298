package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/agent/collect"
	"piway/shared/sample"
)

func TestPrinter_readings(t *testing.T) {
	t.Parallel()
	reading := func(local bool, name, unit string, value float64, err error) collect.Reading {
		return collect.Reading{Sample: sample.Sample{Name: name, Unit: unit, Value: value}, Local: local, Err: err}
	}
	all := []collect.Reading{
		reading(false, "cpu usage", "Percent", 12.5, nil),
		reading(false, "cpu temperature", "None", 48.3, nil),
		reading(false, "disk usage /gone", "", 0, errors.New("no such file")),
		reading(true, "swap usage", "", 0, collect.ErrAbsent),
		reading(true, "fan", "", 0, collect.ErrAbsent),
		reading(true, "disk usage", "", 0, fmt.Errorf("%q: hangs", "/mnt")),
		reading(true, "load 1m", "None", 0.5, nil),
		reading(true, "network sent eth0", "Bytes", 12345678, nil),
		reading(true, "disk", "", 0, collect.ErrEarly),
	}
	for range 4 {
		all = append(all, reading(true, "disk inodes /"+strings.Repeat("x", 24), "Percent", 1, nil))
	}
	var out strings.Builder
	p := printer{w: &out}
	p.readings(all, map[string]string{"serial": "1", "model": "Pi"})
	x := "disk inodes /" + strings.Repeat("x", 24) + " 1 Percent"
	want := `sensor         cpu usage: 12.5 Percent
sensor         cpu temperature: 48.3 °C
sensor         disk usage /gone: FAILS: no such file
local          disk usage: FAILS: "/mnt": hangs
local          disk: not known yet
local          load 1m 0.5; network sent eth0 12345678 Bytes; ` + x + `
               ` + x + `; ` + x + `
               ` + x + `
not here       swap usage; fan
machine        model Pi; serial 1
`
	if diff := cmp.Diff(want, out.String()); diff != "" || p.err != nil {
		t.Error(diff, p.err)
	}
}
