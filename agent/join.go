package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"piway/agent/join"
	"piway/shared/cli"
	"piway/shared/config"
	"piway/shared/mdns"
)

type joinCmd struct {
	Token  string `arg:"" help:"The token that piway-gateway invite NAME printed; - reads it from standard input."`
	Config string `default:"/etc/piway/agent.yaml" placeholder:"FILE" help:"Configuration to write (default: ${default})."`
}

func (joinCmd) Help() string {
	return `Finds the gateway that made the token, proves that it is that one, makes a key for this machine and has the gateway
take it as the device of the invitation. Then it writes the configuration, keeping what else is in it, and sends a
report. From then on all goes by TLS, and no password is needed.

Ended in the middle, the same line again goes on where it was. Other users of this machine can see a command's
arguments while it runs: with - for the token it is not among them.

Examples, the token cut short:

  sudo piway-agent join piw1.AQC0w3
  sudo piway-agent join - < token`
}

// Run is called by the command line parser.
func (c joinCmd) Run(ctx context.Context, s cli.Streams) error {
	token := c.Token
	if token == "-" {
		var err error
		if token, err = readToken(os.Stdin); err != nil {
			return err
		}
	}
	return join.Join(ctx, join.Options{
		Token: token, Config: c.Config, Browse: mdns.Find, Out: s.Out, Log: cli.Logger(s.Err, "warn"),
	})
}

// maxInput bounds what is read: a token of the greatest length, and what stands around it.
const maxInput = 8 << 10

// readToken reads a token, alone or in the line that the gateway printed.
func readToken(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput))
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", config.Try(errors.New("reading the token: standard input is empty"),
			"sudo piway-agent join -, then paste the token and press Enter and Ctrl-D")
	}
	return strings.TrimPrefix(strings.TrimSpace(string(text)), "sudo piway-agent join "), nil
}
