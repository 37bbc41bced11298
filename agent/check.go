package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"piway/agent/agent"
	"piway/agent/collect"
	"piway/agent/find"
	"piway/shared/pki"
	"piway/shared/sample"
)

// outcome says what a sensor gave.
func outcome(r collect.Reading) string {
	switch {
	case errors.Is(r.Err, collect.ErrAbsent):
		return "none on this machine"
	case errors.Is(r.Err, collect.ErrEarly):
		return "not known yet"
	case r.Err != nil:
		return "FAILS: " + r.Err.Error()
	case r.Name == "cpu temperature":
		return fmt.Sprintf("%g °C", r.Value)
	case r.Remark != "":
		return sample.FormatValue(r.Value) + " " + r.Unit + "; " + r.Remark
	}
	return sample.FormatValue(r.Value) + " " + r.Unit
}

// identity prints who the gateway must be, and who this device is.
func (p *printer) identity(cfg agent.Config) {
	for _, pin := range cfg.Gateway.Pins {
		p.line("pin            %s: a gateway of this authority, and no other", pin)
	}
	key, err := cfg.Key()
	switch {
	case err != nil:
		p.line("key            %s: FAILS: %v", cfg.Gateway.KeyFile, err)
	case key != nil:
		p.line("key            %s: %s", cfg.Gateway.KeyFile, pki.SumOfCert(key.Leaf))
		if cfg.KeyIsOpen() {
			p.line("key            every user of this machine can read it, try: chmod 600 %s", cfg.Gateway.KeyFile)
		}
	}
}

// gateway prints which place let this device in.
func (p *printer) gateway(cfg agent.Config, at find.Place) {
	switch {
	case len(cfg.Gateway.Pins) == 0:
		p.line("gateway        %s: login as %q accepted", at.Address, cfg.Username())
	case cfg.Gateway.KeyFile == "":
		p.line("gateway        %s (%s): proved by its pin, login as %q accepted, by TLS", at.Address, at.Way, cfg.Username())
	default:
		p.line("gateway        %s (%s): proved by its pin, login as %q with the key accepted, by TLS", at.Address, at.Way,
			cfg.Username())
	}
}

// printer keeps the first error of several writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// readings prints what was read: a line for each that goes to the cloud or fails, and the others in few lines.
func (p *printer) readings(all []collect.Reading, said map[string]string) {
	var local, none []string
	for _, r := range all {
		switch {
		case !r.Local:
			p.line("sensor         %s: %s", r.Name, outcome(r))
		case errors.Is(r.Err, collect.ErrAbsent):
			none = append(none, r.Name)
		case r.Err != nil:
			p.line("local          %s: %s", r.Name, outcome(r))
		default:
			local = append(local, strings.TrimSuffix(r.Name+" "+outcome(r), " None"))
		}
	}
	p.list("local", local)
	p.list("not here", none)
	var machine []string
	for _, key := range slices.Sorted(maps.Keys(said)) {
		machine = append(machine, key+" "+said[key])
	}
	p.list("machine", machine)
}

// width is how wide a line of a list may be.
const width = 100

// list prints items side by side, in as many lines as they need.
func (p *printer) list(title string, items []string) {
	line := ""
	for _, item := range items {
		if line != "" && len(line)+len(item)+2 > width {
			p.line("%-14s %s", title, line)
			title, line = "", ""
		}
		if line != "" {
			line += "; "
		}
		line += item
	}
	if line != "" {
		p.line("%-14s %s", title, line)
	}
}
