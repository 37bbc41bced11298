package localcore_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/localcore"
)

// What CloudWatch took is in the record when the sender has its PUBACK.
func TestCore_record(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record")
	r := start(t, func(c *localcore.Config) { c.Record = path })
	at := time.Now().Truncate(time.Second)
	publish(t, mustConnect(t, r), "raspi/metrics", message("Percent", at))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got localcore.Recorded
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	want := localcore.Recorded{
		Received: got.Received, Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent",
		Value: 12.5, Timestamp: got.Timestamp,
	}
	if diff := cmp.Diff(want, got); diff != "" || !got.Timestamp.Equal(at) || got.Received.Before(at) {
		t.Errorf("got %s (-want +got)\n%s", text, diff)
	}
}
