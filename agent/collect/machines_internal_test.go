package collect

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/collect/hosttest"
	"piway/agent/collect/mounts"
	"piway/agent/collect/systemd"
	"piway/shared/clock"
	"piway/shared/sample"
)

var update = flag.Bool("update", false, "write what is there instead of comparing with it")

// pretence is a file with what the clock is to say, whatever keeps this machine's.
var pretence string

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" { // reading the pretence costs more than many a sensor
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "clock")
	if err != nil {
		panic(err)
	}
	pretence = filepath.Join(dir, "clock")
	err = errors.Join(os.WriteFile(pretence, []byte("0s,synced"), 0o600), os.Setenv(clock.Variable, "@"+pretence))
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// machineFiles are the machines under testdata: each a text file of their files, "-- NAME --" before each, and beneath
// later/ those that are different a minute later. "␀" stands for a NUL, behind which the line does not end.
func machineFiles(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/machines/*.txt")
	if err != nil || len(all) < 6 {
		t.Fatalf("got %v, %v; want six machines", all, err)
	}
	return all
}

// unpack writes the files of a machine's text into dir.
func unpack(t testing.TB, file, dir string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n-- ") // what is before it describes the machine
	for part := range strings.SplitSeq(rest, "\n-- ") {
		name, content, _ := strings.Cut(part, " --\n")
		content = strings.ReplaceAll(content+"\n", "␀\n", "\x00")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// statfsOf answers from the file statfs of a machine: mount point, device, dir or file, blocks used and free, inodes,
// free inodes.
func statfsOf(dir string) func(string) (mounts.Space, error) {
	return func(path string) (mounts.Space, error) {
		text, err := os.ReadFile(filepath.Join(dir, "statfs"))
		if err != nil {
			return mounts.Space{}, err
		}
		for line := range strings.Lines(string(text)) {
			rest, ok := strings.CutPrefix(line, path+" ")
			var s mounts.Space
			var kind string
			if !ok {
				continue
			}
			if _, err := fmt.Sscan(rest, &s.Device, &kind, &s.Used, &s.Free, &s.Inodes, &s.FreeInodes); err == nil {
				s.IsDir = kind == "dir"
				return s, nil
			}
		}
		return mounts.Space{}, os.ErrNotExist
	}
}

// unitsOf answers from the file failed-units of a machine: the name of one in each line. Without it there is no systemd.
func unitsOf(dir string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) {
		text, err := os.ReadFile(filepath.Join(dir, "failed-units"))
		if err != nil {
			return nil, systemd.ErrNone
		}
		return strings.Fields(string(text)), nil
	}
}

// aMinuteOf reads a machine twice, a minute apart, and returns what the second reading gave.
func aMinuteOf(t *testing.T, dir string) (cloud, local []sample.Sample, said map[string]string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx := hosttest.On(t.Context(), dir)
		c := New(Options{
			CPU: true, Temperature: true, Memory: true, Health: true, statfs: statfsOf(dir), units: unitsOf(dir),
		})
		c.Collect(ctx)
		overlay(t, filepath.Join(dir, "later"), dir)
		time.Sleep(time.Minute)
		cloud, local = c.Collect(ctx)
		said = c.Attributes()
	})
	return cloud, local, said
}

// overlay puts the files of one folder into another, over those that are there.
func overlay(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); err != nil {
		return // it is the same a minute later
	}
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return os.Rename(path, filepath.Join(to, name))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// described is what a machine gave, a line for each sample and attribute.
func described(cloud, local []sample.Sample, said map[string]string) string {
	var b strings.Builder
	for where, samples := range map[string][]sample.Sample{"cloud": cloud, "local": local} {
		for _, s := range samples {
			name, value := s.Name, sample.FormatValue(s.Value)
			if strings.HasPrefix(name, "agent ") { // it is this test's
				value = "*"
			}
			fmt.Fprintf(&b, "%s  %s  %s %s\n", where, name, value, s.Unit)
		}
	}
	for key, text := range said {
		if key == "agent" { // another with each version
			text = "*"
		}
		fmt.Fprintf(&b, "says   %s  %s\n", key, text)
	}
	lines := slices.Sorted(strings.Lines(b.String()))
	return strings.Join(lines, "")
}

func TestMachines(t *testing.T) {
	yielded, keys := map[string]bool{}, map[string]bool{}
	for _, file := range machineFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, file, dir)
			cloud, local, said := aMinuteOf(t, dir)
			for _, s := range slices.Concat(cloud, local) {
				yielded[rowOf(t, s).Name] = true
			}
			for key := range said {
				keys[key] = true
			}
			golden(t, strings.TrimSuffix(file, ".txt")+".want", described(cloud, local, said))
		})
	}
	for _, row := range Table() {
		if !yielded[row.Name] {
			t.Errorf("no machine under testdata gives %q", row.Name)
		}
	}
	for _, a := range Attributes() {
		if !keys[a.Key] {
			t.Errorf("no machine under testdata says %q", a.Key)
		}
		delete(keys, a.Key)
	}
	for key := range keys {
		t.Errorf("attribute %q is not in the table", key)
	}
}

// rowOf returns the one row of a sample, and compares with it.
func rowOf(t *testing.T, s sample.Sample) Row {
	t.Helper()
	rows := slices.DeleteFunc(Table(), func(r Row) bool { return !r.Matches(s.Name) })
	if len(rows) != 1 || rows[0].Unit != s.Unit {
		t.Errorf("%q in %s: got the rows %v, want one with that unit", s.Name, s.Unit, rows)
		return Row{}
	}
	return rows[0]
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", file, diff)
	}
}
