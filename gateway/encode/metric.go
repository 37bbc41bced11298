package encode

import (
	"encoding/json"
	"fmt"
	"strconv"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// metric is the message that the topic rule's cloudwatchMetric action reads: the recipe's three fields as strings, the
// time for metricTimestamp in seconds (milliseconds are refused), and the device for other rules to go by. How many
// samples it stands for comes back with it should the action fail; see Samples.
type metric struct {
	Name      string `json:"name"`
	Unit      string `json:"unit"`
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"`
	Device    string `json:"device"`
	Samples   string `json:"samples"`
}

// Metric is the metric form: one datum a message, since one message is one call of CloudWatch's PutMetricData. The
// action takes one datum and no array (AWS IoT, CloudWatch metrics rule action).
func Metric(datums []pass.Datum) (payload []byte, n int, err error) {
	if len(datums) == 0 {
		return nil, 0, nil
	}
	d := &datums[0]
	if err := check(d, d.Name); err != nil {
		return nil, 1, failed(d, err)
	}
	if len(d.Values) > 0 {
		return nil, 1, failed(d, fmt.Errorf("%d values, the metric form has one: uplink.form must be emf", len(d.Values)))
	}
	b, err := json.Marshal(metric{
		Name: d.Name, Unit: d.Unit, Value: sample.FormatValue(d.Value),
		Timestamp: strconv.FormatInt(d.Time, 10), Device: d.Device, Samples: strconv.Itoa(d.Samples),
	})
	if err != nil {
		return nil, 1, failed(d, err)
	}
	return b, 1, nil // within MaxPayload, since each of its members is bounded
}
