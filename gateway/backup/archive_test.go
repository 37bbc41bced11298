package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"piway/shared/config"
)

const aList = `{
  "devices": [
    {
      "name": "kitchen",
      "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "added": "2026-01-02T03:04:05Z"
    }
  ]
}
`

// anArchive is one with all that there can be.
func anArchive() *Archive {
	return &Archive{
		Made: time.Date(2026, 11, 27, 20, 50, 0, 0, time.UTC), Devices: 1,
		Files: []File{
			{Name: configName, Text: []byte("# mine\nsite: home\n")},
			{Name: devicesName, Text: []byte(aList)},
			{Name: "pki/ca.crt", Text: []byte("a certificate")},
			{Name: caKey, Text: []byte("a key")},
			{Name: "aws/gw-private.pem.key", Text: []byte("another key"), Role: roleKey},
			{Name: "aws/gw-certificate.pem.crt", Text: []byte("another certificate"), Role: roleCert},
			{Name: "aws/AmazonRootCA1.pem", Text: []byte("a root"), Role: roleRoot},
		},
	}
}

func written(t testing.TB, a *Archive) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := a.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	want := anArchive()
	got, err := Read(bytes.NewReader(written(t, want)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if !got.HasAWSKey() || !got.HasAuthority() {
		t.Error("something is missing")
	}
}

// A tape is a tar that nobody here would write.
type tape struct {
	t testing.TB
	b bytes.Buffer
	w *tar.Writer
}

func newTape(t testing.TB) *tape {
	p := &tape{t: t}
	p.w = tar.NewWriter(&p.b)
	return p
}

func (p *tape) put(h tar.Header, text []byte) *tape {
	p.t.Helper()
	if h.Typeflag == tar.TypeReg {
		h.Size = int64(len(text))
	}
	if err := p.w.WriteHeader(&h); err != nil {
		return p // not every header can be written
	}
	if h.Typeflag == tar.TypeReg {
		if _, err := p.w.Write(text); err != nil {
			p.t.Fatal(err)
		}
	}
	return p
}

func (p *tape) plain(name string, text []byte) *tape {
	return p.put(tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600}, text)
}

// manifest puts one that fits the files.
func (p *tape) manifest(files ...File) *tape {
	m := manifest{Format: format, Version: version}
	for _, f := range files {
		m.Files = append(m.Files, entry{f.Name, f.Role, len(f.Text), sum(f.Text)})
	}
	text, err := json.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.plain(manifestName, text)
}

func (p *tape) bytes() []byte {
	_ = p.w.Close() // some are cut off on purpose
	return p.b.Bytes()
}

func TestRead_refuses(t *testing.T) {
	all := anArchive().Files
	good := written(t, anArchive())
	with := func(extra File, kind byte) []byte {
		p := newTape(t).manifest(append(all, extra)...)
		for _, f := range all {
			p.plain(f.Name, f.Text)
		}
		return p.put(tar.Header{Name: extra.Name, Typeflag: kind, Linkname: "/etc/passwd", Mode: 0o777}, extra.Text).bytes()
	}
	damaged := bytes.Replace(good, []byte("another key"), []byte("another kex"), 1)
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"nothing":        {nil, "not one of piway-gateway backup"},
		"encrypted":      {[]byte(strings.Repeat("age-encryption.org/v1\n", 100)), "not one of piway-gateway backup"},
		"another tar":    {newTape(t).plain("hello", nil).bytes(), "not one of piway-gateway backup"},
		"another format": {newTape(t).plain(manifestName, []byte(`{"format":"zip","version":1}`)).bytes(), "its format"},
		"a newer format": {newTape(t).plain(manifestName, []byte(`{"format":"piway-backup","version":2}`)).bytes(), "version 2"},
		"no JSON":        {newTape(t).plain(manifestName, []byte(`x`)).bytes(), "manifest.json"},
		"no devices":     {newTape(t).manifest(all[0]).plain(all[0].Name, all[0].Text).bytes(), "no gateway.yaml or no devices.json"},
		"cut off":        {good[:len(good)/2], "cut off"},
		"damaged":        {damaged, "damaged"},
		"another order":  {newTape(t).manifest(all[:2]...).plain(all[1].Name, all[1].Text).bytes(), "where its manifest has"},
		"one too many":   {newTape(t).manifest(all[:2]...).plain(all[0].Name, all[0].Text).plain(all[1].Name, all[1].Text).plain("pki/x", nil).bytes(), "says nothing"},
		"there twice":    {with(all[0], tar.TypeReg), "there twice"},
		"above":          {with(File{Name: "../x"}, tar.TypeReg), "not one of a backup's"},
		"above in pki":   {with(File{Name: "pki/../../x"}, tar.TypeReg), "not one of a backup's"},
		"two dots":       {with(File{Name: "pki/.."}, tar.TypeReg), "not one of a backup's"},
		"deep":           {with(File{Name: "pki/a/b"}, tar.TypeReg), "not one of a backup's"},
		"absolute":       {with(File{Name: "/etc/passwd"}, tar.TypeReg), "not one of a backup's"},
		"hidden":         {with(File{Name: "pki/.x"}, tar.TypeReg), "not one of a backup's"},
		"a link":         {with(File{Name: "pki/x"}, tar.TypeSymlink), "not a plain file"},
		"a second name":  {with(File{Name: "pki/x"}, tar.TypeLink), "not a plain file"},
		"a folder":       {with(File{Name: "pki/x"}, tar.TypeDir), "not a plain file"},
		"a device":       {with(File{Name: "pki/x"}, tar.TypeChar), "not a plain file"},
		"large":          {with(File{Name: "pki/x", Text: make([]byte, maxFile+1)}, tar.TypeReg), "may have"},
	} {
		_, err := Read(bytes.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	var many []File
	for n := range maxFiles + 1 {
		many = append(many, File{Name: "pki/" + strings.Repeat("x", n+1)})
	}
	if _, err := Read(bytes.NewReader(newTape(t).manifest(many...).bytes())); err == nil ||
		!strings.Contains(err.Error(), "101 files") {
		t.Errorf("many files: got %v", err)
	}
	if _, err := Read(bytes.NewReader(nil)); config.Hint(err) == "" {
		t.Error("no fix")
	}
}

// Whatever an archive says, what it makes lies in the folders that the configuration here names, and none of it is a
// link, or for others to write.
func FuzzRestore(f *testing.F) {
	f.Add(written(f, anArchive()), "pki/server.key", []byte("x"), byte(tar.TypeReg), "")
	f.Add([]byte(nil), "aws/x.pem", []byte("x"), byte(tar.TypeReg), roleRoot)
	f.Add([]byte(nil), "../../x", []byte("x"), byte(tar.TypeReg), roleCert)
	f.Add([]byte(nil), "pki/x", []byte("/etc/passwd"), byte(tar.TypeSymlink), "")
	f.Add([]byte(nil), "devices.json", []byte(`{"devices": [{"name": "../x"}]}`), byte(tar.TypeReg), "")
	f.Fuzz(func(t *testing.T, raw []byte, name string, text []byte, kind byte, role string) {
		restoreAny(t, raw)
		if kind == tar.TypeReg || kind == tar.TypeSymlink || kind == tar.TypeLink || kind == tar.TypeDir {
			all := append(anArchive().Files, File{name, text, role})
			p := newTape(t).manifest(all...)
			for _, a := range all[:len(all)-1] {
				p.plain(a.Name, a.Text)
			}
			restoreAny(t, p.put(tar.Header{Name: name, Typeflag: kind, Linkname: string(text)}, text).bytes())
		}
	})
}

func restoreAny(t *testing.T, raw []byte) {
	t.Helper()
	a, err := Read(bytes.NewReader(raw))
	if err != nil {
		return
	}
	dir := t.TempDir()
	data, certs := filepath.Join(dir, "data"), filepath.Join(dir, "certs")
	path := filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(path, []byte("data: {dir: "+data+"}\nuplink: {certs: {dir: "+certs+"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(a, Place{Config: path, KeepConfig: true}); err == nil {
		if _, err := Restore(a, Place{Config: path, KeepConfig: true}); err != nil {
			t.Errorf("once more: %v", err)
		}
	}
	err = filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || at == dir || at == path {
			return err
		}
		top, _, _ := strings.Cut(strings.TrimPrefix(at, dir+"/"), "/")
		info, err := d.Info()
		if top != "data" && top != "certs" || !d.IsDir() && !d.Type().IsRegular() || info.Mode().Perm()&0o022 != 0 {
			t.Errorf("made %s, %v", at, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
