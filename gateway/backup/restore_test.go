package backup

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/configs"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/shared/config"
)

// A target is a machine to restore to.
type target struct {
	t           *testing.T
	dir         string
	data, certs string
	place       Place
	a           *Archive
}

func newTarget(t *testing.T) *target {
	t.Helper()
	dir := t.TempDir()
	x := &target{
		t: t, dir: dir, data: filepath.Join(dir, "data"), certs: filepath.Join(dir, "certs"), a: anArchive(),
		place: Place{Config: filepath.Join(dir, "etc", "gateway.yaml")},
	}
	x.a.Files[0].Text = []byte("# mine\ndata: {dir: " + x.data + "}\nuplink: {certs: {dir: " + x.certs + "}}\n")
	return x
}

func (x *target) put(path, text string) {
	x.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		x.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		x.t.Fatal(err)
	}
}

// whole says what a finished restore must leave.
func (x *target) whole(when string) {
	x.t.Helper()
	type file struct {
		text string
		mode os.FileMode
	}
	authority := datadir.PKI(x.data)
	for path, want := range map[string]file{
		x.place.Config:                                   {string(x.a.Files[0].Text), 0o644},
		datadir.Devices(x.data):                          {aList, 0o600},
		filepath.Join(authority, "ca.key"):               {"a key", 0o600},
		filepath.Join(authority, "ca.crt"):               {"a certificate", 0o644},
		filepath.Join(x.certs, "gw-private.pem.key"):     {"another key", 0o600},
		filepath.Join(x.certs, "gw-certificate.pem.crt"): {"another certificate", 0o644},
		filepath.Join(x.certs, "AmazonRootCA1.pem"):      {"a root", 0o644},
	} {
		text, err := os.ReadFile(path)
		info, serr := os.Stat(path)
		if err != nil || serr != nil || string(text) != want.text || info.Mode() != want.mode&^umask() {
			x.t.Errorf("%s: %s: got %q, %v, %v", when, path, text, info, err)
		}
	}
	if list, err := devices.Open(datadir.Devices(x.data)); err != nil || !list.Has("kitchen") {
		x.t.Errorf("%s: the list: %v", when, err)
	}
	left, err := filepath.Glob(filepath.Join(x.dir, "*", "*.tmp"))
	if err != nil || len(left) > 0 {
		x.t.Errorf("%s: left %v, %v", when, left, err)
	}
}

func umask() os.FileMode {
	old := syscall.Umask(0)
	syscall.Umask(old)
	return os.FileMode(old) & os.ModePerm
}

func TestRestore(t *testing.T) {
	x := newTarget(t)
	for range 2 { // once more is as good
		made, err := Restore(x.a, x.place)
		if err != nil {
			t.Fatal(err)
		}
		if !made.AWSKey || made.Queue || made.Settings.Data.Dir != x.data {
			t.Errorf("got %+v", made)
		}
		x.whole("restored")
	}
	x.put(datadir.Queue(x.data), "a queue")
	if made, err := Restore(x.a, x.place); err != nil || !made.Queue {
		t.Errorf("beside a queue: %+v, %v", made, err)
	}
}

// Killed after any write, a gateway that starts too early finds its authority or nothing, and the next call completes
// it.
func TestRestore_killed(t *testing.T) {
	for kill := 0; ; kill++ {
		x := newTarget(t)
		r := &restoration{a: x.a, to: x.place}
		if err := r.plan(); err != nil {
			t.Fatal(err)
		}
		if kill > len(r.writes) {
			return
		}
		for _, w := range r.writes[:kill] {
			if err := w.do(); err != nil {
				t.Fatal(err)
			}
		}
		if kill > 0 {
			if _, err := os.Stat(filepath.Join(datadir.PKI(x.data), "ca.key")); err != nil {
				t.Errorf("after %d files: no key of the authority: %v", kill, err)
			}
		}
		if _, err := os.Stat(x.place.Config); err == nil != (kill == len(r.writes)) {
			t.Errorf("after %d files of %d: the configuration: %v", kill, len(r.writes), err)
		}
		// A gateway that started meanwhile has made a certificate of its own, and written an empty list.
		if kill > 0 && kill < 3 {
			x.put(filepath.Join(datadir.PKI(x.data), "server.crt"), "made anew")
			x.put(datadir.Devices(x.data), `{"devices": []}`)
		}
		if _, err := Restore(x.a, x.place); err != nil {
			t.Fatalf("after %d files: %v", kill, err)
		}
		x.whole(fmt.Sprintf("after %d files", kill))
	}
}

// What is there is not replaced, nothing is written, and the fix is named.
func TestRestore_refuses(t *testing.T) {
	other := strings.Replace(aList, "kitchen", "attic", 1)
	for name, c := range map[string]struct {
		spoil      func(x *target)
		want, hint string
	}{
		"devices":           {func(x *target) { x.put(datadir.Devices(x.data), other) }, "1 devices of another gateway", ".old"},
		"another authority": {func(x *target) { x.put(filepath.Join(datadir.PKI(x.data), "ca.key"), "z") }, "authority of another", ".old"},
		"an authority, and none in the backup": {func(x *target) {
			x.put(filepath.Join(datadir.PKI(x.data), "ca.key"), "z")
			x.a.Files = append(x.a.Files[:2:2], x.a.Files[4:]...)
		}, "authority of another", ".old"},
		"another configuration": {func(x *target) { x.put(x.place.Config, "site: x\n") }, "another than the backup's", "--keep-config"},
		"another AWS key":       {func(x *target) { x.put(filepath.Join(x.certs, "gw-private.pem.key"), "z") }, "another than", "away"},
		"a link": {func(x *target) {
			x.put(filepath.Join(x.dir, "precious"), "z")
			x.put(filepath.Join(x.data, "x"), "")
			if err := os.Symlink("../precious", datadir.Devices(x.data)); err != nil {
				x.t.Fatal(err)
			}
		}, "not a plain file", "away"},
		"a list that is none": {func(x *target) { x.a.Files[1].Text = []byte(`{"devices": [{"name": "a/b"}]}`) }, "devices.json", ""},
		"a configuration that is none": {
			func(x *target) { x.a.Files[0].Text = []byte("datta: {}\n") },
			"the backup's gateway.yaml", "--keep-config",
		},
		"an authority without its key": {
			func(x *target) { x.a.Files = append(x.a.Files[:3:3], x.a.Files[4:]...) },
			"no pki/ca.key", "",
		},
		"a role that is none": {func(x *target) { x.a.Files[4].Role = "boss" }, "role", ""},
		"a gateway that runs": {func(x *target) {
			lock, err := datadir.Lock(x.data)
			if err != nil {
				x.t.Fatal(err)
			}
			x.t.Cleanup(func() { _ = lock.Close() })
		}, "a gateway runs on", "stop it"},
	} {
		x := newTarget(t)
		c.spoil(x)
		before := tree(t, x.dir)
		_, err := Restore(x.a, x.place)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(config.Hint(err), c.hint) {
			t.Errorf("%s: got %v, want %q and the fix %q", name, err, c.want, c.hint)
		}
		if after := tree(t, x.dir); before != after {
			t.Errorf("%s: something changed:\n%s\nwas:\n%s", name, after, before)
		}
	}
}

// tree is what lies in a folder, but for the lock of a data folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %q\n", path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The configuration that comes with a package is no obstacle, and one's own may be kept.
func TestRestore_configuration(t *testing.T) {
	x := newTarget(t)
	x.put(x.place.Config, string(configs.Gateway))
	if _, err := Restore(x.a, x.place); err != nil {
		t.Error(err)
	}
	x = newTarget(t)
	mine := "# here\ndata: {dir: " + filepath.Join(x.dir, "elsewhere") + "}\nuplink: {certs: {key: " +
		filepath.Join(x.dir, "k") + ", dir: " + x.certs + "}}\n"
	x.put(x.place.Config, mine)
	x.place.KeepConfig = true
	if _, err := Restore(x.a, x.place); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(x.place.Config); err != nil || string(text) != mine {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := os.Stat(datadir.Devices(filepath.Join(x.dir, "elsewhere"))); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(x.dir, "k")); err != nil || string(text) != "another key" {
		t.Errorf("the key where the configuration says: %q, %v", text, err)
	}
}

// What root restores in a service's folder is the service's.
func TestRestore_asRoot(t *testing.T) {
	const service = 65534
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	x := newTarget(t)
	if err := os.Mkdir(x.data, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(x.data, service, service); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(x.a, x.place); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(x.data, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if s := info.Sys().(*syscall.Stat_t); s.Uid != service {
			t.Errorf("%s is of user %d", path, s.Uid)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// aGateway is a stopped one, with an authority and a key for AWS.
func aGateway(t *testing.T) (path string, cfg settings.Config) {
	t.Helper()
	dir := t.TempDir()
	x := &target{t: t}
	path = filepath.Join(dir, "gateway.yaml")
	data, certs := filepath.Join(dir, "data"), filepath.Join(dir, "certs")
	x.put(path, "# mine\ndata: {dir: "+data+"}\nuplink: {certs: {dir: "+certs+"}}\n")
	x.put(datadir.Devices(data), aList)
	for name, text := range map[string]string{
		"ca.key": "a key", "ca.crt": "a certificate", "server.key": "s", "ca.key.ABC.tmp": "half", ".x": "hidden",
	} {
		x.put(filepath.Join(datadir.PKI(data), name), text)
	}
	for name, text := range map[string]string{
		"gw-private.pem.key": "another key", "gw-certificate.pem.crt": "another certificate", "AmazonRootCA1.pem": "a root",
		"gw.csr.pem": "no need",
	} {
		x.put(filepath.Join(certs, name), text)
	}
	cfg, err := settings.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, cfg
}

func TestGather(t *testing.T) {
	path, cfg := aGateway(t)
	for _, with := range []bool{false, true} {
		a, err := Gather(t.Context(), path, &cfg, with, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range a.Files {
			names = append(names, f.Name)
		}
		want := "gateway.yaml devices.json pki/ca.crt pki/ca.key pki/server.key"
		if with {
			want += " aws/gw-private.pem.key aws/gw-certificate.pem.crt aws/AmazonRootCA1.pem"
		}
		if got := strings.Join(names, " "); got != want || a.Devices != 1 || a.HasAWSKey() != with {
			t.Errorf("got %s, %d devices", got, a.Devices)
		}
		if !bytes.Equal(a.file(devicesName), []byte(aList)) {
			t.Errorf("got the list %s", a.file(devicesName))
		}
		if bytes.Contains(written(t, a), []byte("another key")) != with {
			t.Errorf("the AWS key is in it: %t", !with)
		}
	}
	if err := os.Remove(filepath.Join(datadir.PKI(cfg.Data.Dir), "ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := Gather(t.Context(), path, &cfg, false, time.Now()); err == nil || !strings.Contains(err.Error(), "no ca.key") {
		t.Errorf("an authority without its key: got %v", err)
	}
	lock, err := datadir.Lock(cfg.Data.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if _, err := Gather(t.Context(), path, &cfg, false, time.Now()); err == nil {
		t.Error("took a list that another program may be changing")
	}
}

// The file is a new one, for its owner only, and nothing is left of one that could not be written.
func TestArchive_Save(t *testing.T) {
	dir := t.TempDir()
	path, precious := filepath.Join(dir, "b.tar"), filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("z"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("precious", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nothing", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	a := anArchive()
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	for _, taken := range []string{path, filepath.Join(dir, "link"), filepath.Join(dir, "dangling")} {
		if err := a.Save(taken); err == nil || config.Hint(err) == "" {
			t.Errorf("%s: got %v", taken, err)
		}
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "z" {
		t.Errorf("the other file has %q, %v", text, err)
	}
	if err := a.Save(filepath.Join(dir, "none", "b.tar")); err == nil {
		t.Error("made a folder")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full")
	}
	defer func() { _ = full.Close() }()
	if err := a.Write(full); err == nil {
		t.Error("a full disk is no error")
	}
}
