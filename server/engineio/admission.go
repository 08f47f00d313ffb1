package engineio

import (
	"errors"
	"net"
	"net/http"

	"github.com/crier/crier/server/internal/limit"
)

// How long a client that is turned away should wait, in seconds: what a rate brings back is there after one, and some of an
// address's sessions, or of all, may have ended after ten.
const (
	retrySoon  = 1
	retryLater = 10
)

var (
	refuseFull    = &refusal{http.StatusServiceUnavailable, refuseForbidden.Code, "Too many sessions", retryLater}
	refuseTooMany = &refusal{http.StatusTooManyRequests, refuseForbidden.Code, "Too many sessions from this address", retryLater}
	refuseTooFast = &refusal{http.StatusTooManyRequests, refuseForbidden.Code, "Too many new sessions from this address", retrySoon}
)

// peerAddress is the IP address that a request's connection comes from.
func peerAddress(r *http.Request) string {
	if addr, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return addr
	}
	return r.RemoteAddr
}

// enter makes room for one more session of an address, which leave gives back; or it says why there is none.
func (sv *Server) enter(r *http.Request, address string) *refusal {
	refused, hit := refuseFull, LimitSessions
	if sv.reserve() {
		err := sv.opts.Addresses.Enter(address)
		if err == nil {
			return nil
		}
		sv.unreserve()
		refused, hit = refuseTooMany, LimitAddressSessions
		if errors.Is(err, limit.ErrTooFast) {
			refused, hit = refuseTooFast, LimitAddressRate
		}
	}
	sv.hit(hit)
	if sv.opts.Refused != nil {
		sv.opts.Refused(r, hit)
	}
	return refused
}

// leave ends what enter began.
func (sv *Server) leave(address string) {
	sv.opts.Addresses.Leave(address)
	sv.unreserve()
}

func (sv *Server) reserve() bool {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	if sv.reserved >= sv.opts.MaxSessions {
		return false
	}
	sv.reserved++
	return true
}

func (sv *Server) unreserve() {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	sv.reserved--
}
