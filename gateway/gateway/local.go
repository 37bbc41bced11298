package gateway

import (
	"log/slog"
	"strings"

	"piway/gateway/intake"
	"piway/gateway/settings"
	"piway/shared/sample"
	"piway/shared/tell"
)

// staysLocal is which metrics stay on the LAN, by the same rules and names as their values are reduced.
func staysLocal(cfg *settings.Config) func(name, base, device string, local bool) bool {
	if len(cfg.Rollup.Rules) == 0 {
		return nil
	}
	set := rollupOf(cfg)
	return set.StaysLocal
}

// boundsOf returns what a device is told on its config topic. Nil, which tells nothing, cannot be: numbers and names
// can be encoded.
func (g *Gateway) boundsOf(cfg *settings.Config) func(device string) []byte {
	b := sample.Bounds{MaxSamples: cfg.Intake.MaxSamples, MaxPacket: int(cfg.Broker.MaxPacket)}
	return func(device string) []byte {
		told := b
		told.Wanted = g.intake.Wanted(device)
		text, err := told.JSON()
		if err != nil {
			return nil
		}
		return text
	}
}

// tellIdentity says when a device is another machine by what it says of itself, or has another card, and when that is
// more than is kept.
func (g *Gateway) tellIdentity(v *intake.Verdict) {
	if len(v.Changes) > 0 {
		var was, is []string
		for _, c := range v.Changes {
			was, is = append(was, c.Attribute+" "+c.Was), append(is, c.Attribute+" "+c.Is)
		}
		const try = "nothing, if you swapped it; if a card was copied, give each machine a device of its own: " +
			"piway-gateway device add NAME"
		g.teller.Tell(slog.LevelWarn, v.Device+" identity", "a device is another machine than before, or has another card",
			"device", v.Device, "was", strings.Join(was, ", "), "is", strings.Join(is, ", "), "try", tell.Own(try))
	}
	if v.AttributesCut > 0 {
		g.teller.Tell(slog.LevelWarn, v.Device+" attributes", "attributes of a device are left out or cut",
			"device", v.Device, "attributes", v.AttributesCut, "most", sample.MaxAttributes, "key_bytes", sample.MaxAttributeKey,
			"value_bytes", sample.MaxAttributeValue)
	}
}
