package mounts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWorld_find(t *testing.T) {
	t.Parallel()
	pi, unit, container, pc := tableOf(t, "pi5"), tableOf(t, "pi5-unit"), tableOf(t, "container"), tableOf(t, "pc")
	without := func(from table, point string) table {
		var rest table
		for _, m := range from {
			if m.point != point {
				rest = append(rest, m)
			}
		}
		return rest
	}
	for _, tt := range []struct {
		name         string
		own, machine table
		root, path   string
		point        string // of the machine
		err          string // part of it
		remark       string
	}{
		{"no namespace", pi, nil, "/", "/mnt/usb", "/mnt/usb", "", ""},
		{"a folder", pi, nil, "/", "/data", "/", "", "/data is a folder of /: its figure is that of /"},
		{
			"a folder of a disk", pi, nil, "/", "/mnt/usb/photos", "/mnt/usb", "",
			"/mnt/usb/photos is a folder of /mnt/usb: its figure is that of /mnt/usb",
		},
		{
			"a bind mount",
			pc, nil, "/", "/data", "/data", "", "/data is /srv/data of xfs /dev/mapper/vg-srv: its figure is that of all of it",
		},
		{
			"a subvolume",
			pc, nil, "/", "/home", "/home", "", "/home is /@home of btrfs /dev/nvme0n1p3: its figure is that of all of it",
		},
		{"without a source's device", pc, nil, "/", "/tank", "/tank", "", ""},

		{"a unit: the root", unit, pi, "/", "/", "/", "", ""},
		{"a unit: a disk", unit, pi, "/", "/mnt/usb", "/mnt/usb", "", ""},
		{
			"a unit: its own folder is no mount", unit, pi, "/", "/var/lib/piway-agent", "/", "",
			"/var/lib/piway-agent is a folder of /: its figure is that of /",
		},
		{"a unit: /tmp is private, and the same file system", unit, pi, "/", "/tmp", "/tmp", "", ""},
		{"a unit: /var/tmp too, which is no mount", unit, pi, "/", "/var/tmp/x", "/", "", ""},
		{
			"a unit: /home is hidden",
			unit, pi, "/", "/home", "", "sees tmpfs tmpfs at /home, and the machine ext4 /dev/mmcblk0p2", "",
		},
		{"a unit: what is in it", unit, pi, "/", "/home/pi/x", "", "it is in a sandbox", ""},
		{
			"a unit: a disk that it does not see",
			without(unit, "/mnt/usb"), pi, "/", "/mnt/usb", "", "it is in a sandbox", "",
		},
		{
			"a unit: a disk that only it sees",
			unit, without(pi, "/mnt/usb"), "/", "/mnt/usb", "", "it is in a sandbox", "",
		},
		{"a unit whose machine does not tell", unit, nil, "/", "/mnt/usb", "/mnt/usb", "", ""},

		{"a container: its root", container, pi, "/host", "/", "/", "", ""},
		{"a container: the host's root", container, pi, "/host", "/host", "/", "", ""},
		{"a container: a disk", container, pi, "/host", "/host/mnt/usb", "/mnt/usb", "", ""},
		{
			"a container: a folder", container, pi, "/host", "/host/data", "/", "",
			"/host/data is a folder of /host: its figure is that of /host",
		},
		{
			"a container: mounted after its start, without rslave", without(container, "/host/mnt/usb"), pi, "/host",
			"/host/mnt/usb",
			"", "mount the host's / into it with rslave", "",
		},
		{
			"a container: unmounted after its start, without rslave", container, without(pi, "/mnt/usb"), "/host",
			"/host/mnt/usb", "",
			"mount the host's / into it with rslave", "",
		},
		{"a container: without the host's proc", container, nil, "/", "/host/mnt/usb", "/host/mnt/usb", "", ""},
		{
			"a container: a volume", container, nil, "/", "/photos", "/photos", "",
			"/photos is /srv/photos of ext4 /dev/mmcblk0p2: its figure is that of all of it",
		},
		{"a container that shares its host's processes only", container, pi, "/", "/photos", "/photos", "", ""},
		{"another root", pc, pi, "/", "/home", "/home", "", ""},
		{
			"nothing is known",
			nil, nil, "/", "/x", "", "", "whether something is mounted at /x is not to be found out",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := world{own: tt.own, machine: tt.machine, root: tt.root}.find(tt.path)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got error %v, want %q", err, tt.err)
			}
			if got.point != tt.point {
				t.Errorf("mount point: got %q, want %q", got.point, tt.point)
			}
			if says := got.remark(tt.path, tt.path); tt.remark != "" && says != tt.remark {
				t.Errorf("got %q, want %q", says, tt.remark)
			}
		})
	}
}

// Only who may see others than the machine asks for the machine's: whoever made his own mounts otherwise means them.
func TestWorld_maySeeOthers(t *testing.T) {
	t.Parallel()
	private := parseMounts("1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /home rw - tmpfs t rw\n"+
		"3 1 0:8 / /mnt/usb rw - tmpfs t rw", nil)
	for _, tt := range []struct {
		name       string
		own        table
		root, path string
		want       bool
	}{
		{"the machine itself", tableOf(t, "pi5"), "/", "/mnt/usb", false},
		{"a unit", tableOf(t, "pi5-unit"), "/", "/mnt/usb", true},
		{"a container that was given /host", tableOf(t, "container"), "/host", "/host/mnt/usb", true},
		{"a path of its own in it", tableOf(t, "container"), "/host", "/photos", false},
		{"a container", tableOf(t, "container"), "/", "/photos", false},
		{"a private namespace", private, "/", "/mnt/usb", false},
		{"a private namespace that hides what services hide", private, "/", "/home", true},
		{"a folder that is no mount", private, "/mnt", "/mnt/usb", false},
		{"fixtures", private, "testdata/pi", "/mnt/usb", false},
		{"nothing", nil, "/", "/", false},
	} {
		if got := (world{own: tt.own, root: tt.root}).maySeeOthers(tt.path); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestPlanned(t *testing.T) {
	t.Parallel()
	etc := t.TempDir()
	units := filepath.Join(etc, "systemd/system")
	if err := os.MkdirAll(units, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"fstab": "# comment /no\nPARTUUID=1 / ext4 defaults 0 1\nUUID=2\t/mnt/my\\040usb/  ext4 nofail\n" +
			"LABEL=3 none swap sw 0 0\nLABEL=4 /srv/a/deep ext4 noauto\n" +
			"//nas/x /mnt cifs noauto\n/dev/sdc1\n",
		"systemd/system/srv-a.mount": "[Mount]", "systemd/system/srv-b.automount": "[Automount]",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/dev/null", filepath.Join(units, "srv-masked.mount")); err != nil {
		t.Fatal(err)
	}
	ctx := inFolders(t, "", "", etc)
	for path, want := range map[string]string{
		"/": "", "/data": "", "/mnt/my usb": "/mnt/my usb", "/mnt/my usb/x": "/mnt/my usb", "/mnt/x": "/mnt", "/mnt2": "",
		"/srv/a/b": "/srv/a", "/srv/b": "/srv/b", "/srv/a/deep/x": "/srv/a/deep", "/srv/masked": "", "/none": "",
	} {
		got, file := planned(ctx, path)
		if got != want || (got == "") != (file == "") {
			t.Errorf("%s: got %q of %q, want %q", path, got, file, want)
		}
	}
	if got, _ := planned(inFolders(t, "", "", t.TempDir()), "/mnt"); got != "" {
		t.Errorf("without any file: got %q", got)
	}
}
