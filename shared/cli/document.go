package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"piway/shared/manual"
)

// Document writes the program's manual page, and its completions for bash, zsh and fish, to files of this folder, which
// is made if need be: NAME.1, NAME.bash, _NAME and NAME.fish. What is there by these names is replaced.
func (p Program) Document(dir string) error {
	parser, err := p.parser()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, content := range manual.Files(command(parser.Model.Node)) {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// command says of the parser's model what a manual needs.
func command(n *kong.Node) manual.Command {
	c := manual.Command{Name: n.Name, Help: n.Help, Detail: n.Detail, Aliases: n.Aliases}
	for _, a := range n.Positional {
		c.Args = append(c.Args, manual.Arg{Value: value(a, a.Name), Optional: !a.Required})
	}
	for _, f := range n.Flags {
		if f.Hidden {
			continue
		}
		flag := manual.Flag{Value: value(f.Value, f.PlaceHolder), Short: f.Short}
		if !f.IsBool() && !f.IsCounter() {
			if flag.Placeholder = f.FormatPlaceHolder(); f.Default == "" && flag.Choices != nil {
				flag.Placeholder = strings.Join(flag.Choices, "|")
			}
		}
		c.Flags = append(c.Flags, flag)
	}
	for _, sub := range n.Children {
		if !sub.Hidden {
			c.Commands = append(c.Commands, command(sub))
		}
	}
	return c
}

// value tells which files it names by its type, or else by what it is called.
func value(v *kong.Value, called string) manual.Value {
	out := manual.Value{Name: v.Name, Help: v.Help, Many: v.IsCumulative()}
	if v.Enum != "" {
		out.Choices = slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
	}
	switch called = strings.ToLower(called); {
	case v.Tag.Type == "existingdir", called == "dir":
		out.Kind = manual.Folder
	case v.Tag.Type == "path", v.Tag.Type == "existingfile", called == "file":
		out.Kind = manual.File
	}
	return out
}
