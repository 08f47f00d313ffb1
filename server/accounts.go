package server

import (
	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
)

// A sessionAccount is one session's part of its address's account.
type sessionAccount struct{ limit.Purse }

// account opens the account of a session that is about to join.
func (s *Server) account(address string) engineio.Account {
	a := new(sessionAccount)
	a.Open(s.shares.Account(address))
	return a
}

func (a *sessionAccount) Joined(m *engineio.Session) { a.Account().Joined(m) }

func (a *sessionAccount) Left(m *engineio.Session) {
	a.Account().Left(m)
	a.Close()
}
