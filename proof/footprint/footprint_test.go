package footprint_test

import (
	"testing"
	"time"

	"piway/proof/world"
)

// mb is CloudWatch's and the disk's, 10^6 bytes.
const mb = 1e6

// maxResident is the bar of the agent over TLS, in bytes.
const maxResident = 14 * mb

// The agent takes 14 MB of memory at most, and writes nothing while the gateway answers. A report costs a twentieth of
// the processor time that a run of the old script costs at most, if that can be run.
func TestAgent(t *testing.T) {
	span := 8 * time.Second
	if world.Long() {
		span = 30 * time.Second
	}
	h, _ := newHouse(t)
	a := h.agent(t, time.Second)
	before := h.gateway.Written()
	time.Sleep(3 * time.Second) // the first report reads what is read once, and after the second that is let go
	used := during(t, a.PID(), span)
	if h.gateway.Written() == before {
		t.Skip("what the gateway stores is not counted as written here: no disk, or a kernel that does not count")
	}
	if used.resident > maxResident {
		t.Errorf("got %.1f MB resident, want %.0f at most", float64(used.resident)/mb, maxResident/mb)
	}
	if used.written != 0 {
		t.Errorf("got %d bytes written in %v, want none while the gateway answers", used.written, span)
	}
	runs := h.scriptRuns(t, 5)
	report := used.cpu / (span / time.Second)
	run := runs[0] // the cheapest
	t.Logf("resident %.1f MB, CPU %v a report, %v a run of the script: 1/%.0f", float64(used.resident)/mb, report, run,
		float64(run)/float64(report))
	if report*20 > run {
		t.Errorf("got %v of CPU a report, want a twentieth of %v at most", report, run)
	}
}
