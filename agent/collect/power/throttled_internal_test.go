package power

import (
	"testing"
	"time"
)

func TestParseThrottled(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint32{
		"0\n": 0, "50005\n": 0x50005, "0x50000": 0x50000, "F000F": 0xf000f, " 1 ": 1, "ffffffff": 0xffffffff,
	} {
		if got, err := parseThrottled(text); got != want || err != nil {
			t.Errorf("%q: got %#x, %v, want %#x", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n", "throttled=0x0", "-1", "100000000", "0x", "5 0", "\x00", "+5", "1_0"} {
		if got, err := parseThrottled(text); err == nil {
			t.Errorf("%q: got %#x, want an error", text, got)
		}
	}
}

func TestParseAlarm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"0\n": false, "1\n": true, "1": true} {
		if got, err := parseAlarm(text); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n", "2", "-1", "true", "01"} {
		if got, err := parseAlarm(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		bits []uint32 // one reading after another, a second apart
		want amounts  // of throttling, in seconds, after another second
	}{
		{"never", []uint32{0, 0xb000b, 0}, amounts{}},
		{"it holds", []uint32{0, 0x40004, 0x40004, 0x40004}, amounts{1, 3, 3}},
		{"it has ended, the sticky bit stays", []uint32{0, 0x40004, 0x40000, 0}, amounts{1, 1, 1}},
		{"again within a period", []uint32{0, 0x40004, 0x40000, 0x40004, 0x40000}, amounts{2, 2, 1}},
		{"shorter than a period", []uint32{0, 0x40000, 0, 0}, amounts{1, 1, 1}},
		{"shorter, told late", []uint32{0, 0x40000}, amounts{1, 1, 1}},
		{"a kernel that never clears", []uint32{0x40000, 0x40000, 0x40004, 0x40000, 0x40000}, amounts{1, 1, 1}},
		{"a kernel that has no sticky bits", []uint32{0, 4, 0, 4, 0}, amounts{2, 2, 1}},
		{"it holds when the agent starts", []uint32{0x40004, 0x40000}, amounts{1, 1, 1}},
		{"short, then it holds", []uint32{0, 0x40000, 0x40004, 0x40004}, amounts{1, 3, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var e episodes
			before, now := uint32(unknown), time.Now()
			for _, bits := range tt.bits {
				holds, most := judge(Throttling, before, bits)
				e.setFor(holds, most, now)
				before, now = bits, now.Add(time.Second)
			}
			a := e.take(now)
			if got := (amounts{a.number, a.held / time.Second, a.longest / time.Second}); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzPower(f *testing.F) {
	for _, text := range []string{"0\n", "1\n", "50005\n", "0x50000", "", "throttled=0x0"} {
		f.Add(text, uint32(0))
	}
	f.Fuzz(func(t *testing.T, text string, before uint32) {
		_, _ = parseAlarm(text)
		bits, err := parseThrottled(text)
		if err != nil && bits != 0 {
			t.Errorf("%q: got %#x with %v", text, bits, err)
		}
		for c := range Conditions {
			holds, most := judge(c, before, bits)
			if holds && bits&(1<<c|1<<(c+sticky)) == 0 || most != 0 && most != pollPeriod {
				t.Errorf("%#x after %#x: condition %d holds %v, %v", bits, before, c, holds, most)
			}
		}
	})
}
