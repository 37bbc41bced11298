package pki_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/pki"
)

func TestFind(t *testing.T) {
	const (
		noRoot = "finding certificates in DIR: no file matches *root*, try: put AmazonRootCA1.pem there, or set its path"
		noCert = "finding certificates in DIR: no file matches *certificate.pem*, try: put <id>-certificate.pem.crt there, " +
			"or set its path"
		noKey = "finding certificates in DIR: no file matches *private.pem*, try: put <id>-private.pem.key there, or set its path"
	)
	for _, c := range []struct {
		name, files string
		want        pki.Files
		err         string
	}{
		{"AWS's names", "AmazonRootCA1.pem AmazonRootCA3.pem 0a-certificate.pem.crt 0a-private.pem.key 0a-public.pem.key " +
			"root-public.pem.key", pki.Files{
			Roots: []string{"AmazonRootCA1.pem", "AmazonRootCA3.pem"}, Cert: "0a-certificate.pem.crt", Key: "0a-private.pem.key",
		}, ""},
		{"any case", "ROOT.crt x.CERTIFICATE.PEM.txt Private.Pem", pki.Files{
			Roots: []string{"ROOT.crt"}, Cert: "x.CERTIFICATE.PEM.txt", Key: "Private.Pem",
		}, ""},
		{"a root may be a certificate.pem too", "root-certificate.pem certificate.pem private.pem", pki.Files{
			Roots: []string{"root-certificate.pem"}, Cert: "certificate.pem", Key: "private.pem",
		}, ""},
		{"beside a server's pair", "AmazonRootCA1.pem 1-certificate.pem.crt 1-private.pem.key server.pem.crt " +
			"server.pem.key client-ca.pem", pki.Files{
			Roots: []string{"AmazonRootCA1.pem"}, Cert: "1-certificate.pem.crt", Key: "1-private.pem.key",
		}, ""},
		{"nothing", "README.md root/ private.pem.d/", pki.Files{}, noRoot + "\n" + noCert + "\n" + noKey},
		{"no key but a public one", "root.pem a-certificate.pem a-public.pem.key", pki.Files{}, noKey},
		{
			"two certificates and keys", "root.pem a-certificate.pem b-certificate.pem a-private.pem b-private.pem",
			pki.Files{},
			"finding certificates in DIR: 2 files match *certificate.pem*: a-certificate.pem, b-certificate.pem, try: set the " +
				"path of the one to use\n" +
				"finding certificates in DIR: 2 files match *private.pem*: a-private.pem, b-private.pem, try: set the path of " +
				"the one to use",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folderOf(t, c.files)
			got, err := pki.Find(dir)
			if diff := cmp.Diff(inside(dir, c.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if text := strings.ReplaceAll(errText(err), dir, "DIR"); text != c.err {
				t.Errorf("got error:\n%s\nwant:\n%s", text, c.err)
			}
		})
	}
}

func TestFiles_FindRest_keepsWhatIsSet(t *testing.T) {
	dir := folderOf(t, "root.pem a-certificate.pem b-certificate.pem a-private.pem")
	got, err := pki.Files{Cert: "/elsewhere/a.crt"}.FindRest(dir)
	want := pki.Files{
		Roots: []string{filepath.Join(dir, "root.pem")}, Cert: "/elsewhere/a.crt",
		Key: filepath.Join(dir, "a-private.pem"),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	all := pki.Files{Roots: []string{"r"}, Cert: "c", Key: "k"}
	if got, err := all.FindRest(filepath.Join(dir, "absent")); err != nil || !cmp.Equal(got, all) {
		t.Errorf("all set: got %v, %v, want them without a look into the folder", got, err)
	}
}

func TestFind_absentFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	if _, err := pki.Find(dir); !strings.Contains(errText(err), dir) || !strings.Contains(errText(err), ", try: ") {
		t.Errorf("got %v, want one that names %s and what to try", err, dir)
	}
}

func TestFind_followsLinks(t *testing.T) {
	dir := folderOf(t, "..data/")
	for _, name := range []string{"root.pem", "a-certificate.pem", "a-private.pem"} {
		write(t, filepath.Join(dir, "..data", name), nil)
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pki.Find(dir); err != nil {
		t.Error(err)
	}
}

// folderOf makes a folder with these files, and folders where a name ends in a slash.
func folderOf(t *testing.T, names string) string {
	t.Helper()
	dir := t.TempDir()
	for name := range strings.FieldsSeq(names) {
		if !strings.HasSuffix(name, "/") {
			write(t, filepath.Join(dir, name), nil)
		} else if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func inside(dir string, f pki.Files) pki.Files {
	if f.Cert == "" {
		return f
	}
	for i := range f.Roots {
		f.Roots[i] = filepath.Join(dir, f.Roots[i])
	}
	f.Cert, f.Key = filepath.Join(dir, f.Cert), filepath.Join(dir, f.Key)
	return f
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
