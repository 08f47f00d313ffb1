package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/crier/crier/server/internal/limit"
)

// Errors of a Session.
var (
	// ErrClosed says that the session has ended or is ending.
	ErrClosed = errors.New("engineio: the session is closed")
	// ErrSlowConsumer says that the session's queue is full: the session is about to end.
	ErrSlowConsumer = errors.New("engineio: the client takes its messages too slowly")
)

// What Addresses.Enter returns for an address that may not open another session.
var (
	ErrAddressSessions = limit.ErrTooMany // it has as many as it may
	ErrAddressRate     = limit.ErrTooFast // it opens them too fast
)

// A refusal is the answer to a request that can't be served. Codes and messages are the reference server's
// (engine.io, lib/server.ts, errors and errorMessages).
type refusal struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
	retry   int    // after how many seconds it may be tried again; 0: not as it is
	Reason  string `json:"reason,omitempty"` // why an origin is refused (package origin)
}

var (
	refuseTransport = &refusal{http.StatusBadRequest, 0, "Transport unknown", 0, ""}
	refuseSession   = &refusal{http.StatusBadRequest, 1, "Session ID unknown", 0, ""}
	refuseMethod    = &refusal{http.StatusBadRequest, 2, "Bad handshake method", 0, ""}
	refuseRequest   = &refusal{http.StatusBadRequest, 3, "Bad request", 0, ""}
	refuseForbidden = &refusal{http.StatusForbidden, 4, "Forbidden", 0, ""}
	refuseProtocol  = &refusal{http.StatusBadRequest, 5, "Unsupported protocol version", 0, ""}
	refusePackets   = &refusal{http.StatusBadRequest, 3, "Too many packets in one payload", 0, ""}
	refuseTooSlow   = &refusal{http.StatusRequestTimeout, 3, "Payload too slow", 0, ""}
	refuseTooLarge  = &refusal{http.StatusRequestEntityTooLarge, 3, "Payload too large", 0, ""}
	refuseInternal  = &refusal{http.StatusInternalServerError, 3, "Internal error", 0, ""}
	refuseDraining  = &refusal{http.StatusServiceUnavailable, 4, "Server shutting down", retrySoon, ""}
)

// How long a client that is turned away should wait, in seconds: what a rate brings back is there after one, and some
// of an address's sessions, or of all, may have ended after ten.
const (
	retrySoon  = 1
	retryLater = 10
)

var (
	refuseFull    = &refusal{http.StatusServiceUnavailable, refuseForbidden.Code, "Too many sessions", retryLater, ""}
	refuseTooMany = &refusal{http.StatusTooManyRequests, 4, "Too many sessions from this address", retryLater, ""}
	refuseTooFast = &refusal{http.StatusTooManyRequests, 4, "Too many new sessions from this address", retrySoon, ""}

	refuseTooFastPackets = &refusal{http.StatusTooManyRequests, 3, "Too many packets", 0, ""}
)

func (e *refusal) Error() string { return e.Message }

func (e *refusal) write(w http.ResponseWriter) {
	body, err := json.Marshal(e)
	if err != nil {
		panic(err) // a struct of a number and a string
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(e.retry))
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // the client is gone: nothing is left to tell it
}

// errTransport is what breaks the rules of a transport; all else that a client sends wrong is a packet that can't be
// read.
var errTransport = errors.New("transport error")

// Why sessions fail, for the log and for the client.
var (
	errPollOverlap = fmt.Errorf("%w: a second poll while one was waiting", errTransport)
	errPostOverlap = fmt.Errorf("%w: a second POST while one was being read", errTransport)
	errLost        = fmt.Errorf("%w: the connection of a request was lost", errTransport)
	errHeartbeat   = fmt.Errorf("%w: a heartbeat from the wrong side", errTransport)
	errBinaryPost  = fmt.Errorf("%w: a binary body, which Engine.IO 4 does not have", errTransport)
	errTooSlow     = fmt.Errorf("%w: a body that was not complete in time", errTransport)
	errTooLarge    = fmt.Errorf("%w: a body over the limit", errTransport)
	errUpgraded    = fmt.Errorf("%w: a request for long-polling after the upgrade", errTransport)
	errPacketRate  = fmt.Errorf("%w: too many packets", errTransport)
	errIgnored     = fmt.Errorf("%w: too much sent after the server's good-bye", errTransport)
	errPanicked    = errors.New("the handler panicked")
	errPeerClosed  = errors.New("the client closed the session")
	errSlowPoll    = errors.New("the client did not read the answer to its poll")
)
