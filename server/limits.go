package server

import (
	"net"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/admin"
	"github.com/crier/crier/server/internal/limit"
)

// The limits that the house keeps for its rooms.
const (
	limitHeld = "MaxHeldBytes"
	limitKept = "Kept"
)

// newLimits makes what all rooms share to keep each client within its bounds.
func (s *Server) newLimits() (err error) {
	c := s.config
	trusted := c.Limits == config.Trusted
	s.connections = newConnections(c, s.trusts, s.refusedConnection)
	if n := c.MaxConnections; n > s.connections.max {
		s.log.Warn("the system allows fewer connections than max_connections; raise ulimit -n, or LimitNOFILE in systemd",
			"max_connections", n, "allowed", s.connections.max)
	}
	s.addresses, err = limit.NewAddresses(limit.AddressLimits{MaxOpen: c.MaxAddressSessions, MaxRate: c.MaxAddressRate})
	if err != nil {
		return err
	}
	if !trusted {
		s.kept = limit.NewKept(c.FeedMaxEntries, c.FeedMaxBytes)
		s.kept.Bound = s.ownsTooMuch
	}
	s.shares, err = limit.NewShares(limit.SharesOptions{
		MaxHeldBytes: c.MaxHeldBytes, Trusted: trusted, Told: s.heldTooMuch,
	})
	return err
}

// refusedConnection is told of each connection that was closed before it could say anything.
func (s *Server) refusedConnection(addr net.Addr, l string) {
	s.hits.Add(l)
	if held, ok := s.closed.Next(); ok {
		host := limit.PeerOf(addr.String())
		s.log.Warn("a connection was refused for a limit",
			s.withHint(host, "limit", admin.Setting(l), "address", host, "not_logged", held)...)
	}
}

// heldTooMuch is told of each client that is disconnected because too much is held.
func (s *Server) heldTooMuch(l limit.Shedding) {
	s.hits.Add(limitHeld)
	held, ok := s.shed.Next()
	if !ok {
		return
	}
	why := "its address holds more than its share"
	if l.Sum {
		why = "as much is held for all clients as may be, and it holds most"
	}
	s.log.Warn("a client is disconnected: "+why, "limit", admin.Setting(limitHeld), "address", l.Network.String(),
		"bytes", l.Bytes, "held_for_all", l.Held, "not_logged", held)
}

// ownsTooMuch is told once within an hour of an address that may say no more for a while.
func (s *Server) ownsTooMuch(address string) {
	s.hits.Add(limitKept)
	if held, ok := s.turned.Next(); ok {
		s.log.Warn("an address has said a quarter of all that is kept within an hour, and may say no more for now",
			s.withHint(address, "limit", admin.Setting(limitKept), "address", address, "not_logged", held)...)
	}
}

// withHint adds to the fields of a line what to do where a limit counts a whole proxy as one address.
func (s *Server) withHint(address string, fields ...any) []any {
	if !s.unnamed.has(address) {
		return fields
	}
	return append(fields,
		"hint", "it came through a proxy; if that is yours, add its address to the setting trusted_proxies")
}
