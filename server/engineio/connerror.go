package engineio

import "net/http"

// A ConnectionError tells of a request that was refused.
type ConnectionError struct {
	Request *http.Request
	Status  int    // of the answer
	Code    int    // see CodeUnknownTransport
	Message string // what the client is told
}

// Codes of refused requests, as clients get them: those of the reference server.
const (
	CodeUnknownTransport   = 0
	CodeUnknownSession     = 1 // the session has ended, or is on another server
	CodeBadHandshakeMethod = 2
	CodeBadRequest         = 3 // also one that is too large or too slow
	CodeForbidden          = 4 // by origin, Options.Allow or a limit, or because the server is draining
	CodeUnsupportedVersion = 5 // Engine.IO 3, where it is not served
)
