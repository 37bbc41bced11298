//go:build !linux

package notify

import (
	"context"
	"errors"
)

// Files is there on Linux only; elsewhere it returns an error at once.
func Files(context.Context, []string, func(read func(path string) (string, error))) error {
	return errors.New("no file of this system tells when it changes")
}
