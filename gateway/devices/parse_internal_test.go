package devices

import (
	"strings"
	"testing"

	"piway/shared/pki"
	"piway/shared/sample"
)

func FuzzParse(f *testing.F) {
	sum := strings.Repeat("0f", 32)
	f.Add([]byte(`{"devices":[{"name":"kitchen","sha256":"` + sum + `","added":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"devices":[{"name":"a","sha256":"` + strings.ToUpper(sum) + `"}]}`))
	f.Add([]byte(`{"devices":[{"name":"a","sha256":""}]}`))
	f.Add([]byte(`{"devices":null}`))
	id := strings.Repeat("1a", 16)
	f.Add([]byte(`{"devices":[{"name":"a","id":"` + id + `","key":"` + sum + `"},{"name":"b","id":"` + id + `"}],
"revoked_keys":[{"key":"` + sum + `","device":"a","at":"2026-01-02T03:04:05+02:00"}],"invitations":[{"id":"0102030405aa",
"device":"a","device_id":"` + id + `","sha256":"` + sum + `","made":"2026-01-02T03:04:05Z","clock_right":true,
"boot":"b","since_boot_ns":5,"key":"` + sum + `"}]}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parse(text)
		if err != nil {
			return
		}
		names, ids := map[string]bool{}, map[string]bool{}
		for _, d := range got.Devices {
			if !sample.IsDeviceName(d.Name) || names[d.Name] {
				t.Errorf("name %q was let through", d.Name)
			}
			if !isHex(d.ID, 16) || ids[d.ID] {
				t.Errorf("id %q was let through", d.ID)
			}
			names[d.Name], ids[d.ID] = true, true
			_, marked := revokedIn(got.RevokedKeys, d.Key)
			switch has := [3]bool{d.Key != pki.Sum{}, d.SHA256 != "", !d.Revoked.IsZero()}; has {
			case [3]bool{true, false, false}:
				if marked {
					t.Errorf("a revoked key was let through")
				}
			case [3]bool{false, true, false}:
				if !isHex(d.SHA256, 32) {
					t.Errorf("sum %q was let through", d.SHA256)
				}
			case [3]bool{false, false, true}:
			default:
				t.Errorf("%s has key, password, revocation: %v", d.Name, has)
			}
		}
		for _, i := range got.Invitations {
			if !isHex(i.ID, 6) || !isHex(i.SHA256, 32) || !sample.IsDeviceName(i.Name) {
				t.Errorf("invitation %+v was let through", i)
			}
		}
	})
}
