package collect

import (
	"context"
	"errors"
	"log/slog"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// A sensor is one source, and what is known of it.
type sensor struct {
	name  string // of its metric, or of what its metrics have in common
	local bool
	read  reading.Source

	complaint  string            // told last
	attributes map[string]string // said last
	reading.Attempt[reading.Found]
}

// note logs a sensor's change between working and not.
func (s *sensor) note(log *slog.Logger, err error) {
	complaint := ""
	if err != nil {
		complaint = err.Error()
	}
	if complaint == s.complaint || errors.Is(err, reading.ErrEarly) {
		return
	}
	cameBack := s.complaint == host.ErrAbsent.Error()
	s.complaint = complaint
	level := slog.LevelInfo
	if s.local && (cameBack || errors.Is(err, host.ErrAbsent)) { // most machines lack some, and Wi-Fi comes and goes
		level = slog.LevelDebug
	}
	switch {
	case err == nil:
		log.Log(context.Background(), level, "sensor works again", "metric", s.name)
	case errors.Is(err, host.ErrAbsent):
		log.Log(context.Background(), level, "no such sensor", "metric", s.name)
	default:
		log.Warn("sensor fails", "metric", s.name, "err", err)
	}
}
