package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"piway/proof/world"
	"piway/shared/config"
)

// Tools are what a machine is made with.
type Tools struct {
	qemu, busybox, mkfs, dumpe2fs string
	kernel                        string // an image that QEMU boots
	modules                       string // the folder of its modules
}

// kernelPackage is a Debian package that leads to a small kernel for virtual machines.
const kernelPackage = "linux-image-cloud-amd64"

// FindTools looks for the programs, and fetches a kernel into the user's cache folder if none is there.
func FindTools(ctx context.Context) (t Tools, err error) {
	for _, tool := range []struct {
		path *string
		name string
		in   string // a package
	}{
		{&t.qemu, "qemu-system-x86_64", "qemu-system-x86"},
		{&t.busybox, "busybox", "busybox-static"},
		{&t.mkfs, "mkfs.ext4", "e2fsprogs"},
		{&t.dumpe2fs, "dumpe2fs", "e2fsprogs"},
	} {
		if *tool.path = world.LookTool(tool.name); *tool.path == "" {
			return t, config.Try(fmt.Errorf("%s is not installed", tool.name), "apt-get install --no-install-recommends "+
				tool.in)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return t, err
	}
	cache = filepath.Join(cache, "piway-powercut")
	if t.findKernel(cache) == nil {
		return t, nil
	}
	if err := fetchKernel(ctx, cache); err != nil {
		return t, err
	}
	return t, t.findKernel(cache)
}

// findKernel takes what fetchKernel left.
func (t *Tools) findKernel(cache string) error {
	images, err := filepath.Glob(filepath.Join(cache, "kernel/boot/vmlinuz-*"))
	if err != nil {
		return err
	}
	if len(images) == 0 {
		return fmt.Errorf("no kernel in %s", cache)
	}
	t.kernel = slices.Max(images)
	version := strings.TrimPrefix(filepath.Base(t.kernel), "vmlinuz-")
	t.modules = filepath.Join(cache, "kernel/lib/modules", version)
	_, err = os.Stat(t.modules)
	return err
}

// fetchKernel unpacks Debian's newest kernel for virtual machines below the folder; nothing is installed. It is there
// whole or not at all: of two that fetch it at a time, and of one that was broken off, nothing half is left.
func fetchKernel(ctx context.Context, cache string) (err error) {
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return err
	}
	debs, err := os.MkdirTemp(cache, "fetching-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(debs)) }()
	name, err := kernelName(ctx, debs)
	if err != nil {
		return err
	}
	if _, err := command(ctx, debs, "apt-get", "download", name); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, name+"_*.deb"))
	if err != nil || len(files) == 0 {
		return errors.Join(fmt.Errorf("%s was not downloaded", name), err)
	}
	unpacked := filepath.Join(debs, "kernel")
	if _, err := command(ctx, debs, "dpkg-deb", "-x", slices.Max(files), unpacked); err != nil {
		return err
	}
	err = os.Rename(unpacked, filepath.Join(cache, "kernel"))
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else was faster
	}
	return err
}

// kernelName is the package that kernelPackage leads to.
func kernelName(ctx context.Context, dir string) (name string, err error) {
	depends, err := command(ctx, dir, "apt-cache", "depends", kernelPackage)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(depends) {
		if dep, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok && strings.HasPrefix(dep, "linux-image-") {
			name = dep
		}
	}
	if name == "" {
		return "", config.Try(fmt.Errorf("the package %s is not known", kernelPackage), "apt-get update")
	}
	return name, nil
}

// command runs a program in a folder and returns what it says.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // programs that are named above
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// wanted are the drivers of the machine's devices; the rest is in the kernel.
var wanted = []string{"virtio_pci", "virtio_blk", "virtio_net"}

// findModules returns the wanted modules and those that they need, each behind what it needs.
func findModules(dir string, wanted []string) ([]entry, error) {
	f := finder{dir: dir, paths: map[string]string{}, done: map[string]bool{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok && err == nil && !d.IsDir() {
			f.paths[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, name := range wanted {
		if err := f.add(name); err != nil {
			return nil, err
		}
	}
	return f.ordered, nil
}

type finder struct {
	dir     string
	paths   map[string]string
	done    map[string]bool
	ordered []entry
}

func (f *finder) add(name string) error {
	if f.done[name] {
		return nil
	}
	f.done[name] = true
	path, ok := f.paths[name]
	if !ok {
		return fmt.Errorf("no module %s in %s", name, f.dir)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, need := range needs(text) {
		if err := f.add(need); err != nil {
			return err
		}
	}
	f.ordered = append(f.ordered, entry{name, 0o644, text})
	return nil
}

// needs are the modules without which this one cannot be loaded, as its file says: "depends=a,b" between two zero
// bytes.
func needs(module []byte) (names []string) {
	for field := range bytes.SplitSeq(module, []byte{0}) {
		list, ok := bytes.CutPrefix(field, []byte("depends="))
		if !ok {
			continue
		}
		for name := range strings.SplitSeq(string(list), ",") {
			if name != "" {
				names = append(names, strings.ReplaceAll(name, "-", "_"))
			}
		}
	}
	return names
}
