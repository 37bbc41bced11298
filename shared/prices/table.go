package prices

import (
	_ "embed" // for the table file
	"math"
	"os"
	"slices"
	"time"
)

//go:embed us-east-1.txt
var usEast1 []byte

// A Table holds what each figure of Usage costs in one region. It does not change; its methods are safe for concurrent use.
type Table struct {
	region string
	prices []Price // one for each meter, in their order
}

// A Price is a section of a table file.
type Price struct {
	// Key is the section's name in the file, What the bill's name of it.
	Key, What, Unit string
	// Per is how many units a tier's price is for.
	Per float64
	// Tiers are in ascending order, the last without end.
	Tiers []Tier
	// Free are the units a month that cost nothing, only in an account's first year if FirstYear.
	Free      float64
	FirstYear bool
	// Source says where the figures were found, Date when.
	Source string
	Date   time.Time
}

// A Tier is a price up to a number of units a month.
type Tier struct {
	USD, UpTo float64 // UpTo is +Inf in the last
}

// Default returns the table that is built in, of us-east-1.
func Default() *Table {
	t, err := Parse(usEast1)
	if err != nil {
		panic("prices: the built-in table: " + err.Error())
	}
	return t
}

// Load reads a table file, so that people can put their region's prices in. Errors name file and line.
func Load(path string) (*Table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // it names the file
	}
	return parse(path+":", text)
}

// Region is the AWS region that the prices are of.
func (t *Table) Region() string { return t.region }

// Prices returns a copy of all prices, in the order of a bill.
func (t *Table) Prices() []Price {
	all := slices.Clone(t.prices)
	for i := range all {
		all[i].Tiers = slices.Clone(all[i].Tiers)
	}
	return all
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

// A Bill is the price of a usage: a line for each figure, zeros too, and their sums.
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
		line.USD = p.usd(line.Quantity)
		if firstYear || !p.FirstYear {
			line.Free = line.USD - p.usd(line.Quantity-p.Free)
		}
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
