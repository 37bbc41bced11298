package broker

import (
	"errors"
	"fmt"
	"strings"

	"piway/localcore/sql"
)

const (
	basicIngest = "$aws/rules/"
	sys         = "$SYS" // in either case, as mochi has it
)

// errNoTopic is a topic to which nothing can be published, and for which the connection is not closed.
var errNoTopic = errors.New("has a wildcard or is the broker's own")

// checkTopic returns why IoT Core closes the connection of who publishes there, or errNoTopic.
func checkTopic(topic string) error {
	switch {
	case strings.ContainsAny(topic, "+#"), len(topic) >= len(sys) && strings.EqualFold(topic[:len(sys)], sys):
		return fmt.Errorf("topic %.60q: %w", topic, errNoTopic)
	case strings.HasPrefix(topic, "$") && !isBasicIngest(topic):
		return fmt.Errorf("topic %.60q: is reserved", topic)
	}
	return sql.CheckSize("topic", topic)
}

// checkFilter returns why IoT Core closes the connection of who subscribes to it.
func checkFilter(filter string) error {
	if strings.HasPrefix(filter, "$") {
		return fmt.Errorf("filter %.60q: is reserved, and nobody may subscribe to Basic Ingest", filter)
	}
	return sql.CheckSize("filter", filter)
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
