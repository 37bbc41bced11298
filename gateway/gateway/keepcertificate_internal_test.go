package gateway

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A certificate that cannot be kept is told once, and once that it can; a new one each time.
func TestKeepCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type outcome struct {
			changed bool
			err     error
		}
		full := errors.New("no space left on device")
		outcomes := []outcome{{}, {true, nil}, {}, {true, full}, {false, full}, {}, {}, {true, nil}}
		var said bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- keepCertificate(ctx, func() (bool, error) {
				if len(outcomes) == 0 {
					return false, nil
				}
				o := outcomes[0]
				outcomes = outcomes[1:]
				return o.changed, o.err
			}, slog.New(slog.NewTextHandler(&said, nil)))
		}()
		time.Sleep(10 * time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if warned, told := strings.Count(said.String(), "level=WARN"), strings.Count(said.String(), "level=INFO"); warned != 1 || told != 3 {
			t.Errorf("said:\n%s", &said)
		}
	})
}
