package own

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"piway/shared/config"
	"piway/shared/sample"
)

// Put makes a reading the content of a file in the folder, in the place of what was put under that name before. ttl is
// what ParseTTL reads. Errors say what its caller can do about them.
func Put(dir, name, unit, value, ttl string) error {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	number, err := sample.ParseValue(value)
	if err == nil {
		err = sample.CheckValue(number)
	}
	_, ttlErr := ParseTTL(ttl)
	if err := errors.Join(sample.CheckName(name), sample.CheckUnit(unit), err, ttlErr); err != nil {
		return err
	}
	// Of printable ASCII Go's quotes are JSON's.
	text := fmt.Appendf(nil, `{"name":%q,"unit":%q,"value":%s`, name, unit, sample.FormatValue(number))
	if ttl != "" {
		text = fmt.Appendf(text, `,"ttl":%q`, ttl)
	}
	if err := put(filepath.Join(dir, fileName(name)), append(text, "}\n"...)); err != nil {
		return hinted(err, dir)
	}
	return nil
}

// simple are the names that can be a file's as they are.
var simple = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// notSimple is what a file's name should not hold.
var notSimple = regexp.MustCompile(`[^a-z0-9._-]+`)

// fileName is that of a metric's file. Names that the gateway takes for one have one; others have others.
func fileName(metric string) string {
	name := folded(metric)
	if simple.MatchString(name) {
		return name + suffix
	}
	sum := sha256.Sum256([]byte(name))
	readable := strings.Trim(notSimple.ReplaceAllString(name, "-"), ".-")
	return fmt.Sprintf("%s-%x%s", readable[:min(len(readable), 100)], sum[:8], suffix)
}

// hinted says what can be done about a folder that cannot be written to.
func hinted(err error, dir string) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("writing to %s: %w", dir, e.Err) // the file's own name says nothing
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return config.Try(err, "start the agent, whose unit makes the folder: sudo systemctl start piway-agent; or name "+
			"another with --folder, and in collect.folder of agent.yaml")
	case errors.Is(err, fs.ErrPermission):
		return config.Try(err, invitation(dir))
	}
	return err
}

// invitation is how one gets to write to a folder.
func invitation(dir string) string {
	info, err := os.Stat(dir)
	if err == nil {
		s, ok := info.Sys().(*syscall.Stat_t)
		if ok && s.Gid != 0 && info.Mode().Perm()&0o030 == 0o030 {
			group := strconv.FormatUint(uint64(s.Gid), 10)
			if g, err := user.LookupGroupId(group); err == nil {
				group = g.Name
			}
			return `sudo usermod -aG ` + group + ` "$USER", then log in again`
		}
	}
	return "sudo chgrp piway " + dir + " && sudo chmod 2775 " + dir
}
