package server

import (
	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/plain"
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

// A plainAccount is the part of a client of the plain endpoints.
type plainAccount struct{ limit.Purse }

// plainAccount opens the account of a client of the plain endpoints that is about to join.
func (s *Server) plainAccount(address string) plain.Account {
	a := new(plainAccount)
	a.Open(s.shares.Account(address))
	return a
}

func (a *plainAccount) Joined(m limit.Member) { a.Account().Joined(m) }

func (a *plainAccount) Left(m limit.Member) {
	a.Account().Left(m)
	a.Close()
}
