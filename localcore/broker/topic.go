package broker

import (
	"errors"
	"fmt"
	"strings"
)

const (
	basicIngest = "$aws/rules/"
	sys         = "$SYS" // in either case, as mochi has it
)

// cutBasicIngest returns what of a topic counts for its limits: all but $aws/rules/NAME/.
func cutBasicIngest(topic string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(topic, basicIngest)
	if !ok {
		return topic, false
	}
	_, rest, _ = strings.Cut(rest, "/")
	return rest, true
}

// errNoTopic is a topic to which nothing can be published, and for which the connection is not closed.
var errNoTopic = errors.New("has a wildcard or is the broker's own")

// checkTopic returns why IoT Core closes the connection of who publishes there, or errNoTopic.
func checkTopic(topic string) error {
	counted, ingest := cutBasicIngest(topic)
	switch {
	case strings.ContainsAny(topic, "+#"), len(topic) >= len(sys) && strings.EqualFold(topic[:len(sys)], sys):
		return fmt.Errorf("topic %.60q: %w", topic, errNoTopic)
	case strings.HasPrefix(topic, "$") && !ingest:
		return fmt.Errorf("topic %.60q: is reserved", topic)
	}
	return checkSize("topic", counted)
}

// checkFilter returns why IoT Core closes the connection of who subscribes to it.
func checkFilter(filter string) error {
	if strings.HasPrefix(filter, "$") {
		return fmt.Errorf("filter %.60q: is reserved, and nobody may subscribe to Basic Ingest", filter)
	}
	return checkSize("filter", filter)
}

func checkSize(what, topic string) error {
	if len(topic) > maxTopic {
		return fmt.Errorf("%s %.60q: %d bytes, IoT Core takes %d", what, topic, len(topic), maxTopic)
	}
	if n := strings.Count(topic, "/"); n > maxSlashes {
		return fmt.Errorf("%s %.60q: %d slashes, IoT Core takes %d", what, topic, n, maxSlashes)
	}
	return nil
}

// checkClientID returns why IoT Core refuses a client id. An empty one it would replace by one of its own, with which
// nobody can connect again; here it is refused, since a policy that names clients would not allow it.
func checkClientID(id string) error {
	switch {
	case id == "":
		return errors.New("client id is empty")
	case len(id) > maxClientID:
		return fmt.Errorf("client id %.60q: %d bytes, IoT Core takes %d", id, len(id), maxClientID)
	case id[0] == '$':
		return fmt.Errorf("client id %.60q: starts with $", id)
	}
	return nil
}

// matches reports whether a filter selects a topic. Unlike plain MQTT, a/# does not select its parent a (developer
// guide, MQTT: differences from the specification).
func matches(filter, topic string) bool {
	for {
		f, filterRest, moreFilter := strings.Cut(filter, "/")
		t, topicRest, moreTopic := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != t:
			return false
		case !moreFilter || !moreTopic:
			return moreFilter == moreTopic
		}
		filter, topic = filterRest, topicRest
	}
}
