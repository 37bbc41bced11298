// Package encode packs datums into messages that fit AWS IoT Core.
//
// Its promise: a pure function, and every message is within the limits, so that none is refused for its form.
package encode

import (
	"encoding/json"
	"fmt"
	"strconv"

	"piway/shared/sample"
)

// MaxPayload is IoT Core's bound of an MQTT payload, 128 KB (AWS IoT Core quotas, message broker).
const MaxPayload = 128 * 1024

// Version is part of a pass's fingerprint: change it with anything here that changes how datums become messages.
const Version = 1

// A Datum is one point of a metric, as the rollup made it.
type Datum struct {
	Device, Name, Unit string
	Value              float64
	Time               int64 // Unix seconds
}

// metric is the message that the topic rule's cloudwatchMetric action reads: the recipe's three fields as strings, the
// time for metricTimestamp in seconds (milliseconds are refused), and the device for other rules to go by.
type metric struct {
	Name      string `json:"name"`
	Unit      string `json:"unit"`
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"`
	Device    string `json:"device"`
}

// Metric returns the message for one datum in the metric form: one message is one call of CloudWatch's PutMetricData,
// since the action takes one datum and no array (AWS IoT, CloudWatch metrics rule action).
func Metric(d Datum) ([]byte, error) {
	b, err := json.Marshal(metric{
		Name: d.Name, Unit: d.Unit, Value: sample.FormatValue(d.Value),
		Timestamp: strconv.FormatInt(d.Time, 10), Device: d.Device,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding %q of %s: %w", d.Name, d.Device, err)
	}
	if len(b) > MaxPayload {
		return nil, fmt.Errorf("encoding %q of %s: %d bytes, IoT Core takes %d", d.Name, d.Device, len(b), MaxPayload)
	}
	return b, nil
}
