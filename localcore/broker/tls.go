package broker

import (
	"crypto/tls"
	"fmt"
	"slices"
)

// alpnMQTT is what MQTT is called on IoT Core's port 443 (AWS IoT, protocols). A client that asks for another protocol
// is refused; one that asks for none is one of port 8883.
const alpnMQTT = "x-amzn-mqtt-ca"

// endpointTLS adds what IoT Core looks at in a client's greeting.
func endpointTLS(cfg *tls.Config, endpoints []string) *tls.Config {
	if cfg == nil {
		return nil
	}
	c := cfg.Clone()
	c.NextProtos = []string{alpnMQTT}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if name := hello.ServerName; name != "" && len(endpoints) > 0 && !slices.Contains(endpoints, name) {
			return nil, fmt.Errorf("server name %.100q is not an endpoint here", name)
		}
		return nil, nil // as it is
	}
	return c
}
