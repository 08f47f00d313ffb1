package websocket

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// CloseGrace is how long a connection should stay open after a close frame that the peer has yet to answer.
const CloseGrace = 2 * time.Second

// A CloseCode says why a connection ends (RFC 6455 section 7.4, and IANA's registry of WebSocket close codes).
// 3000 to 3999 are for libraries and 4000 to 4999 for applications.
type CloseCode uint16

// The close codes that have a meaning of their own.
const (
	CloseNormal             CloseCode = 1000 // the purpose of the connection is fulfilled
	CloseGoingAway          CloseCode = 1001 // the server stops, or the page is left
	CloseProtocolError      CloseCode = 1002 // the peer broke the protocol
	CloseUnsupported        CloseCode = 1003 // a kind of data that the endpoint does not take
	CloseNoStatus           CloseCode = 1005 // never sent: the peer's close frame had no code
	CloseAbnormal           CloseCode = 1006 // never sent: the connection ended without a close frame
	CloseInvalidPayload     CloseCode = 1007 // data that is not what it says it is, such as text that is not UTF-8
	ClosePolicyViolation    CloseCode = 1008 // against the endpoint's rules, where no other code fits
	CloseTooBig             CloseCode = 1009 // a message larger than the endpoint takes
	CloseMandatoryExtension CloseCode = 1010 // sent by clients only: the server refused an extension they need
	CloseInternalError      CloseCode = 1011 // the endpoint met something it did not expect
	CloseServiceRestart     CloseCode = 1012 // come back, at a moment of your own choosing
	CloseTryAgainLater      CloseCode = 1013 // the server is too busy
	CloseBadGateway         CloseCode = 1014 // the server behind a gateway gave no proper answer
	CloseTLSHandshake       CloseCode = 1015 // never sent: TLS failed
)

var closeMeanings = map[CloseCode]string{
	CloseNormal:             "normal closure",
	CloseGoingAway:          "going away",
	CloseProtocolError:      "protocol error",
	CloseUnsupported:        "unsupported data",
	CloseNoStatus:           "no status received",
	CloseAbnormal:           "abnormal closure",
	CloseInvalidPayload:     "invalid payload",
	ClosePolicyViolation:    "policy violation",
	CloseTooBig:             "message too big",
	CloseMandatoryExtension: "mandatory extension missing",
	CloseInternalError:      "internal error",
	CloseServiceRestart:     "service restart",
	CloseTryAgainLater:      "try again later",
	CloseBadGateway:         "bad gateway",
	CloseTLSHandshake:       "TLS handshake failed",
}

// String returns the number and, if it has one, the meaning: "1009 (message too big)".
func (c CloseCode) String() string {
	number := strconv.Itoa(int(c))
	if meaning, ok := closeMeanings[c]; ok {
		return number + " (" + meaning + ")"
	}
	return number
}

// ValidReceived says whether a peer may send c in a close frame.
//
// ws.CheckCloseFrameData does not know the codes that were registered after the RFC (1012 to 1014), which proxies and
// servers do send, and lets pass those above 4999, which nobody may.
func (c CloseCode) ValidReceived() bool {
	switch c {
	case 1004, CloseNoStatus, CloseAbnormal:
		return false
	}
	return c >= CloseNormal && c <= CloseBadGateway || c >= 3000 && c <= 4999
}

// A CloseError is how Read ends when the peer sent a close frame.
type CloseError struct {
	Code   CloseCode // CloseNoStatus if the frame had none
	Reason string    // valid UTF-8, at most 123 bytes
}

// Error implements error.
func (e *CloseError) Error() string {
	if e.Reason == "" {
		return "websocket: closed by the peer: " + e.Code.String()
	}
	return fmt.Sprintf("websocket: closed by the peer: %v: %q", e.Code, e.Reason)
}

// A ProtocolError is how Read ends when the peer broke a rule or a limit. The connection is of no more use; Code is
// what the close frame to the peer should say.
type ProtocolError struct {
	Code    CloseCode
	Message string // what was wrong, without any of the peer's bytes
	Limit   Limit  // which limit the peer broke; empty for a rule of the protocol
}

// Error implements error.
func (e *ProtocolError) Error() string {
	return "websocket: " + e.Message + ": " + e.Code.String()
}

// parseClose turns the payload of a close frame into the error that Read ends with (RFC 6455 section 5.5.1).
func parseClose(payload []byte) error {
	switch len(payload) {
	case 0:
		return &CloseError{Code: CloseNoStatus}
	case 1:
		return &ProtocolError{Code: CloseProtocolError, Message: "a close frame with half a code"}
	}
	code := CloseCode(binary.BigEndian.Uint16(payload))
	if !code.ValidReceived() {
		return &ProtocolError{Code: CloseProtocolError, Message: "a close frame with a code that may not be sent"}
	}
	if !utf8.Valid(payload[2:]) {
		return &ProtocolError{Code: CloseInvalidPayload, Message: "a close frame whose reason is not UTF-8"}
	}
	return &CloseError{Code: code, Reason: string(payload[2:])}
}

// maxReason is what a control frame's payload leaves for the reason behind the two bytes of the code.
const maxReason = maxControl - 2

// AppendClose appends a close frame to dst. A reason of more than 123 bytes is cut, between two characters; what is not
// UTF-8 in it is replaced. A code that must not be sent (0, 1005, 1006, 1015) gives a frame without code and reason.
func AppendClose(dst []byte, code CloseCode, reason string) []byte {
	switch code {
	case 0, CloseNoStatus, CloseAbnormal, CloseTLSHandshake:
		return AppendFrameHeader(dst, OpClose, 0)
	}
	reason = cutReason(strings.ToValidUTF8(reason, "\uFFFD"))
	dst = AppendFrameHeader(dst, OpClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

func cutReason(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	end := maxReason
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}
