package forward

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"piway/gateway/encode"
	"piway/gateway/intake"
	"piway/gateway/names"
	"piway/gateway/pass"
	"piway/gateway/rollup"
)

// A device that sends a valid message a second, of 990 samples at different minutes and units, while 20 others report
// every 15 s: theirs are in the first message of their pass, and what AWS gets of the other one is bounded.
func TestForward_oneDeviceFloods(t *testing.T) {
	const minutes = 5
	const honest, metrics = 20, 10
	const burst = metrics * 16 * 24 * 60 // the windows that its metrics may have at once
	in := intake.New(intake.Config{
		Names: names.New("{name} ({device})", ""), Window: time.Minute, MaxSamples: 1000, MaxMetrics: metrics,
		IsDevice: func(string) bool { return true },
	})
	units := strings.Fields("Percent Count Seconds Bytes None Bits Terabits Kilobits Megabits Gigabits")
	start := time.Unix(1800000000, 0)
	fromFlood := 0
	form := encode.NewEMF("RaspberryPi", "", func(full,
		device string,
	) string {
		return strings.TrimSuffix(full, " ("+device+")")
	})
	for minute := range minutes {
		r := rollup.New(rollup.Settings{Window: time.Minute})
		send := func(device string, at time.Time, samples []string) {
			payload := `{"run":"r","seq":1,"clock":"synced","samples":[` + strings.Join(samples, ",") + `]}`
			v := in.Judge(device, []byte(payload), intake.Moment{Wall: at, Right: true, SinceBoot: time.Hour + at.Sub(start)})
			if device != "flood" && len(v.Samples) != len(samples) {
				t.Fatalf("%s is refused %v", device, v.Refused)
			}
			r.Add(device, v.Samples)
		}
		for second := range 60 {
			now := start.Add(time.Duration(60*minute+second) * time.Second)
			var flood []string
			for i := range 99 {
				ago := time.Duration((60*minute+second)*99+i) * time.Minute
				for _, unit := range units {
					flood = append(flood, fmt.Sprintf(`{"name":"m","unit":%q,"value":1,"time":%d}`, unit, now.Add(-ago).Unix()))
				}
			}
			send("flood", now, flood)
			if second%15 == 7 {
				for d := range honest {
					send(fmt.Sprintf("pi-%02d", d), now, []string{fmt.Sprintf(`{"name":"m","unit":"None","value":1,"time":%d}`,
						now.Unix())})
				}
			}
		}
		datums := r.Datums()
		last := 0
		for i, d := range datums {
			if d.Device == "flood" {
				fromFlood++
				continue
			}
			last = i
		}
		if _, n, err := form(datums); err != nil || last >= n || last >= honest+metrics {
			t.Errorf("minute %d: the last of the others goes as number %d of %d, %d in the first message, %v", minute, last,
				len(datums), n, err)
		}
		if honestIn(datums) != honest {
			t.Errorf("minute %d: %d datums of the others", minute, honestIn(datums))
		}
	}
	t.Logf("%d datums of one device in %d minutes, of %d samples", fromFlood, minutes, minutes*60*990)
	// And what it may have in each window, and the present one and the one before it.
	if most := burst + minutes*2*metrics + minutes*2*metrics; fromFlood > most {
		t.Errorf("%d datums, want at most %d", fromFlood, most)
	}
}

func honestIn(datums []pass.Datum) (n int) {
	for _, d := range datums {
		if d.Device != "flood" {
			n++
		}
	}
	return n
}
