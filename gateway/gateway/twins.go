package gateway

import (
	"log/slog"

	"piway/gateway/intake"
	"piway/shared/tell"
)

// lookForTwins warns of two machines that speak under one name: each may be refused what the other claims, and the
// metrics of both are one. It returns true for a report that shows it.
func (g *Gateway) lookForTwins(v *intake.Verdict, arrived intake.Moment) bool {
	host := func() string { return g.broker.Host(v.Device) }
	pair, two := g.twins.Heard(v.Device, &v.Report, host, arrived.SinceBoot)
	if !two {
		return false
	}
	const try = "a name of its own for each: piway-gateway device add NAME, then that name and password in one " +
		"machine's agent.yaml; if nobody copied the password on purpose, remove the device and add it again"
	g.teller.Tell(slog.LevelWarn, v.Device, "two machines speak under the name of one device",
		"device", v.Device, "one", pair[0], "other", pair[1], "try", tell.Own(try))
	return true
}
