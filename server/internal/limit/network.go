package limit

import (
	"encoding/binary"
	"hash/maphash"
	"net"
	"net/netip"
	"strconv"
)

// A Network is what is bounded as one client: an IPv4 address, an IPv6 /64, which is the least that one line gets, or
// the /56 or the /48 around it, which is what a provider gives to one customer (RFC 6177). Networks are comparable,
// and making one of an IP address allocates nothing.
type Network struct {
	bits uint64 // of IPv6 the first 64, of IPv4 all 32, of other text its hash
	tier tier
}

type tier uint8

const (
	tierName tier = iota // no IP address, such as the "@" of a Unix socket
	tierIPv4
	tier64
	tier56
	tier48
)

// What the wider networks of IPv6 may have, as multiples of what one /64 may. A customer with a /48 has 65,536 /64s; a
// provider that gives each customer one /64 may have some hundred of them in a /48.
const (
	Factor56 = 2
	Factor48 = 4
)

var nameSeed = maphash.MakeSeed()

// PeerOf returns the IP address of a connection's other end, as net and net/http write it, without its port.
func PeerOf(remoteAddr string) string {
	if host, _, err := net.SplitHostPort(remoteAddr); err == nil {
		return host
	}
	return remoteAddr
}

// NetworkOf returns the narrowest network of an IP address, with or without a zone. IPv4 written as IPv6 is IPv4. Any
// other text is a network of its own.
func NetworkOf(ip string) Network {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return Network{maphash.String(nameSeed, ip), tierName}
	}
	return NetworkOfAddr(a)
}

// NetworkOfAddr returns the narrowest network of a valid address.
func NetworkOfAddr(a netip.Addr) Network {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return Network{uint64(binary.BigEndian.Uint32(b[:])), tierIPv4}
	}
	b := a.As16()
	return Network{binary.BigEndian.Uint64(b[:8]), tier64}
}

// Networks are an address's narrowest network and, behind it, the wider ones around it: N in all.
type Networks struct {
	All [3]Network
	N   int
}

// Around returns n, which is an address's narrowest network, and the wider ones around it.
func (n Network) Around() Networks {
	if n.tier != tier64 {
		return Networks{[3]Network{n}, 1}
	}
	return Networks{[3]Network{n, {n.bits &^ 0xff, tier56}, {n.bits &^ 0xffff, tier48}}, 3}
}

func networksOf(ip string) Networks { return NetworkOf(ip).Around() }

// narrow reports whether n is an address's narrowest network.
func (n Network) narrow() bool { return n.tier <= tier64 }

// Factor is how many times as much as a single address n may have.
func (n Network) Factor() int {
	switch n.tier {
	case tier56:
		return Factor56
	case tier48:
		return Factor48
	}
	return 1
}

// String returns the address, or the network with its length. A name is not kept, only its hash.
func (n Network) String() string {
	var b [16]byte
	switch n.tier {
	case tierName:
		return "name " + strconv.FormatUint(n.bits, 16)
	case tierIPv4:
		binary.BigEndian.PutUint32(b[:4], uint32(n.bits))
		return netip.AddrFrom4([4]byte(b[:4])).String()
	}
	binary.BigEndian.PutUint64(b[:8], n.bits)
	length := map[tier]int{tier64: 64, tier56: 56, tier48: 48}[n.tier]
	return netip.PrefixFrom(netip.AddrFrom16(b), length).String()
}
