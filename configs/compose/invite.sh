#!/bin/sh
# What a person does at the gateway: lets the script in, and invites each agent that asks for it.
set -eu
trap 'exit 0' INT TERM
umask 077

gateway() { piway-gateway "$@" --config /etc/piway/gateway.yaml; }

until gateway health; do sleep 1 & wait $!; done

# Its home, as docs/scripts.md has it. The file with the password is the last: the script waits for it.
cd /script
gateway device add script --password-file password --keep
mkdir -p certs .config
gateway ca >certs/gateway-root-CA.crt
printf '%s\n' '-u script' "-P $(cat password)" >.config/new
mv .config/new .config/mosquitto_pub

while :; do
  for asked in /invitations/pi-*.asked; do
    [ -e "$asked" ] || continue
    name=${asked##*/} name=${name%.asked}
    if gateway invite "$name" --replace --token-file "/invitations/$name.token"; then rm -f "$asked"; fi
  done
  sleep 1 & wait $!
done
