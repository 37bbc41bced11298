package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piway/proof/world"
)

// telegrafPeers are InfluxData's Telegraf between a mosquitto on the LAN and AWS: at the defaults of both, and at the
// most durable settings of both.
func telegrafPeers() []peer {
	needs := []string{"mosquitto", "telegraf"}
	return []peer{
		{
			"telegraf", "mqtt_consumer to mqtt, defaults, but qos 1 to AWS; mosquitto before it at Debian's defaults", needs,
			telegrafOf(telegrafDefault, 30*time.Minute, nil),
		},
		{
			"telegraf-disk", "also buffer_strategy disk, startup_error_behavior retry, consumer qos 1 with " +
				"persistent_session; mosquitto before it as in mosquitto-durable, with max_inflight_messages 1000",
			needs, telegrafOf(telegrafDisk, time.Minute, append(durable(), "max_inflight_messages 1000")),
		},
	}
}

// telegrafConfig reads the recipe's message and writes it again. AWS ignores QoS 2, the output's default.
const telegrafConfig = `
[agent]
  omit_hostname = true
%[1]s
[[inputs.mqtt_consumer]]
  servers = ["tcp://%[4]s"]
  topics = ["raspi/metrics"]
  topic_tag = ""
%[2]s
  data_format = "json"
  tag_keys = ["name", "unit"]
  json_time_key = "timestamp"
  json_time_format = "unix"
[[outputs.mqtt]]
  servers = ["tls://localhost:%[5]d"]
  topic = "raspi/metrics"
  qos = 1
  client_id = "piway-outage"
%[3]s
  tls_ca = "%[6]s"
  tls_cert = "%[7]s"
  tls_key = "%[8]s"
  data_format = "json"
  json_timestamp_units = "1s"
  json_transformation = '{"name": tags.name, "unit": tags.unit, "value": fields.value, "timestamp": timestamp}'
`

// telegrafSettings are what a peer adds to the agent, the input and the output.
type telegrafSettings struct{ agent, input, output []string }

func telegrafDefault(string) telegrafSettings { return telegrafSettings{} }

func telegrafDisk(dir string) telegrafSettings {
	return telegrafSettings{
		agent:  []string{`buffer_strategy = "disk"`, fmt.Sprintf("buffer_directory = %q", filepath.Join(dir, "buffer"))},
		input:  []string{"qos = 1", "persistent_session = true", `client_id = "telegraf"`},
		output: []string{`startup_error_behavior = "retry"`},
	}
}

// A telegraf is one with its broker.
type telegraf struct {
	*mosquitto // on the LAN; it is not killed

	proc *world.Process
}

func telegrafOf(settings func(dir string) telegrafSettings, autosave time.Duration,
	general []string,
) func(context.Context, *site) (forwarder, error) {
	return func(ctx context.Context, s *site) (forwarder, error) {
		lan, err := startMosquitto(ctx, s, autosave, general, nil)
		if err != nil {
			return nil, err
		}
		set := settings(s.dir)
		lines := func(l []string) string { return "  " + strings.Join(l, "\n  ") }
		text := fmt.Sprintf(telegrafConfig, lines(set.agent), lines(set.input), lines(set.output), lan.addr, s.upstream.port,
			s.files.Roots[0], s.files.Cert, s.files.Key)
		file := filepath.Join(s.dir, "telegraf.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			lan.close()
			return nil, fmt.Errorf("writing telegraf's configuration: %w", err)
		}
		t := &telegraf{mosquitto: lan, proc: &world.Process{
			Path: s.programs.telegraf, Args: []string{"--config", file},
			Ready: "Connected [tcp:", Log: s.log.Of("telegraf"),
		}}
		if err := t.proc.Start(ctx); err != nil {
			t.close()
			return nil, err
		}
		return t, nil
	}
}

// kill waits until telegraf reads again. While AWS is away it does not, and ends; revive starts it once more.
func (t *telegraf) kill(ctx context.Context) error {
	t.proc.Kill()
	return t.try(ctx)
}

// try starts telegraf. That it ends at once is no error: it may not when it is tried again.
func (t *telegraf) try(ctx context.Context) error {
	err := t.proc.Start(ctx)
	if err != nil && ctx.Err() == nil && !t.proc.Running() {
		return nil
	}
	return err
}

func (t *telegraf) revive(ctx context.Context) (bool, error) {
	if t.proc.Running() {
		return false, nil
	}
	_ = t.proc.Stop() // it has ended
	return true, t.try(ctx)
}

func (t *telegraf) written() int64 { return t.mosquitto.written() + t.proc.Written() }

func (t *telegraf) close() {
	_ = t.proc.Stop() // all is counted
	t.mosquitto.close()
}
