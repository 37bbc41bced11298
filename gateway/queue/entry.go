package queue

import (
	"time"

	"piway/gateway/queue/books"
	"piway/gateway/queue/reports"
	"piway/shared/sample"
)

// An Entry is one message of a device, as judged by the intake.
type Entry struct {
	// Report has the envelope as received but for Device, which is the authenticated one, and the samples that passed;
	// their times as received, 0 for the arrival. Run and Seq identify the message for redelivery; an empty Run cannot be
	// recognised.
	sample.Report

	// Arrived is the gateway's wall clock at arrival. Unsure says that it was not known to be right; then SinceBoot,
	// which is that of Config at the arrival, is to date the entry later.
	Arrived   time.Time
	Unsure    bool
	SinceBoot time.Duration
	// Shift in seconds is added to a sample's own time to correct the sender's clock.
	Shift float64
	// Booted is when Boot began, in Unix seconds, to be kept for Boots; 0 if that is known.
	Booted float64
	// Refused counts the samples that did not pass by reason, LocalCount those that stay on the LAN. Neither are among
	// the Report's.
	Refused    map[string]int
	LocalCount int
	// Twin says that the report showed that two machines speak as Device.
	Twin bool
	// Claims are the metric names that Device uses as the first.
	Claims []string
	// Uses are metrics of Device, with a value and the arrival in Time, to be kept for Metrics.
	Uses []sample.Sample
}

// encoded is an Entry as it goes into the table, without its Samples: many may wait.
type encoded struct {
	Entry
	n      int       // how many Samples there were
	blob   []byte    // in which they are
	newest time.Time // of its newest sample, corrected
}

func encode(e Entry) (*encoded, error) {
	enc := &encoded{Entry: e, n: len(e.Samples), newest: reports.Newest(e.Samples, e.Shift, e.Arrived)}
	enc.Samples = nil
	var err error
	if enc.n > 0 {
		enc.blob, err = sample.EncodeSamples(e.Samples)
	}
	return enc, err
}

// report is what the books say of an entry that is stored whole.
func (e *encoded) report() books.Report {
	return books.Report{
		Device: e.Device, Run: e.Run, Seq: e.Seq, Arrived: e.Arrived, Unsure: e.Unsure,
		Shifted: e.Shift != 0, Samples: e.n, Local: e.LocalCount,
	}
}

// how is what dating a report again needs, which comes while the gateway's clock is not known to be right.
type how struct {
	Sent, Uptime, SentUptime float64
	Boot, Clock              string
	sinceBoot                int64 // nanoseconds
}

func (e *encoded) how() how {
	return how{e.Sent, e.Uptime, e.SentUptime, e.Boot, e.Clock, int64(e.SinceBoot)}
}
