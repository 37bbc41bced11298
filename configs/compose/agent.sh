#!/bin/sh
# Runs an agent as the first device that no other container is. The kernel frees a device when its container ends,
# however that happens. Pairs it with the gateway first if it has no key.
set -eu
trap 'exit 0' INT TERM

home=/var/lib/piway-agent number=1
while :; do
  name=pi-$number
  exec 9>"$home/$name.lock"
  ! flock -n 9 || break
  number=$((number + 1))
done
config=$home/$name/agent.yaml token=/invitations/$name.token
echo "this container is $name"

if [ ! -e "$config" ]; then
  mkdir -p "$home/$name"
  sed "s/NAME/$name/" /etc/piway/agent.yaml >"$config.new"
  mv "$config.new" "$config"
fi

# A token is good for an hour. One that is there may be bound to this device's key already, so it is tried first.
until grep -q '^ *key_file: *"\{0,1\}/' "$config"; do
  if [ ! -e "$token" ]; then
    : >"/invitations/$name.asked"
    sleep 1 & wait $!
  elif ! piway-agent join --token-file "$token" --config "$config"; then
    rm -f "$token"
    sleep 5 & wait $!
  fi
done
rm -f "$token"
exec piway-agent run --config "$config"
