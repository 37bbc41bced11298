package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/service"
)

// The units for systemd.
const (
	gatewayUnit = "piway-gateway"
	trialUnit   = "piway-try"
)

// DefaultPort is localcore's for MQTT. The gateway's own is 8883.
const DefaultPort = 8885

// Options say what is tried, and who starts it.
type Options struct {
	// Config is the path of gateway.yaml. A file that is not there becomes the commented sample.
	Config string
	// Port is localcore's for MQTT, 0 for the one of before, or else DefaultPort.
	Port int
	// Look, Restart and Stop are those of shared/service.
	Look          func(ctx context.Context, unit, config string) (*service.Unit, error)
	Restart, Stop func(ctx context.Context, unit, config string, out io.Writer) (done bool, err error)
	// Out is told in plain words what happens.
	Out io.Writer
}

func (o *Options) say(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Out, format+"\n", args...) // what is done does not depend on who listens
}

// command is a command line with the configuration, where that is not the usual one.
func (o *Options) command(line string) string {
	if o.Config == settings.DefaultPath {
		return line
	}
	return line + " --config " + o.Config
}

// Start puts localcore in AWS's place, and starts both services. Where there are none it says how to run both.
func Start(ctx context.Context, o Options) error {
	cfg, err := load(o.Config)
	if err != nil {
		return err
	}
	if err := o.allowed(&cfg); err != nil {
		return err
	}
	t := &trial{Options: o, port: o.choosePort(&cfg)}
	if err := t.look(ctx); err != nil {
		return err
	}
	if !cfg.OnTrial() && t.cloud != nil && t.cloud.Active {
		// A Stop was ended in the middle. Its port may be ours.
		if _, err := t.Stop(ctx, trialUnit, t.Config, t.Out); err != nil {
			return err
		}
		t.cloud.Active = false
	}
	if err := t.checkPort(&cfg); err != nil {
		return err
	}
	return t.start(ctx, cfg)
}

// load reads the configuration; a file that is not there will be made.
func load(path string) (settings.Config, error) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return settings.Default(), nil
	}
	return settings.Load(path)
}

// allowed refuses a gateway that is set up for something else, or that this user cannot set up.
func (o *Options) allowed(cfg *settings.Config) error {
	u := &cfg.Uplink
	switch {
	case u.Endpoint != "" && !cfg.OnTrial():
		return config.Try(fmt.Errorf("this gateway is set up for %s already (uplink.endpoint)", u.Endpoint),
			"piway-gateway demo, which leaves it alone; or first "+o.command("sudo -E piway-gateway aws remove"))
	case u.Certs.Cert != "" || u.Certs.Key != "" || len(u.Certs.Roots) > 0:
		return config.Try(errors.New("uplink.certs.roots, cert or key names files of your own, which the gateway would use"),
			"remove them from "+o.Config)
	}
	if err := files.CanRewrite(o.Config); err != nil {
		return config.Try(fmt.Errorf("writing the configuration: %w", err),
			o.command("sudo piway-gateway try")+", or another file with --config")
	}
	return nil
}

// A trial is one call of Start.
type trial struct {
	Options

	port           int
	gateway, cloud *service.Unit // nil where no service of this machine runs with this configuration
}

func (t *trial) look(ctx context.Context) (err error) {
	if t.gateway, err = t.Look(ctx, gatewayUnit, t.Config); err == nil {
		t.cloud, err = t.Look(ctx, trialUnit, t.Config)
	}
	return err
}

func (t *trial) start(ctx context.Context, was settings.Config) error {
	cfg := was.ForTrial(t.port)
	made, err := t.makeCertificates(&cfg)
	if err != nil {
		return err
	}
	changed, err := settings.Change(t.Config, cfg.TrialKeys())
	if err != nil {
		return err
	}
	if changed {
		for _, v := range cfg.TrialKeys() {
			t.say("%s: %s: %s", t.Config, v.Key, v.Value)
		}
	}
	if t.gateway == nil || t.cloud == nil {
		t.byHand()
		return nil
	}
	if changed || made || !t.cloud.Active {
		if err := t.restart(ctx, trialUnit); err != nil {
			return err
		}
	}
	if err := t.listens(ctx); err != nil {
		return err
	}
	if !connected(ctx, &cfg) {
		if err := t.restart(ctx, gatewayUnit); err != nil {
			return err
		}
	}
	if err := t.connects(ctx, &cfg); err != nil {
		return err
	}
	t.tell(&cfg)
	return nil
}

func (t *trial) restart(ctx context.Context, unit string) error {
	done, err := t.Restart(ctx, unit, t.Config, t.Out)
	if err == nil && !done {
		err = fmt.Errorf("the unit %s is gone", unit)
	}
	return err
}

// Stop takes localcore away again. The gateway has nobody to send to then, and is stopped; what it has not sent waits in
// its queue, and agents keep their readings.
func Stop(ctx context.Context, o Options) error {
	cfg, err := load(o.Config)
	if err != nil {
		return err
	}
	was := cfg.OnTrial()
	cfg = cfg.WithoutTrial()
	if was {
		if _, err := settings.Change(o.Config, cfg.TrialKeys()); err != nil {
			return config.Try(err, o.command("sudo piway-gateway try --stop"))
		}
	}
	if cfg.Uplink.Endpoint == "" {
		// Also where a call was ended after the change.
		if _, err := o.Stop(ctx, gatewayUnit, o.Config, o.Out); err != nil {
			return err
		}
	}
	done, err := o.Stop(ctx, trialUnit, o.Config, o.Out)
	switch {
	case err != nil:
		return err
	case !was && !done:
		o.say("This gateway is not on trial.")
	case cfg.Uplink.Endpoint != "":
		o.say("localcore is stopped. The gateway sends to %s.", cfg.Uplink.Endpoint)
	default:
		o.say("localcore and the gateway are stopped, or are to be where no service of this machine runs them. What the gateway")
		o.say("has not sent waits in its queue, and agents keep their readings for 13 days.")
		o.say("Next: %s, or %s", o.command("sudo -E piway-gateway aws setup"), o.command("sudo piway-gateway try"))
	}
	return nil
}

// choosePort is what is asked for, or what it was.
func (o *Options) choosePort(cfg *settings.Config) int {
	switch {
	case o.Port != 0:
		return o.Port
	case cfg.OnTrial():
		return cfg.TrialPort()
	}
	return DefaultPort
}

// pageAddress is where the page listens: everywhere, one port above.
func pageAddress(port int) string { return ":" + strconv.Itoa(port+1) }
