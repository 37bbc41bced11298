//go:build documents

package cli

import (
	"errors"
	"os"

	"piway/shared/config"
)

// Main takes the program's place: it writes the program's manual page and completions to the folder that is its one
// argument, and does not return. Packages are made by it; the program that they hold knows nothing of it:
//
//	go run -tags documents ./agent DIR
func (p Program) Main() {
	err := config.Try(errors.New("one folder is needed"), "go run -tags documents ./agent DIR")
	if len(os.Args) == 2 {
		err = p.Document(os.Args[1])
	}
	os.Exit(p.Status(err, os.Stderr))
}
