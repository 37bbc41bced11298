#!/bin/sh
# The usual recipe's script, every so many seconds, after the three steps of docs/scripts.md: user and password are in
# ~/.config/mosquitto_pub, the root certificate is the gateway's, and the host is the gateway.
set -eu
trap 'exit 0' INT TERM

cd ~
until [ -e .config/mosquitto_pub ]; do sleep 1 & wait $!; done

publish() {
  CA=$(find certs -name '*root*' -o -name '*Root*')
  message=$(printf '{"name": "%s (script)", "unit": "%s", "value": "%s"}' "$1" "$2" "$3")
  if mosquitto_pub --cafile "$CA" --tls-version tlsv1.2 -h gateway -p 8883 -q 1 -t raspi/metrics -m "$message"; then
    echo "acknowledged: $message"
  else
    echo "NOT acknowledged: $message"
  fi
}

while :; do
  publish "memory usage" Megabytes \
    "$(awk '/^MemTotal/ {t = $2} /^MemAvailable/ {a = $2} END {print (t - a) * 1.024 / 1000}' /proc/meminfo)"
  publish "disk usage" Percent "$(df --output=pcent / | tr -dc 0-9)"
  sleep "$1" & wait $!
done
