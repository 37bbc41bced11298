package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"piway/proof/world"
	"piway/shared/cli"
)

const description = `Types the commands of pages on a server and a Raspberry Pi, as they stand there.

Each machine is a command that runs a shell on it, as a user with sudo; "bash -s" is added.

Example:

  go run ./proof/pages --server "docker exec -i -u pi -w /home/pi server" --pi "ssh pi@kitchen" --under 10 --graph kitchen README.md`

type command struct {
	Server string   `placeholder:"COMMAND" help:"How to run a shell on the server."`
	Pi     string   `placeholder:"COMMAND" help:"How to run a shell on the Pi."`
	Under  int      `placeholder:"N" help:"Fail unless each page has fewer commands than this."`
	Graph  string   `placeholder:"DEVICE" help:"Then wait until the address that a command printed has this device's metrics."`
	Page   []string `arg:"" help:"Markdown files."`
}

func main() { cli.Program{Name: "pages", Description: description, Commands: &command{}}.Main() }

// Run types all pages, in their order, on the same machines.
func (c *command) Run(ctx context.Context, out io.Writer) error {
	m := machines{shells: map[string][]string{onServer: strings.Fields(c.Server), onPi: strings.Fields(c.Pi)}, out: out}
	for _, name := range c.Page {
		if err := c.types(ctx, &m, name); err != nil {
			return err
		}
	}
	if c.Graph == "" {
		return nil
	}
	where, err := m.page()
	if err != nil {
		return err
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, graphTime)
	defer cancel()
	names, err := graphs(ctx, where, c.Graph)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s shows %s, %.0f s after the last command\n", where, strings.Join(names, ", "),
		time.Since(begun).Seconds())
	return err
}

// types types a page, and counts.
func (c *command) types(ctx context.Context, m *machines, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	p, err := parse(name, string(text))
	if err != nil {
		return err
	}
	typed, err := m.run(ctx, p)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(m.out, "%s: %d commands\n", name, typed) // for who looks on
	switch {
	case typed == 0:
		return fmt.Errorf("%s has no command for server or Pi", name)
	case c.Under > 0 && typed >= c.Under:
		return fmt.Errorf("%s has %d commands, want fewer than %d", name, typed, c.Under)
	}
	return nil
}

// graphTime is how long a new device's metrics may take to be on the page: a window, a grace, and a slow machine.
const graphTime = 3 * time.Minute

// wanted are what the agent of any machine sends to the cloud.
var wanted = []string{"cpu usage", "memory usage", "disk usage /"}

// graphs waits until localcore's page at an address has the metrics of a device, and returns their names.
func graphs(ctx context.Context, where, device string) (names []string, err error) {
	for _, w := range wanted {
		names = append(names, w+" ("+device+")")
	}
	var last error
	err = world.Poll(ctx, "the graphs at "+where, func() (bool, error) {
		var has map[string]bool
		has, last = metrics(ctx, where)
		for _, n := range names {
			if last == nil && !has[n] {
				last = fmt.Errorf("%s is not there", n)
			}
		}
		return last == nil, nil
	})
	return names, errors.Join(err, last)
}

// metrics are the names of those that localcore has with datapoints.
func metrics(ctx context.Context, where string) (map[string]bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where+"/metrics.json", http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // all was read
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	var told struct {
		Metrics []struct {
			Name       string            `json:"name"`
			Datapoints []json.RawMessage `json:"datapoints"`
		} `json:"metrics"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, m := range told.Metrics {
		has[m.Name] = has[m.Name] || len(m.Datapoints) > 0
	}
	return has, nil
}
