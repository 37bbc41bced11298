package cloudwatch

import (
	"slices"
	"strings"
	"time"
)

// A Dimension is part of a metric's identity.
type Dimension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Datum is one value of one metric, as a MetricDatum of a PutMetricData request has it.
type Datum struct {
	Namespace, Name, Unit string
	Value                 float64
	Timestamp             time.Time
	// Dimensions in any order; the order is not part of the identity. Datums may share them: do not change them.
	Dimensions []Dimension
}

// Key is the identity of the metric that the datum belongs to: namespace, name and dimensions. CloudWatch charges for
// each, whatever its units.
func (d Datum) Key() string { return identity(d.Namespace, d.Name, d.Dimensions) }

// identity joins with a character that none of the parts may hold.
func identity(namespace, name string, dimensions []Dimension) string {
	var b strings.Builder
	b.WriteString(namespace)
	b.WriteByte(0)
	b.WriteString(name)
	for _, d := range sorted(dimensions) {
		b.WriteByte(0)
		b.WriteString(d.Name)
		b.WriteByte(0)
		b.WriteString(d.Value)
	}
	return b.String()
}

// sorted returns a copy in the order of names, nil for none.
func sorted(dimensions []Dimension) []Dimension {
	if len(dimensions) == 0 {
		return nil
	}
	c := slices.Clone(dimensions)
	slices.SortFunc(c, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	return c
}
