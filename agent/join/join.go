package join

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"piway/agent/agent"
	"piway/agent/find"
	"piway/shared/config"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// Options say who invites, and what is to be changed here. Fields without a remark must be set.
type Options struct {
	// Token is the text that was printed.
	Token string
	// Config is the path of the agent's configuration. A file that is not there becomes the commented sample.
	Config string
	// Browse is mdns.Find; nil where the local network is not asked.
	Browse func(ctx context.Context, pin8s [][8]byte) ([]netip.AddrPort, error)
	// Start has this machine's service run the configuration that is on disk. running says that an agent has its folder
	// in use, whoever started it. It is not done, without an error, where no service here is to run it. Nil is nobody.
	Start func(ctx context.Context, running bool) (done bool, err error)
	// Out is told in plain words what happens.
	Out io.Writer
	Log *slog.Logger
}

// step is called between the steps, by which tests end the process there.
var step = func(string) {}

// Join returns nil when this machine is a device of the gateway, its configuration is on disk, and the gateway has
// acknowledged a report that was sent by it, and its service runs, where it has one (Options.Start). After an error the same call again goes on where this one ended, unless
// the error says that another token is needed.
func Join(ctx context.Context, opt Options) error {
	token, err := pairing.ParseToken(opt.Token)
	if err != nil {
		return err
	}
	j := &joiner{opt: opt, token: token}
	if err := j.prepare(); err != nil {
		return err
	}
	defer j.unlock()
	if j.done() {
		j.say("This machine has joined by this token already, as %q. Trying the log-in.", j.cfg.Name())
		if err := j.write(j.text); err != nil {
			return err
		}
		j.tidy()
		return j.try(ctx)
	}
	if len(j.cfg.Gateway.Pins) > 0 {
		j.say("This machine is a device already, as %q of the gateway with the pin %s.", j.cfg.Name(), j.cfg.Gateway.Pins[0])
		j.say("It joins anew, with a new key. Until that is done nothing is changed.")
	}
	answer, at, err := j.ask(ctx)
	if err != nil {
		return err
	}
	step("answered")
	if err := j.configure(answer, at); err != nil {
		return err
	}
	step("configured")
	j.tidy()
	j.tellClock(answer.Time)
	return j.try(ctx)
}

// A joiner is one call of Join.
type joiner struct {
	opt    Options
	token  pairing.Token
	unlock func() // may be called twice

	text []byte       // the configuration as it is, or the sample
	cfg  agent.Config // what is in it
	home home         // where the key is
	key  *tls.Certificate
	made bool // the key, by this call
}

func (j *joiner) say(format string, args ...any) {
	_, _ = fmt.Fprintf(j.opt.Out, format+"\n", args...) // what is done does not depend on who listens
}

// prepare makes sure of all that can be known before the gateway is asked, so that no token is used in vain. Its last
// step is the key.
func (j *joiner) prepare() (err error) {
	if j.unlock, err = lock(j.opt.Config); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			j.unlock()
		}
	}()
	if err := j.read(); err != nil {
		return err
	}
	if j.home, err = findHome(j.cfg.Spool.Dir, j.opt.Config); err != nil {
		return err
	}
	// One that a program cannot change is found now: its last values take two addresses.
	if _, err := j.edited(j.cfg.Name(), []string{"a:1", "b:1"}); err != nil {
		return err
	}
	step("looked")
	if j.key, j.made, err = j.home.key(j.keyName()); err != nil {
		return err
	}
	step("key")
	return nil
}

// done reports whether the configuration is what this token has made of it.
func (j *joiner) done() bool {
	return !j.made && j.cfg.Gateway.KeyFile == j.home.path(j.keyName()) && slices.Contains(j.cfg.Gateway.Pins, j.token.Pin)
}

// ask asks the gateway at one place after another.
func (j *joiner) ask(ctx context.Context) (answer pairing.Answer, at find.Place, err error) {
	body, err := pairing.NewRequest(j.token, j.key)
	if err != nil {
		return answer, at, err
	}
	search := find.Search{Addresses: j.token.Addresses, Pins: []pki.Sum{j.token.Pin}}
	if j.cfg.Gateway.MDNS {
		search.Browse = j.opt.Browse
	}
	err = search.Each(ctx, func(ctx context.Context, p find.Place) (err error) {
		j.say("Asking at %s (%s) …", p.Address, wayOf(p.Way))
		at = p
		if answer, err = j.askUntil(ctx, p.Address, body); err != nil && ctx.Err() == nil {
			err = fmt.Errorf("asking at %s: %w", p.Address, err)
		}
		return err
	})
	if err != nil {
		return answer, at, advised(err)
	}
	j.say("The gateway at %s is the one that made the token. It takes this machine as %q.", at.Address, answer.Device)
	return answer, at, nil
}

func wayOf(w find.Way) string {
	if w == find.Configured {
		return "of the token"
	}
	return string(w)
}

// testTime bounds the report.
const testTime = time.Minute

// try sends a report with the configuration that is on disk now.
func (j *joiner) try(ctx context.Context) error {
	cfg := agent.Default()
	if err := config.Load(j.opt.Config, &cfg); err != nil {
		return err
	}
	testing, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	report, err := agent.Once(testing, cfg, j.opt.Log)
	if err == nil {
		err = agent.Publish(testing, cfg, report, j.opt.Log)
	}
	if err != nil {
		return fmt.Errorf("this machine has joined as %q and %s is written, but sending a report failed: %w", cfg.Name(),
			j.opt.Config, err)
	}
	step("tried")
	j.say("A report was sent by TLS with the new key, and the gateway has it.")
	return j.next(ctx, cfg)
}

// unitConfig is the configuration that the agent's unit for systemd runs with.
const unitConfig = "/etc/piway/agent.yaml"

// next starts the service, or says what is left to do.
func (j *joiner) next(ctx context.Context, cfg agent.Config) error {
	if dir := cfg.Spool.Dir; dir != "" && dir != j.home.dir {
		j.say("This user cannot write %s (spool.dir), so what the agent has not sent is lost when it stops. To keep it, "+
			"name a folder of this user in spool.dir of %s.", dir, j.opt.Config)
	}
	j.unlock() // all is written; the folder may be spool.dir, which the agent locks
	runs := running(cfg.Spool.Dir)
	if j.opt.Start != nil {
		done, err := j.opt.Start(ctx, runs)
		if err != nil {
			return fmt.Errorf("this machine has joined as %q, but its service does not run: %w", cfg.Name(), err)
		}
		if done {
			j.say("The service runs, and will at each boot. Nothing is left to do.")
			return nil
		}
	}
	switch {
	case runs:
		j.say("Next: restart the agent, which still has its old configuration: sudo systemctl restart piway-agent")
	case j.opt.Config != unitConfig:
		j.say("Next: piway-agent run --config %s", j.opt.Config)
	default:
		j.say("Next: sudo systemctl enable --now piway-agent, or without systemd: piway-agent run")
	}
	return nil
}

// farOff is from which difference on a clock is told of.
const farOff = 5 * time.Minute

// tellClock says that this machine's clock is not the gateway's, which is no obstacle. Which of them is wrong it cannot
// know.
func (j *joiner) tellClock(gateway time.Time) {
	if gateway.IsZero() {
		return
	}
	if off := time.Since(gateway); off.Abs() > farOff {
		const layout = "2006-01-02 15:04 MST"
		j.say("One clock is wrong: the gateway's says %s, this machine's %s. That is no obstacle here; readings get their "+
			"time when it is set.", gateway.UTC().Format(layout), gateway.Add(off).UTC().Format(layout))
	}
}
