package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"piway/shared/config"
)

// Files are the paths of what a client of AWS IoT needs, all PEM.
type Files struct {
	// Roots hold the certificates that vouch for the server. AWS gives several; all are used.
	Roots []string
	// Cert is the client's certificate, Key its private key.
	Cert, Key string
}

// Find looks in the folder dir for files named as AWS names its downloads, in any case of letters: all *root*,
// one *certificate.pem* and one *private.pem*. Passed over are public keys (*public.pem*), signing requests (*.csr.pem)
// and folders. What is not there is fs.ErrNotExist.
func Find(dir string) (Files, error) { return Files{}.FindRest(dir) }

// FindRest is Find for the fields that f leaves empty; those that are set stay as they are and are not looked for.
func (f Files) FindRest(dir string) (Files, error) {
	if len(f.Roots) > 0 && f.Cert != "" && f.Key != "" {
		return f, nil
	}
	found, err := scan(dir)
	if err != nil {
		return Files{}, err
	}
	var rootErr, certErr, keyErr error
	if len(f.Roots) == 0 {
		if f.Roots = found.roots; len(f.Roots) == 0 {
			rootErr = none(dir, "*root*", "AmazonRootCA1.pem")
		}
	}
	if f.Cert == "" {
		f.Cert, certErr = one(dir, found.certs, "*certificate.pem*", "<id>-certificate.pem.crt")
	}
	if f.Key == "" {
		f.Key, keyErr = one(dir, found.keys, "*private.pem*", "<id>-private.pem.key")
	}
	if err := errors.Join(rootErr, certErr, keyErr); err != nil {
		return Files{}, err
	}
	return f, nil
}

// one returns the only path found.
func one(dir string, found []string, pattern, what string) (string, error) {
	switch len(found) {
	case 0:
		return "", none(dir, pattern, what)
	case 1:
		return found[0], nil
	}
	return "", config.Try(fmt.Errorf("finding certificates in %s: %d files match %s: %s", dir, len(found), pattern,
		bases(found)),
		"set the path of the one to use")
}

func none(dir, pattern, what string) error {
	return config.Try(missingError{fmt.Errorf("finding certificates in %s: no file matches %s", dir, pattern)}, "put "+what+
		" there, or set its path")
}

// A missingError is fs.ErrNotExist of a file that has no certain name.
type missingError struct{ error }

func (missingError) Is(target error) bool { return target == fs.ErrNotExist } //nolint:errorlint // the target itself is asked for

func bases(paths []string) string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = filepath.Base(p)
	}
	return strings.Join(names, ", ")
}

// A folder is what a certificate folder holds, by name only.
type folder struct{ roots, certs, keys []string }

func scan(dir string) (folder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		err = fmt.Errorf("reading the certificate folder: %w", err)
		if errors.Is(err, fs.ErrPermission) {
			return folder{}, config.Permit(err, dir)
		}
		return folder{}, config.Try(err, "name the folder that holds the files downloaded from AWS IoT")
	}
	var f folder
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		// Stat follows links: mounted secrets are links to files, beside a link to their folder.
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			continue
		}
		switch name := strings.ToLower(e.Name()); {
		case strings.Contains(name, "public.pem"), strings.HasSuffix(name, csrEnd):
		case strings.Contains(name, "private.pem"):
			f.keys = append(f.keys, path)
		case strings.Contains(name, "root"):
			f.roots = append(f.roots, path)
		case strings.Contains(name, "certificate.pem"):
			f.certs = append(f.certs, path)
		}
	}
	return f, nil
}
