package cloudwatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what a Store keeps of a log group. Past them the oldest arrivals go and are counted.
const (
	// MaxEvents and MaxEventBytes bound the events of a group, the bytes with the 26 that AWS adds to each.
	MaxEvents     = 10_000
	MaxEventBytes = 8 << 20
	// MaxEMFErrors is the number of errors kept of the embedded metric format, newest last.
	MaxEMFErrors = 50
)

// retentions are the days that PutRetentionPolicy takes; 0 means that events never expire.
var retentions = []int{
	0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// A Group describes a log group.
type Group struct {
	Name          string `json:"name"`
	RetentionDays int    `json:"retention_days"` // 0: for ever
	// Result is the sum over all calls since the group was created.
	Result

	// RefusedCalls are calls of PutLogEvents that failed as a whole.
	RefusedCalls int `json:"refused_calls"`
	// Kept events are here, Forgotten ones went past a bound.
	Kept      int `json:"kept"`
	Forgotten int `json:"forgotten"`
}

// A LogEvent is an event that is in the log.
type LogEvent struct {
	Timestamp time.Time `json:"timestamp"`
	Message   string    `json:"message"`
	Received  time.Time `json:"received"`
	// Datums is how many it became as a document in embedded metric format.
	Datums int `json:"datums"`
}

type logs struct {
	mu     sync.Mutex // guards the fields below, and what groups point to
	groups map[string]*group
	errors []EMFError
}

type group struct {
	Group

	events []LogEvent // in order of arrival
	bytes  int        // of events
}

// CreateGroup makes a log group. Retention is one of the numbers of days that AWS allows, or 0 to keep events for ever.
func (s *Store) CreateGroup(name string, retentionDays int) error {
	// CreateLogGroup: 1 to 512 of these characters.
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.#"
	if name == "" || len(name) > 512 || strings.Trim(name, allowed) != "" {
		return invalid("name", "logGroupName %q is not 1 to 512 of the characters a-z A-Z 0-9 _ - / . #", clip(name))
	}
	if !slices.Contains(retentions, retentionDays) {
		return invalid("retention", "retentionInDays %d is not one of %v", retentionDays, retentions)
	}
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	if s.logs.groups[name] != nil {
		return &LogsError{"ResourceAlreadyExistsException", "name", fmt.Sprintf("the log group %q exists", clip(name))}
	}
	s.logs.groups[name] = &group{Group: Group{Name: name, RetentionDays: retentionDays}}
	return nil
}

// Groups returns all log groups, sorted by name.
func (s *Store) Groups() []Group {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	all := make([]Group, 0, len(s.logs.groups))
	for _, name := range slices.Sorted(maps.Keys(s.logs.groups)) {
		g := s.logs.groups[name]
		g.Kept = len(g.events)
		all = append(all, g.Group)
	}
	return all
}

// Events returns up to limit events of a group, newest arrivals first; nil if there is no such group.
func (s *Store) Events(name string, limit int) []LogEvent {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	g := s.logs.groups[name]
	if g == nil {
		return nil
	}
	list := slices.Clone(g.events[max(0, len(g.events)-max(0, limit)):])
	slices.Reverse(list)
	return list
}

// EMFErrors returns what was wrong with documents in embedded metric format, newest first.
func (s *Store) EMFErrors() []EMFError {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	list := slices.Clone(s.logs.errors)
	slices.Reverse(list)
	return list
}

// add keeps events within the bounds.
func (g *group) add(events []LogEvent) {
	g.events = append(g.events, events...)
	for _, e := range events {
		g.bytes += eventBytes(e.Message)
	}
	over := 0
	for len(g.events)-over > MaxEvents || g.bytes > MaxEventBytes {
		g.bytes -= eventBytes(g.events[over].Message)
		over++
	}
	g.events = slices.Delete(g.events, 0, over)
	g.Forgotten += over
}
