package storage

import (
	"errors"
	"testing"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
)

func TestCardIdentity(t *testing.T) {
	t.Parallel()
	const dir = "sys/block/mmcblk0/device/"
	card := map[string]string{
		dir + "name": "SU08G\n", dir + "manfid": "0x000003\n", dir + "oemid": "0x5344\n", dir + "date": "08/2014\n",
		dir + "serial": "0x8f1d2c3b\n",
	}
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", nil, ""},
		{"all", card, "SU08G, manufacturer 0x000003, OEM 0x5344, date 08/2014, serial 0x8f1d2c3b"},
		{"some", hosttest.Without(hosttest.Without(card, "name"), "oemid"), "manufacturer 0x000003, date 08/2014, serial 0x8f1d2c3b"},
		{
			"not to be printed", hosttest.WithFile(card, dir+"name", "\x80\x01"),
			"manufacturer 0x000003, OEM 0x5344, date 08/2014, serial 0x8f1d2c3b",
		},
		{"the second", map[string]string{"sys/block/mmcblk1/device/serial": "0x1\n"}, "serial 0x1"},
		{"a boot area", map[string]string{"sys/block/mmcblk0boot0/device/serial": "0x1\n"}, ""},
	} {
		_, said, err := hosttest.Read(t, tt.files, Card)
		if said["card"] != tt.want || (tt.want == "") != errors.Is(err, host.ErrAbsent) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, said["card"], err, tt.want)
		}
	}
}
