package setup

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/shared/config"
)

// answer scripts the person at the terminal: each answer in its turn, then the end of input.
func (b *bench) answer(w *walk, answers ...string) {
	w.answer = func(ctx context.Context) (string, error) {
		if ctx.Err() != nil || len(answers) == 0 {
			return "", io.EOF
		}
		next := answers[0]
		answers = answers[1:]
		b.answered++
		b.out.WriteString("\n") // of the terminal's echo
		return next, nil
	}
}

// A first setup asks for the form, the mail and, if it costs, the dashboard; the second one asks for nothing.
func TestSetup_asks(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { a.Boards = map[string]string{"a": "", "b": "", "c": ""} })
	s := b.setup("")
	b.answer(s.walk, "both", "EMF", "nobody", "me@example.com", "maybe", "yes")
	s.prices = priceList()
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("emf")
	a := account(t, b.aws, nil)
	if got := a.Stacks["piway"].Parameters["AlarmEmail"]; got != "me@example.com" || a.Boards["piway-us-east-1"] == "" {
		t.Errorf("got mail to %q and dashboards %v, want what was answered", got, a.Boards)
	}
	b.shows(
		"which form (metric/emf) [metric]: ", "please answer one of: metric, emf",
		"who gets mail when metrics stop or are refused [none]: ", "an address looks like you@example.com",
		"make it for 3.00 USD a month (no/yes) [no]: ", "renames every metric", "Ctrl-C",
	)
	b.out.Reset()
	s, b.answered = b.setup(""), 0
	b.answer(s.walk, "never asked for")
	if err := s.run(t.Context()); err != nil || b.answered > 0 {
		t.Errorf("a second time: got %v and %d questions, want none\n%s", err, b.answered, &b.out)
	}
	b.complete("emf")
}

// Enter takes what stands in brackets, which costs nothing more and sends nobody mail.
func TestSetup_asks_usual(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { a.Boards = map[string]string{"a": "", "b": "", "c": ""} })
	s := b.setup("")
	b.answer(s.walk, "", "", "")
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("metric")
	a := account(t, b.aws, nil)
	if got := a.Stacks["piway"].Parameters["AlarmEmail"]; got != "" || len(a.Boards) != 3 {
		t.Errorf("got mail to %q and dashboards %v, want none", got, a.Boards)
	}
	b.shows("nobody gets mail when metrics stop", "none; --dashboard yes makes one")
}

// With its flags a setup asks for nothing, at a terminal too.
func TestSetup_asks_flagsAnswer(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { a.Boards = map[string]string{"a": "", "b": "", "c": ""} })
	s := b.setup("emf")
	s.asked.Email, s.asked.Dashboard = Nobody, BoardYes
	b.answer(s.walk)
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("emf")
	if a := account(t, b.aws, nil); a.Boards["piway-us-east-1"] == "" {
		t.Errorf("got dashboards %v, want the one of the flag", a.Boards)
	}
}

// Where nobody is there, or leaves, the error names the flag, and nothing was made.
func TestSetup_asks_nobody(t *testing.T) {
	region := awsFailure{253, "You must specify a region. You can also configure your region by running \"aws configure\"."}
	for _, c := range []struct {
		name     string
		answers  []string // nil: no terminal
		noRegion bool
		flag     string
	}{
		{"unattended", nil, false, "--form metric or --form emf"},
		{"unattended without a region", nil, true, "--region"},
		{"Ctrl-D at the form", []string{}, false, "--form metric or --form emf"},
		{"Ctrl-D at the mail", []string{"emf"}, false, "--email"},
		{"Ctrl-D at the region", []string{}, true, "--region"},
	} {
		b := newBench(t)
		if c.noRegion {
			account(t, b.aws, func(a *awsAccount) { a.Fail = map[string]awsFailure{"sts get-caller-identity": region} })
		}
		s := b.setup("")
		if c.answers != nil {
			b.answer(s.walk, c.answers...)
		}
		if err := s.run(t.Context()); err == nil || !strings.Contains(config.Hint(err), c.flag) {
			t.Errorf("%s: got %v, want to be told %s", c.name, err, c.flag)
		}
		if a := account(t, b.aws, nil); len(a.Stacks) > 0 {
			t.Errorf("%s: got stacks %v, want nothing made", c.name, a.Stacks)
		}
	}
	b := newBench(t)
	s := b.setup("emf")
	s.asked.Email = "me at example.com"
	if err := s.run(t.Context()); err == nil || !strings.Contains(config.Hint(err), "--email") {
		t.Errorf("got %v, want an address that AWS would not take refused", err)
	}
}

// A region is asked for where the tool has none, and is that of all commands.
func TestSetup_asks_region(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { a.NeedsRegion = true })
	s := b.setup("metric")
	b.answer(s.walk, "Frankfurt", "us-east-1", "none")
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("metric")
	b.shows("which region [us-east-1]: ", "a region looks like eu-west-1", "deploy", "--region us-east-1")
}

// cron and systemd give /dev/null, which is a device and nobody.
func TestTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "in"))
	if err != nil {
		t.Fatal(err)
	}
	if terminal(null) != nil || terminal(file) != nil {
		t.Error("took a file or /dev/null for a person")
	}
	_, _ = null.Close(), file.Close() // read from by nobody
}

// What is to be sent and what it costs stands before the question, in lines that fit a terminal; and what of it is known
// and what is only taken to be.
func TestSetup_prices(t *testing.T) {
	b := newBench(t)
	s := b.setup("")
	s.asked.Devices, s.prices = 0, priceList()
	if err := s.run(t.Context()); err == nil {
		t.Fatal("took no form")
	}
	b.shows("metric          14.90   after the free tier that does not end: 3.26\n", "emf              6.07   after",
		"prices of us-east-1 read between 2022-04-29\n", "most other regions cost more",
		"certain: a datapoint for each metric every 1m (rollup.window)\n",
		"assumed: 5 devices, as none is paired yet (--devices), 4 metrics of each\n           (--metrics), all",
		"a dashboard      3.00   an account's first 3 are free", "an alarm         0.10   an account's first 10")
	for line := range strings.Lines(b.out.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns && !strings.Contains(line, "$ aws") {
			t.Errorf("got %d characters: %s", n, line)
		}
	}

	b.out.Reset()
	data := t.TempDir()
	list, err := devices.Open(datadir.Devices(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"attic", "kitchen", "lost"} {
		if _, err := list.Add(name, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.Revoke("lost"); err != nil {
		t.Fatal(err)
	}
	s = b.setup("")
	s.asked.Devices, s.prices, s.cfg.Data.Dir, s.cfg.Rollup.Window = 0, priceList(), data, 5*time.Minute
	s.cfg.Rollup.Rules = append(slices.Clone(s.cfg.Rollup.Rules), settings.Rule{Match: "storage errors *", Reduce: "max"})
	_ = s.run(t.Context()) // for its words
	b.shows("every 5m (rollup.window), 1 metrics of", "each device by rollup.rules, 2 devices on the list\n",
		"assumed: 4 metrics of each (--metrics), all of them")
	s = b.setup("")
	f := s.fleet()
	if s.asked.Devices = 7; f.devices != 5 || s.fleet().devices != 7 {
		t.Errorf("got %d and %d devices, want those of the flag", f.devices, s.fleet().devices)
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "1m", 10 * time.Second: "10s", 90 * time.Second: "1m30s", time.Hour: "1h", 20 * time.Minute: "20m",
		90 * time.Minute: "1h30m", 10 * time.Hour: "10h",
	} {
		if got := brief(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}
