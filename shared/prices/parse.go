package prices

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse reads the text of a table file; us-east-1.txt explains the form. All mistakes are told, each with its line.
func Parse(text []byte) (*Table, error) { return parse("line ", text) }

// A parser reads a table line by line, and goes on behind a mistake.
type parser struct {
	place string // stands before the line's number
	line  int
	table Table
	now   *Price         // the section being read, nil before the first
	found map[string]int // the line where a section, or a word that may come once, was found
	errs  []error
}

func parse(place string, text []byte) (*Table, error) {
	p := parser{place: place, table: Table{prices: make([]Price, len(meters))}, found: map[string]int{}}
	for line := range strings.Lines(string(text)) {
		p.line++
		p.read(strings.TrimSpace(line))
	}
	p.end()
	if p.errs != nil {
		return nil, errors.Join(p.errs...)
	}
	return &p.table, nil
}

func (p *parser) errorf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s%d: %w", p.place, p.line, fmt.Errorf(format, args...)))
}

func (p *parser) read(line string) {
	if line == "" || line[0] == '#' {
		return
	}
	if name, ok := strings.CutPrefix(line, "["); ok {
		p.section(strings.TrimSuffix(name, "]"))
		return
	}
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		i = len(line)
	}
	word, rest := line[:i], strings.TrimSpace(line[i:])
	if rest == "" {
		p.errorf("%.60q: nothing behind it, try: a value on the same line", word)
		return
	}
	if p.now == nil {
		p.head(word, rest)
		return
	}
	p.entry(word, rest)
}

// once refuses what must not come twice.
func (p *parser) once(key, shown string) bool {
	if at, twice := p.found[key]; twice {
		p.errorf("%s: given twice, first in line %d", shown, at)
		return false
	}
	p.found[key] = p.line
	return true
}

func (p *parser) section(name string) {
	i := slices.IndexFunc(meters, func(m meter) bool { return m.key == name })
	if i < 0 {
		p.errorf("[%.60s]: not a section, try: one of %s", name, keys())
		p.now = &Price{Key: name} // what follows is still read, for its mistakes
		return
	}
	p.once("["+name, "["+name+"]")
	m := meters[i]
	p.now = &p.table.prices[i]
	p.now.Key, p.now.What, p.now.Unit = m.key, m.what, m.unit
	p.now.Per = cmp.Or(p.now.Per, 1)
}

func keys() string {
	names := make([]string, len(meters))
	for i, m := range meters {
		names[i] = m.key
	}
	return strings.Join(names, ", ")
}

func (p *parser) head(word, rest string) {
	if word != "region" {
		p.errorf("%.60q: before the first section, try: region us-east-1", word)
		return
	}
	if p.once("region", "region") {
		p.table.region = rest
	}
}

func (p *parser) entry(word, rest string) {
	if word != "price" && !p.once(p.now.Key+" "+word, word) {
		return
	}
	if err := p.value(word, rest); err != nil {
		p.errorf("%.60s: %w", word, err)
	}
}

func (p *parser) value(word, rest string) (err error) {
	switch word {
	case "price":
		return p.price(rest)
	case "per":
		p.now.Per, err = number(rest)
		if err == nil && p.now.Per == 0 {
			err = errors.New("must be more than 0")
		}
	case "free":
		return p.free(rest)
	case "source":
		p.now.Source = rest
	case "date":
		if p.now.Date, err = time.Parse(time.DateOnly, rest); err != nil {
			err = fmt.Errorf("%.60q is not a date, try: 2026-09-20", rest)
		}
	default:
		err = errors.New("not known, try: price, per, free, source or date")
	}
	return err
}

// price reads "0.30" or "0.30 to 10000".
func (p *parser) price(rest string) error {
	usd, upTo, tiered := strings.Cut(rest, " to ")
	t := Tier{UpTo: math.Inf(1)}
	var err error
	if t.USD, err = number(usd); err != nil {
		return err
	}
	if tiered {
		if t.UpTo, err = number(upTo); err != nil {
			return err
		}
	}
	before := 0.0
	if n := len(p.now.Tiers); n > 0 {
		before = p.now.Tiers[n-1].UpTo
	}
	switch {
	case math.IsInf(before, 1):
		return errors.New(`behind the last tier, the one without "to", try: "to" in the line above`)
	case t.UpTo <= before:
		return fmt.Errorf("the tier ends at %v and the one before at %v, try: ascending bounds", t.UpTo, before)
	}
	p.now.Tiers = append(p.now.Tiers, t)
	return nil
}

// free reads "10 always" or "500000 first year".
func (p *parser) free(rest string) error {
	units, when, _ := strings.Cut(rest, " ")
	switch strings.Join(strings.Fields(when), " ") {
	case "always":
	case "first year":
		p.now.FirstYear = true
	default:
		return fmt.Errorf("%.60q: until when is missing, try: 10 always, or 10 first year", rest)
	}
	var err error
	p.now.Free, err = number(units)
	return err
}

// maxNumber keeps sums finite, and is more than anybody's bill.
const maxNumber = 1e15

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

// end tells what is missing: a section that is not there would be free.
func (p *parser) end() {
	if p.table.region == "" {
		p.errorf("no region, try: region us-east-1 as the first line")
	}
	for i, m := range meters {
		at, found := p.found["["+m.key]
		if !found {
			p.errorf("no section [%s], try: price 0 in it if it costs nothing", m.key)
			continue
		}
		p.line = at
		price := &p.table.prices[i]
		switch n := len(price.Tiers); {
		case n == 0:
			p.errorf("[%s]: no price, try: price 0 if it costs nothing", m.key)
		case !math.IsInf(price.Tiers[n-1].UpTo, 1):
			p.errorf(`[%s]: no price above %v, try: a last price without "to"`, m.key, price.Tiers[n-1].UpTo)
		}
		if price.Source == "" || price.Date.IsZero() {
			p.errorf("[%s]: source or date is missing, try: where you read the price, and when", m.key)
		}
	}
}
