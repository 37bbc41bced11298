package encode

import (
	"fmt"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// MaxPayload is IoT Core's bound of an MQTT payload, 128 KB (AWS IoT Core quotas, message broker).
const MaxPayload = 128 * 1024

// The versions of the forms are part of a pass's fingerprint: change one with anything here that changes how datums
// become messages.
const (
	MetricVersion = 2
	EMFVersion    = 2
)

// A Form returns the message that holds the first n of the datums, in whatever order they are. It takes as many as fit,
// at least one; only of no datums it makes no message, and n is 0. After an error n is 1: the first datum fits no
// message and is to be skipped and counted.
type Form func(datums []pass.Datum) (payload []byte, n int, err error)

// Limits of what is in a datum.
const (
	maxDevice = 255 // characters; a dimension's value may have 1024, a device of ours has 63
	maxTime   = 1e11
	// maxSamples bounds the samples of a datum, and those of a device in a message, which must not overflow an int of
	// 32 bits.
	maxSamples = 1_000_000_000
)

// check returns an error for a datum that CloudWatch would refuse under the name. The intake lets none of these in, but
// what the rollup makes of them may be out of range, a sum for one.
func check(d *pass.Datum, name string) error {
	if err := sample.CheckName(name); err != nil {
		return err
	}
	if err := sample.CheckUnit(d.Unit); err != nil {
		return err
	}
	if err := checkValues(d); err != nil {
		return err
	}
	switch {
	case d.Time < 0 || d.Time > maxTime:
		return fmt.Errorf("time %d: not in seconds since 1970", d.Time)
	case d.Samples < 1 || d.Samples > maxSamples:
		return fmt.Errorf("made of %d samples, must be 1 to %d", d.Samples, maxSamples)
	default:
		return checkDevice(d.Device)
	}
}

func checkValues(d *pass.Datum) error {
	if len(d.Values) == 0 {
		return sample.CheckValue(d.Value)
	}
	if len(d.Values) > pass.MaxValues {
		return fmt.Errorf("%d values, CloudWatch takes %d", len(d.Values), pass.MaxValues)
	}
	for _, v := range d.Values {
		if err := sample.CheckValue(v); err != nil {
			return err
		}
	}
	return nil
}

// checkDevice holds a device to what a dimension's value may be: printable ASCII and not blank (API_Dimension).
func checkDevice(device string) error {
	blank := true
	for _, c := range []byte(device) {
		if c < ' ' || c > '~' {
			return fmt.Errorf("device %.60q: not printable ASCII", device)
		}
		blank = blank && c == ' '
	}
	if blank || len(device) > maxDevice {
		return fmt.Errorf("device %.60q: %d characters, blank or more than %d", device, len(device), maxDevice)
	}
	return nil
}

func failed(d *pass.Datum, err error) error {
	return fmt.Errorf("encoding %.60q of %.60s: %w", d.Name, d.Device, err)
}
