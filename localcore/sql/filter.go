package sql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// IoT Core's quotas for a topic; a Basic Ingest prefix does not count.
const (
	maxTopicBytes   = 256
	maxTopicSlashes = 7
)

// A Filter is a topic filter with the wildcards + (one level) and # (all further levels).
type Filter struct{ text string }

// ParseFilter reads a topic filter [MQTT-4.7] within IoT Core's quotas.
func ParseFilter(text string) (Filter, error) {
	if err := CheckSize("topic filter", text); err != nil {
		return Filter{}, err
	}
	levels := strings.Split(text, "/")
	for i, level := range levels {
		switch {
		case len(level) > 1 && strings.ContainsAny(level, "+#"):
			return Filter{}, fmt.Errorf("topic filter %q: a wildcard must be a whole level, got %q", text, level)
		case level == "#" && i < len(levels)-1:
			return Filter{}, fmt.Errorf("topic filter %q: # must be the last level", text)
		}
	}
	return Filter{text}, nil
}

// CheckTopic says what is wrong with a topic that a message is to be published to.
func CheckTopic(topic string) error {
	if err := CheckSize("topic", topic); err != nil {
		return err
	}
	if strings.ContainsAny(topic, "+#") {
		return fmt.Errorf("topic %q: wildcards are for filters", topic)
	}
	return nil
}

// CheckSize says what is wrong with the text or the size of a topic or filter.
func CheckSize(what, text string) error {
	_, counted, _ := BasicIngest(text)
	switch {
	case text == "":
		return fmt.Errorf("%s %q: empty", what, text)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return fmt.Errorf("%s %.40q: not UTF-8 text", what, text)
	case len(counted) > maxTopicBytes:
		return fmt.Errorf("%s %.40q…: %d bytes, IoT Core takes %d", what, text, len(counted), maxTopicBytes)
	case strings.Count(counted, "/") > maxTopicSlashes:
		return fmt.Errorf("%s %q: more slashes than the %d that IoT Core takes", what, text, maxTopicSlashes)
	}
	return nil
}

// String returns the filter as it was written.
func (f Filter) String() string { return f.text }

// Match reports whether the topic is selected.
func (f Filter) Match(topic string) bool {
	if strings.HasPrefix(topic, "$") && strings.ContainsAny(f.text[:1], "+#") {
		return false // [MQTT-4.7.2-1]
	}
	return Matches(f.text, topic)
}

// Matches reports whether a filter selects a topic. Unlike plain MQTT, a/# does not match its parent a
// (AWS IoT Developer Guide, mqtt: differences from the specification).
func Matches(filter, topic string) bool {
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

// BasicIngest splits $aws/rules/NAME/REST into NAME and REST, REST perhaps empty. Any other topic comes back whole.
func BasicIngest(topic string) (rule, rest string, ok bool) {
	tail, ok := strings.CutPrefix(topic, "$aws/rules/")
	if !ok {
		return "", topic, false
	}
	rule, rest, _ = strings.Cut(tail, "/")
	return rule, rest, true
}
