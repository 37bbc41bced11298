package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"piway/agent/agent"
	"piway/agent/collect"
	"piway/agent/find"
	"piway/shared/config"
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
		p.fails("key            %s: FAILS: %v", cfg.Gateway.KeyFile, err)
	case key != nil:
		p.line("key            %s: %s", cfg.Gateway.KeyFile, pki.SumOfCert(key.Leaf))
	}
	for _, path := range cfg.OpenSecrets() {
		p.line("warning        every user of this machine can read %s, try: sudo chmod o= %s", path, path)
	}
}

// folders prints whether what must outlive the agent can be kept, and own readings be read.
func (p *printer) folders(cfg agent.Config) {
	switch err := cfg.SpoolUsable(); {
	case cfg.Spool.Dir == "":
		p.line("spool          in memory only, a restart costs what waits")
	case errors.Is(err, fs.ErrNotExist):
		p.line("spool          %s: not there yet, and made when it is needed", cfg.Spool.Dir)
	case err != nil:
		p.fails("spool          %s: FAILS: %v", cfg.Spool.Dir, err)
	default:
		p.line("spool          %s: ok", cfg.Spool.Dir)
	}
	if cfg.Collect.Folder == "" {
		return
	}
	if _, err := os.ReadDir(cfg.Collect.Folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.fails("own readings   %s: FAILS: %v", cfg.Collect.Folder, config.Permit(err, cfg.Collect.Folder))
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

// printer keeps the first error of several writes, and counts what fails.
type printer struct {
	w      io.Writer
	err    error
	failed int
}

// fails prints a line of what does not work.
func (p *printer) fails(format string, args ...any) {
	p.failed++
	p.line(format, args...)
}

// end is the outcome of the whole check; err is of what came last.
func (p *printer) end(err error) error {
	if p.failed > 0 {
		err = errors.Join(err, fmt.Errorf("lines above that say FAILS: %d", p.failed))
	}
	return errors.Join(p.err, err)
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
		if r.Err != nil && !errors.Is(r.Err, collect.ErrAbsent) && !errors.Is(r.Err, collect.ErrEarly) {
			p.failed++ // as outcome says
		}
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
