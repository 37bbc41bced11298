package devices

import (
	"encoding/hex"
	"strings"
	"testing"

	"piway/shared/sample"
)

func FuzzParse(f *testing.F) {
	sum := strings.Repeat("0f", 32)
	f.Add([]byte(`{"devices":[{"name":"kitchen","sha256":"` + sum + `","added":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"devices":[{"name":"a","sha256":"` + strings.ToUpper(sum) + `"}]}`))
	f.Add([]byte(`{"devices":[{"name":"a","sha256":""}]}`))
	f.Add([]byte(`{"devices":null}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parse(text)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, d := range got.Devices {
			if !sample.IsDeviceName(d.Name) || names[d.Name] {
				t.Errorf("name %q was let through", d.Name)
			}
			names[d.Name] = true
			if sum, err := hex.DecodeString(d.SHA256); err != nil || len(sum) != 32 {
				t.Errorf("sum %q was let through", d.SHA256)
			}
		}
	})
}
