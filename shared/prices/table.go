package prices

import (
	_ "embed" // for the table file
	"math"
	"slices"
	"time"
)

//go:embed us-east-1.yaml
var usEast1 []byte

// A Table holds what each figure of Usage costs in one region. It does not change; its methods are safe for concurrent
// use.
type Table struct {
	region string
	prices []Price // one for each meter, in their order
}

// A Price is a group of a table file.
type Price struct {
	// What is the bill's name of it.
	What, Unit string
	// Tiers are in ascending order, the last without end.
	Tiers []Tier `yaml:"price"`
	// Per is how many units a tier's price is for.
	Per float64 `yaml:"per"`
	// FreeAlways are the units a month that cost nothing, FreeFirstYear those beside them in an account's first year.
	FreeAlways    float64 `yaml:"free_always"`
	FreeFirstYear float64 `yaml:"free_first_year"`
	// Source says where the figures were found, Date when.
	Source string `yaml:"source"`
	Date   Day    `yaml:"date"`
}

// A Tier is a price up to a number of units a month.
type Tier struct {
	USD, UpTo float64 // UpTo is +Inf in the last
}

// Default returns the table that is built in, of us-east-1.
func Default() *Table {
	t, err := Parse("us-east-1.yaml", usEast1)
	if err != nil {
		panic("prices: the built-in table: " + err.Error())
	}
	return t
}

// Region is the AWS region that the prices are of.
func (t *Table) Region() string { return t.region }

// Prices returns a copy of all prices that the table has, in the order of a bill.
func (t *Table) Prices() []Price {
	all := slices.DeleteFunc(slices.Clone(t.prices), func(p Price) bool { return p.absent() })
	for i := range all {
		all[i].Tiers = slices.Clone(all[i].Tiers)
	}
	return all
}

// Read is when the oldest and the newest of the prices were read.
func (t *Table) Read() (first, last time.Time) {
	for _, p := range t.Prices() {
		if first.IsZero() || p.Date.Before(first) {
			first = p.Date.Time
		}
		if p.Date.After(last) {
			last = p.Date.Time
		}
	}
	return first, last
}

// A Line is one line of a bill.
type Line struct {
	What     string
	Quantity float64
	Unit     string
	USD      float64
	// Free is the part of USD that the free tier takes off.
	Free float64
}

// A Bill is the price of a usage: a line for each figure that localcore meters, zeros too, and for each other one that
// is used; and their sums.
type Bill struct {
	Lines            []Line
	Total, AfterFree float64
}

// Month returns the price of a month's usage. The free tier is what does not end; see FirstYear.
func (t *Table) Month(u Usage) Bill { return t.month(u, false) }

// FirstYear is Month for an account in its first year, with the allowances that end with it.
func (t *Table) FirstYear(u Usage) Bill { return t.month(u, true) }

func (t *Table) month(u Usage, firstYear bool) Bill {
	var b Bill
	for i, m := range meters {
		p := &t.prices[i]
		line := Line{What: m.what, Unit: m.unit, Quantity: *m.of(&u)}
		if m.own && line.Quantity == 0 {
			continue
		}
		line.USD = p.usd(line.Quantity)
		free := p.FreeAlways
		if firstYear {
			free += p.FreeFirstYear
		}
		line.Free = line.USD - p.usd(line.Quantity-free)
		b.Lines = append(b.Lines, line)
		b.Total += line.USD
		b.AfterFree += line.USD - line.Free
	}
	return b
}

// usd is the price of a month's units. Tiers count what is charged for, as the free units come first.
func (p *Price) usd(units float64) float64 {
	sum, from := 0.0, 0.0
	for _, tier := range p.Tiers {
		if units <= from {
			break
		}
		sum += (math.Min(units, tier.UpTo) - from) / p.Per * tier.USD
		from = tier.UpTo
	}
	return sum
}
