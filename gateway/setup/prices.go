package setup

import (
	"fmt"
	"strings"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/shared/prices"
)

// A fleet is what the price of a form depends on.
type fleet struct {
	form             string
	devices, metrics int
	window           time.Duration
}

// A priceOf says what a fleet costs a month in USD: in all, and after what AWS gives every account for nothing.
type priceOf func(fleet) (total, afterFree float64)

// priceList estimates with the built-in prices, by Basic Ingest as setup arranges it.
func priceList() priceOf {
	table := prices.Default()
	return func(f fleet) (total, afterFree float64) {
		b := table.Month(prices.Fleet{
			Devices: f.devices, MetricsPerDevice: f.metrics, Window: f.window, Form: f.form, BasicIngest: true,
		}.Month())
		return b.Total, b.AfterFree
	}
}

// someDevices are assumed where none is known.
const someDevices = 5

// fleet is what is estimated, without a form: what is known of it, and for the rest what was asked.
func (s *setup) fleet() fleet {
	f := fleet{"", s.asked.Devices, s.asked.Metrics + s.chosenMetrics(), s.cfg.Rollup.Window}
	if f.devices == 0 {
		f.devices = s.listed()
	}
	if f.devices == 0 {
		f.devices = someDevices
	}
	return f
}

// listed is how many devices may connect to this gateway, 0 too if the list cannot be read.
func (s *setup) listed() (n int) {
	list, err := devices.Open(datadir.Devices(s.cfg.Data.Dir))
	if err != nil {
		return 0
	}
	for _, d := range list.All() {
		if d.Revoked.IsZero() {
			n++
		}
	}
	return n
}

// chosenMetrics is how many of the readings that stay on the LAN the configuration's rules send, of each device.
func (s *setup) chosenMetrics() int {
	usual := settings.Default()
	return len(usual.Worth()) - len(s.cfg.Worth())
}

// tellPrices says what each form costs, and what of that is certain.
func (s *setup) tellPrices() {
	if s.prices == nil {
		return
	}
	f := s.fleet()
	table := prices.Default()
	first, last := table.Read()
	s.wrap("  ", fmt.Sprintf("What it costs, in USD a month, by prices of %s read between %s and %s; most other regions "+
		"cost more:", table.Region(), first.Format(time.DateOnly), last.Format(time.DateOnly)))
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		s.price(form, f)
	}
	alarm, board := table.Month(prices.Usage{Alarms: 1}).Total, table.Month(prices.Usage{Dashboards: 1}).Total
	s.say("    an alarm     %8.2f   an account's first %d are free", alarm, freeAlarms)
	s.say("    a dashboard  %8.2f   an account's first %d are free (to %d metrics)", board, freeBoards, freeLines)
	s.wrap("  certain: ", strings.Join(s.certain(), ", "))
	s.wrap("  assumed: ", strings.Join(s.assumed(f), ", "))
}

// columns of a terminal.
const columns = 80

// wrap says a text in lines that fit, below each other behind the first's beginning.
func (s *setup) wrap(begin, text string) {
	line, indent := begin, strings.Repeat(" ", len(begin))
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0 || line == indent:
		case len(line)+1+len(word) > columns:
			s.say("%s", line)
			line = indent
		default:
			line += " "
		}
		line += word
	}
	s.say("%s", line)
}

func (s *setup) certain() []string {
	known := []string{fmt.Sprintf("a datapoint for each metric every %s (rollup.window)", brief(s.cfg.Rollup.Window))}
	if n := s.chosenMetrics(); n > 0 {
		known = append(known, fmt.Sprintf("%d metrics of each device by rollup.rules", n))
	}
	if n := s.listed(); n > 0 && s.asked.Devices == 0 {
		known = append(known, fmt.Sprintf("%d devices on the list", n))
	}
	return known
}

func (s *setup) assumed(f fleet) []string {
	var open []string
	switch {
	case s.asked.Devices > 0:
		open = append(open, fmt.Sprintf("%d devices", f.devices))
	case s.listed() == 0:
		open = append(open, fmt.Sprintf("%d devices, as none is paired yet (--devices)", f.devices))
	}
	return append(open, fmt.Sprintf("%d metrics of each (--metrics)", s.asked.Metrics), "all of them send all the time")
}

func (s *setup) price(form string, f fleet) {
	f.form = form
	total, free := s.prices(f)
	s.say("    %-12s %8.2f   after the free tier that does not end: %.2f", form, total, free)
}

// brief is a duration as people write it: 1m, not 1m0s.
func brief(d time.Duration) string {
	text := d.String()
	text = strings.TrimSuffix(text, "0s")
	if text == "" || !strings.HasSuffix(text, "m") {
		return d.String()
	}
	if short := strings.TrimSuffix(text, "0m"); strings.HasSuffix(short, "h") {
		return short
	}
	return text
}
