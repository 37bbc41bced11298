// Package arrows holds the drawing of who may import whom and the test that keeps the tree to it.
// Nothing imports this package: it is read, and its test runs.
package arrows

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// An Import is one import line of one Go file.
type Import struct {
	// File is the importing file, as a slash-separated path from the root of the module.
	File string
	// Path is what it imports.
	Path string
}

// Package is the folder of the importing file; "." is the root of the module.
func (i Import) Package() string { return path.Dir(i.File) }

// IsTest says whether the importing file is compiled for tests only.
func (i Import) IsTest() bool { return strings.HasSuffix(i.File, "_test.go") }

// Scan returns the imports of every Go file below root, whatever its build tags say.
// Like the go command it passes over testdata, names that begin with "." or "_", and other modules.
func Scan(root fs.FS) ([]Import, error) {
	var found []Import
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if name != "." && isForeign(root, name) {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		more, err := scanFile(root, name)
		found = append(found, more...)
		return err
	})
	return found, err
}

// isForeign says whether the folder holds no packages of this module.
func isForeign(root fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func scanFile(root fs.FS, name string) ([]Import, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("parsing imports: %w", err)
	}
	var found []Import
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("parsing imports: %s: %s: %w", name, spec.Path.Value, err)
		}
		found = append(found, Import{File: name, Path: target})
	}
	return found, nil
}

// Rules say which imports are allowed; all others are not. Packages on the right are patterns of path.Match, and "..."
// is any package. PACKAGE_test stands for the test files of PACKAGE: on the left for what they may import beyond their
// package and its row, on the right for them alone.
type Rules struct {
	// Module is the path of the module that the packages belong to.
	Module string
	// Inside has a row for each package: which packages of the module it may import.
	Inside map[string][]string
	// Libraries has a row for each library, named by its leading path: which packages may import it.
	// No row lies below another.
	Libraries map[string][]string
	// InsideTests are the packages of the module that any test file may import.
	InsideTests []string
	// TestLibraries may be imported by any test file and by nothing else.
	TestLibraries []string
}

// Check returns a sentence for each import that the rules do not allow, each once and sorted.
func (r Rules) Check(imports []Import) []string {
	wrong := map[string]bool{}
	for _, i := range imports {
		if why := r.refuse(i); why != "" {
			wrong[fmt.Sprintf("%s imports %s: %s", i.File, i.Path, why)] = true
		}
	}
	return slices.Sorted(maps.Keys(wrong))
}

// Unused returns the packages that have a row in the rules but import nothing and are imported by nobody:
// a drawing of what is not there misleads.
func (r Rules) Unused(imports []Import) []string {
	there := map[string]bool{}
	for _, i := range imports {
		there[i.Package()] = true
		if target, ok := strings.CutPrefix(i.Path, r.Module+"/"); ok {
			there[target] = true
		}
	}
	var unused []string
	for row := range r.Inside {
		if !there[strings.TrimSuffix(row, "_test")] {
			unused = append(unused, row)
		}
	}
	return slices.Sorted(slices.Values(unused))
}

// refuse says why the import is not allowed; "" means that it is.
func (r Rules) refuse(i Import) string {
	if target, ok := strings.CutPrefix(i.Path, r.Module+"/"); ok {
		return r.refuseInside(i, target)
	}
	if first, _, _ := strings.Cut(i.Path, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	return r.refuseLibrary(i)
}

func (r Rules) refuseInside(i Import, target string) string {
	pkg := i.Package()
	allowed, known := r.Inside[pkg]
	switch {
	case !known:
		return fmt.Sprintf("package %s has no row in the table of arrows, try: give it one", pkg)
	case matches(allowed, target):
		return ""
	case i.IsTest() && (target == pkg || matches(r.InsideTests, target) || matches(r.Inside[pkg+"_test"], target)):
		return ""
	}
	return fmt.Sprintf("no arrow goes from %s to %s", pkg, target)
}

func (r Rules) refuseLibrary(i Import) string {
	for _, lib := range r.TestLibraries {
		if within(i.Path, lib) {
			if i.IsTest() {
				return ""
			}
			return lib + " is for tests only"
		}
	}
	for lib, allowed := range r.Libraries {
		switch {
		case !within(i.Path, lib):
		case matches(allowed, i.Package()), i.IsTest() && matches(allowed, i.Package()+"_test"):
			return ""
		default:
			return fmt.Sprintf("%s belongs to %s", lib, strings.Join(allowed, ", "))
		}
	}
	return "the library has no row in the table of libraries, try: give it one importing package"
}

// within says whether an import path is the library or lies below it.
func within(target, lib string) bool {
	return target == lib || strings.HasPrefix(target, lib+"/")
}

// matches says whether one of the patterns names the package.
func matches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, pkg); p == "..." || (err == nil && ok) {
			return true
		}
	}
	return false
}
