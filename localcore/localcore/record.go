package localcore

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"piway/localcore/cloudwatch"
)

// A Recorded is a line of the file that Config.Record names: a datum that CloudWatch took.
type Recorded struct {
	Received   time.Time         `json:"received"`
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
	Unit       string            `json:"unit"`
	Value      float64           `json:"value"`
	Timestamp  time.Time         `json:"timestamp"`
}

// A recorder appends datums to a file. Each line is one write, so a killed process leaves whole lines. Nil keeps none.
type recorder struct {
	file *os.File
	log  *slog.Logger
}

func openRecorder(path string, log *slog.Logger) (*recorder, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the record: %w", err)
	}
	return &recorder{file: f, log: log}, nil
}

// add writes a datum. It is called from any goroutine.
func (r *recorder) add(d cloudwatch.Datum) {
	if r == nil {
		return
	}
	line := Recorded{
		Received: time.Now(), Namespace: d.Namespace, Name: d.Name, Unit: d.Unit, Value: d.Value,
		Timestamp: d.Timestamp,
	}
	for _, dim := range d.Dimensions {
		if line.Dimensions == nil {
			line.Dimensions = map[string]string{}
		}
		line.Dimensions[dim.Name] = dim.Value
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = r.file.Write(append(text, '\n'))
	}
	if err != nil {
		r.log.Error("a datum is not in the record", "file", r.file.Name(), "err", err)
	}
}

func (r *recorder) close() {
	if r != nil {
		_ = r.file.Close() // each line was written
	}
}
