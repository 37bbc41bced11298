package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Size is a number of bytes, written in YAML as "64MiB", "512KB" or "1024".
// KB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB powers of 1024, in any case of letters. It is never negative.
type Size int64

// sizeUnits is in the order in which String tries them.
var sizeUnits = [...]struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40},
	{"TB", 1e12},
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"KB", 1e3},
	{"B", 1},
}

// String returns s in the largest unit that divides it, as UnmarshalText reads it back.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// UnmarshalText reads a size as it stands in a file.
func (s *Size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "BIKMGTbikmgt ")
	unit := strings.TrimSpace(string(text[len(digits):]))
	u63, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return fmt.Errorf("must be a size such as 64MiB, got %s", quote(string(text)))
	}
	n := int64(u63)
	if unit == "" {
		*s = Size(n)
		return nil
	}
	for _, u := range sizeUnits {
		if !strings.EqualFold(u.name, unit) {
			continue
		}
		if n > math.MaxInt64/u.bytes {
			return fmt.Errorf("must be below 8 million TiB, got %s", quote(string(text)))
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("must be a size such as 64MiB, got %s", quote(string(text)))
}
