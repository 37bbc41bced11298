// Package hosttest makes machines of files, for tests of what reads them. Nothing else imports it.
package hosttest

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shirou/gopsutil/v3/common"

	"piway/agent/collect/reading"
)

// Write writes a file, and makes its folders.
func Write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// On returns a context in which the machine is the one whose files are in dir.
func On(ctx context.Context, dir string) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: filepath.Join(dir, "proc"),
		common.HostSysEnvKey:  filepath.Join(dir, "sys"),
		common.HostEtcEnvKey:  filepath.Join(dir, "etc"),
		common.HostRunEnvKey:  filepath.Join(dir, "run"),
	})
}

// WithFile returns the files and one more.
func WithFile(files map[string]string, name, text string) map[string]string {
	files = maps.Clone(files)
	files[name] = text
	return files
}

// Read reads a source on a machine of these files and returns what it gave, by name, what it said, and why not all.
func Read(
	t *testing.T, files map[string]string, read reading.Source,
) (got map[string]float64, said map[string]string, _ error) {
	t.Helper()
	f := reading.Guarded(On(t.Context(), New(t, files)), read)
	got = map[string]float64{}
	for _, s := range f.Samples {
		got[s.Name] = s.Value
	}
	return got, f.Attributes, f.Err
}

// Merged returns all files.
func Merged(all ...map[string]string) map[string]string {
	files := map[string]string{}
	for _, one := range all {
		maps.Copy(files, one)
	}
	return files
}

// Without returns the files but those with part in their names.
func Without(files map[string]string, part string) map[string]string {
	files = maps.Clone(files)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.Contains(name, part) })
	return files
}

// New writes these files, whose names begin with proc, sys and so on, into a folder of the test's, and returns it. The folder's name is no pattern.
func New(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a [b] *")
	for name, text := range files {
		Write(t, filepath.Join(dir, name), text)
	}
	return dir
}
