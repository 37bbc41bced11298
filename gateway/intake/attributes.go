package intake

import "maps"

// identities are the attributes that tell a machine and its card from others: while a device's name and password stay
// what they were, another one of these is another machine or card, or a copy of one.
var identities = []string{"serial", "card"}

// A Change is one of what a device is.
type Change struct{ Attribute, Was, Is string }

// identify takes what a device says of itself, and returns what of its identity is another than it was. What it does
// not say is not known, and is no change.
func (in *Intake) identify(device string, attributes map[string]string) (changes []Change) {
	if attributes == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	was := in.attributes[device]
	for _, key := range identities {
		switch old, is := was[key], attributes[key]; {
		case is == "" && old != "":
			attributes[key] = old
		case old != "" && is != old:
			changes = append(changes, Change{key, old, is})
		}
	}
	in.attributes[device] = attributes
	return changes
}

// Attributes returns what a device said of itself since the start.
func (in *Intake) Attributes(device string) map[string]string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return maps.Clone(in.attributes[device])
}
