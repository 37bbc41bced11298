package sample

import (
	"slices"
	"strings"
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

// aliases are what people write for a unit, in lower case.
var aliases = map[string]string{
	"%": "Percent", "pct": "Percent", "s": "Seconds", "sec": "Seconds", "ms": "Milliseconds", "us": "Microseconds",
	"b": "Bytes", "kb": "Kilobytes", "mb": "Megabytes", "gb": "Gigabytes", "tb": "Terabytes",
	"": "None", "c": "None", "°c": "None", "celsius": "None", "degrees": "None", "v": "None", "volts": "None",
	"hpa": "None",
}

// IsUnit reports whether CloudWatch knows the unit. Case matters to CloudWatch, and here.
func IsUnit(unit string) bool {
	return slices.Contains(units, unit)
}

// suggestUnit returns the unit that was probably meant, or "".
func suggestUnit(unit string) string {
	lower := strings.ToLower(strings.TrimSpace(unit))
	if u, ok := aliases[lower]; ok {
		return u
	}
	for _, u := range units {
		if l := strings.ToLower(u); l == lower || strings.TrimSuffix(l, "s") == strings.TrimSuffix(lower, "s") {
			return u
		}
	}
	return ""
}
