package manual_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/manual"
)

// The page shows every help as it is, whatever it is made of, and no line of one is a request to roff.
func TestFiles_page(t *testing.T) {
	if _, err := exec.LookPath("man"); err != nil {
		t.Skip("man is not installed")
	}
	c := talk()
	c.Commands[0].Detail = ".so /etc/passwd\n'br\nfilled.\n\n  .kept   'as' \\it is\n  " + nasty + "\n\n\n    - two\n\nEnd:\n  kept too\nfilled too"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "talk.1"), manual.Files(c)["talk-now.1"], 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "man", "--warnings=w", "-l", "talk.1")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=200")
	var warnings bytes.Buffer
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil || warnings.Len() > 0 {
		t.Errorf("got %v and %s, want no warning", err, &warnings)
	}
	page := string(out)
	for _, want := range []string{
		"talk-now - talks\n", ".so /etc/passwd 'br filled.\n", "\n           .kept   'as' \\it is\n           " + nasty + "\n",
		"\n             - two\n", "       End:\n\n           kept too\n\n       filled too\n", "Also new.\n",
		"       -f, --form=FORM\n", "       talk-now read what [file ...]\n", "One of rule, errors-rule.\n",
		".Runs. " + nasty + "\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("got no %q in\n%s", want, page)
		}
	}
}

// The same command line gives the same bytes, all of them ASCII in the page.
func TestFiles_same(t *testing.T) {
	first := manual.Files(talk())
	for name, content := range manual.Files(talk()) {
		if !bytes.Equal(content, first[name]) {
			t.Errorf("%s: got other bytes the second time", name)
		}
	}
	for _, c := range first["talk-now.1"] {
		if c > '~' {
			t.Fatalf("got byte %x in the page, want ASCII", c)
		}
	}
}
