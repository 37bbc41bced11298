package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"piway/proof/world"
	"piway/shared/pki"
)

// A peer is a way from a LAN to AWS, at certain settings.
type peer struct {
	name string
	what string // its settings, in a line
	// needs are the programs that have to be installed.
	needs []string
	open  func(ctx context.Context, s *site) (forwarder, error)
}

// A forwarder is a running peer.
type forwarder interface {
	door() door
	// kill ends the process that forwards with SIGKILL and starts it again.
	kill(ctx context.Context) error
	// revive starts the process again if it has ended by itself, as a service manager would, and reports whether it
	// had.
	revive(ctx context.Context) (bool, error)
	// step is after how much simulated time tick is to be called, for what the peer does by a clock that goes slower
	// than the load; 0 for never.
	step() time.Duration
	tick(ctx context.Context) error
	// written is what all its processes wrote to disk so far.
	written() int64
	// settled returns when the peer says that it has nothing more to forward, or an error if its books do not balance.
	settled(ctx context.Context) error
	close()
}

// A site is where a forwarder runs.
type site struct {
	dir      string // its own, removed at the end
	upstream *upstream
	load     load
	files    pki.Files // of the certificate
	programs programs
	log      *world.Log
}

// programs are the paths of the programs.
type programs struct{ gateway, mosquitto, telegraf string }

// A recipe is the message that scripts send to the recipe's topic.
type recipe struct {
	Name      string  `json:"name"`
	Unit      string  `json:"unit"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
}

const recipeTopic = "raspi/metrics"

// recipes makes a message of each sample, for a door that takes them from anybody.
func recipes(l load, addr string) door {
	return door{
		broker:   addr,
		password: func(string) string { return "" },
		messages: func(pi int, tick int64) ([]message, error) {
			var all []message
			for m := range l.metrics {
				id := l.of(pi, m, tick)
				payload, err := json.Marshal(recipe{fullName(pi, m), "Count", id.value(), tick})
				if err != nil {
					return nil, fmt.Errorf("encoding a sample: %w", err)
				}
				all = append(all, message{recipeTopic, payload, []sampleID{id}})
			}
			return all, nil
		},
	}
}
