package bench_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// certsOf is where the library finds a certificate to serve with; without one it speaks plainly.
const certsOf = "PIWAY_TEST_CERTS"

// bareBroker is the library with a hook that lets everyone in, acknowledges and forgets.
func bareBroker(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr, at := ln.Addr(), "listen"
	if dir := os.Getenv(certsOf); dir != "" {
		cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem.crt"), filepath.Join(dir, "server.pem.key"))
		if err != nil {
			return err
		}
		at = "listen_tls"
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler), SysTopicResendInterval: 3600})
	s.Options.Capabilities.MaximumClientWritesPending = 64
	if err := errors.Join(s.AddHook(&openHook{}, nil), s.AddListener(listeners.NewNet("bare", ln)),
		s.Serve()); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "library ready %s=%s\n", at, addr)
	<-ctx.Done()
	return s.Close()
}

type openHook struct{ mqtt.HookBase }

func (*openHook) Provides(q byte) bool {
	return q == mqtt.OnConnectAuthenticate || q == mqtt.OnACLCheck || q == mqtt.OnPublish
}
func (*openHook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (*openHook) OnACLCheck(*mqtt.Client, string, bool) bool              { return true }
func (*openHook) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	return pk, packets.CodeSuccessIgnore
}
