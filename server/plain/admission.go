package plain

import (
	"errors"
	"net/http"
	"strings"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/websocket"
)

// isUpgrade says whether a request asks for a WebSocket. Only these count for their address.
func isUpgrade(r *http.Request) bool {
	for _, field := range r.Header.Values("Upgrade") {
		for protocol := range strings.SplitSeq(field, ",") {
			if strings.EqualFold(strings.TrimSpace(protocol), "websocket") {
				return true
			}
		}
	}
	return false
}

// admit counts a client for its address, and says why it is not to be let in. Who comes too fast is not even told
// after a handshake, which would cost more than what it is refused: it is answered with status 429, and ok is false.
func (c *client) admit(w http.ResponseWriter, r *http.Request) (refusal *ending, ok bool) {
	sv := c.server
	err := sv.opts.Addresses.Enter(c.address)
	c.entered = err == nil
	switch {
	case errors.Is(err, limit.ErrTooFast):
		sv.refuse(r, LimitAddressRate)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many new connections from this address.", http.StatusTooManyRequests)
		return nil, false
	case err != nil:
		sv.refuse(r, LimitAddressClients)
		refusal = endTooManyHere
	default:
		if why := sv.opts.RefuseOrigin(r); why != "" {
			refusal = &ending{websocket.ClosePolicyViolation, why}
		}
	}
	if sv.opts.Account != nil {
		c.account = sv.opts.Account(c.address)
	}
	return refusal, true
}

// release ends what admit began.
func (c *client) release() {
	if c.entered {
		c.server.opts.Addresses.Leave(c.address)
	}
	if c.account != nil {
		c.account.Left(c)
	}
}

func (sv *Server) refuse(r *http.Request, l Limit) {
	sv.hit(l)
	if sv.opts.Refused != nil {
		sv.opts.Refused(r, l)
	}
}
