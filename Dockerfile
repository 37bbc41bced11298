# One file for all images. Nothing here needs BuildKit, and BuildKit takes it too.
#   gateway, agent, localcore   the programs and nothing else; release archives hold the same
#   build, demo-gateway, demo   what docker-compose.yml needs beside them
# Few layers: where Docker has no overlay2, each costs seconds. So a change in configs/compose builds the programs again.
# What an interrupted build left: docker image prune --filter label=org.opencontainers.image.title=piway
# Agent is the last: who builds without BuildKit builds all that stands before, too.
FROM golang:1.26-bookworm AS build
LABEL org.opencontainers.image.title=piway
COPY go.mod go.sum /src/
RUN cd /src && go mod download
COPY . /src
# What the compiler keeps would never be used again. The folders are those that volumes are mounted on: a new named
# volume takes over their owner.
RUN cd /src && mkdir /out && CGO_ENABLED=0 GOCACHE=/tmp/go go build -trimpath -ldflags "-s -w" -o /out/ \
      ./agent ./gateway ./localcore \
 && rm -rf /tmp/go \
 && for name in agent gateway localcore; do mv /out/$name /out/piway-$name || exit 1; done \
 && for dir in certs etc/piway var/lib/piway var/lib/piway-agent; do \
      install -d -m 0700 -o 65532 -g 65532 /tree/$dir || exit 1; \
    done
USER 65532:65532

FROM scratch AS base
LABEL org.opencontainers.image.title=piway
COPY --from=build --chown=65532:65532 /tree/ /
USER 65532:65532

FROM base AS localcore
COPY --from=build /out/piway-localcore /usr/bin/piway-localcore
ENTRYPOINT ["/usr/bin/piway-localcore"]

FROM base AS gateway
COPY --from=build /out/piway-gateway /usr/bin/piway-gateway
ENTRYPOINT ["/usr/bin/piway-gateway"]

FROM gateway AS demo-gateway
COPY --chown=65532:65532 configs/compose/gateway.yaml /etc/piway/gateway.yaml

# A small Debian, as on a Pi: with mosquitto_pub for the recipe's script, with a shell for what a person does, and with
# mosquitto for who wants it in localcore's place.
FROM debian:bookworm-slim AS demo
LABEL org.opencontainers.image.title=piway
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mosquitto mosquitto-clients \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -m 0700 -o 65532 -g 65532 /certs /invitations /script /var/lib/piway /var/lib/piway-agent
COPY --from=build /out/piway-agent /out/piway-gateway /usr/bin/
COPY --chown=65532:65532 configs/compose /etc/piway
USER 65532:65532
CMD ["sh"]

FROM base AS agent
COPY --from=build /out/piway-agent /usr/bin/piway-agent
ENTRYPOINT ["/usr/bin/piway-agent"]
