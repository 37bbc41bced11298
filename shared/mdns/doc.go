package mdns
