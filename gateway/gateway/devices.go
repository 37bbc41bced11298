package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"piway/gateway/devices"
	"piway/shared/sample"
)

// AddDevice lets a device in and returns its password, which is good over TLS, and without it where the device is plain.
func (g *Gateway) AddDevice(name string, plain bool) (password string, err error) {
	g.naming.Lock()
	defer g.naming.Unlock()
	password, err = g.devices.Add(name, plain)
	g.broker.Look()
	return password, err
}

func (g *Gateway) addDevice(ctx context.Context, name string, plain bool) (password string, err error) {
	if password, err = g.AddDevice(name, plain); err == nil {
		g.record(ctx, "add", name, "plain", plain)
	}
	return password, err
}

// removeDevice locks a device out, also where the disk does not take it, and frees its metric names.
func (g *Gateway) removeDevice(ctx context.Context, name string) error {
	g.naming.Lock()
	defer g.naming.Unlock()
	err := g.devices.Remove(name)
	if !g.devices.Has(name) {
		g.broker.Disconnect(name)
	}
	g.broker.Look()
	g.recordLockout(ctx, "remove", name, err)
	return errors.Join(err, g.settle(ctx))
}

// renameDevice hands the metric names of a device on. Its agent has to be told.
func (g *Gateway) renameDevice(ctx context.Context, old, name string) error {
	g.naming.Lock()
	defer g.naming.Unlock()
	if err := g.devices.Rename(old, name); err != nil {
		return err
	}
	g.broker.Disconnect(old)
	g.record(ctx, "rename", old, "to", name)
	return g.settle(ctx)
}

// newPassword closes the connections that were made with the old one.
func (g *Gateway) newPassword(ctx context.Context, name string) (password string, err error) {
	g.naming.Lock()
	defer g.naming.Unlock()
	if password, err = g.devices.Password(name); err == nil {
		g.broker.Disconnect(name)
		g.record(ctx, "password", name)
	}
	return password, err
}

// freeMetric frees one metric name of a device, and returns it as it goes to the cloud; a report's may be given as it is
// there.
func (g *Gateway) freeMetric(ctx context.Context, device, metric string) (full string, err error) {
	g.naming.Lock()
	defer g.naming.Unlock()
	full, ok := g.metricOf(device, metric)
	if !ok && sample.CheckName(metric) == nil && g.devices.Has(device) {
		return "", fmt.Errorf("%s has no metric %.80q, try: piway-gateway device show %s", device, metric, device)
	}
	if !ok {
		full = metric
	}
	if err := g.devices.Free(device, full); err != nil {
		return "", err
	}
	g.record(ctx, "free", device, "metric", full)
	return full, g.settle(ctx)
}

func (g *Gateway) metricOf(device, metric string) (full string, ok bool) {
	if g.intake.Has(device, metric) {
		return metric, true
	}
	full = g.names.Report(metric, device)
	return full, g.intake.Has(device, full)
}

// metricsOf returns what a device sends, by name.
func (g *Gateway) metricsOf(device string) ([]devices.Metric, error) {
	if !g.devices.Has(device) {
		return nil, fmt.Errorf("%.80s: %w", device, devices.ErrUnknown)
	}
	return listed(g.intake.Metrics(device)), nil
}

// besideOf returns what of a device is not sent.
func (g *Gateway) besideOf(device string) (devices.Beside, error) {
	if !g.devices.Has(device) {
		return devices.Beside{}, fmt.Errorf("%.80s: %w", device, devices.ErrUnknown)
	}
	return devices.Beside{Local: listed(g.intake.Local(device)), Attributes: g.intake.Attributes(device)}, nil
}

func listed(samples []sample.Sample) []devices.Metric {
	all := []devices.Metric{}
	for _, s := range samples {
		m := devices.Metric{Name: s.Name, Unit: s.Unit, Value: s.Value}
		if s.Time != 0 {
			m.Seen = time.UnixMilli(int64(s.Time * 1000)).UTC()
		}
		all = append(all, m)
	}
	return all
}

// settle has the store and the intake follow the device list. Nothing of a device may be under way; when the store has
// answered, nothing is. What it does not take is done again in a while, and at the next start. g.naming is held.
func (g *Gateway) settle(ctx context.Context) error {
	changes := g.devices.Changes()
	if len(changes) == 0 {
		return nil
	}
	var errs []error
	for _, c := range changes {
		errs = append(errs, g.follow(context.WithoutCancel(ctx), c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the device list is changed, and what it means for metric names is tried again: %w", err)
	}
	g.devices.Applied(len(changes))
	return nil
}

func (g *Gateway) follow(ctx context.Context, c devices.Change) (err error) {
	switch {
	case c.To != "":
		err = g.queue.Rename(ctx, c.Device, c.To)
		g.intake.Rename(c.Device, c.To)
	case c.Metric != "":
		full, _ := g.metricOf(c.Device, c.Metric)
		err = g.queue.Free(ctx, c.Device, full)
		g.intake.Free(c.Device, full)
	default:
		err = g.queue.Forget(ctx, c.Device)
		g.intake.Forget(c.Device)
	}
	return err
}

// noteGone notes the device of names that are in the store, if it is gone.
func (g *Gateway) noteGone(device string) {
	if !g.devices.Has(device) && !slices.Contains(g.gone, device) {
		g.gone = append(g.gone, device)
	}
}

// forgetGone has what changed while the gateway was stopped take effect, also what somebody changed in the list.
func (g *Gateway) forgetGone(ctx context.Context) {
	g.naming.Lock()
	defer g.naming.Unlock()
	err := g.settle(ctx)
	for _, name := range g.gone {
		if !g.devices.Has(name) {
			err = errors.Join(err, g.follow(ctx, devices.Change{Device: name}))
		}
	}
	if err != nil {
		g.log.Warn("metric names of devices that are gone are not free in the store yet", "err", err)
	}
}

// keepDevices has the disk hold what the device list says, and the store follow it.
func (g *Gateway) keepDevices(ctx context.Context) error {
	g.naming.Lock()
	defer g.naming.Unlock()
	if err := g.devices.Save(); err != nil {
		return err
	}
	return g.settle(ctx)
}

// deviceRoutes is what the command line may ask about devices.
func (g *Gateway) deviceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /devices", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, g.entries(), nil)
	})
	mux.HandleFunc("POST /invitations", g.inviteRoute)
	mux.HandleFunc("GET /backup/devices", func(w http.ResponseWriter, _ *http.Request) {
		text, err := g.devices.Text()
		answer(w, json.RawMessage(text), err)
	})
	mux.HandleFunc("GET /devices/{name}/metrics", func(w http.ResponseWriter, r *http.Request) {
		all, err := g.metricsOf(r.PathValue("name"))
		answer(w, all, err)
	})
	mux.HandleFunc("GET /devices/{name}/beside", func(w http.ResponseWriter, r *http.Request) {
		beside, err := g.besideOf(r.PathValue("name"))
		answer(w, beside, err)
	})
	mux.HandleFunc("POST /devices/{name}", func(w http.ResponseWriter, r *http.Request) {
		password, err := g.addDevice(r.Context(), r.PathValue("name"), r.URL.Query().Has("plain"))
		answer(w, password, err)
	})
	mux.HandleFunc("POST /devices/{name}/password", func(w http.ResponseWriter, r *http.Request) {
		password, err := g.newPassword(r.Context(), r.PathValue("name"))
		answer(w, password, err)
	})
	mux.HandleFunc("POST /devices/{name}/rename/{to}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, g.renameDevice(r.Context(), r.PathValue("name"), r.PathValue("to")))
	})
	mux.HandleFunc("POST /devices/{name}/revoke", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, g.revokeDevice(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("DELETE /devices/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, g.removeDevice(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("DELETE /devices/{name}/metrics", func(w http.ResponseWriter, r *http.Request) {
		full, err := g.freeMetric(r.Context(), r.PathValue("name"), r.URL.Query().Get("name"))
		answer(w, full, err)
	})
}
