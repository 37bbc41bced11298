package sample_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"piway/shared/sample"
)

// refusal is what is said of a sample with this more in it, which is refused alone for that reason.
func refusal(t *testing.T, more, reason string) string {
	t.Helper()
	m, err := sample.Decode([]byte(`{"samples":[` + good + `,{"name":"b",` + more + `},` + good + `]}`))
	if err != nil || len(m.Report.Samples) != 2 || m.CountRefused() != 1 || m.Reasons[reason] != 1 || m.Refused[0].Name != "b" {
		t.Errorf("%s: got %+v, %v, want one refused by %s", more, m, err, reason)
		return ""
	}
	return m.Refused[0].Error
}

const (
	noReading = "no reading; send nothing instead"
	aState    = "a state, not a number; send 1 for one and 0 for the other"
	oneEach   = "not a number; send each number as a sample of its own"
)

// The number to write is told where a text can mean one thing only.
func TestDecode_values(t *testing.T) {
	t.Parallel()
	write := func(number string) string { return `; write "value": ` + number }
	comma := func(number string) string {
		return `decimal comma, write "value": ` + number + " (LC_ALL=C in the script)"
	}
	for value, want := range map[string]string{
		"inf": noNumber, "-inf": noNumber, "nan": noNumber, "-nan": noNumber, "NaN": noNumber, "+Infinity": noNumber,
		"nan(ind)": noNumber, "-nan(ind)": noNumber, "1.#INF": noNumber, "1.#QNAN": noNumber, "-1.#IND": noNumber,
		"∞": noNumber, "NAN(0x8)": noNumber,
		"0x10": "hexadecimal" + write("16"), "0XFF": "hexadecimal" + write("255"), "-0x10": "hexadecimal" + write("-16"),
		"1_000": "underscores in it" + write("1000"), "1_000.5": "underscores in it" + write("1000.5"),
		"1 234": "spaces that group thousands" + write("1234"), "1\u00a0234,5": "spaces that group thousands" + write("1234.5"),
		"1\u202f234\u202f567": "spaces that group thousands" + write("1234567"),
		"1'234":               "apostrophes that group thousands" + write("1234"), "1’234.5": "apostrophes that group thousands" + write("1234.5"),
		"1,234.5": "commas that group thousands" + write("1234.5"), "-1,234.5": "commas that group thousands" + write("-1234.5"),
		"1,234,567": "commas that group thousands" + write("1234567"), "1,23,456.7": "commas that group thousands" + write("123456.7"),
		"1.234,5": "dots that group thousands" + write("1234.5"), "1.234.567": "dots that group thousands" + write("1234567"),
		"45,2": comma("45.2"), "0,123": comma("0.123"), "-0,5": comma("-0.5"), "1234,567": comma("1234.567"), ",5": comma("0.5"),
		"1,5e3": comma("1500"), "12,3456": comma("12.3456"),
		"45%": `a number with a unit` + write(`45 and "unit": "Percent"`), "45.2'C": "a number with a unit" + write(`45.2 and "unit": "None"`),
		"45.2°C": "a number with a unit" + write(`45.2 and "unit": "None"`), "45 °C": "a number with a unit" + write(`45 and "unit": "None"`),
		"45.2℃": "a number with a unit" + write(`45.2 and "unit": "None"`), "45\u00a0%": "a number with a unit" + write(`45 and "unit": "Percent"`),
		"45,2 °C":   "a number with a unit, decimal comma" + write(`45.2 and "unit": "None"`),
		"98.6F":     "a number with a unit" + write(`98.6 and "unit": "None"`),
		"12 KiB":    "a number with a unit" + write(`12.288, which is 12 × 1.024, and "unit": "Kilobytes"`),
		"12KB/s":    "a number with a unit" + write(`12 and "unit": "Kilobytes/Second"`),
		"5 min":     "a number with a unit" + write(`300, which is 5 × 60, and "unit": "Seconds"`),
		"100 ns":    "a number with a unit" + write(`0.1, which is 100 / 1000, and "unit": "Microseconds"`),
		"1,234 ms":  `write 1234 if it groups`,
		"3 errors":  "a number with a unit" + write(`3 and "unit": "Count"`),
		"3 widgets": "a number with a unit" + write(`3 and the unit in "unit", "None" if CloudWatch has none for it`),
		"１２.５":      "not in ASCII" + write("12.5"), "−5": "not in ASCII" + write("-5"), "–5": "not in ASCII" + write("-5"),
		"unavailable": noReading, "unknown": noReading, "None": noReading, "N/A": noReading, "-": noReading, "error": noReading,
		"on": aState, "OFF": aState, "true": aState, "False": aState, "open": aState,
		"sensor error, retry": notNumber, "hot": notNumber, "1.2.3": notNumber, "$5": notNumber, "--5": notNumber,
		"a,b": notNumber, "12,13,14": notNumber, "1 2": notNumber, "0x1p3": notNumber, "0x": notNumber, "1,": `write "value": 1`, "e5": notNumber,
		"12:30": oneEach, "2026-11-27": oneEach, "5-": notNumber, "5, retry": notNumber, "12/34": oneEach, "5;6": oneEach,
		"1e999": "out of CloudWatch's range, -2^360 to 2^360",
	} {
		if got := refusal(t, fmt.Sprintf(`"unit":"None","value":%q`, value), sample.ReasonValue); !strings.HasSuffix(got, want) &&
			!strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Where a comma may group thousands no number is told that would be wrong by a thousand.
func TestDecode_values_ambiguous(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"1,234"`, `1,234`, `"-21,375"`, `"999,999"`, `"1,234e2"`, `"1,234 W"`} {
		got := refusal(t, `"unit":"None","value":`+value, sample.ReasonValue)
		if !strings.Contains(got, "if it groups") || strings.Contains(got, "1.234") || strings.Contains(got, "21.375") {
			t.Errorf("got %s", got)
		}
	}
}

// The same without quotes, where it is not JSON.
func TestDecode_values_bare(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"NaN": noNumber, "-nan(ind)": noNumber, "1.#INF": noNumber, "Infinity": noNumber, "-inf": noNumber,
		"+12.5": `a plus sign before it, which JSON does not have; write "value": 12.5`, "012": `write "value": 12`,
		".5": `write "value": 0.5`, "5.": `write "value": 5`, "0x10": `hexadecimal; write "value": 16`, "1_000": `write "value": 1000`,
		"1 234": `write "value": 1234`, "45,2": `decimal comma, write "value": 45.2`, "45%": `write "value": 45 and "unit": "Percent"`,
		"45.2°C": `write "value": 45.2 and "unit": "None"`, "−5": `write "value": -5`, "off": aState, "True": aState, "None": noReading,
		"null": noReading, "true": aState, "undefined": noReading, "hot": notNumber, "-": noReading,
		"1e999": "out of CloudWatch's range", `{"v":1}`: "write the number itself", "[1]": "write the number itself",
	} {
		for _, form := range []string{`"unit":"None","value":%s`, `"value":%s ,"unit":"None"`, "\"value\": %s\n,\"unit\":\"None\""} {
			if got := refusal(t, fmt.Sprintf(form, value), sample.ReasonValue); !strings.Contains(got, want) {
				t.Errorf("got %s\nwant %s", got, want)
			}
		}
	}
	for value, want := range map[string]float64{`"012"`: 12, `"5."`: 5, `".5"`: 0.5, `"+12.5"`: 12.5, `"-0"`: 0, `1E3`: 1000} {
		m, err := sample.Decode([]byte(`{"name":"a","unit":"None","value":` + value + `}`))
		if err != nil || len(m.Report.Samples) != 1 || m.Report.Samples[0].Value != want {
			t.Errorf("%s: got %+v, %v, want %v", value, m, err, want)
		}
	}
}

// The unit to write is told, with what the value is to be multiplied by.
func TestDecode_units(t *testing.T) {
	t.Parallel()
	as := func(unit string) string { return fmt.Sprintf("did you mean %q? The value stays as it is (× 1)", unit) }
	by := func(unit, how string) string { return fmt.Sprintf(`write "unit": %q and the value %s`, unit, how) }
	none := `there is none for it; write "unit": "None" and the value as it is`
	for unit, want := range map[string]string{
		"KB/s": as("Kilobytes/Second"), "kB/s": as("Kilobytes/Second"), "B/s": as("Bytes/Second"), "MB/s": as("Megabytes/Second"),
		"MBps": as("Megabytes/Second"), "Bps": as("Bytes/Second"), "bps": as("Bits/Second"), "kbps": as("Kilobits/Second"),
		"Mbps": as("Megabits/Second"), "Mbit/s": as("Megabits/Second"), "Gb/s": as("Gigabits/Second"), "bit/s": as("Bits/Second"),
		"bytes per second": as("Bytes/Second"), "Bytes/sec": as("Bytes/Second"), "kilobytes/s": as("Kilobytes/Second"),
		"KB": as("Kilobytes"), "kb": as("Kilobytes"), "GB": as("Gigabytes"), "B": as("Bytes"), "octets": as("Bytes"), "Mbit": as("Megabits"),
		"KiB": by("Kilobytes", "× 1.024"), "KiB/s": by("Kilobytes/Second", "× 1.024"), "MiB": by("Megabytes", "× 1.048576"),
		"MiB/s": by("Megabytes/Second", "× 1.048576"), "GiB": by("Gigabytes", "× 1.073741824"), "TiB": by("Terabytes", "× 1.099511627776"),
		"kibibytes": by("Kilobytes", "× 1.024"), "Kib/s": by("Kilobits/Second", "× 1.024"), "PB": by("Terabytes", "× 1000"),
		"%": as("Percent"), "percent": `did you mean "Percent"?`, "PERCENT": `did you mean "Percent"?`, "％": as("Percent"), "%RH": as("Percent"),
		"‰": by("Percent", "/ 10"), "bytes": `did you mean "Bytes"?`, "Second": `did you mean "Seconds"?`, "count": `did you mean "Count"?`,
		"none": `did you mean "None"?`, "": `did you mean "None"?`, "s": as("Seconds"), "ms": as("Milliseconds"), "us": as("Microseconds"),
		"µs": as("Microseconds"), "μs": as("Microseconds"), "ns": by("Microseconds", "/ 1000"), "min": by("Seconds", "× 60"),
		"hours": by("Seconds", "× 3600"), "days": by("Seconds", "× 86400"), "Hz": as("Count/Second"), "MHz": by("Count/Second", "× 1000000"),
		"req/s": as("Count/Second"), "/s": as("Count/Second"), "1/min": by("Count/Second", "/ 60"), "errors": as("Count"),
		"°C": none, "℃": none, "C": none, "celsius": none, "'C": none, "deg C": none, "º C": none, "°F": none, "K": none, "hPa": none,
		"V": none, "mV": none, "W": none, "kWh": none, "dBm": none, "lx": none, "µg/m³": none, "ppm": none, "rpm": none, "km/h": none, "Ω": none,
		"furlongs": `use "None" for what has none`, "Kilograms/Second": `use "None" for what has none`,
	} {
		if got := refusal(t, fmt.Sprintf(`"unit":%q,"value":1`, unit), sample.ReasonUnit); !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// What is advised is taken by CloudWatch, whatever was sent.
func FuzzDecode_advice(f *testing.F) {
	for _, s := range []string{"KiB", "1,234.5", "45.2'C", "2026-11-27T05:00:00,5+0100", "1 234 567,8 GiB/s", "0x10", "1763791460123456"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, advice, ok := strings.Cut(fmt.Sprint(sample.CheckUnit(s)), `did you mean "`); ok {
			if unit, _, _ := strings.Cut(advice, `"`); !sample.IsUnit(unit) {
				t.Errorf("%q: advised %q", s, unit)
			}
		}
		_, err := sample.ParseValue(s)
		if _, advice, ok := strings.Cut(fmt.Sprint(err), `write "value": `); ok {
			number := advice[:len(advice)-len(strings.TrimLeft(advice, "0123456789.e+-"))]
			if v, err := sample.ParseValue(number); err != nil || sample.CheckValue(v) != nil {
				t.Errorf("%q: advised %q of %s", s, number, advice)
			}
		}
	})
}

// Times are taken in seconds, in milliseconds and in ISO 8601 with a zone, as a number or in a string.
func TestDecode_times(t *testing.T) {
	t.Parallel()
	at := float64(time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC).Unix())
	for text, want := range map[string]float64{
		`1795755600`: at, `"1795755600"`: at, `" 1795755600\n"`: at, `1795755600.25`: at + 0.25, `"1795755600.123"`: at + 0.123,
		`1.7957556e9`: at, `1795755600000`: at, `1795755600123`: at + 0.123, `"1795755600123"`: at + 0.123, `"1795755600123.5"`: at + 0.1235,
		`"1.795755600123e12"`: at + 0.123, `0`: 0, `"0"`: 0, `-5`: -5, `86400`: 86400, `2147483648`: 2147483648,
		`"2026-11-27T05:00:00Z"`: at, `"2026-11-27T05:00:00z"`: at, `"2026-11-27t05:00:00Z"`: at, `"2026-11-27 05:00:00Z"`: at,
		`"2026-11-27T05:00:00.123Z"`: at + 0.123, `"2026-11-27T05:00:00,123Z"`: at + 0.123, `"2026-11-27T05:00:00.123456789Z"`: at + 0.123456,
		`"2026-11-27T05:00:00.5+00:00"`: at + 0.5, `"2026-11-27T06:00:00+01:00"`: at, `"2026-11-27T06:00:00+0100"`: at,
		`"2026-11-27T06:00:00+01"`: at, `"2026-11-27 06:00:00 +0100"`: at, `"2026-11-26T23:30:00-05:30"`: at, `"2026-11-27T05:00:00-00:00"`: at,
		`"2026-11-27T05:00Z"`: at, `"2026-11-27T05Z"`: at, `"20261127T050000Z"`: at, `"20261127T050000.5Z"`: at + 0.5,
		`"2026-11-27T05:00:00 UTC"`: at, `"\ufeff2026-11-27T05:00:00Z\u0000"`: at, `"2026-11-27T04:59:60Z"`: at,
		`"2016-12-31T23:59:60Z"`: 1483228800, `"2038-01-19T03:14:08Z"`: 2147483648, `"9999-12-31T23:59:59Z"`: 253402300799,
		`"1970-01-01T00:00:00Z"`: 1e-6, `"1969-12-31T23:59:59Z"`: -1, `"2024-02-29T00:00:00Z"`: 1709164800,
	} {
		for _, member := range []string{"time", "timestamp"} {
			m, err := sample.Decode([]byte(`{"name":"a","unit":"None","value":1,"` + member + `":` + text + `}`))
			if err != nil || len(m.Report.Samples) != 1 || m.Report.Samples[0].Time != want || m.TimeMember(0) != member {
				t.Errorf("%s: got %+v, %v, want %f", text, m, err, want)
			}
		}
	}
}

// What is not taken is refused with the member as it was sent, its value and the fix.
func TestDecode_times_refused(t *testing.T) {
	t.Parallel()
	const notTime = `not a time; write seconds since 1970, or a time such as "2026-11-27T05:00:00Z"`
	const neither = "neither seconds since 1970 (10 digits) nor milliseconds (13)"
	for text, want := range map[string]string{
		`1795755600123456`: "in microseconds; write seconds, such as 1795755600.123, or milliseconds", `"1795755600123456"`: "in microseconds",
		`1795755600123456789`: "in nanoseconds; write seconds, such as 1795755600.123", `"1795755600123456789"`: "in nanoseconds",
		`20261127050000`: neither, `1e300`: neither, `"1e300"`: neither, `179575560012345678`: neither,
		`"2026-11-27T05:00:00"`:   `without a zone; write "2026-11-27T05:00:00Z" if that is UTC, else with its offset, such as +01:00`,
		`"2026-11-27 05:00:00.5"`: `without a zone; write "2026-11-27T05:00:00Z"`,
		`"20261127T0500"`:         `without a zone; write "2026-11-27T05:00:00Z"`,
		`"2026-11-27"`:            `a date without a time of day; write "2026-11-27T12:00:00Z"`,
		`"2026-W48-5T05:00:00Z"`:  "a date by its week or its day in the year; write", `"2026-331T05:00:00Z"`: "a date by its week or its day in the year",
		`"2026-11-27T05:00:00 CET"`: "its zone is not an offset; write Z for UTC, else the offset", `"2026-11-27T05:00:00+01:00[Europe/Berlin]"`: "its zone is not an offset",
		`"2026-13-27T05:00:00Z"`: "no such time", `"2026-02-30T05:00:00Z"`: "no such time", `"2026-11-27T24:00:00Z"`: "no such time",
		`"2026-11-27T05:60:00Z"`: "no such time", `"2026-11-27T05:00:61Z"`: "no such time", `"2026-11-27T05:00:00+24:00"`: "no such time",
		`"2025-02-29T00:00:00Z"`: "no such time", `"2026-00-00T00:00:00Z"`: "no such time",
		`null`: "no time; leave it out", `""`: "no time; leave it out", `"nan"`: "no time; leave it out", `true`: notTime, `[1]`: notTime, `{}`: notTime,
		`"now"`: notTime, `"noon"`: notTime, `"Fri, 27 Nov 2026 05:00:00 GMT"`: notTime, `"11/27/2026 05:00"`: notTime, `"1795755600,5"`: notTime,
		`"0x6b"`: notTime, `"05:00"`: notTime, `"` + strings.Repeat("2", 70) + `T"`: notTime,
	} {
		for _, member := range []string{"time", "timestamp"} {
			got := refusal(t, `"unit":"None","value":1,"`+member+`":`+text, sample.ReasonTime)
			if value := strings.Trim(text, `"`); !strings.Contains(got, want) || !strings.HasPrefix(got, member+` "`+value[:min(len(value), 60)]) {
				t.Errorf("%s: got %s\nwant %s", text, got, want)
			}
		}
	}
}
