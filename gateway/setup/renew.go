package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/pki"
)

// renewalDir is the folder in the certificate folder, which the gateway passes over, where a new key waits for its
// turn.
const renewalDir = "renewal"

// replacedDir begins the names of the folders beside it that hold former keys.
const replacedDir = "replaced-"

// Renew makes a new key and certificate beside those that Run made, has AWS take both, tries the new ones, puts them in
// the place of the old ones and then deactivates the old certificate. nil means that all of that is done. Until the new
// ones have connected, nothing of the old ones changes; interrupted or failed, it goes on where it stopped when it is
// called again. A gateway that runs loses nothing: it reads its files anew for each connection.
func Renew(ctx context.Context, path string, cfg settings.Config, access Access, g Gateway, out io.Writer) error {
	return newRenewal(path, cfg, access, g, out).run(ctx)
}

// RenewCommands only writes the commands, for a shell, and changes nothing.
func RenewCommands(path string, cfg settings.Config, access Access, out io.Writer) error {
	return newRenewal(path, cfg, access, Gateway{}, out).print()
}

func newRenewal(path string, cfg settings.Config, access Access, g Gateway, out io.Writer) *renewal {
	return &renewal{setup: newSetup(path, cfg, Asked{Access: access}, g, out)}
}

// LoadForRenewal reads the configuration of a gateway whose key is to be renewed.
func LoadForRenewal(path string) (settings.Config, error) {
	cfg, err := settings.Load(path)
	if err == nil && cfg.OnTrial() {
		return cfg, config.Try(errors.New("this gateway is on trial, and has no certificate of AWS's"),
			"sudo -E piway-gateway aws setup")
	}
	if certs := cfg.Uplink.Certs; err == nil && (certs.Cert != "" || certs.Key != "") {
		err = foreignCertificate("uplink.certs.cert or uplink.certs.key names files of your own")
	}
	return cfg, err
}

// foreignCertificate says what to do for a certificate that setup did not make.
func foreignCertificate(why string) error {
	return config.Try(errors.New("aws setup did not make this gateway's certificate: "+why),
		`the commands of docs/aws.md, "A certificate that setup did not make"`)
}

// A renewal goes from one key to the next.
type renewal struct {
	*setup              // its request and slot are those in use; past the switch these are the new ones
	next   *pki.Request // in the folder renewalDir
	into   slot         // for the next one
	past   bool         // the new key is the one in use already
}

func (r *renewal) folder() string { return filepath.Join(r.cfg.Uplink.Certs.Dir, renewalDir) }

func (r *renewal) run(ctx context.Context) (err error) {
	end, err := r.room()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	return r.walk.walk(ctx, []walkStep{
		{"asking AWS who you are", r.identity},
		{"looking at what is there", r.look},
		{"making the new key and its signing request", r.makeKey},
		{"having AWS take both certificates", r.both},
		{"fetching the new certificate", r.fetchNext},
		{"trying the new certificate", r.try},
		{"switching to it", r.change},
		{"deactivating the old certificate", r.deactivate},
		{"telling what is next", r.tell},
	})
}

func (r *renewal) look(ctx context.Context) (err error) {
	if r.stack, err = r.cli.Settle(ctx, r.names.GatewayStack()); err != nil {
		return err
	}
	if r.stack == nil || r.stack.InReview() {
		return foreignCertificate(fmt.Sprintf("there is no stack %s here", r.names.GatewayStack()))
	}
	if err := r.own(); err != nil {
		return err
	}
	form := r.formBefore()
	if form == "" {
		form = r.cfg.Uplink.Form
	}
	r.names = r.names.For(form)
	return checkNames(r.names)
}

// makeKey finds the key in use, and makes or finds the new one.
func (r *renewal) makeKey(context.Context) error {
	dir := r.cfg.Uplink.Certs.Dir
	for _, end := range []string{keyEnd, certEnd} {
		if _, err := os.Stat(certFile(dir, end)); errors.Is(err, fs.ErrNotExist) {
			return config.Try(fmt.Errorf("there is no %s to be renewed", certFile(dir, end)), "piway-gateway aws setup")
		} else if err != nil {
			return config.Permit(err, certFile(dir, end))
		}
	}
	// Now, and not after AWS has made a certificate. What root makes here is the folder owner's.
	if err := files.CanRewrite(certFile(dir, keyEnd)); err != nil {
		return config.Try(fmt.Errorf("uplink.certs.dir: %w", err), "sudo -E")
	}
	var err error
	if r.request, err = pki.NewRequest(dir, certName); err != nil {
		return fmt.Errorf("uplink.certs.dir: %w", err)
	}
	if r.next, err = pki.NewRequest(r.folder(), certName); err != nil {
		return err
	}
	var ok bool
	if r.slot, r.csr, ok = slotOf(r.stack, r.request); !ok {
		return foreignCertificate(fmt.Sprintf("the stack %s has none of the key %s", r.stack.Name, r.request.Key))
	}
	if r.past = r.next.SameKey(r.request); r.past {
		r.say("  an earlier renewal has switched already")
		r.into = r.slot
		return nil
	}
	r.into = r.slot.other()
	r.say("  key %s, request %s", r.next.Key, r.next.CSR)
	return nil
}

// both has the stack make the new certificate in the slot that is not in use. What is there is deactivated before: of
// an earlier renewal whose key is not here, or of the key before this one. An active one could not be deleted, and
// would stay behind.
func (r *renewal) both(ctx context.Context) error {
	csr := string(r.next.PEM)
	was := r.stack.Parameters[r.into.parameter]
	switch {
	case r.past:
		r.say("  done before")
		return nil
	case r.next.Fits([]byte(was)):
		csr = was // of one key there may be several requests
	case r.stack.Outputs[r.into.output] != "":
		r.say("  %s holds the certificate of a key that is not in use, which goes", r.stack.Name)
		if err := r.off(ctx, r.stack.Outputs[r.into.output]); err != nil {
			return err
		}
	}
	return r.deploy(ctx, r.parameters(r.into, csr, r.next.CSR))
}

func (r *renewal) fetchNext(ctx context.Context) error {
	if r.past {
		r.say("  done before")
		return nil
	}
	return r.fetch(ctx, r.into, r.next)
}

// try connects as the gateway's check does, with the new key.
func (r *renewal) try(ctx context.Context) error {
	old, err := pki.Files{Roots: r.cfg.Uplink.Certs.Roots}.FindRest(r.cfg.Uplink.Certs.Dir)
	if err != nil {
		return err
	}
	s, w := *r.setup, *r.walk
	s.walk = &w // whose configuration is another
	s.cfg.Uplink.Certs = settings.Certs{Dir: r.folder(), Roots: old.Roots}
	if r.past {
		s.cfg.Uplink.Certs.Dir = r.cfg.Uplink.Certs.Dir
	}
	return s.connect(ctx)
}

// change puts the new key in the place of the old one, which is kept.
func (r *renewal) change(context.Context) error {
	if !r.past {
		aside, err := r.keep()
		if err != nil {
			return err
		}
		r.say("  the old key and certificate are in %s", aside)
	}
	if _, err := os.Stat(filepath.Join(r.folder(), certName+certEnd)); r.past && errors.Is(err, fs.ErrNotExist) {
		return nil // the end was begun before
	}
	if err := r.next.TakePlace(r.cfg.Uplink.Certs.Dir); err != nil {
		return err
	}
	r.say("  key %s", r.request.Key)
	return nil
}

// keep copies the old key and certificate into a folder that the gateway passes over. What was kept before stays.
func (r *renewal) keep() (aside string, err error) {
	dir := r.cfg.Uplink.Certs.Dir
	id := fingerprint(certFile(dir, certEnd))
	aside = filepath.Join(dir, replacedDir+id[:min(len(id), 16)])
	if err := files.System.Mkdir(aside, 0o700); err != nil {
		return "", fmt.Errorf("keeping the old key: %w", err)
	}
	for _, end := range []string{certEnd, csrEnd, keyEnd} {
		if _, err := os.Lstat(certFile(aside, end)); err == nil {
			continue
		}
		text, err := os.ReadFile(certFile(dir, end))
		if errors.Is(err, fs.ErrNotExist) && end == csrEnd {
			continue // an earlier try has removed it; of a key it can be made anew
		}
		if err == nil {
			err = files.Replace(files.System, certFile(aside, end), text, 0o600)
		}
		if err != nil {
			return "", fmt.Errorf("keeping the old key: %w", err)
		}
	}
	return aside, nil
}

// deactivate deactivates the certificate of the other slot: at its end a renewal leaves one that is active.
func (r *renewal) deactivate(ctx context.Context) error {
	id := r.stack.Outputs[r.into.other().output]
	if id == "" {
		r.say("  there is none")
		return nil
	}
	return r.off(ctx, id)
}

func (r *renewal) tell(context.Context) error {
	if err := dropRenewal(r.cfg.Uplink.Certs.Dir); err != nil {
		return err
	}
	if tell := keyReader(&r.cfg); tell != "" {
		r.say("  %s", tell)
	}
	r.say("  a gateway that runs shows the new certificate when it connects the next time: at the latest when AWS has " +
		"cut off the old one, within minutes. What it takes meanwhile it keeps")
	r.say("  the old certificate is inactive; the next renewal deletes it. To delete it now:")
	w := printer{r.access, &indented{r.out}}
	w.aws("", r.deleteOld(), "")
	r.say("done")
	return nil
}

// deleteOld is the call that takes the old certificate out of the stack.
func (r *renewal) deleteOld() cloud.Command {
	old := r.into.other().parameter
	c := cloud.NewCommand("cloudformation", "update-stack", "--stack-name", r.names.GatewayStack(),
		"--use-previous-template", "--parameters", "ParameterKey="+old+",ParameterValue=")
	for _, key := range []string{
		r.into.parameter, "ClientId", "ThingName", "Rule", "Topic", "FeedbackTopic", "ErrorsTopic",
	} {
		c = c.With("ParameterKey=" + key + ",UsePreviousValue=true")
	}
	return c
}

// dropRenewal removes what a renewal has made in its folder.
func dropRenewal(dir string) error { return drop(filepath.Join(dir, renewalDir)) }

// drop removes key, certificate and request from a folder, and the folder. The key goes last: as long as it is there,
// the same call goes on.
func drop(dir string) error {
	for _, end := range []string{certEnd, csrEnd, keyEnd} {
		if err := os.Remove(certFile(dir, end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_ = os.Remove(dir) // what somebody else has put there stays
	return nil
}
