package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"piway/shared/config"
)

// Bounds of an archive. A list of 10,000 devices has 3 MB.
const (
	maxFile  = 16 << 20
	maxTotal = 32 << 20
	maxFiles = 100
)

const (
	format  = "piway-backup"
	version = 1

	manifestName = "manifest.json"
	configName   = "gateway.yaml"
	devicesName  = "devices.json"
	pkiPrefix    = "pki/"
	awsPrefix    = "aws/"

	caKey = pkiPrefix + "ca.key"
)

// A File is one of an archive. Its name is a fixed one, or pki/ or aws/ and a plain name.
type File struct {
	Name string
	Text []byte
	// Role of a file of aws/: root, cert or key.
	Role string
}

// An Archive is what Gather made, or Read.
type Archive struct {
	Made time.Time
	// Devices on the list, and how many of them are revoked.
	Devices, Revoked int
	Files            []File
}

type manifest struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Made    time.Time `json:"made"`
	Devices int       `json:"devices"`
	Files   []entry   `json:"files"`
}

type entry struct {
	Name   string `json:"name"`
	Role   string `json:"role,omitempty"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// file returns the text of a file, nil if the archive has none of this name.
func (a *Archive) file(name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Text
		}
	}
	return nil
}

// below returns the files of a folder.
func (a *Archive) below(prefix string) (found []File) {
	for _, f := range a.Files {
		if len(f.Name) > len(prefix) && f.Name[:len(prefix)] == prefix {
			found = append(found, f)
		}
	}
	return found
}

// HasAWSKey says whether the archive holds what proves the gateway to AWS.
func (a *Archive) HasAWSKey() bool { return len(a.below(awsPrefix)) > 0 }

// HasAuthority says whether it holds the gateway's authority on the LAN.
func (a *Archive) HasAuthority() bool { return a.file(caKey) != nil }

// Write writes the archive as a tar.
func (a *Archive) Write(w io.Writer) error {
	m := manifest{Format: format, Version: version, Made: a.Made.UTC().Truncate(time.Second), Devices: a.Devices}
	for _, f := range a.Files {
		m.Files = append(m.Files, entry{f.Name, f.Role, len(f.Text), sum(f.Text)})
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	t := tar.NewWriter(w)
	for _, f := range append([]File{{Name: manifestName, Text: append(text, '\n')}}, a.Files...) {
		err := t.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Text)), Mode: 0o600, ModTime: m.Made, Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = t.Write(f.Text)
		}
		if err != nil {
			return fmt.Errorf("writing the backup: %w", err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// plainName is what a file below pki/ or aws/ may be called: nothing that leads elsewhere, and nothing hidden.
var plainName = regexp.MustCompile(`^(pki|aws)/[A-Za-z0-9_][A-Za-z0-9._@+-]{0,127}$`)

func goodName(name string) bool {
	return name == configName || name == devicesName || plainName.MatchString(name)
}

const tryAgain = "another copy of the backup"

// Read reads an archive, and believes nothing of it: names, sizes, sums and kinds of its files are checked, and all are
// in memory before the first is used. It reads at most 33 MB.
func Read(r io.Reader) (*Archive, error) {
	a, err := read(tar.NewReader(io.LimitReader(r, maxTotal+(maxFiles+3)*1024)))
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	return a, nil
}

func read(t *tar.Reader) (*Archive, error) {
	first, err := next(t)
	if err != nil || first.Name != manifestName {
		return nil, config.Try(errors.Join(errors.New("it is not one of piway-gateway backup"), err),
			"if it is encrypted, decrypt it into a pipe: … | piway-gateway restore -")
	}
	m, err := readManifest(first.Text)
	if err != nil {
		return nil, err
	}
	a := &Archive{Made: m.Made, Devices: m.Devices}
	total := 0
	for _, want := range m.Files {
		f, err := want.from(t)
		if err != nil {
			return nil, err
		}
		if total += want.Size; total > maxTotal {
			return nil, fmt.Errorf("it has more than %d bytes", maxTotal)
		}
		a.Files = append(a.Files, f)
	}
	if f, err := next(t); err == nil {
		return nil, fmt.Errorf("it has %.80q, of which its manifest says nothing", f.Name)
	}
	a.Devices, a.Revoked = count(a.file(devicesName))
	return a, nil
}

// from reads the file that the manifest says comes next.
func (want entry) from(t *tar.Reader) (File, error) {
	f, err := next(t)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return f, config.Try(fmt.Errorf("it is cut off before the end of %s", want.Name), tryAgain)
	case err != nil:
		return f, config.Try(err, tryAgain)
	case f.Name != want.Name:
		return f, fmt.Errorf("it has %.80q where its manifest has %s", f.Name, want.Name)
	case len(f.Text) != want.Size || sum(f.Text) != want.SHA256:
		return f, config.Try(fmt.Errorf("%s is damaged: its sum is another than the manifest's", want.Name), tryAgain)
	}
	f.Role = want.Role
	return f, nil
}

// next reads a file. Links, folders, devices and all else that is not a plain file are refused.
func next(t *tar.Reader) (File, error) {
	h, err := t.Next()
	if err != nil {
		return File{}, err
	}
	if h.Typeflag != tar.TypeReg {
		return File{}, fmt.Errorf("%.80q is not a plain file", h.Name)
	}
	if h.Size > maxFile {
		return File{}, fmt.Errorf("%.80q has %d bytes, and may have %d", h.Name, h.Size, maxFile)
	}
	text, err := io.ReadAll(io.LimitReader(t, maxFile+1))
	if err != nil {
		return File{}, err
	}
	return File{Name: h.Name, Text: text}, nil
}

func readManifest(text []byte) (manifest, error) {
	var m manifest
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestName, err)
	}
	switch {
	case m.Format != format || m.Version < 1:
		return m, fmt.Errorf("its format is %.40q, version %d, not %s", m.Format, m.Version, format)
	case m.Version > version:
		return m, config.Try(fmt.Errorf("its format has version %d, and this program reads %d", m.Version, version),
			"a newer piway-gateway")
	case len(m.Files) > maxFiles:
		return m, fmt.Errorf("it has %d files, and may have %d", len(m.Files), maxFiles)
	}
	return m, m.checkNames()
}

func (m *manifest) checkNames() error {
	seen := map[string]bool{}
	for _, f := range m.Files {
		if !goodName(f.Name) || seen[f.Name] {
			return fmt.Errorf("the name %.80q is not one of a backup's, or there twice", f.Name)
		}
		seen[f.Name] = true
	}
	if !seen[configName] || !seen[devicesName] {
		return fmt.Errorf("it has no %s or no %s", configName, devicesName)
	}
	return nil
}

// count returns how many devices a list has, and how many of them are revoked.
func count(list []byte) (devices, revoked int) {
	var l struct {
		Devices []struct{ Revoked time.Time }
	}
	if json.Unmarshal(list, &l) != nil {
		return 0, 0 // told by who needs it
	}
	for _, d := range l.Devices {
		if !d.Revoked.IsZero() {
			revoked++
		}
	}
	return len(l.Devices), revoked
}
