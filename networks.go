package homing

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"homing/region"
)

// networks finds the region of an address.
type networks struct {
	regions map[netip.Prefix]region.Code
	lengths []int // of the prefixes, longest first
}

func newNetworks(regions map[netip.Prefix]region.Code) networks {
	n := networks{regions: map[netip.Prefix]region.Code{}}
	for p, code := range regions {
		p = p.Masked()
		n.regions[p] = code
		if !slices.Contains(n.lengths, p.Bits()) {
			n.lengths = append(n.lengths, p.Bits())
		}
	}
	slices.SortFunc(n.lengths, func(a, b int) int { return b - a })
	return n
}

func (n networks) find(r *http.Request) (region.Code, bool) {
	if len(n.lengths) == 0 {
		return "", false
	}
	addr, ok := clientAddr(r)
	if !ok {
		return "", false
	}
	for _, bits := range n.lengths {
		p, err := addr.Prefix(bits)
		if err != nil { // longer than this kind of address
			continue
		}
		if code, ok := n.regions[p]; ok {
			return code, true
		}
	}
	return "", false
}

// clientAddr returns the client's address: the peer's, or what the peer says if that is
// a proxy of one's own, by its private address. It is good enough to count by.
func clientAddr(r *http.Request) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	peer = peer.Unmap()
	lines := r.Header["X-Forwarded-For"]
	if len(lines) == 0 || !peer.IsPrivate() && !peer.IsLoopback() {
		return peer, true
	}
	list := lines[len(lines)-1]
	last := strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
	addr, err := netip.ParseAddr(last)
	return addr.Unmap(), err == nil
}
