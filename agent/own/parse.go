package own

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"piway/shared/config"
	"piway/shared/sample"
)

const (
	// DefaultTTL is that of a reading that names none: a script that cron runs every five minutes may be late once.
	DefaultTTL = 10 * time.Minute
	// maxTTL is a leap year.
	maxTTL = 366 * 24 * time.Hour
	// maxReadings are taken of all files together: what fits one report of an agent.
	maxReadings = sample.ReportSamples
)

// reasonTTL is why a sample is refused that may be right in all else.
const reasonTTL = "ttl"

// A reading is a sample that holds for a while.
type reading struct {
	sample.Sample
	at    int // in the file, from 0
	ttl   time.Duration
	given bool
}

// errReport is of a file that is whole and no sample.
var errReport = errors.New(`samples: a report is what an agent sends; write the array alone`)

// parse reads what a file says. After an error nothing of it can be used, perhaps because it is not written to its end.
func parse(text []byte, device string) ([]reading, sample.Refusals, error) {
	m, err := sample.DecodeUpTo(text, maxReadings)
	if err == nil && m.Form == sample.FormReport {
		err = errReport
	}
	if err != nil {
		return nil, sample.Refusals{}, err
	}
	if len(m.Report.Samples) == 0 {
		return nil, m.Refusals, nil
	}
	readings := make([]reading, 0, len(m.Report.Samples))
	ttls := m.Beside(text, "ttl")
	for i, s := range m.Report.Samples {
		ttl, err := ParseTTL(ttls[i])
		if err != nil {
			m.Refuse(1, sample.Refusal{Index: m.Index(i), Name: s.Name, Reason: reasonTTL, Error: err.Error()})
			continue
		}
		s.Name = base(s.Name, device)
		readings = append(readings, reading{Sample: s, at: m.Index(i), ttl: ttl})
	}
	return readings, m.Refusals, nil
}

// base is a name without the device's, which is added in the cloud.
func base(name, device string) string {
	cut := strings.TrimSuffix(name, " ("+device+")")
	if sample.CheckName(cut) != nil {
		return name
	}
	return cut
}

// ParseTTL reads for how long a reading holds: "300" and "300.5" are seconds, else a unit is needed, as in "5m" or
// "1d12h". "" is the default.
func ParseTTL(text string) (time.Duration, error) {
	if text == "" {
		return DefaultTTL, nil
	}
	d, ok := config.ParseDuration(text)
	if seconds, err := sample.ParseValue(text); err == nil {
		d, ok = time.Duration(min(max(seconds, 0), 2*maxTTL.Seconds())*float64(time.Second)), true
	}
	if !ok || d <= 0 || d > maxTTL {
		return 0, fmt.Errorf("ttl %.60q: must be seconds, or a duration such as 5m, above 0 and at most 366d", text)
	}
	return d, nil
}
