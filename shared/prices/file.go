package prices

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"piway/shared/config"
)

// Load reads a table file, so that people can put their region's prices in. Errors name file and line.
func Load(path string) (*Table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // it names the file
	}
	return Parse(path, text)
}

// Parse reads the text of a table file; us-east-1.yaml explains the form. All mistakes are told, each with its line.
func Parse(name string, text []byte) (*Table, error) {
	var f file
	for _, m := range meters {
		p := m.in(&f)
		p.What, p.Unit, p.Per = m.what, m.unit, 1
	}
	if err := config.Decode(name, text, &f); err != nil {
		return nil, err
	}
	t := &Table{region: f.Region}
	for _, m := range meters {
		t.prices = append(t.prices, *m.in(&f))
	}
	return t, nil
}

// A file is a table as it is written.
type file struct {
	Region            string `yaml:"region"`
	ConnectionMinutes Price  `yaml:"connection_minutes"`
	Messages          Price  `yaml:"messages"`
	RulesTriggered    Price  `yaml:"rules_triggered"`
	ActionsExecuted   Price  `yaml:"actions_executed"`
	PutMetricData     Price  `yaml:"put_metric_data"`
	LogGB             Price  `yaml:"log_gigabytes"`
	MetricMonths      Price  `yaml:"metric_months"`
	Dashboards        Price  `yaml:"dashboards"`
	Alarms            Price  `yaml:"alarms"`
}

// Validate tells what is missing, too: a group that is not there would be free.
func (f *file) Validate() error {
	var errs []error
	if f.Region == "" {
		errs = append(errs, config.Errorf("region", "required and missing, try: us-east-1"))
	}
	for _, m := range meters {
		if p := m.in(f); !m.own || !p.absent() {
			errs = append(errs, p.check(m.key))
		}
	}
	return errors.Join(errs...)
}

func (p *Price) absent() bool { return len(p.Tiers) == 0 && p.Source == "" && p.Date.IsZero() }

func (p *Price) check(key string) error {
	if p.absent() {
		return config.Errorf(key, "required and missing, try: price: [0] in it if it costs nothing")
	}
	errs := []error{p.checkTiers(key + ".price"), p.checkUnits(key)}
	if p.Source == "" {
		errs = append(errs, config.Errorf(key+".source", "required and missing, try: where you read the price"))
	}
	if p.Date.IsZero() {
		errs = append(errs, config.Errorf(key+".date", "required and missing, try: when you read the price"))
	}
	return errors.Join(errs...)
}

func (p *Price) checkTiers(key string) error {
	if len(p.Tiers) == 0 {
		return config.Errorf(key, "required and missing, try: [0] if it costs nothing")
	}
	before := 0.0
	for i, t := range p.Tiers {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case math.IsInf(before, 1):
			return config.Errorf(at, `stands behind the last tier, the one without "to", try: "to" in the one before`)
		case t.UpTo <= before:
			return config.Errorf(at, "the tier ends at %v and the one before at %v, try: ascending bounds", t.UpTo, before)
		}
		before = t.UpTo
	}
	if !math.IsInf(before, 1) {
		last := fmt.Sprintf("%s[%d]", key, len(p.Tiers)-1)
		return config.Errorf(last, `no price above %v, try: a last price without "to"`, before)
	}
	return nil
}

// maxNumber keeps sums finite, and is more than anybody's bill.
const maxNumber = 1e15

func (p *Price) checkUnits(key string) error {
	var perErr error
	if p.Per <= 0 || p.Per > maxNumber {
		perErr = config.Errorf(key+".per", "must be more than 0 and at most %g, got %g", maxNumber, p.Per)
	}
	return errors.Join(perErr, checkFree(key+".free_always", p.FreeAlways),
		checkFree(key+".free_first_year", p.FreeFirstYear))
}

func checkFree(key string, units float64) error {
	if units < 0 || units > maxNumber {
		return config.Errorf(key, "must be between 0 and %g, got %g", maxNumber, units)
	}
	return nil
}

// UnmarshalText reads "0.30" or "0.30 to 10000".
func (t *Tier) UnmarshalText(text []byte) (err error) {
	usd, upTo, tiered := strings.Cut(string(text), " to ")
	if t.USD, err = number(usd); err != nil || !tiered {
		t.UpTo = math.Inf(1)
		return err
	}
	t.UpTo, err = number(upTo)
	return err
}

func number(s string) (float64, error) {
	s = strings.TrimSpace(s)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.") != "" {
		return 0, fmt.Errorf("%.60q is not a plain number, try: 0.30", s)
	}
	if v > maxNumber {
		return 0, fmt.Errorf("%.60q is more than %g", s, maxNumber)
	}
	return v, nil
}

// A Day is a date without a time of day.
type Day struct{ time.Time }

// UnmarshalText reads "2026-09-20".
func (d *Day) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		err = fmt.Errorf("%.60q is not a date, try: 2026-09-20", text)
	}
	return err
}
