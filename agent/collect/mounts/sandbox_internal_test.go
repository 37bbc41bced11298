package mounts

import (
	"slices"
	"strings"
	"testing"
)

// Of a unit with ProtectSystem=strict, ProtectHome=read-only, ProtectProc=invisible and PrivateDevices=yes, as systemd
// 252 made its namespace; the last lines are what was mounted later.
func TestWorld_inSandbox(t *testing.T) {
	t.Parallel()
	const (
		root = "300 290 179:2 / / ro shared:201 master:1 - ext4 /dev/mmcblk0p2 rw\n"
		own  = "301 300 0:59 / /dev ro shared:202 - tmpfs tmpfs rw\n" +
			"302 301 0:24 / /dev/shm rw shared:203 master:4 - tmpfs tmpfs rw\n" +
			"303 300 0:23 / /run rw shared:204 master:5 - tmpfs tmpfs rw\n" +
			"304 303 0:23 /user /run/user ro shared:205 master:5 - tmpfs tmpfs rw\n" +
			"305 300 179:2 /var/lib/piway-agent /var/lib/piway-agent rw shared:206 master:1 - ext4 /dev/mmcblk0p2 rw\n" +
			"306 300 179:2 /home /home ro shared:207 master:1 - ext4 /dev/mmcblk0p2 rw\n" +
			"307 300 0:23 /systemd/inaccessible/dir /usr/lib/modules ro shared:208 master:5 - tmpfs tmpfs rw\n"
		unit   = root + own
		homeIn = root + "400 300 8:1 / /home ro shared:209 master:50 - ext4 /dev/sda1 rw\n" // systemd adds nothing there
	)
	later := strings.Replace(unit, "306 300", "306 400", 1) +
		"400 300 8:1 / /home rw shared:209 master:50 - ext4 /dev/sda1 rw\n"
	for _, tt := range []struct {
		name, table, path string
		point             string
		apart             bool
		err               string
	}{
		{"the root", unit, "/", "/", false, ""},
		{"a folder over itself is no disk", unit, "/home", "/", false, ""},
		{"what is in it", unit, "/home/pi", "/", false, ""},
		{"the agent's own folder", unit, "/var/lib/piway-agent", "/", false, ""},
		{"a folder over itself of a tmpfs", unit, "/run/user", "/run", true, ""},
		{"a disk", homeIn, "/home/pi", "/home", true, ""},
		{
			"a disk that came later is beneath the folder", later, "/home", "", false,
			"ext4 /dev/sda1 was mounted at /home after this service had started",
		},
		{
			"a disk in a folder over itself",
			unit + "401 306 8:2 / /home/pi/usb rw shared:210 master:51 - ext4 /dev/sdb1 rw\n" +
				"402 300 8:2 / /home/pi/usb rw shared:211 master:51 - ext4 /dev/sdb1 rw\n",
			"/home/pi/usb/x", "/home/pi/usb", true, "",
		},
		{
			"a subvolume of that name", "300 290 0:30 /@ / ro shared:1 master:1 - btrfs /dev/sda3 rw\n" +
				"301 300 0:30 /@home /home ro shared:2 master:2 - btrfs /dev/sda3 rw\n",
			"/home", "/home", false, "",
		},
		{
			"a folder over itself in a subvolume", "300 290 0:30 /@ / ro shared:1 master:1 - btrfs /dev/sda3 rw\n" +
				"301 300 0:30 /@/home /home ro shared:2 master:1 - btrfs /dev/sda3 rw\n",
			"/home", "/", false, "",
		},
		{
			"another folder", root + "301 300 179:2 /srv /home ro shared:2 master:1 - ext4 /dev/mmcblk0p2 rw\n",
			"/home", "/home", false, "",
		},
		{"a disk of the automounter", root + "301 300 0:51 / /m rw shared:2 master:2 - autofs systemd-1 rw\n" +
			"302 301 8:1 / /m rw shared:3 master:3 - ext4 /dev/sda1 rw\n", "/m", "/m", true, ""},
		{"the unit's own /dev", unit, "/dev", "", false, "a /dev of its own"},
		{
			"a tmpfs that only the unit has", root + "301 300 0:60 / /home ro - tmpfs tmpfs rw\n",
			"/home/pi", "", false, "it is in a sandbox",
		},
		{"what is hidden", unit, "/usr/lib/modules", "", false, "it is in a sandbox"},
		{
			"a private /tmp of the same file system", root +
				"301 300 179:2 /tmp/systemd-private-3f-a.service-Q/tmp /tmp rw shared:2 master:1 - ext4 /dev/mmcblk0p2 rw\n",
			"/tmp", "", false, "it is in a sandbox",
		},
		{"no table", "", "/home", "", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := world{own: parseMounts(tt.table, nil), root: "/", alone: true}.find(tt.path)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got error %v, want %q", err, tt.err)
			}
			if got.point != tt.point || got.apart != tt.apart {
				t.Errorf("got %q, apart %v, want %q, %v", got.point, got.apart, tt.point, tt.apart)
			}
		})
	}
}

// A folder over itself is no place of its own for what is told of all file systems, listed or not.
func TestTable_withoutFolders(t *testing.T) {
	t.Parallel()
	all := parseMounts("1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /home /home ro - ext4 a rw\n"+
		"3 2 8:1 /home/x /home/x rw - ext4 a rw\n"+
		"4 1 8:1 /srv/data /data rw - ext4 a rw\n5 1 8:2 / /mnt rw - ext4 b rw", nil)
	var got []string
	for _, v := range volumesOf(all.withoutFolders(), []string{"/home", "/home/x"}) {
		got = append(got, strings.Join(v.points, " "))
	}
	if want := []string{"/ /data", "/mnt"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
