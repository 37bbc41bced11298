// Package world is what the proofs stand on that tests run: the programs as real processes, a stand-in for AWS,
// devices with passwords, and a book of what arrived. Its one promise: nothing of it outlives the test.
package world

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/proof/rig"
)

var programs struct {
	once    sync.Once
	dir     string
	gateway string
	err     error
}

// Main runs the tests of a package and removes the programs that they had built.
func Main(m *testing.M) {
	code := m.Run()
	if programs.dir != "" {
		_ = os.RemoveAll(programs.dir) // what is left is harmless
	}
	os.Exit(code)
}

// Gateway returns the path of the program piway-gateway, built when a test first asks for it. Its package's TestMain
// calls Main.
func Gateway(t testing.TB) string {
	t.Helper()
	programs.once.Do(func() {
		if programs.dir, programs.err = os.MkdirTemp("", "piway-proof-"); programs.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute)
		defer cancel()
		if _, programs.gateway, _, programs.err = rig.Build(ctx, programs.dir); programs.err == nil {
			readTree()
		}
	})
	if programs.err != nil {
		t.Fatal(programs.err)
	}
	return programs.gateway
}

// readTree reads the folders of the module. The go command knows what a test reads, and not what it builds: without
// this it would take a result from its cache after the source of a program changed.
func readTree() {
	_ = filepath.WalkDir("../..", func(_ string, d fs.DirEntry, err error) error { // a hole is no harm
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return nil
	})
}

// Core runs a localcore without policy until the test ends, and returns its address and its certificates.
func Core(t testing.TB, onDatum func(cloudwatch.Datum)) (endpoint, certs string) {
	t.Helper()
	certs = filepath.Join(t.TempDir(), "certs")
	cfg := localcore.Config{Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Certs: certs, OnDatum: onDatum}
	c, err := localcore.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("localcore: %v", err)
		}
	})
	return c.MQTTAddr().String(), certs
}

// Devices puts n devices on the list of a gateway that does not run, and returns their passwords by name.
func Devices(t testing.TB, data string, n int) map[string]string {
	t.Helper()
	if err := os.MkdirAll(data, 0o750); err != nil {
		t.Fatal(err)
	}
	list, err := devices.Open(datadir.Devices(data))
	if err != nil {
		t.Fatal(err)
	}
	passwords := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("pi-%04d", i)
		if passwords[name], err = list.Add(name); err != nil {
			t.Fatal(err)
		}
	}
	return passwords
}
