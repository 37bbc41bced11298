package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/feedback"
	"piway/gateway/settings"
	"piway/gateway/uplink"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/mqttlink"
	"piway/shared/pki"
	"piway/shared/runas"
)

// connectWait bounds the check's one connection.
const connectWait = 15 * time.Second

// Ready returns what of the configuration and the certificates keeps a gateway from AWS.
func Ready(cfg *settings.Config) error {
	link, err := uplinkConfig(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, err = link.TLS(time.Now())
	return err
}

// Check tells what works and returns the first thing that does not.
func Check(ctx context.Context, cfg settings.Config, out io.Writer) error {
	_, _ = fmt.Fprintln(out, "configuration  ok")
	_, _ = fmt.Fprintln(out, "user           "+runas.Me())
	if err := checkData(cfg.Data.Dir, out); err != nil {
		return err
	}
	link, err := uplinkConfig(&cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	shown, err := link.TLS(time.Now())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "certificates   "+valid(shown))
	if key := keyOf(&cfg); files.IsOpen(key) {
		_, _ = fmt.Fprintf(out, "warning        every user of this machine can read %s, try: sudo chmod o= %s\n", key, key)
	}
	if doubt := doubts(&cfg.Uplink); doubt != nil {
		_, _ = fmt.Fprintf(out, "endpoint       doubtful: %v\n", doubt)
	}
	if err := checkDevices(cfg.Data.Dir, out); err != nil {
		return err
	}
	names := cfg.Cloud()
	connecting, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	// A client id of its own: the running gateway's connection would be closed by a second one with the same id.
	conn, err := mqttlink.ConnectTwice(connecting, mqttlink.Options{
		Broker: link.Broker, ClientID: names.CheckClient(), TLS: shown, KeepAlive: link.KeepAlive,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return unconnected(err, &cfg.Uplink, names)
	}
	conn.Close()
	_, _ = fmt.Fprintf(out, "connection     ok, %s\n", link.Broker)
	if cfg.OnTrial() {
		_, _ = fmt.Fprintln(out, "cloud          "+cfg.CloudName()+"; sudo -E piway-gateway aws setup switches to AWS")
	}
	_, _ = fmt.Fprintf(out, "publishes to   %s\n", link.Topic)
	return checkRule(ctx, &cfg, &link, out)
}

// keyOf is the file with the key for AWS, "" if there is none.
func keyOf(cfg *settings.Config) string {
	c := &cfg.Uplink.Certs
	found, err := pki.Files{Roots: c.Roots, Cert: c.Cert, Key: c.Key}.FindRest(c.Dir)
	if err != nil {
		return ""
	}
	return found.Key
}

// ServiceUser is whom the gateway's service runs as, nil for the user of this process. installed says that the
// configuration is the one that the unit for systemd names.
func ServiceUser(dataDir string, installed bool) *runas.User {
	account := ""
	if installed {
		account = serviceAccount
	}
	return runas.Service(account, datadir.Queue(dataDir), dataDir)
}

// What the unit for systemd is given.
const (
	serviceAccount = "piway-gateway"
	stateDirectory = "/var/lib/piway"
)

// checkData says whether the gateway could keep what it is sent, and who else can read its secrets.
func checkData(dir string, out io.Writer) error {
	const column = "data           "
	err := files.Usable(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err = fmt.Fprintf(out, column+"%s: not there yet, and made at the first start\n", dir)
		return err
	case errors.Is(err, fs.ErrPermission) && givenAtStart(dir):
		_, err = fmt.Fprintf(out, column+"%s: systemd gives it to the service at its start\n", dir)
		return err
	case err != nil:
		return fmt.Errorf("data.dir: %w", config.PermitData(err, dir))
	}
	_, _ = fmt.Fprintf(out, column+"%s: ok\n", dir)
	for _, path := range openSecrets(dir) {
		_, _ = fmt.Fprintf(out, "warning        every user of this machine can read %s, try: sudo chmod o= %s\n", path, path)
	}
	return nil
}

// givenAtStart is whether systemd gives a folder, which is root's or not there, to the service when that starts.
func givenAtStart(dir string) bool { return dir == stateDirectory && !files.IsForeign(dir) }

func checkDevices(dir string, out io.Writer) error {
	const column = "devices        "
	list, err := devices.Open(datadir.Devices(dir))
	if errors.Is(err, fs.ErrPermission) && givenAtStart(dir) {
		return nil
	}
	if err != nil {
		return config.PermitData(err, dir)
	}
	if n := len(list.All()); n > 0 {
		_, err = fmt.Fprintf(out, column+"%d\n", n)
	} else {
		_, err = fmt.Fprintln(out, column+"none, so nobody can connect; let one in with: sudo piway-gateway invite NAME")
	}
	return err
}

// openSecrets are the files of the data folder that only the gateway should read, and that every user of this machine
// can, by their modes: as a person may have left them who put them there.
func openSecrets(dir string) (open []string) {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o001 == 0 {
		return nil // nobody else gets as far as to the files
	}
	for _, path := range []string{
		datadir.Devices(dir), filepath.Join(datadir.PKI(dir), "ca.key"), filepath.Join(datadir.PKI(dir), "server.key"),
	} {
		if files.IsOpen(path) {
			open = append(open, path)
		}
	}
	return open
}

func valid(shown *tls.Config) string {
	end, ok := pki.Expires(shown)
	if !ok {
		return "ok"
	}
	return "ok, until " + end.Format(time.DateOnly)
}

// checkRule sends the canary round: AWS acknowledges what it is sent whether or not a rule is there to take it.
func checkRule(ctx context.Context, cfg *settings.Config, link *uplink.Config, out io.Writer) error {
	const column = "rule           "
	f := feedbackConfig(cfg, link)
	switch {
	case f == nil || f.Canary == nil:
		_, err := fmt.Fprintln(out, column+"not tested, because uplink.errors_topic or uplink.canary is off; AWS does not "+
			"say whether a rule exists")
		return err
	case control.Call(ctx, cfg.Data.Dir, "GET", "/devices", nil, nil) == nil:
		_, err := fmt.Fprintln(out, column+"tested by the running gateway, see its log")
		return err
	}
	_, _ = fmt.Fprintf(out, column+"waiting for its answer, up to %s\n", f.Canary.Wait)
	ctx, cancel := context.WithTimeout(ctx, f.Canary.Wait)
	defer cancel()
	f.Log = slog.New(slog.DiscardHandler)
	answer, err := feedback.Probe(ctx, *f)
	switch {
	case errors.Is(err, feedback.ErrNoListening):
		_, err = fmt.Fprintf(out, column+"not tested: %v\n", err)
		return err
	case err != nil:
		return fmt.Errorf("testing the rule: %w", err)
	case feedback.Blocks(answer.Reason):
		return config.Try(fmt.Errorf("testing the rule: it exists and cannot write: %s", answer.Message),
			feedback.Fix(answer.Reason))
	}
	_, err = fmt.Fprintf(out, column+"ok, %s answers\n", answer.Rule)
	return err
}
