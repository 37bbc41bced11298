#!/bin/sh
# Prints what the gateway sends to mosquitto in AWS's place, with its topic. Mosquitto keeps it while this is away.
exec mosquitto_sub -h aws -p 8883 --cafile /certs/AmazonRootCA1.pem --cert /certs/*-certificate.pem.crt \
  --key /certs/*-private.pem.key -i messages -c -q 1 -v -t '$aws/#' -t '#'
