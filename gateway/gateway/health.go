package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"piway/gateway/control"
)

// ill says why the gateway does not do its work, "" if it does. That AWS is away is no illness: the samples are kept.
func (g *Gateway) ill() string {
	var why []string
	if trouble := g.queue.Trouble(); trouble != "" {
		why = append(why, trouble)
	}
	if late := g.watch.late(); late != "" {
		why = append(why, "the "+late+" does not move")
	}
	return strings.Join(why, "; ")
}

// healthz answers 200 "ok", or 503 and the reason.
func (g *Gateway) healthz(w http.ResponseWriter, r *http.Request) {
	if why := g.ill(); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	control.Reply(w, "ok, "+g.statusLine(r.Context()))
}

// statusLine is what systemctl status shows.
func (g *Gateway) statusLine(ctx context.Context) string {
	line := "not connected to " + g.cloud
	if g.uplink.Stats().Connected {
		line = "connected to " + g.cloud
	}
	if b, err := g.forward.Backlog(ctx); err == nil && b.Windows > 2 {
		line += fmt.Sprintf(", %d windows wait", b.Windows)
	}
	line = fmt.Sprintf("%s, %d devices", line, len(g.devices.All()))
	bytes, by := g.queue.LogSize()
	if line = fmt.Sprintf("%s, log %d MB", line, bytes>>20); by != "" {
		line += ", held up by " + by
	}
	if trouble := g.queue.Trouble(); trouble != "" {
		line = trouble + "; " + line
	}
	return line
}
