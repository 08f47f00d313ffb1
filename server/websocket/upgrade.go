package websocket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// UpgradeOptions say what the server offers to a client. The zero value is a plain connection with default limits.
type UpgradeOptions struct {
	// Subprotocols are those the server speaks. The first in the client's order of preference that is among them is
	// chosen. Without a common one the connection has none, and a browser that asked for one ends it.
	Subprotocols []string

	// AnySubprotocol chooses the client's first, whatever it is, for a server to which it says nothing: a client that
	// has asked for one and gets none ends the connection. Subprotocols are not looked at then.
	AnySubprotocol bool

	// Header is added to the answer that accepts. The handshake's own fields in it are ignored. What has been set on
	// the http.ResponseWriter is not sent: net/http does not write this answer.
	Header http.Header

	// Compression accepts permessage-deflate from clients that offer it.
	Compression bool

	// Limits bound what the client may send.
	Limits ReadLimits

	// Defer has the answer wait for the first TryWrite or Write, which takes it along: a server that has something to
	// say at once then says both in one write, and can make the client known before that one hears of it. A
	// connection that is closed before is not answered at all. NewConn ignores it.
	Defer bool
}

// A HandshakeError says why Upgrade refused a request.
type HandshakeError struct {
	Status  int    // of the HTTP answer that was given
	Message string // its text
}

// Error implements error.
func (e *HandshakeError) Error() string { return "websocket: handshake refused: " + e.Message }

// handshakeTimeout bounds the writing of the answer: some 200 bytes into a connection that has sent nothing yet, which
// waits only where TLS or a listener of the user's own is in between.
const handshakeTimeout = 10 * time.Second

// Upgrade makes a request a WebSocket connection (RFC 6455 section 4.2). When it returns an error the client has been
// answered, or is gone, and there is nothing left to do; a *HandshakeError means that the request was at fault.
//
// Whether the page's origin may connect is the caller's to check, before.
//
// ws.HTTPUpgrader was not fit for it: it takes the connection over before it checks the request, so that a refusal
// passes by the middleware, reads only the first of several Connection fields, takes any 24 bytes for a key, refuses
// the whole request for an offer of compression that should only be declined, and hands back the buffers of net/http.
func Upgrade(w http.ResponseWriter, r *http.Request, o UpgradeOptions) (*Conn, error) {
	key, refusal := checkHandshake(r)
	if refusal != nil {
		refusal.answer(w)
		return nil, refusal
	}
	subprotocol := o.subprotocol(r.Header["Sec-Websocket-Protocol"])
	var extension string
	if o.Compression {
		extension = acceptDeflate(r.Header["Sec-Websocket-Extensions"])
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "This server cannot open a WebSocket here.", http.StatusInternalServerError)
		return nil, fmt.Errorf("websocket: taking over the connection: %w", err)
	}
	o.Compression = extension != ""
	c := NewConn(nc, o)
	c.subprotocol = subprotocol
	answer := acceptance(key, subprotocol, extension, o.Header)
	c.answer = &answer
	c.early = unread(rw)
	if err := c.begin(o.Defer); err != nil {
		nc.Close()
		return nil, fmt.Errorf("websocket: answering the handshake: %w", err)
	}
	return c, nil
}

// begin answers the handshake, or leaves that to the first write. It takes away whatever deadline net/http has left.
func (c *Conn) begin(deferred bool) error {
	if !deferred {
		if _, err := c.Write(nil, time.Now().Add(handshakeTimeout)); err != nil {
			return err
		}
	}
	return c.nc.SetDeadline(time.Time{})
}

// checkHandshake returns the client's key, or why the request cannot become a WebSocket.
func checkHandshake(r *http.Request) (key string, refusal *HandshakeError) {
	switch {
	case r.Method != http.MethodGet:
		return "", &HandshakeError{http.StatusMethodNotAllowed, "A WebSocket begins with a GET request."}
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return "", &HandshakeError{http.StatusHTTPVersionNotSupported, "A WebSocket begins with an HTTP/1.1 request."}
	case !hasToken(r.Header["Upgrade"], "websocket"):
		return "", &HandshakeError{http.StatusUpgradeRequired, "This address speaks WebSocket: the Upgrade header " +
			"does not ask for it. A proxy in between may have removed it."}
	case !hasToken(r.Header["Connection"], "upgrade"):
		return "", &HandshakeError{http.StatusUpgradeRequired, "This address speaks WebSocket: the Connection header " +
			"does not say Upgrade. A proxy in between may have changed it."}
	case !isSingle(r.Header["Sec-Websocket-Version"], "13"):
		return "", &HandshakeError{http.StatusUpgradeRequired,
			"This server speaks version 13 of the WebSocket protocol."}
	case !isEmpty(r):
		// Its bytes would be taken for frames.
		return "", &HandshakeError{http.StatusBadRequest, "A request for a WebSocket has no body."}
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 || !isKey(keys[0]) {
		return "", &HandshakeError{http.StatusBadRequest, "The Sec-WebSocket-Key header is not 16 bytes in base64."}
	}
	return keys[0], nil
}

// isEmpty says whether a request has no body, or one without bytes: proxies pass on a GET with an empty body in chunks,
// of which only its end tells that it is empty. Reading it is bounded by the deadlines of the HTTP server.
func isEmpty(r *http.Request) bool {
	if r.ContentLength >= 0 {
		return r.ContentLength == 0
	}
	n, err := r.Body.Read(make([]byte, 1))
	return n == 0 && err == io.EOF
}

func (e *HandshakeError) answer(w http.ResponseWriter) {
	h := w.Header()
	switch e.Status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		// RFC 9110 section 15.5.22 wants the first two, RFC 6455 section 4.4 the third.
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, e.Message, e.Status)
}

// hasToken says whether the comma-separated lists in values have token, in any case of letters.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(trim(item), token) {
				return true
			}
		}
	}
	return false
}

func isSingle(values []string, want string) bool {
	return len(values) == 1 && trim(values[0]) == want
}

func isKey(key string) bool {
	var raw [18]byte // what 24 characters decode to at most
	if len(key) != base64.StdEncoding.EncodedLen(16) {
		return false
	}
	n, err := base64.StdEncoding.Decode(raw[:], []byte(key))
	return err == nil && n == 16
}

// subprotocol chooses one of those that the client asked for, in time proportional to the length of its list.
func (o *UpgradeOptions) subprotocol(asked []string) string {
	if len(o.Subprotocols) == 0 && !o.AnySubprotocol {
		return ""
	}
	for _, v := range asked {
		for item := range strings.SplitSeq(v, ",") {
			item = trim(item)
			if o.AnySubprotocol && isToken(item) || item != "" && slices.Contains(o.Subprotocols, item) {
				return item
			}
		}
	}
	return ""
}

// appendAccept appends the proof that the server has read the key (RFC 6455 section 4.2.2).
func appendAccept(dst []byte, key string) []byte {
	var joined [24 + 36]byte
	copy(joined[copy(joined[:], key):], "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
	sum := sha1.Sum(joined[:])
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// handshakeFields are those of the answer that are not the caller's to set.
var handshakeFields = map[string]bool{
	"Upgrade":                  true,
	"Connection":               true,
	"Sec-Websocket-Accept":     true,
	"Sec-Websocket-Protocol":   true,
	"Sec-Websocket-Extensions": true,
}

// acceptance returns the answer that accepts.
func acceptance(key, subprotocol, extension string, header http.Header) []byte {
	b := make(appender, 0, 256)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"...)
	b = append(b, "Sec-WebSocket-Accept: "...)
	b = append(appendAccept(b, key), "\r\n"...)
	if subprotocol != "" {
		b = append(append(append(b, "Sec-WebSocket-Protocol: "...), subprotocol...), "\r\n"...)
	}
	if extension != "" {
		b = append(append(append(b, "Sec-WebSocket-Extensions: "...), extension...), "\r\n"...)
	}
	if len(header) > 0 {
		header.WriteSubset(&b, handshakeFields) // makes line breaks in values harmless
	}
	return append(b, "\r\n"...)
}

// An appender is memory that net/http can write to.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// WriteString spares http.Header.WriteSubset a wrapper.
func (a *appender) WriteString(s string) (int, error) {
	*a = append(*a, s...)
	return len(s), nil
}

// unread copies what net/http has read behind the request (a client may send frames before it has the answer), so that
// its buffers of 4 KiB each can go.
func unread(rw *bufio.ReadWriter) []byte {
	if rw == nil || rw.Reader == nil || rw.Reader.Buffered() == 0 {
		return nil
	}
	b, _ := rw.Reader.Peek(rw.Reader.Buffered())
	return slices.Clone(b)
}
