package join

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"

	"piway/agent/agent"
	"piway/agent/find"
	"piway/configs"
	"piway/shared/address"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/pairing"
	"piway/shared/sample"
)

// read reads the configuration. One with a mistake is refused: it is not written over, and not made to work by joining.
func (j *joiner) read() error {
	text, err := os.ReadFile(j.opt.Config)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = configs.Agent, nil
	}
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	j.text, j.cfg = text, agent.Default()
	return config.Decode(j.opt.Config, text, &j.cfg)
}

// configure puts what was answered into the configuration, and leaves all else in it as it was. nil means that it is on
// disk and that an agent would take it.
func (j *joiner) configure(answer pairing.Answer, at find.Place) error {
	if !sample.IsDeviceName(answer.Device) {
		return config.Try(fmt.Errorf("the gateway calls this machine %.80q, which is no name", answer.Device),
			"update piway-agent and piway-gateway to the same version")
	}
	if was := j.cfg.Name(); was != answer.Device {
		j.say("This machine's name was %q so far.", was)
	}
	places := order(at, answer.Addresses, j.token.Addresses)
	text, err := j.edited(answer.Device, places)
	if err != nil {
		return err
	}
	if err := j.write(text); err != nil {
		return err
	}
	j.say("Written: %s. The key is in %s.", j.opt.Config, j.home.path(j.keyName()))
	return nil
}

// write returns nil when the text is on disk. What is there already is written again: a call that was ended may have
// left it in the kernel's memory alone.
func (j *joiner) write(text []byte) error {
	if err := files.Rewrite(j.opt.Config, text, 0o644); err != nil { // for all to read; no secret is in it
		return config.Try(fmt.Errorf("writing the configuration: %w", err), "the same line again")
	}
	return nil
}

// edited is the configuration with what was answered.
func (j *joiner) edited(device string, places []string) (text []byte, err error) {
	text = j.text
	set := func(key, value string) {
		if err == nil {
			text, err = config.SetKey(text, key, value)
		}
	}
	list := func(key string, values []string) {
		if err == nil {
			text, err = config.SetList(text, key, values)
		}
	}
	// Backwards: a key that is not there is put before the others of its section.
	set("gateway.key_file", j.home.path(j.keyName()))
	list("gateway.pins", []string{j.token.Pin.String()})
	list("gateway.addresses", places[1:])
	set("gateway.address", places[0])
	set("device", device)
	// A device that has a key has no password.
	if j.cfg.Gateway.PasswordFile != "" {
		set("gateway.password_file", "")
	}
	if j.cfg.Gateway.Username != "" {
		set("gateway.username", "")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.opt.Config, err)
	}
	cfg := agent.Default()
	return text, config.Decode(j.opt.Config, text, &cfg)
}

// maxPlaces is how many addresses the configuration gets.
const maxPlaces = 4

// order returns the addresses at which to look from now on: the one that worked first, unless only this link knows it.
func order(at find.Place, lists ...[]string) []string {
	var all []string
	add := func(text string) {
		a, err := address.Parse(text, port)
		if err == nil && !slices.Contains(all, a.String()) && len(all) < maxPlaces {
			all = append(all, a.String())
		}
	}
	local := false
	if a, err := address.Parse(at.Address, port); err == nil {
		ip, err := netip.ParseAddr(a.Host)
		local = err == nil && ip.Zone() != ""
	}
	if !local {
		add(at.Address)
	}
	for _, l := range lists {
		for _, a := range l {
			add(a)
		}
	}
	add(at.Address)
	return all
}
