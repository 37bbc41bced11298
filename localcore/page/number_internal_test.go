package page

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 12: "12", 12.5: "12.5", 12.3456: "12.35", -3.1: "−3.1", 1234: "1,234",
		12345:   "12,345",
		1234.56: "1,235", 99999.9: "100k", 100_000: "100k", 999_960: "1M", 2.5e6: "2.5M", 1e21: "1e21",
		-2.348e108: "−2.348e108",
		0.001:      "0.001", 0.0005: "500µ", 3.14159e-10: "314.2p", 5e-324: "4.941e-324", math.MaxFloat64: "1.798e+308",
		math.Inf(1): "+Inf",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%g): got %q, want %q", v, got, want)
		}
	}
	if got := number(math.NaN()); got != "NaN" {
		t.Errorf("number(NaN): got %q, want NaN", got)
	}
}

func TestExact(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 12.5: "12.5", 37.68875912: "37.688759", 1234567.891: "1,234,567.9", 123456789: "123,456,789",
		-0.000123: "−0.000123", 1e-9: "1e-09", 1e20: "1e+20",
	} {
		if got := exact(v); got != want {
			t.Errorf("exact(%g): got %q, want %q", v, got, want)
		}
	}
}

func TestMoney(t *testing.T) {
	for _, tt := range []struct {
		usd    float64
		digits int
		want   string
	}{
		{0, 2, "$0.00"},
		{0.001, 2, "< $0.01"},
		{0.001, 4, "$0.0010"},
		{0.00001, 4, "< $0.0001"},
		{15.764, 2, "$15.76"},
		{12345.6, 2, "$12,345.60"},
	} {
		if got := money(tt.usd, tt.digits); got != tt.want {
			t.Errorf("money(%g, %d): got %q, want %q", tt.usd, tt.digits, got, tt.want)
		}
	}
}
