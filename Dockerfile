# One file for the three programs: build with --target agent, gateway or localcore.
# Nothing here needs BuildKit, and BuildKit takes it too.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN for name in agent gateway localcore; do \
      CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/piway-$name ./$name || exit 1; \
    done
# The folders that volumes are mounted on: a new named volume takes over their owner.
RUN mkdir -p /tree/certs /tree/secrets /tree/etc/piway /tree/var/lib/piway /tree/var/lib/piway-agent

FROM scratch AS base
COPY --from=build --chown=65532:65532 /tree/ /
USER 65532:65532

FROM base AS localcore
COPY --from=build /out/piway-localcore /usr/bin/piway-localcore
ENTRYPOINT ["/usr/bin/piway-localcore"]

FROM base AS gateway
COPY --from=build /out/piway-gateway /usr/bin/piway-gateway
ENTRYPOINT ["/usr/bin/piway-gateway"]

FROM base AS agent
COPY --from=build /out/piway-agent /usr/bin/piway-agent
ENTRYPOINT ["/usr/bin/piway-agent"]
