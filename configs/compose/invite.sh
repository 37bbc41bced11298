#!/bin/sh
# What a person does at the gateway: lets the script in, and invites each agent that asks for it.
set -eu
trap 'exit 0' INT TERM
umask 077

# invite leaves a token for a device that has no key, or has lost it: the volume with the keys was removed.
invite() {
  piway-gateway invite "$1" --token-file "/invitations/$1.token" ||
    piway-gateway invite "$1" --replace --token-file "/invitations/$1.token"
}

until piway-gateway health; do sleep 1 & wait $!; done

# Its home, as docs/scripts.md has it. The file with the password is the last: the script waits for it.
cd /script
piway-gateway device add script --password-file password --keep
mkdir -p certs .config
piway-gateway ca >certs/gateway-root-CA.crt
printf '%s\n' '-u script' "-P $(cat password)" >.config/new
mv .config/new .config/mosquitto_pub

while :; do
  for asked in /invitations/pi-*.asked; do
    [ -e "$asked" ] || continue
    name=${asked##*/} name=${name%.asked}
    if invite "$name"; then rm -f "$asked"; fi
  done
  sleep 1 & wait $!
done
