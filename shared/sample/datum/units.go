package datum

import (
	"iter"
	"slices"
)

// units are the 27 that CloudWatch knows (API_MetricDatum, Unit). There is none for degrees: a temperature is None.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds",
	"Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
	"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
	"Percent", "Count",
	"Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
	"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
	"Count/Second", "None",
}

// Units are all of them, in the order of CloudWatch's list.
func Units() iter.Seq[string] { return slices.Values(units) }

// IsUnit reports whether CloudWatch knows the unit. Case matters to CloudWatch, and here.
func IsUnit(unit string) bool {
	return slices.Contains(units, unit)
}

// UnitOf returns the unit that a text names, "" if it is none: without a string of its own for each text.
func UnitOf(text []byte) string {
	for _, u := range units {
		if string(text) == u {
			return u
		}
	}
	return ""
}
