package socketio

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/crier/crier/server/engineio"
)

// A pid is what a client shows to have its socket back: the socket's id, which others may know, and a secret of
// the same length. Each is 144 random bits.
const (
	idBytes = 18
	idText  = idBytes / 3 * 4
	pidText = 2 * idText
)

func newPID() string {
	var b [2 * idBytes]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// identify gives a new socket its id and, if it can be recovered, its pid.
func (s *seat) identify(namespace string, recoverable bool) {
	switch {
	case s.session.Version() == 3:
		s.id = oldSocketID(s.session, namespace)
	case !recoverable:
		s.id = newPID()[:idText]
	default:
		s.pid = newPID()
		s.id = s.pid[:idText]
	}
}

// oldSocketID returns the id of the socket of a client on EIO 3. They are told none and take that of their
// session, so theirs must not be shown to others: whoever knows it can speak for them.
func oldSocketID(session *engineio.Session, namespace string) string {
	if namespace == "/" {
		return session.ID()
	}
	return namespace + "#" + session.ID()
}

// connectAnswerRest is how long what stands between the ids of a connectAnswer is, at most.
const connectAnswerRest = len(`{"sid":"","pid":""}`)

// connectAnswer is what the CONNECT packet to the client says.
func (s *seat) connectAnswer() (data []byte) {
	if s.session.Version() == 3 {
		return nil
	}
	data = append(append(make([]byte, 0, len(s.id)+len(s.pid)+connectAnswerRest), `{"sid":"`...), s.id...)
	if s.pid != "" {
		data = append(append(data, `","pid":"`...), s.pid...)
	}
	return append(data, `"}`...)
}
