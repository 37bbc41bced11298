package encode

import (
	"encoding/json"
	"strconv"
)

// Samples returns how many samples of each device a message stands for, as read from its payload in either form: AWS
// hands the payload of a message that its rule failed on back to the error action. It returns nil for a payload that
// is none of ours.
func Samples(payload []byte) map[string]int {
	if len(payload) > MaxPayload {
		return nil
	}
	var m struct {
		Device  string
		Samples json.RawMessage
		Batch   json.RawMessage
	}
	if json.Unmarshal(payload, &m) != nil {
		return nil
	}
	if len(m.Batch) > 0 {
		return batchSamples(m.Samples)
	}
	var count string
	if json.Unmarshal(m.Samples, &count) != nil {
		return nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || !plausible(m.Device, n) {
		return nil
	}
	return map[string]int{m.Device: n}
}

func batchSamples(samples json.RawMessage) map[string]int {
	var by map[string]int
	if json.Unmarshal(samples, &by) != nil || len(by) == 0 {
		return nil
	}
	for device, n := range by {
		if !plausible(device, n) {
			return nil
		}
	}
	return by
}

func plausible(device string, n int) bool {
	return n > 0 && n <= maxSamples && checkDevice(device) == nil
}
