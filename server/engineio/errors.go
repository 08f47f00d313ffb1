package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Errors of a Session.
var (
	// ErrClosed says that the session has ended or is ending.
	ErrClosed = errors.New("engineio: the session is closed")
	// ErrSlowConsumer says that the session's queue is full: the session is about to end.
	ErrSlowConsumer = errors.New("engineio: the client takes its messages too slowly")
)

// A refusal is the answer to a request that can't be served. Codes and messages are the reference server's
// (engine.io, lib/server.ts, errors and errorMessages).
type refusal struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
}

var (
	refuseTransport = &refusal{http.StatusBadRequest, 0, "Transport unknown"}
	refuseSession   = &refusal{http.StatusBadRequest, 1, "Session ID unknown"}
	refuseMethod    = &refusal{http.StatusBadRequest, 2, "Bad handshake method"}
	refuseRequest   = &refusal{http.StatusBadRequest, 3, "Bad request"}
	refuseForbidden = &refusal{http.StatusForbidden, 4, "Forbidden"}
	refuseProtocol  = &refusal{http.StatusBadRequest, 5, "Unsupported protocol version"}
	refuseTooLarge  = &refusal{http.StatusRequestEntityTooLarge, 3, "Payload too large"}
	refuseDraining  = &refusal{http.StatusServiceUnavailable, 4, "Server shutting down"}
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
	if e.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // the client is gone: nothing is left to tell it
}

// errTransport is what breaks the rules of a transport; all else that a client sends wrong is a packet that can't be read.
var errTransport = errors.New("transport error")

// Why sessions fail, for the log and for the client.
var (
	errPollOverlap = fmt.Errorf("%w: a second poll while one was waiting", errTransport)
	errPostOverlap = fmt.Errorf("%w: a second POST while one was being read", errTransport)
	errLost        = fmt.Errorf("%w: the connection of a request was lost", errTransport)
	errHeartbeat   = fmt.Errorf("%w: a heartbeat from the wrong side", errTransport)
	errBinaryPost  = fmt.Errorf("%w: a binary body, which Engine.IO 4 does not have", errTransport)
	errTooLarge    = fmt.Errorf("%w: a body over the limit", errTransport)
	errUpgraded    = fmt.Errorf("%w: a request for long-polling after the upgrade", errTransport)
	errPeerClosed  = errors.New("the client closed the session")
	errSlowPoll    = errors.New("the client did not read the answer to its poll")
)
