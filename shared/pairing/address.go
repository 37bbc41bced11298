package pairing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"piway/shared/address"
)

// What the first byte of an address says, beside the length of a name.
const (
	maxName = 253 // RFC 1035
	isIPv4  = 254
	isIPv6  = 255
)

// appendAddress adds HOST:PORT.
func appendAddress(b []byte, text string) ([]byte, error) {
	a, err := address.Parse(text, "")
	if err != nil {
		return nil, fmt.Errorf("the address %q: must be HOST:PORT, %w", text, err)
	}
	port, err := strconv.ParseUint(a.Port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the address %q: must be %s", text, address.BadPort)
	}
	ip, err := netip.ParseAddr(a.Host)
	switch {
	case err != nil && len(a.Host) > maxName:
		return nil, fmt.Errorf("the address %q: has a name longer than %d bytes", text, maxName)
	case err != nil:
		b = append(append(b, byte(len(a.Host))), a.Host...) //nolint:gosec // at most maxName
	case ip.Zone() != "":
		return nil, fmt.Errorf("the address %q: %q is an interface of this machine, and means nothing to another", text,
			ip.Zone())
	case ip.Unmap().Is4():
		b = append(append(b, isIPv4), ip.Unmap().AsSlice()...)
	default:
		b = append(append(b, isIPv6), ip.AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(b, uint16(port)), nil
}

// readAddress reads what appendAddress wrote, and how many bytes it is. b is not empty.
func readAddress(b []byte) (text string, n int, err error) {
	n = int(b[0])
	switch b[0] {
	case isIPv4:
		n = net.IPv4len
	case isIPv6:
		n = net.IPv6len
	}
	const port = 2
	if len(b) < 1+n+port {
		return "", 0, errors.New("its address is cut off")
	}
	host := string(b[1 : 1+n])
	if b[0] == isIPv4 || b[0] == isIPv6 {
		ip, _ := netip.AddrFromSlice(b[1 : 1+n]) // the length is right
		host = ip.String()
	}
	a := address.Address{Host: host, Port: strconv.Itoa(int(binary.BigEndian.Uint16(b[1+n:])))}
	text = a.String()
	n += 1 + port
	// One text has one form: what another program made of it is not believed to be what a person can check.
	again, err := appendAddress(nil, text)
	if err == nil && string(again) != string(b[:n]) {
		err = fmt.Errorf("the address %q is packed in another way", text)
	}
	return text, n, err
}
