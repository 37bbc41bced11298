package mounts

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"piway/shared/files"
)

// knownFile is the name of the file with the mount points that were seen.
const knownFile = "mounts"

// Known are the mount points that disks were found at, in this run and in earlier ones. After a power cut the
// folder is still there on which no disk is mounted any more, and often no other file tells that one was. It is safe
// for concurrent use.
type Known struct {
	file string // "" to know those of this run only
	log  *slog.Logger

	saving sync.Mutex // taken before mu

	mu     sync.Mutex
	loaded bool
	points []string
}

// NewKnown returns those that a file in dir remembers; without dir only those of this run are known.
func NewKnown(dir string, log *slog.Logger) *Known {
	k := &Known{log: log}
	if dir != "" {
		k.file = filepath.Join(dir, knownFile)
	}
	return k
}

// above returns the deepest of them at or above path, "" if there is none.
func (k *Known) above(path string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load()
	return deepest(path, k.points)
}

// add remembers a mount point. The file is written once per mount point; its folder is made if need be.
func (k *Known) add(point string) {
	if !k.learn(point) || k.file == "" {
		return
	}
	if err := k.save(); err != nil {
		k.log.Info("where disks are mounted is remembered until the agent ends only", "err", err)
	}
}

// learn returns whether point is new.
func (k *Known) learn(point string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load()
	if point == "/" || slices.Contains(k.points, point) {
		return false
	}
	k.points = append(k.points, point)
	return true
}

// save writes the file. Only who has a new mount point waits for a slow disk.
func (k *Known) save() error {
	k.saving.Lock()
	defer k.saving.Unlock()
	k.mu.Lock()
	text := formatKnown(k.points)
	k.mu.Unlock()
	if err := files.System.Mkdir(filepath.Dir(k.file), 0o700); err != nil {
		return err
	}
	return files.Replace(files.System, k.file, []byte(text), 0o600)
}

// load reads the file, once. It expects mu to be locked.
func (k *Known) load() {
	if k.loaded || k.file == "" {
		return
	}
	k.loaded = true
	text, err := os.ReadFile(k.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.log.Info("cannot read which disks were mounted", "err", err)
	}
	k.points = parseKnown(string(text))
}

// escapes are those of the file, a part of those that the kernel writes.
var escapes = strings.NewReplacer(`\`, `\134`, "\n", `\012`)

// formatKnown returns the file's text: a mount point per line.
func formatKnown(points []string) string {
	var b strings.Builder
	for _, p := range points {
		_, _ = escapes.WriteString(&b, p) // never fails, says strings.Builder
		b.WriteByte('\n')
	}
	return b.String()
}

// parseKnown reads the file's text. What is no clean absolute path is left out.
func parseKnown(text string) []string {
	var points []string
	for line := range strings.Lines(text) {
		p := unescape(strings.TrimSuffix(line, "\n"))
		if strings.HasPrefix(p, "/") && filepath.Clean(p) == p && !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	return points
}
