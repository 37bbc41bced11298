package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/config"
)

// A deviceLine is the command line of a stopped gateway.
type deviceLine struct {
	t   *testing.T
	dir string
}

func newDeviceLine(t *testing.T) deviceLine {
	d := deviceLine{t, t.TempDir()}
	text := "uplink: {rule: piway_metric, endpoint: abc-ats.iot.us-east-1.amazonaws.com:443}\ndata: {dir: " + d.dir + "}\n" +
		"broker: {advertise: [gw.example]}\n"
	if err := os.WriteFile(d.path("gateway.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d deviceLine) path(name string) string { return filepath.Join(d.dir, name) }

func (d deviceLine) run(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(d.t.Context(), append(append([]string{"device"}, args...), "--config", d.path("gateway.yaml")), &out)
	return out.String(), err
}

func (d deviceLine) do(args ...string) string {
	d.t.Helper()
	out, err := d.run(args...)
	if err != nil {
		d.t.Fatalf("%s: %v", args, err)
	}
	return out
}

func (d deviceLine) list() *devices.List {
	d.t.Helper()
	list, err := devices.Open(datadir.Devices(d.dir))
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func TestDevice_changes(t *testing.T) {
	d := newDeviceLine(t)
	var added struct{ Device, Password string }
	if err := json.Unmarshal([]byte(d.do("add", "kitchen", "--json")), &added); err != nil || added.Device != "kitchen" {
		t.Fatalf("got %+v, %v", added, err)
	}
	if got := d.do("rename", "kitchen", "pantry"); got != "kitchen is pantry now\n" {
		t.Errorf("got %q", got)
	}
	if !d.list().Authenticate("pantry", added.Password, true) {
		t.Error("the password is another one")
	}
	var all []map[string]any
	if text := d.do("list", "--json"); json.Unmarshal([]byte(text), &all) != nil || len(all) != 1 ||
		all[0]["name"] != "pantry" || all[0]["kind"] != "password" || all[0]["state"] != "offline" || len(all[0]) != 5 {
		t.Errorf("got %s", text)
	}
	d.do("password", "pantry", "--password-file", d.path("secret"))
	secret, err := os.ReadFile(d.path("secret"))
	if err != nil || !d.list().Authenticate("pantry", strings.TrimSpace(string(secret)), true) {
		t.Errorf("the password in the file is none: %v", err)
	}
	if out := d.do("password", "pantry"); !strings.HasPrefix(out, "user name  pantry\npassword   ") {
		t.Errorf("got %q", out)
	}
	d.do("remove", "pantry", "--metric", "tempratur")
	want := []devices.Change{{Device: "kitchen", To: "pantry"}, {Device: "pantry", Metric: "tempratur"}}
	if list := d.list(); !list.Has("pantry") || !slices.Equal(list.Changes(), want) {
		t.Errorf("got %+v", list.Changes())
	}
	if got := d.do("remove", "pantry", "--json"); !strings.Contains(got, `"removed": "pantry"`) || d.list().Has("pantry") {
		t.Errorf("got %s", got)
	}
}

// With --keep a device whose password file is gone gets a new password, and gives up nothing.
func TestDeviceAdd_keep(t *testing.T) {
	d := newDeviceLine(t)
	var before string
	for _, gone := range []bool{false, false, true} {
		if gone {
			if err := os.Remove(d.path("secret")); err != nil {
				t.Fatal(err)
			}
		}
		d.do("add", "kitchen", "--keep", "--password-file", d.path("secret"))
		secret, err := os.ReadFile(d.path("secret"))
		now := strings.TrimSpace(string(secret))
		list := d.list()
		if err != nil || !list.Authenticate("kitchen", now, true) || len(list.Changes()) > 0 {
			t.Errorf("got %v, changes %v", err, list.Changes())
		}
		if before != "" && gone == (now == before) {
			t.Errorf("file gone %t: the password was %q and is %q", gone, before, now)
		}
		before = now
	}
}

// Bad input changes nothing, and the error says what is wrong with what.
func TestDevice_refuses(t *testing.T) {
	d := newDeviceLine(t)
	d.do("add", "kitchen")
	d.do("add", "attic")
	if err := os.WriteFile(d.path("there"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"rename kitchen attic", "attic: a device of this name exists already, try: another name"},
		{"rename kitchen kitchen", "kitchen: the device has this name already"},
		{"rename kitchen a/b", `"a/b": a device name is 1 to 63 letters`},
		{"rename cellar pantry", "cellar: no device of this name"},
		{"password cellar", "cellar: no device of this name"},
		{"password kitchen --password-file " + d.path("there"), d.path("there") + " exists"},
		{"password cellar --password-file " + d.path("none"), "cellar: no device of this name"},
		{"remove cellar --metric x", "cellar: no device of this name"},
		{"remove kitchen --metric=", `name "": empty`},
		{"show kitchen", "no gateway is running"},
		{"show a/b", `"a/b": a device name is`},
	} {
		_, err := d.run(strings.Fields(tt.args)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
		if tt.args == "show kitchen" && config.Hint(err) == "" {
			t.Errorf("%s: no fix in %v", tt.args, err)
		}
	}
	if list := d.list(); len(list.All()) != 2 || len(list.Changes()) > 0 {
		t.Errorf("something changed: %+v, %+v", list.All(), list.Changes())
	}
	if _, err := os.Stat(d.path("none")); err == nil {
		t.Error("a password file of no device is there")
	}
}
