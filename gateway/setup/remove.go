package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"piway/gateway/aws"
	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
)

// Removing is what Remove is asked for.
type Removing struct {
	Access
	Yes   bool // do not ask
	Purge bool // delete key and certificate, instead of putting them aside
}

// Remove undoes what Run made. path is the configuration's.
func Remove(ctx context.Context, path string, cfg settings.Config, c Removing, g Gateway, out io.Writer) error {
	r := &removal{walk: newWalk(path, c.Access, cfg, out), yes: c.Yes, purge: c.Purge, now: time.Now, stop: g.Stop}
	return r.run(ctx)
}

// A removal undoes a setup, in the order that AWS asks for: a certificate cannot be deleted while it is active, nor a
// policy or a thing while a certificate is attached (AWS IoT API, DeleteCertificate, DeletePolicy, DeleteThing). The
// stack detaches by itself, but does not deactivate what it holds.
type removal struct {
	*walk
	yes, purge bool
	now        func() time.Time
	stop       stopper
	others     []*aws.Stack
}

func (r *removal) run(ctx context.Context) error {
	return r.walk.walk(ctx, []walkStep{
		{"asking AWS who you are", r.identity},
		{"asking for the address of IoT Core", r.address},
		{"looking at what is there", r.look},
		{"asking for your consent", r.consent},
		{"deactivating the certificate", r.deactivate},
		{"deleting the gateway's stack", r.deleteGateway},
		{"deleting the account's stack", r.deleteAccount},
		{"deleting the dashboard", r.deleteBoard},
		{"clearing the certificate folder", r.clear},
		{"writing the configuration", r.configure},
		{"stopping the gateway", r.end},
	})
}

func (r *removal) look(ctx context.Context) (err error) {
	if r.stack, err = r.cli.Settle(ctx, r.names.GatewayStack()); err != nil {
		return err
	}
	if r.stack == nil && r.access.Region != "" {
		if err := r.elsewhere(); err != nil {
			return err
		}
	}
	if r.stack != nil && !r.stack.InReview() {
		if err := r.own(); err != nil {
			return err
		}
	}
	r.others, err = r.cli.Gateways(ctx, r.names.GatewayStack())
	return err
}

// elsewhere refuses to clear key and configuration of a gateway whose stack is in another region.
func (r *removal) elsewhere() error {
	region := r.cfg.Uplink.Region()
	if region == cloud.RegionPlaceholder || region == r.access.Region {
		return nil
	}
	return config.Try(fmt.Errorf("there is no stack %s in %s, and uplink.endpoint is in %s", r.names.GatewayStack(),
		r.access.Region, region), "--region "+region)
}

func (r *removal) consent(ctx context.Context) error {
	if r.stack != nil {
		r.say("  the stack %s: policy and certificate of %s, which cannot connect any more; AWS may "+
			"need up to five minutes to cut it off, and as long to let go of the policy", r.stack.Name, r.names.ClientID)
	}
	if len(r.others) == 0 {
		r.say("  the stack %s: the account's rules, roles, alarms and log group, if they are there", cloud.AccountStack)
		r.say("  the dashboard %s, if it is there, with what you changed on it", r.names.DashboardName())
	}
	if r.purge {
		r.say("  key and certificate in %s, for ever", r.cfg.Uplink.Certs.Dir)
	}
	if r.yes {
		return nil
	}
	answer, err := r.ask(ctx, "remove all that", "--yes", "no", "yes")
	if err == nil && answer != "yes" {
		err = errors.New("nothing was removed")
	}
	return err
}

// deactivate deactivates what the stack holds: after a renewal there are two certificates.
func (r *removal) deactivate(ctx context.Context) error {
	ids := r.certificateIDs()
	if len(ids) == 0 {
		r.say("  there is none")
	}
	for _, id := range ids {
		if err := r.off(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// off deactivates a certificate; one that is gone, deleted by hand or by a removal that was broken off, is as good.
func (w *walk) off(ctx context.Context, id string) error {
	_, err := w.cli.Run(ctx, "IoT Core", certificateStatus(id, "INACTIVE"))
	if aws.Said(err, "ResourceNotFoundException") {
		return nil
	}
	return err
}

// certificateIDs are what the stack says, or, of a stack that does not, the certificate's SHA-256, which is the same
// (AWS IoT, a certificate's id is its fingerprint).
func (r *removal) certificateIDs() []string {
	if r.stack == nil || r.stack.InReview() {
		return nil
	}
	if ids := certificateIDs(r.stack); len(ids) > 0 {
		return ids
	}
	if id := fingerprint(certFile(r.cfg.Uplink.Certs.Dir, certEnd)); id != "" {
		return []string{id}
	}
	return nil
}

// fingerprint is what AWS IoT calls the first certificate of a file, "" if there is none.
func fingerprint(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

func (r *removal) deleteGateway(ctx context.Context) error {
	if r.stack == nil {
		r.say("  there is none")
		return nil
	}
	return r.cli.Delete(ctx, r.stack.Name)
}

func (r *removal) deleteAccount(ctx context.Context) error {
	if len(r.others) > 0 {
		r.say("  kept: %d other gateways use it, such as %s", len(r.others), r.others[0].Name)
		return nil
	}
	stack, err := r.cli.Settle(ctx, cloud.AccountStack)
	if err != nil {
		return err
	}
	if stack == nil || stack.Parameters["Form"] == "" && !stack.InReview() {
		r.say("  there is none")
		return nil
	}
	return r.cli.Delete(ctx, cloud.AccountStack)
}

// clear puts aside, in a folder that the gateway passes over, what setup made. Amazon's roots may stay.
func (r *removal) clear(context.Context) error {
	dir := r.cfg.Uplink.Certs.Dir
	aside := filepath.Join(dir, "removed-"+r.now().UTC().Format("20060102T150405Z"))
	for _, end := range []string{certEnd, csrEnd, keyEnd} {
		path := certFile(dir, end)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if r.purge {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return err
		}
		if err := os.Rename(path, filepath.Join(aside, filepath.Base(path))); err != nil {
			return err
		}
		r.say("  %s is now in %s", filepath.Base(path), aside)
	}
	if err := dropRenewal(dir); err != nil || !r.purge {
		return err // its certificate went with the stack
	}
	former, err := filepath.Glob(filepath.Join(dir, replacedDir+"*"))
	for _, folder := range former {
		err = errors.Join(err, drop(folder))
	}
	return err
}

func (r *removal) configure(context.Context) error {
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := configure(r.path, []setting{{"uplink.endpoint", ""}, {"uplink.rule", ""}}); err != nil {
		return err
	}
	r.say("  %s has no uplink.endpoint any more, so the gateway does not start until the next aws setup", r.path)
	return nil
}

// end stops the service, whose certificate AWS takes no more. Agents keep their readings.
func (r *removal) end(ctx context.Context) error {
	if r.stop != nil {
		if _, err := r.stop(ctx, gatewayUnit, r.path, &indented{r.out}); err != nil {
			return err
		}
	}
	r.say("done")
	return nil
}
