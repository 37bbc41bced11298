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
	"piway/shared/service"
)

type joinCmd struct {
	Token  []string `arg:"" optional:"" help:"The token that piway-gateway invite NAME printed; - reads it from standard input."`
	File   string   `name:"token-file" placeholder:"FILE" help:"Read the token from FILE, which piway-gateway invite --token-file has written."`
	Config string   `default:"/etc/piway/agent.yaml" placeholder:"FILE" help:"Configuration to write (default: ${default})."`
}

func (joinCmd) Help() string {
	return `Finds the gateway that made the token, proves that it is that one, makes a key for this machine and has the gateway
take it as the device of the invitation. Then it writes the configuration, keeping what else is in it, sends a report,
and starts the service piway-agent. From then on all goes by TLS, and no password is needed.

Ended in the middle, the same line again goes on where it was. Other users of this machine can see a command's
arguments while it runs: with - for the token it is not among them.

Examples, the token cut short:

  sudo piway-agent join piw1.AQC0w3
  sudo piway-agent join - < token
  sudo piway-agent join --token-file token`
}

// Run is called by the command line parser.
func (c joinCmd) Run(ctx context.Context, s cli.Streams) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	err = join.Join(ctx, join.Options{
		Token: token, Config: c.Config, Browse: mdns.Find, Out: s.Out, Log: cli.Logger(s.Err, "warn"),
		Start: func(ctx context.Context, running bool) (bool, error) { return c.start(ctx, running, s.Out) },
	})
	return cli.Interrupted(ctx, err)
}

// start has the unit run the new configuration, unless an agent runs that somebody has started otherwise: two of one
// machine would take each other's connection.
func (c joinCmd) start(ctx context.Context, running bool, out io.Writer) (done bool, err error) {
	const unit = "piway-agent"
	u, err := service.Look(ctx, unit, c.Config)
	if u == nil || err != nil || running && !u.Active {
		return false, err
	}
	return service.Restart(ctx, unit, c.Config, out)
}

// token returns the token from where it is said to be. A line that a terminal or a chat has broken comes as several
// arguments, which are one token.
func (c joinCmd) token() (string, error) {
	token := bare(strings.Join(c.Token, " "))
	switch {
	case (token == "") == (c.File == ""):
		return "", config.Try(errors.New("one token is needed"), "sudo piway-agent join TOKEN, or --token-file FILE")
	case token == "-":
		return readToken("standard input", os.Stdin)
	case token != "":
		return token, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return readToken(c.File, f)
}

// maxInput bounds what is read: a token of the greatest length, and what stands around it.
const maxInput = 8 << 10

// readToken reads a token, alone or in the line that the gateway printed.
func readToken(from string, r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput))
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", config.Try(fmt.Errorf("reading the token: %s is empty", from),
			"sudo piway-agent join -, then paste the token and press Enter and Ctrl-D")
	}
	return strings.TrimPrefix(bare(string(text)), "sudo piway-agent join "), nil
}

// bare is a token without the name behind it, which invite prints where it prints several.
func bare(text string) string {
	text, _, _ = strings.Cut(text, "#")
	return strings.TrimSpace(text)
}
