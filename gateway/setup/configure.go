package setup

import "piway/gateway/settings"

// A setting is a key of gateway.yaml and its value.
type setting struct{ key, value string }

// configure is settings.Change.
func configure(path string, values []setting) (changed bool, err error) {
	set := make([]settings.Value, len(values))
	for i, v := range values {
		set[i] = settings.Value{Key: v.key, Value: v.value}
	}
	return settings.Change(path, set)
}
