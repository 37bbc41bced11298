package mqttlink

import (
	"context"
	"errors"
	"time"

	"piway/shared/backoff"
)

// tooSoon is a little more than the second in which AWS closes another CONNECT of a client id (AWS IoT Core quotas,
// CONNECT requests per second per client ID).
const tooSoon = 1100 * time.Millisecond

// ConnectTwice is Connect that tries once more a moment after ErrUnanswered: so ends, without a word, a CONNECT within a
// second of the client id's last one, such as that of a command that was given twice.
func ConnectTwice(ctx context.Context, opt Options) (*Link, error) {
	link, err := Connect(ctx, opt)
	if errors.Is(err, ErrUnanswered) && backoff.Sleep(ctx, tooSoon) == nil {
		return Connect(ctx, opt)
	}
	return link, err
}
