package manual_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/manual"
)

// written has all files in a folder.
func written(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range manual.Files(talk()) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell runs a script, with arguments.
func shell(t *testing.T, dir string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// bashDriver does what readline does: it calls the function with the words, which bash cuts at = and : too.
const bashDriver = `
compopt() { [[ $2 == default ]] && COMPREPLY=($(compgen -f -- "${words[-1]#=}")) || COMPREPLY=($(compgen -d -- "${words[-1]}")); }
complete() { function=$2; }
source "$1"
shift
words=("$@") COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$function"
printf '%s\n' "${COMPREPLY[@]}"
`

func inBash(t *testing.T, scripts, here, typed string) string {
	words := []string{"talk-now"}
	for w := range strings.SplitSeq(typed, " ") {
		for {
			i := strings.IndexAny(w, "=:")
			if i < 0 {
				break
			}
			words, w = append(words, w[:i], w[i:i+1]), w[i+1:]
			if w == "" {
				break
			}
		}
		if w != "" || !strings.HasSuffix(typed, "=") {
			words = append(words, w)
		}
	}
	return shell(t, here, append([]string{"bash", "-uc", bashDriver, "bash", filepath.Join(scripts, "talk-now.bash")}, words...)...)
}

func inFish(t *testing.T, scripts, here, typed string) string {
	return shell(t, here, "fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`,
		filepath.Join(scripts, "talk-now.fish"), "talk-now "+typed)
}

// zshDriver types into a zsh of its own, on a terminal that there is not, and prints what is offered there.
const zshDriver = `
zmodload zsh/zpty || exit 1
zpty z zsh -f -i
zpty -w z "source $2"
zpty -w z "talk-now $1"$'\t'
while zpty -r z line; do :; done 2>/dev/null
cat $3
`

// zshStart makes that zsh write down each word that is added to the completions, and end behind the first.
const zshStart = `
PROMPT=
fpath=(SCRIPTS $fpath)
autoload -Uz compinit
compinit -C -d SCRIPTS/dump
bindkey '^I' complete-word
comppostfuncs=(exit)
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a hits
  builtin compadd -A hits "$@"
  print -rl -- $hits >>FOUND
  builtin compadd "$@"
}
`

func inZsh(t *testing.T, scripts, here, typed string) string {
	dir := t.TempDir()
	start, found := filepath.Join(dir, "start"), filepath.Join(dir, "found")
	text := strings.NewReplacer("SCRIPTS", scripts, "FOUND", found).Replace(zshStart)
	for path, text := range map[string]string{start: text, found: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return shell(t, here, "zsh", "-f", "-c", zshDriver, "zsh", typed, start, found)
}
